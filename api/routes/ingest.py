"""Where monitoring systems send to: bare ASGI endpoints, one table row per wire format, no pydantic bodies.

A 2xx means that the input is on disk. What is bad in a batch is named by JSON pointer and kept as a dead letter; what
is good beside it is accepted all the same. Under overload, and when the disk cannot be written, the answer is 503 with
Retry-After, which every one of these senders retries.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.errors import Fault, Problem, invalid, overloaded
from api.routes import otlp
from api.settings import Limits
from engine import failpoints
from engine.errors import StoreUnavailable
from engine.ports import Decode, Decoded, Record
from ingest.encoding import EncodingError, inflate

SOURCE = "http"
OFF_LOOP = 256 * 1024
"""Bodies above this many bytes are decoded in a thread, so that small requests need not wait behind them."""

_JSON = ("application/json",)
_PROTOBUF = ("application/x-protobuf",)


class Answers(NamedTuple):
    """How a format says yes, and how it says no."""

    accepted: Callable[[int], Response]
    partly: Callable[[Decoded], Response]
    problem: Callable[[Problem], Response] = Problem.response


class Row(NamedTuple):
    """One ingest endpoint. ``identity`` bodies are stored as sent: their encoding is part of the format."""

    path: str
    format: str
    types: Sequence[str]
    answers: Answers
    summary: str
    identity: bool = False


def _counted(count: int) -> Response:
    return Response(b'{"accepted":%d}' % count, media_type="application/json")


def _partly(decoded: Decoded) -> Response:
    accepted, rejected = len(decoded.signals), len(decoded.rejects)
    faults = [Fault(reject.pointer, reject.reason) for reject in decoded.rejects]
    detail = f"{accepted} accepted and durable, {rejected} rejected; do not send the accepted ones again."
    if not accepted:
        detail = "Nothing in this request could be used; it is kept as a dead letter."
    return invalid(detail, faults, accepted=accepted).response()


_EMPTY_200 = Answers(lambda _: Response(), _partly)
_EMPTY_204 = Answers(lambda _: Response(status_code=204), _partly)
_COUNTED = Answers(_counted, _partly)


def _otlp(signal: str) -> Answers:
    return Answers(
        lambda _: otlp.success(signal), lambda decoded: otlp.partial(signal, decoded), otlp.problem
    )


ROWS: tuple[Row, ...] = (
    Row("/api/v2/alerts", "alertmanager-v2", _JSON, _EMPTY_200, "Alerts, as Prometheus sends them to an Alertmanager"),
    Row("/api/v1/webhook/alertmanager", "alertmanager-webhook", _JSON, _EMPTY_200, "Alertmanager's webhook, version 4"),
    Row("/api/v1/write", "remote-write", _PROTOBUF, _EMPTY_204, "Samples: Prometheus remote_write 1.0", identity=True),
    Row("/v1/logs", "otlp-logs", _PROTOBUF, _otlp("logs"), "Logs: OTLP/HTTP, protobuf"),
    Row("/v1/metrics", "otlp-metrics", _PROTOBUF, _otlp("metrics"), "Metrics: OTLP/HTTP, protobuf"),
    Row("/v1/traces", "otlp-traces", _PROTOBUF, _otlp("traces"), "Spans: OTLP/HTTP, protobuf"),
    Row(
        "/api/v1/signals", "json", (*_JSON, "application/x-ndjson", "application/jsonl"), _COUNTED,
        "Alerts, samples, logs, spans, changes and heartbeats as plain JSON: an object, an array or a line each",
    ),
)
"""Every ingest endpoint."""


class Endpoint:
    """One row as an ASGI application."""

    def __init__(self, row: Row, decode: Decode, accept: Callable[[Record], Awaitable[None]], limits: Limits) -> None:
        self.row = row
        self._decode = decode
        self._accept = accept
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = await self._serve(scope, receive)
        except Problem as problem:
            response = self.row.answers.problem(problem)
        await response(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive) -> Response:
        if scope["method"] != "POST":
            raise Problem(405, "method-not-allowed", f"{self.row.path} takes POST.", headers={"Allow": "POST"})
        headers = Headers(scope=scope)
        self._check_type(headers.get("content-type", ""))
        body = self._plain(await self._read(headers, receive), headers.get("content-encoding", ""))
        failpoints.reach("http.after_read")
        record = Record(SOURCE, self.row.format, body)
        if len(body) > OFF_LOOP:
            decoded = await asyncio.to_thread(self._decode, record.format, body)
        else:
            decoded = self._decode(record.format, body)
        if decoded.signals or decoded.rejects:
            record.decoded = decoded
            await self._store(record)
        return self.row.answers.partly(decoded) if decoded.rejects else self.row.answers.accepted(len(decoded.signals))

    def _check_type(self, given: str) -> None:
        media, _, parameters = given.partition(";")
        wanted = " or ".join(self.row.types)
        if media.strip().lower() not in self.row.types:
            raise Problem(415, "unsupported-media-type", f"Content-Type must be {wanted}, not {given[:100]!r}.")
        name, _, value = parameters.strip().partition("=")
        if name == "proto" and value.strip() not in ("", "prometheus.WriteRequest"):
            detail = f"Only remote_write 1.0 (prometheus.WriteRequest) is taken, not {value[:100]!r}."
            raise Problem(415, "unsupported-media-type", detail)

    async def _read(self, headers: Headers, receive: Receive) -> bytes:
        limit = self._limits.body
        declared = headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > limit:
            raise _too_large(limit)
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Problem(400, "incomplete-request", "The connection ended before the body did.")
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > limit:
                raise _too_large(limit)
            chunks.append(chunk)
            if not message.get("more_body", False):
                return b"".join(chunks)

    def _plain(self, body: bytes, encoding: str) -> bytes:
        if self.row.identity or encoding.strip().lower() in ("", "identity"):
            return body
        try:
            return inflate(body, encoding, self._limits.inflated)
        except EncodingError as error:
            raise Problem(error.status, "bad-content-encoding", str(error)) from None

    async def _store(self, record: Record) -> None:
        try:
            await self._accept(record)
        except TimeoutError:
            raise overloaded(f"The input could not be stored within {self._limits.wait:g} s.") from None
        except StoreUnavailable as error:
            raise overloaded(str(error)) from None


def _too_large(limit: int) -> Problem:
    detail = f"The body is larger than {limit} bytes (limits.body); send smaller batches."
    return Problem(413, "content-too-large", detail, headers={"Connection": "close"})
