"""Where monitoring systems send to: bare ASGI endpoints, one table row per wire format, no pydantic bodies.

A 2xx means that the input is on disk. What is bad in a batch is named by JSON pointer and kept as a dead letter; what
is good beside it is accepted all the same. Under overload, and when the disk cannot be written, the answer is 503 with
Retry-After, which every one of these senders retries.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.auth.bodies import whole
from api.errors import Fault, Problem, invalid, overloaded
from api.routes import otlp
from api.settings import Limits
from engine import failpoints
from engine.errors import StoreUnavailable
from engine.ports import Decode, Decoded, Record
from ingest.encoding import undo
from ingest.errors import BadEncoding, Overloaded, TooLarge

SOURCE = "http"
OFF_LOOP = 256 * 1024
"""Bodies above this many bytes are decoded in a thread, so that small requests need not wait behind them."""

JSON = "application/json"
PROTOBUF = "application/x-protobuf"


class Answers(NamedTuple):
    """How a format says yes, and how it says no. ``busy``: the status when too much is sent: monitoring systems send
    again after a 503; who writes a client of our own format is told 429."""

    accepted: Callable[[int], Response]
    partly: Callable[[Decoded], Response]
    problem: Callable[[Problem], Response] = Problem.response
    busy: int = 503


class Kind(NamedTuple):
    """What a content type means at a path: the decoder's format, and how to answer."""

    format: str
    answers: Answers


class Row(NamedTuple):
    """One ingest endpoint. ``identity`` bodies are stored as sent: their encoding is part of the format."""

    path: str
    kinds: Mapping[str, Kind]
    summary: str
    identity: bool = False

    @property
    def name(self) -> str:
        """The endpoint's name in OpenAPI."""
        return next(iter(self.kinds.values())).format


def _counted(count: int) -> Response:
    return Response(b'{"accepted":%d}' % count, media_type=JSON)


def _partly(decoded: Decoded) -> Response:
    accepted, rejected = len(decoded.signals), len(decoded.rejects)
    faults = [Fault(reject.pointer, reject.reason) for reject in decoded.rejects]
    detail = f"{accepted} accepted and durable, {rejected} rejected; do not send the accepted ones again."
    if not accepted:
        detail = "Nothing in this request could be used; it is kept as a dead letter."
    return invalid(detail, faults, {"accepted": accepted}).response()


_OK, _NO_CONTENT = Response(), Response(status_code=204)  # without a body or state: made once
_EMPTY_200 = Answers(lambda _: _OK, _partly)
_EMPTY_204 = Answers(lambda _: _NO_CONTENT, _partly)
_COUNTED = Kind("json", Answers(_counted, _partly, busy=429))


def _otlp(signal: str) -> dict[str, Kind]:
    """OTLP answers in the content type of the request."""
    return {
        PROTOBUF: Kind(
            f"otlp-{signal}",
            Answers(lambda _: otlp.success(signal), lambda decoded: otlp.partial(signal, decoded), otlp.problem),
        ),
        JSON: Kind(
            f"otlp-{signal}-json",
            Answers(lambda _: otlp.success_json(), lambda decoded: otlp.partial_json(signal, decoded)),
        ),
    }


ROWS: tuple[Row, ...] = (
    Row("/api/v2/alerts", {JSON: Kind("alertmanager-v2", _EMPTY_200)}, "Alerts, as Prometheus sends an Alertmanager"),
    Row(
        "/api/v1/webhook/alertmanager",
        {JSON: Kind("alertmanager-webhook", _EMPTY_200)},
        "Alertmanager's webhook, version 4",
    ),
    Row("/api/v1/write", {PROTOBUF: Kind("remote-write", _EMPTY_204)}, "Samples: remote_write 1.0", identity=True),
    Row("/v1/logs", _otlp("logs"), "Logs: OTLP/HTTP"),
    Row("/v1/metrics", _otlp("metrics"), "Metrics: OTLP/HTTP"),
    Row("/v1/traces", _otlp("traces"), "Spans: OTLP/HTTP"),
    Row(
        "/api/v1/signals",
        dict.fromkeys((JSON, "application/x-ndjson", "application/jsonl"), _COUNTED),
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
        """Take one request."""
        headers = dict(scope["headers"])
        media, _, parameters = headers.get(b"content-type", b"").decode("latin-1").partition(";")
        kind = self.row.kinds.get(media.strip().lower())
        say_no = kind.answers.problem if kind else Problem.response
        try:
            if scope["method"] != "POST":
                raise Problem(405, "method-not-allowed", f"{self.row.path} takes POST.", headers={"Allow": "POST"})
            if kind is None:
                raise _unsupported(" or ".join(self.row.kinds), media)
            _check_proto(parameters)
            response = await self._serve(kind, headers, receive)
        except Problem as problem:
            response = say_no(problem)
        await response(scope, receive, send)

    async def _serve(self, kind: Kind, headers: Mapping[bytes, bytes], receive: Receive) -> Response:
        body = self._plain(await self._read(headers, receive), headers.get(b"content-encoding", b"").decode("latin-1"))
        failpoints.reach("http.after_read")
        if len(body) > OFF_LOOP:
            decoded = await asyncio.to_thread(self._decode, kind.format, body)
        else:
            decoded = self._decode(kind.format, body)
        if decoded.signals or decoded.rejects:
            await self._store(Record(SOURCE, kind.format, body, decoded=decoded), kind.answers.busy)
        return kind.answers.partly(decoded) if decoded.rejects else kind.answers.accepted(len(decoded.signals))

    async def _read(self, headers: Mapping[bytes, bytes], receive: Receive) -> bytes:
        limit = self._limits.body
        declared = headers.get(b"content-length", b"")
        if declared.isdigit() and int(declared) > limit:
            raise _too_large(limit)
        return await whole(receive, limit, _too_large)

    def _plain(self, body: bytes, encoding: str) -> bytes:
        if self.row.identity or encoding.strip().lower() in ("", "identity"):
            return body
        try:
            return undo(encoding, body, limit=self._limits.inflated)
        except TooLarge as error:
            raise Problem(413, "content-too-large", str(error)) from None
        except BadEncoding as error:
            raise Problem(400, "bad-content-encoding", str(error)) from None

    async def _store(self, record: Record, busy: int) -> None:
        try:
            await self._accept(record)
        except (TimeoutError, Overloaded, StoreUnavailable) as error:
            raise refusal(error, self._limits.wait, busy) from None


def refusal(error: Exception, wait: float, busy: int = 503) -> Problem:
    """Why an input is not known to be stored, for its sender to try again; ``wait`` in seconds. ``busy``: the status
    when too much was sent."""
    if isinstance(error, TimeoutError):
        return overloaded(f"The input could not be stored within {wait:g} s.")
    if isinstance(error, Overloaded):
        return overloaded(str(error), error.retry_after, busy if error.busy else 503)
    return overloaded(str(error))


def _unsupported(wanted: str, given: str) -> Problem:
    return Problem(415, "unsupported-media-type", f"Content-Type must be {wanted}, not {given[:100]!r}.")


def _check_proto(parameters: str) -> None:
    """remote_write names its message in the content type; 2.0 has another one."""
    name, _, value = parameters.strip().partition("=")
    if name == "proto" and value.strip() not in ("", "prometheus.WriteRequest"):
        raise _unsupported("remote_write 1.0 (proto=prometheus.WriteRequest)", value)


def _too_large(limit: int) -> Problem:
    detail = f"The body is larger than {limit} bytes (limits.body); send smaller batches."
    return Problem(413, "content-too-large", detail, headers={"Connection": "close"})
