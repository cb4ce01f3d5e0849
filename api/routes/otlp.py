"""How OTLP/HTTP answers: protobuf, with partial success (https://opentelemetry.io/docs/specs/otlp/#otlphttp-response)."""

from __future__ import annotations

import msgspec
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from starlette.responses import Response

from api.errors import Fault, Problem, invalid
from engine.ports import Decoded

MEDIA_TYPE = "application/x-protobuf"

_RESPONSES = {
    "logs": (ExportLogsServiceResponse, "rejected_log_records"),
    "metrics": (ExportMetricsServiceResponse, "rejected_data_points"),
    "traces": (ExportTraceServiceResponse, "rejected_spans"),
}
_INVALID_ARGUMENT, _UNAVAILABLE = 3, 14
"""Codes of google.rpc.Status."""


def success(signal: str) -> Response:
    """All of it was accepted."""
    return Response(_RESPONSES[signal][0]().SerializeToString(), media_type=MEDIA_TYPE)


def partial(signal: str, decoded: Decoded) -> Response:
    """Some of it was rejected: 200 with the number, so that the sender does not send the rest again.

    A body of which nothing could be used is the sender's error: 400, not to be retried.
    """
    reasons = _reasons(decoded)
    if not decoded.signals:
        faults = [Fault(reject.pointer, reject.reason) for reject in decoded.rejects]
        return problem(invalid(reasons, faults))
    kind, field = _RESPONSES[signal]
    answer = kind()
    setattr(answer.partial_success, field, len(decoded.rejects))
    answer.partial_success.error_message = reasons
    return Response(answer.SerializeToString(), media_type=MEDIA_TYPE)


def success_json() -> Response:
    """All of it was accepted, for a sender of JSON."""
    return Response(b"{}", media_type="application/json")


def partial_json(signal: str, decoded: Decoded) -> Response:
    """The same as `partial`, for a sender of JSON: lowerCamelCase, 64-bit numbers as strings."""
    reasons = _reasons(decoded)
    if not decoded.signals:
        return invalid(reasons, [Fault(reject.pointer, reject.reason) for reject in decoded.rejects]).response()
    head, *rest = _RESPONSES[signal][1].split("_")
    name = head + "".join(map(str.capitalize, rest))
    content = {"partialSuccess": {name: str(len(decoded.rejects)), "errorMessage": reasons}}
    return Response(msgspec.json.encode(content), media_type="application/json")


def _reasons(decoded: Decoded) -> str:
    return "; ".join(f"{reject.pointer or '/'}: {reject.reason}" for reject in decoded.rejects[:10])[:4000]


def problem(error: Problem) -> Response:
    """An error as google.rpc.Status, which OTLP asks for: code in field 1, message in field 2."""
    text = error.detail.encode()[:4000]
    code = _UNAVAILABLE if error.status >= 500 else _INVALID_ARGUMENT
    content = bytes((0x08, code, 0x12)) + _varint(len(text)) + text
    return Response(content, error.status, dict(error.headers), media_type=MEDIA_TYPE)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
