"""The spans of an input's way through the process. Their attributes are ids, formats and counts: no header, no label of
an alert, no text of anybody's and no secret can be in one.
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanContext, SpanKind, Status, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.errors import SinkError
from engine.outcomes import LedgerEntry
from engine.ports import Commit, Decode, Decoded, Record, Source, Store
from engine.sending import OutboxRow, Receipt, Sink

K = TypeVar("K")
V = TypeVar("V")

log = logging.getLogger(__name__)

MOST = 10_000
"""Alerts and incidents of which it is known by which request they came."""
EVENTS = 50
"""Ids in one attribute."""


class Tracing:
    """Makes spans with ``tracer``. ``nanos`` is the wall clock in nanoseconds."""

    def __init__(self, tracer: Tracer, nanos: Callable[[], int]) -> None:
        self._tracer, self._nanos = tracer, nanos
        self._w3c = TraceContextTextMapPropagator()
        self._taken: OrderedDict[int, tuple[Record, SpanContext, float]] = OrderedDict()  # by its body, until stored
        self._alerts: OrderedDict[int, SpanContext] = OrderedDict()
        self._incidents: OrderedDict[str, SpanContext] = OrderedDict()

    # ------------------------------------------------------------------------------------------ on the event loop

    def served(self, endpoint: ASGIApp, route: str) -> ASGIApp:
        """The endpoint with a span for each request, a child of the sender's where it names one (W3C traceparent)."""

        async def traced(scope: Scope, receive: Receive, send: Send) -> None:
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
            asked = {name: headers[name] for name in ("traceparent", "tracestate") if name in headers}
            attributes = {"http.request.method": str(scope["method"]), "http.route": route}
            with self._tracer.start_as_current_span(
                "request", self._w3c.extract(asked), SpanKind.SERVER, attributes, record_exception=False
            ) as span:

                async def answered(message: Message) -> None:
                    if message["type"] == "http.response.start":
                        status = int(message["status"])
                        span.set_attribute("http.response.status_code", status)
                        if status >= 500:
                            span.set_status(Status(StatusCode.ERROR))
                    await send(message)

                await endpoint(scope, receive, answered)

        return traced

    def decoding(self, decode: Decode) -> Decode:
        """The decoder with a span for each body; in whatever thread, it is a child of the request that is served."""

        def traced(format: str, body: bytes) -> Decoded:
            attributes: dict[str, AttributeValue] = {"headwater.format": format, "headwater.bytes": len(body)}
            with self._tracer.start_as_current_span("decode", attributes=attributes, record_exception=False) as span:
                found = decode(format, body)
                span.set_attribute("headwater.signals", len(found.signals))
                span.set_attribute("headwater.rejects", len(found.rejects))
                return found

        return traced

    def accepting(self, accept: Callable[[Record], Awaitable[None]]) -> Callable[[Record], Awaitable[None]]:
        """``accept`` with the request that is served noted in the record."""

        async def traced(record: Record) -> None:
            record.trace = trace.get_current_span().get_span_context()
            await accept(record)

        return traced

    # ------------------------------------------------------------------------------------- in the service's thread

    def follow(self, source: Source, store: Store, sinks: Sequence[Sink]) -> None:
        """Look at what the service takes from ``source`` and puts into ``store``, and at what is told to ``sinks``."""
        setattr(source, "poll", self._taking(source.poll))  # noqa: B010 - one object of many a class, as all three
        setattr(store, "commit", self._storing(store.commit))  # noqa: B010
        for sink in sinks:
            setattr(sink, "send", self._sending(sink.name, sink.send))  # noqa: B010

    def _taking(self, poll: Callable[[int, float], Sequence[Record]]) -> Callable[[int, float], Sequence[Record]]:
        def traced(limit: int, timeout: float) -> Sequence[Record]:
            records = poll(limit, timeout)
            for record in records:
                if isinstance(record.trace, SpanContext):
                    _keep(self._taken, id(record.body), (record, record.trace, time.perf_counter()))
            return records

        return traced

    def _storing(self, store: Callable[[Commit], None]) -> Callable[[Commit], None]:
        """What is decided when it is to be stored, and durable when that is done."""

        def traced(commit: Commit) -> None:
            decided = time.perf_counter()
            store(commit)
            try:
                self._settled(commit, decided, time.perf_counter())
            except Exception:
                log.exception("what was decided could not be traced")

        return traced

    def _settled(self, commit: Commit, decided: float, stored: float) -> None:
        now, here = self._nanos(), time.perf_counter()
        ledger = dict(commit.ledger)
        for entry in commit.entries:
            if (found := self._taken.pop(id(entry.body), None)) is None:
                continue
            _, context, taken = found
            attributes = self._known(entry.position, ledger.get(entry.position, []), commit, context)
            begun, between, done = (now - round((here - moment) * 1e9) for moment in (taken, decided, stored))
            self._past("decide", context, attributes, begun, between)
            self._past("commit", context, attributes, between, done)
        for view in commit.alerts:
            if view.incident and (known := self._alerts.get(view.no)) is not None:
                _keep(self._incidents, view.incident, known)

    def _known(
        self, position: int, entries: Sequence[LedgerEntry], commit: Commit, context: SpanContext
    ) -> dict[str, AttributeValue]:
        """What an input led to, by ids."""
        for one in entries:
            _keep(self._alerts, one.alert, context)
        mine = {one.alert for one in entries}
        hit = {one.incident for one in entries} | {view.incident for view in commit.alerts if view.no in mine}
        return {
            "headwater.position": position,
            "headwater.events": [f"{position}-{one.index}" for one in entries[:EVENTS]],
            "headwater.events_total": len(entries),
            "headwater.incidents": sorted(hit - {""})[:EVENTS],
        }

    def _past(
        self, name: str, parent: SpanContext, attributes: dict[str, AttributeValue], begun: int, ended: int
    ) -> None:
        span = self._tracer.start_span(name, _under(parent), attributes=attributes, start_time=begun)
        span.end(ended)

    # ------------------------------------------------------------------------------------ in a publisher's thread

    def _sending(self, name: str, send: Callable[[OutboxRow], Receipt]) -> Callable[[OutboxRow], Receipt]:
        def traced(row: OutboxRow) -> Receipt:
            publication = row.publication
            context = self._incidents.get(publication.incident)
            if context is None:
                return send(row)
            attributes: dict[str, str | int] = {
                "headwater.incident": publication.incident, "headwater.revision": publication.revision,
                "headwater.action": publication.action, "headwater.sink": name, "headwater.attempt": row.attempts + 1,
            }  # fmt: skip
            with self._tracer.start_as_current_span(
                "publish", _under(context), SpanKind.CLIENT, attributes, record_exception=False,
                set_status_on_exception=False,
            ) as span:  # fmt: skip
                try:
                    return send(row)
                except SinkError as error:
                    _failed(span, "permanent" if error.permanent else "ambiguous" if error.ambiguous else "transient")
                    raise

        return traced


def _failed(span: Span, why: str) -> None:
    span.set_attribute("error.type", why)
    span.set_status(Status(StatusCode.ERROR))


def _under(parent: SpanContext) -> Context:
    return trace.set_span_in_context(trace.NonRecordingSpan(parent))


def _keep(kept: OrderedDict[K, V], key: K, one: V) -> None:
    kept[key] = one
    kept.move_to_end(key)
    while len(kept) > MOST:
        kept.popitem(last=False)
