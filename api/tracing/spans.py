"""The spans of an input's way through the process. Their attributes are ids, formats and counts: no header, no label of
an alert, no text of anybody's and no secret can be in one.
"""

from __future__ import annotations

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
from engine.ports import Commit, Decode, Decoded, Record
from engine.sending import OutboxRow, Receipt, Sink

K = TypeVar("K")

MOST = 10_000
"""Alerts and incidents of which it is known by which request they came."""
EVENTS = 50
"""Ids in one attribute."""


class Tracing:
    """Makes spans with ``tracer``. ``nanos`` is the wall clock in nanoseconds."""

    def __init__(self, tracer: Tracer, nanos: Callable[[], int]) -> None:
        self._tracer, self._nanos = tracer, nanos
        self._w3c = TraceContextTextMapPropagator()
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

    def settled(self, records: Sequence[Record], moments: tuple[float, float, float], commit: Commit) -> None:
        """What was decided of these is durable. ``moments``: when the group was taken, decided and stored, by
        `time.perf_counter`."""
        traced = {id(one.body): one.trace for one in records if isinstance(one.trace, SpanContext)}
        now, here = self._nanos(), time.perf_counter()
        taken, decided, stored = (now - round((here - moment) * 1e9) for moment in moments)
        places = {entry.position: traced[id(entry.body)] for entry in commit.entries if id(entry.body) in traced}
        ledger = dict(commit.ledger)
        for position, context in places.items():
            entries = ledger.get(position, [])
            for one in entries:
                _keep(self._alerts, one.alert, context)
            ids = [f"{position}-{one.index}" for one in entries[:EVENTS]]
            mine = {one.alert for one in entries}
            hit = {one.incident for one in entries} | {view.incident for view in commit.alerts if view.no in mine}
            attributes: dict[str, AttributeValue] = {
                "headwater.position": position, "headwater.events": ids, "headwater.events_total": len(entries),
                "headwater.incidents": sorted(hit - {""})[:EVENTS],
            }  # fmt: skip
            self._past("decide", context, attributes, taken, decided)
            self._past("commit", context, attributes, decided, stored)
        for view in commit.alerts:
            if view.incident and (known := self._alerts.get(view.no)) is not None:
                _keep(self._incidents, view.incident, known)

    def _past(
        self, name: str, parent: SpanContext, attributes: dict[str, AttributeValue], begun: int, ended: int
    ) -> None:
        span = self._tracer.start_span(name, _under(parent), attributes=attributes, start_time=begun)
        span.end(ended)

    # ------------------------------------------------------------------------------------ in a publisher's thread

    def publishing(self, sinks: Sequence[Sink]) -> Sequence[Sink]:
        """The sinks, each with a span for each call that is about an incident with a trace."""
        for sink in sinks:
            setattr(sink, "send", self._sending(sink.name, sink.send))  # noqa: B010 - one object of many a class
        return sinks

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


def _keep(kept: OrderedDict[K, SpanContext], key: K, one: SpanContext) -> None:
    kept[key] = one
    kept.move_to_end(key)
    while len(kept) > MOST:
        kept.popitem(last=False)
