"""OTLP logs: ``ExportLogsServiceRequest``, protobuf or JSON.

https://opentelemetry.io/docs/specs/otel/logs/data-model/ . The severity number decides the level, its text only where
there is no number. The body is the message; a body that is no string is written as JSON. A record without a time
has the time at which it was observed.
"""

from __future__ import annotations

from collections.abc import Iterator

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord as Message

from engine.ports import Decoded
from engine.signals import Labels, LogRecord
from ingest import otlp_json, otlp_request
from ingest.errors import Undecodable
from ingest.levels import NUMBERED, level
from ingest.limits import MAX_MESSAGE
from ingest.otlp_values import speaker, text
from ingest.timestamps import unix_nanos


def _signals(labels: Labels, record: Message) -> Iterator[LogRecord]:
    try:
        at = unix_nanos(record.time_unix_nano) or unix_nanos(record.observed_time_unix_nano)
    except Undecodable as error:
        raise Undecodable(("/timeUnixNano", error.mistakes[0][1])) from None
    number = record.severity_number
    word = NUMBERED[number] if 0 < number < len(NUMBERED) else level(record.severity_text)
    message = text(record.body) or record.event_name
    yield LogRecord(labels, at, word, message[:MAX_MESSAGE])


_SHAPE = otlp_request.Shape(
    ExportLogsServiceRequest,
    Message,
    ("resource_logs", "scope_logs", "log_records"),
    ("resourceLogs", "scopeLogs", "logRecords"),
    speaker,
    _signals,
    hex_ids=("traceId", "spanId"),
)


def decode(body: bytes) -> Decoded:
    """Log records of a protobuf request, in its order."""
    return otlp_request.decode(body, _SHAPE)


def decode_json(body: bytes) -> Decoded:
    """Log records of a JSON request, in its order."""
    return otlp_json.decode(body, _SHAPE)
