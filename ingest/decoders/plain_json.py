"""Headwater's own plain JSON: an object, an array of objects, or one object per line (NDJSON).

``kind`` says what an object is: alert, metric, log, span, change, heartbeat. Every kind takes ``service`` or
``entity``, ``labels`` (an object of strings), and times as RFC 3339 text or Unix seconds. Unknown keys are ignored.
`docs/formats.md` lists all keys. Also the event stream that replay reads, except for its topology line.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from engine.ports import Decoded
from engine.signals import AlertEvent, Change, Heartbeat, Labels, LogRecord, Samples, Signal, Span
from ingest.errors import Mistake, Undecodable
from ingest.interning import Interned
from ingest.jsontext import MALFORMED, elements, mistake, too_deep, type_mistakes, untyped
from ingest.labelcache import ANNOTATIONS, checked, strings
from ingest.levels import level
from ingest.limits import KIB, MAX_ALERTS, MAX_MESSAGE, MAX_URL
from ingest.rejects import Rejects, reject
from ingest.timestamps import moment, unix_seconds

_EMPTY = b"{}"
_NONE = msgspec.Raw(_EMPTY)
_NO_NOTES: dict[str, str] = {}
_STATUS = {"firing": True, "resolved": False}
_FAILED = frozenset({"error", "failed", "status_code_error", "2"})
_SPAN_KINDS = frozenset({"client", "server", "producer", "consumer", "internal"})
_LONGEST = 366 * 86_400.0


class _Event(msgspec.Struct, gc=False, tag_field="kind", kw_only=True):
    t: float | str | None = None
    service: str | None = None
    entity: str | None = None
    labels: msgspec.Raw = _NONE


class _Alert(_Event, gc=False, tag="alert", kw_only=True):
    name: str | None = None
    id: str | int | None = None
    status: str = "firing"
    metric: str | None = None
    severity: str | None = None
    resource: str | None = None
    fingerprint: str | None = None
    value: float | None = None
    threshold: float | None = None
    starts_at: float | str | None = None
    ends_at: float | str | None = None
    annotations: msgspec.Raw = _NONE
    url: str | None = None


class _Metric(_Event, gc=False, tag="metric", kw_only=True):
    metric: str
    value: float


class _Log(_Event, gc=False, tag="log", kw_only=True):
    message: str
    level: str | None = None


class _Span(_Event, gc=False, tag="span", kw_only=True):
    trace: str
    span: str
    start: float | str
    duration: float
    parent: str | None = None
    operation: str | None = None
    status: str | int | None = None
    span_kind: str | None = None


class _Change(_Event, gc=False, tag="change", kw_only=True):
    change: str
    detail: str | None = None
    id: str | int | None = None


class _Heartbeat(_Event, gc=False, tag="heartbeat", kw_only=True):
    every: float
    source: str | None = None


_Any = _Alert | _Metric | _Log | _Span | _Change | _Heartbeat
_KINDS: dict[str, type[_Event]] = {
    "alert": _Alert,
    "metric": _Metric,
    "log": _Log,
    "span": _Span,
    "change": _Change,
    "heartbeat": _Heartbeat,
}
_one = msgspec.json.Decoder(_Any)
_array = msgspec.json.Decoder(list[_Any])


def _interned(key: tuple[tuple[tuple[str, str | None], ...], bytes, str]) -> Labels:
    """Labels of (the event's own fields, its label object, the names to leave out)."""
    own, raw, without = key
    try:
        values = strings(raw, "labels")
    except Undecodable as error:
        raise Undecodable(*((f"/labels{pointer}", reason) for pointer, reason in error.mistakes)) from None
    values |= {name: value for name, value in own if value}
    values.pop(without, None)
    if not any(values.values()):
        raise Undecodable(("", "expected a service, an entity or labels"))
    return checked(values)


_LABELS: Interned[tuple[tuple[tuple[str, str | None], ...], bytes, str], Labels] = Interned(_interned, entries=100_000)


def _labels(event: _Event, *more: tuple[str, str | None], without: str = "") -> Labels:
    own = (("service", event.service), ("entity", event.entity), *more)
    raw = bytes(event.labels)
    if len(raw) > KIB:
        return _interned((own, raw, without))  # too large to remember a hundred thousand of
    return _LABELS[own, raw, without]


_Said = tuple[str | None, str | None, str | None, str | None, str | None, str | None, bytes]


def _said(key: _Said) -> Labels:
    service, entity, name, metric, resource, severity, raw = key
    own = (("service", service), ("entity", entity), ("alertname", name), ("metric", metric), ("resource", resource))
    return _interned(((*own, ("severity", severity)), raw, ""))


_SAID: Interned[_Said, Labels] = Interned(_said, entries=100_000)
"""Labels of an alert without an identity of the sender's, by its own fields and its label object."""


def _identified(event: _Alert) -> tuple[Labels, dict[str, str]]:
    """Labels and notes of an alert; what may differ between firing and resolved is no label where the sender gives it
    an identity."""
    named = (("alertname", event.name), ("metric", event.metric), ("resource", event.resource))
    notes: dict[str, str] = {}
    without = ""
    if event.fingerprint:
        last, without = ("fingerprint", event.fingerprint), "severity"
        severity = event.severity or strings(bytes(event.labels), "labels").get("severity")
        if severity:
            notes["severity"] = severity
    else:
        last = ("severity", event.severity)  # type: ignore[assignment]
    if event.threshold is not None:
        notes["threshold"] = f"{event.threshold:g}"
    return _labels(event, *named, last, without=without), notes


def _alert(event: _Alert) -> AlertEvent:
    firing = _STATUS.get(event.status)
    if firing is None:
        raise Undecodable(("/status", f"expected 'firing' or 'resolved', got {event.status[:40]!r}"))
    at = None if event.t is None else _time(event.t, "t")
    starts_at = None if event.starts_at is None else _time(event.starts_at, "starts_at")
    ends_at = None if event.ends_at is None else _time(event.ends_at, "ends_at")
    if firing and starts_at is None:
        starts_at = at
    if not firing and ends_at is None:
        ends_at = at
    if starts_at is not None and ends_at is not None and ends_at < starts_at:
        raise Undecodable(("/ends_at", "expected an end that is not before starts_at"))
    raw, notes = bytes(event.labels), _NO_NOTES
    if event.fingerprint or event.threshold is not None or len(raw) > KIB:
        labels, notes = _identified(event)
    else:
        labels = _SAID[event.service, event.entity, event.name, event.metric, event.resource, event.severity, raw]
    url = event.url or ""
    if len(url) > MAX_URL:
        url = ""
    key = "" if event.id is None else str(event.id)
    return AlertEvent(labels, firing, starts_at, ends_at, _annotations(event, notes), url, event.value, key)


def _annotations(event: _Alert, notes: dict[str, str]) -> bytes:
    if event.annotations is _NONE and not notes:
        return _EMPTY
    raw = bytes(event.annotations)
    try:
        if notes:
            raw = msgspec.json.encode(notes | strings(raw, "annotations"))
        return ANNOTATIONS[raw]
    except Undecodable as error:
        raise Undecodable(*((f"/annotations{pointer}", reason) for pointer, reason in error.mistakes)) from None


def _metric(event: _Metric) -> Samples:
    at = _time(event.t, "t")
    if at is None:
        raise Undecodable(("", "expected a key 't', the time of the sample"))
    return Samples(_labels(event, ("__name__", event.metric)), (at,), (event.value,))


def _log(event: _Log) -> LogRecord:
    return LogRecord(_labels(event), _time(event.t, "t"), level(event.level or ""), event.message[:MAX_MESSAGE])


def _span(event: _Span) -> Span:
    start = _time(event.start, "start")
    if start is None:
        raise Undecodable(("/start", "expected a time"))
    if not 0 <= event.duration <= _LONGEST:
        raise Undecodable(("/duration", "expected seconds between 0 and one year"))
    if isinstance(event.start, float):
        end = unix_seconds(event.start + event.duration)
        start_us = round(event.start * 1_000_000)
    else:
        end = start + round(event.duration * 1000)
        start_us = start * 1000
    failed = str(event.status or "").lower() in _FAILED
    kind = (event.span_kind or "").lower().removeprefix("span_kind_")
    return Span(
        _labels(event),
        event.trace,
        event.span,
        event.parent or "",
        event.operation or "",
        start,
        end,
        failed,
        kind if kind in _SPAN_KINDS else "",
        start_us,
        round(event.duration * 1_000_000),
    )


def _change(event: _Change) -> Change:
    key = "" if event.id is None else str(event.id)
    return Change(_labels(event), _time(event.t, "t"), event.change, event.detail or "", key)


def _heartbeat(event: _Heartbeat) -> Heartbeat:
    source = event.source or event.service or event.entity
    if not source:
        raise Undecodable(("", "expected a key 'source'"))
    if not 1 <= event.every <= _LONGEST:
        raise Undecodable(("/every", "expected seconds between 1 and one year"))
    return Heartbeat(source, round(event.every * 1000), _time(event.t, "t"))


_MAKE: dict[type, Callable[[Any], Signal]] = {
    _Alert: _alert,
    _Metric: _metric,
    _Log: _log,
    _Span: _span,
    _Change: _change,
    _Heartbeat: _heartbeat,
}


def _time(value: float | str | None, key: str) -> int | None:
    try:
        return moment(value)
    except Undecodable as error:
        raise Undecodable((f"/{key}", error.mistakes[0][1])) from None


def decode(body: bytes) -> Decoded:
    """Signals in the body's order. The rejects' raw bytes are bodies of this format."""
    is_array = body.lstrip()[:1] == b"["
    try:
        events = _array.decode(body) if is_array else _one.decode_lines(body)
        if (events or is_array) and len(events) <= MAX_ALERTS and not too_deep(body, _objects(body, events)):
            make = _MAKE
            return Decoded(tuple([make[type(event)](event) for event in events]))
    except (*MALFORMED, Undecodable):
        pass  # which of them it was is found out below, one by one
    try:
        parts = elements(body) if is_array else _lines(body)
    except Undecodable as error:
        return Decoded((), (reject("", error.mistakes, body),))
    return _one_by_one(body, parts, alone=not is_array and len(parts) == 1)


def _objects(body: bytes, events: list[Any]) -> int:
    """How many objects these events are and hold, at least."""
    held = [event.labels is not _NONE and bytes(event.labels)[:1] == b"{" for event in events]
    if b'"annotations"' in body:
        noted = [event.annotations for event in events if type(event) is _Alert]
        held += [notes is not _NONE and bytes(notes)[:1] == b"{" for notes in noted]
    return len(events) + held.count(True)


def _lines(body: bytes) -> list[bytes]:
    """One object over several lines, else each line by itself."""
    try:
        if not too_deep(body, 0):
            msgspec.json.decode(body, type=msgspec.Raw)
            return [body]
    except MALFORMED:
        pass
    parts = [line for line in body.splitlines() if line.strip()]
    if not parts:
        raise Undecodable(("", "expected an object, an array of objects or one object per line; got nothing"))
    if len(parts) > MAX_ALERTS:
        raise Undecodable(("", f"expected at most {MAX_ALERTS} lines in one body, got {len(parts)}"))
    return parts


def _one_by_one(body: bytes, parts: list[bytes], alone: bool) -> Decoded:
    signals: list[Signal] = []
    rejects = Rejects(body)
    for index, raw in enumerate(parts):
        try:
            found = _mistakes(untyped(raw))
            if not found:
                event = _one.decode(raw)
                signals.append(_MAKE[type(event)](event))
        except Undecodable as error:
            found = list(error.mistakes)
        except MALFORMED as error:
            found = [mistake(error)]
        if found:
            rejects.add("" if alone else f"/{index}", found, lambda raw=raw: raw)  # type: ignore[misc]
    return Decoded(tuple(signals), rejects.all())


def _mistakes(value: object) -> list[Mistake]:
    kind = value.get("kind") if isinstance(value, dict) else None
    struct = _KINDS.get(kind) if isinstance(kind, str) else None
    if isinstance(value, dict) and struct is None:
        return [("/kind", f"expected one of {', '.join(_KINDS)}")]
    return type_mistakes(struct or _Event, value)
