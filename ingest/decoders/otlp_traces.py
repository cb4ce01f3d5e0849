"""OTLP traces: ``ExportTraceServiceRequest``, protobuf or JSON. A span failed when its status code is 2 (error).
Its kind is kept, and its start and duration in microseconds.

https://opentelemetry.io/docs/specs/otel/trace/api/#set-status
"""

from __future__ import annotations

from collections.abc import Iterator

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Message

from engine.ports import Decoded
from engine.signals import Labels, Span
from ingest import otlp_json, otlp_request
from ingest.errors import Mistake, Undecodable
from ingest.otlp_values import speaker
from ingest.timestamps import unix_nanos

_ERROR = 2
_KINDS = ("", "internal", "server", "client", "producer", "consumer")


def _signals(labels: Labels, span: Message) -> Iterator[Span]:
    mistakes: list[Mistake] = []
    if len(span.trace_id) != 16 or not any(span.trace_id):
        mistakes.append(("/traceId", "expected 16 bytes that are not all zero"))
    if len(span.span_id) != 8 or not any(span.span_id):
        mistakes.append(("/spanId", "expected 8 bytes that are not all zero"))
    if len(span.parent_span_id) not in (0, 8):
        mistakes.append(("/parentSpanId", "expected 8 bytes, or none at the root"))
    start, end = span.start_time_unix_nano, span.end_time_unix_nano
    times = [0, 0]
    for index, (key, nanos) in enumerate((("startTimeUnixNano", start), ("endTimeUnixNano", end))):
        try:
            times[index] = unix_nanos(nanos) or 0
        except Undecodable as error:
            mistakes.append((f"/{key}", error.mistakes[0][1]))
    if not 0 < start <= end:
        mistakes.append(("/endTimeUnixNano", "expected a start and an end that is not before it"))
    if mistakes:
        raise Undecodable(*mistakes)
    parent = span.parent_span_id.hex() if any(span.parent_span_id) else ""
    failed = span.status.code == _ERROR
    kind = _KINDS[span.kind] if 0 <= span.kind < len(_KINDS) else ""
    yield Span(
        labels,
        span.trace_id.hex(),
        span.span_id.hex(),
        parent,
        span.name,
        times[0],
        times[1],
        failed,
        kind,
        start // 1000,
        (end - start) // 1000,
    )


_SHAPE = otlp_request.Shape(
    ExportTraceServiceRequest,
    Message,
    ("resource_spans", "scope_spans", "spans"),
    ("resourceSpans", "scopeSpans", "spans"),
    speaker,
    _signals,
    hex_ids=("traceId", "spanId", "parentSpanId"),
)


def decode(body: bytes) -> Decoded:
    """Spans of a protobuf request, in its order."""
    return otlp_request.decode(body, _SHAPE)


def decode_json(body: bytes) -> Decoded:
    """Spans of a JSON request, in its order."""
    return otlp_json.decode(body, _SHAPE)
