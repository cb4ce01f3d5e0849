"""The short way for plain ingest requests: from the HTTP parser to the decoder and the inbox, and back by one call.

A monitoring system that sends one alert per request should not pay for a task, two queues and a timer each time. What
is plain (a POST to an ingest endpoint with a known content type and length, nothing wrong with it) is answered here;
everything else goes on to the ASGI application as if this were not here, and so gets every answer that is not 2xx or
503 from `api.routes.ingest`. Both ways decode, store and answer alike.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from starlette.responses import Response
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from api.auth.guard import Guard
from api.auth.headers import SECURITY_HEADERS
from api.doorway import Done
from api.errors import Problem
from api.routes.ingest import OFF_LOOP, SOURCE, Kind, Row, refusal
from api.settings import Limits
from engine import failpoints
from engine.ports import Decode, Decoded, Record

Headers = Mapping[bytes, bytes]


class Lane:
    """Which requests go the short way. ``offer`` stores a record and tells when it is durable."""

    def __init__(
        self, guard: Guard, rows: Iterable[Row], prefix: str, decode: Decode, offer: Callable[[Record, Done], None],
        limits: Limits,
    ) -> None:  # fmt: skip
        self.decode, self.offer, self.wait = decode, offer, limits.wait
        self._guard = guard
        self._longest = min(OFF_LOOP, limits.body)
        self._kinds: dict[tuple[bytes, bytes], tuple[Row, Kind]] = {
            (path.encode(), media.encode()): (row, kind)
            for row in rows
            for path in {row.path, prefix + row.path}
            for media, kind in row.kinds.items()
        }

    def kind(self, url: bytes, headers: Headers) -> Kind | None:
        """How to take a POST to this URL; None when it has to go the usual way."""
        row, kind = self._kinds.get((url, headers.get(b"content-type", b"")), (None, None))
        if row is None or (b"content-encoding" in headers and not row.identity):
            return None
        length = headers.get(b"content-length", b"")
        if not length.isdigit() or int(length) > self._longest or b"expect" in headers or b"upgrade" in headers:
            return None
        try:
            self._guard.admit("POST", row.path, headers)
        except Problem:
            return None
        return kind


class _Taken:
    """A request on the short way; to the protocol's own methods it looks like one on the usual way."""

    __slots__ = ("chunks", "decoded", "disconnected", "keep_alive", "kind", "message_event", "more_body",
                 "response_complete")  # fmt: skip

    def __init__(self, kind: Kind, keep_alive: bool) -> None:
        self.kind, self.keep_alive = kind, keep_alive
        self.chunks: list[bytes] = []
        self.decoded = Decoded(())
        self.disconnected, self.response_complete, self.more_body = False, False, True
        self.message_event = _NOBODY_WAITS


class _Event:
    def set(self) -> None:
        """Nobody waits: a request that is taken is told by call, not by event."""


_NOBODY_WAITS = _Event()


class LaneProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 with a lane beside it."""

    def __init__(self, lane: Lane, **settings: Any) -> None:
        super().__init__(**settings)
        self._lane = lane
        self._heard = 0.0
        self._watch: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A sender has connected."""
        super().connection_made(transport)
        self._heard = self.loop.time()

    def connection_lost(self, exc: Exception | None) -> None:
        """A sender has gone; what it sent is stored all the same."""
        super().connection_lost(exc)
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def on_headers_complete(self) -> None:
        """Choose the way."""
        before, parser = self.cycle, self.parser
        if (
            parser.get_method() == b"POST"
            and (before is None or before.response_complete)
            and not self.flow.write_paused
            and parser.get_http_version() == "1.1"
        ):
            kind = self._lane.kind(self.url, dict(self.headers))
            if kind is not None:
                self.cycle = _Taken(kind, parser.should_keep_alive())  # type: ignore[assignment]
                return
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        taken: object = self.cycle
        if type(taken) is _Taken:
            taken.chunks.append(body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        taken: object = self.cycle
        if type(taken) is _Taken and taken.more_body:
            self._take(taken)
        else:
            super().on_message_complete()

    def _take(self, taken: _Taken) -> None:
        taken.more_body = False
        body = b"".join(taken.chunks)  # of a single one no copy
        taken.chunks.clear()
        failpoints.reach("http.after_read")
        try:
            decoded = self._lane.decode(taken.kind.format, body)
        except Exception:
            decoded = None  # the usual way fails in the same manner, and logs it
        if decoded is None or decoded.rejects:
            self.cycle = None  # type: ignore[assignment]
            super().on_headers_complete()
            super().on_body(body)
            super().on_message_complete()
            return
        taken.decoded = decoded
        if not decoded.signals:
            self._answer(taken, None)
            return
        record = Record(SOURCE, taken.kind.format, body, decoded=decoded)
        try:
            self._lane.offer(record, lambda error: self._answer(taken, error))
        except Exception as error:
            self._answer(taken, error)

    def _answer(self, taken: _Taken, error: Exception | None) -> None:
        """Say yes, or say why not."""
        answers = taken.kind.answers
        if error is None:
            response = answers.accepted(len(taken.decoded.signals))
        else:
            response = answers.problem(refusal(error, self._lane.wait, answers.busy))
        taken.response_complete = True
        if taken.disconnected or self.transport.is_closing():
            return
        self.server_state.total_requests += 1
        self.transport.write(_wire(response) if taken.keep_alive else _wire(response, b"connection: close\r\n"))
        if not taken.keep_alive:
            self.transport.close()
            return
        if self.pipeline:
            self.flow.resume_reading()
            self._start_asgi_task(*self.pipeline.pop())
            return
        self._heard = self.loop.time()
        if self._watch is None:
            self._watch = self.loop.call_later(self.timeout_keep_alive, self._idle)

    def _idle(self) -> None:
        """End a connection that nobody uses: one timer for many requests, set again for what is left."""
        self._watch = None
        if self.transport.is_closing() or self.timeout_keep_alive_task is not None:
            return  # ended already, or soon by the usual way's own timer
        if self.cycle is not None and not self.cycle.response_complete:
            left = float(self.timeout_keep_alive)
        else:
            left = self._heard + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._watch = self.loop.call_later(left, self._idle)
        else:
            self.transport.close()


@lru_cache(64)
def _wire(response: Response, more: bytes = b"") -> bytes:
    """The whole HTTP/1.1 response; those without content are always the same object."""
    fields = b"".join(b"%b: %b\r\n" % field for field in (*response.raw_headers, *SECURITY_HEADERS))
    return b"".join((STATUS_LINE[response.status_code], fields, more, b"\r\n", bytes(response.body)))
