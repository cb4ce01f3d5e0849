"""Samples, log records, spans and changes: evidence, kept by entity."""

from __future__ import annotations

from bisect import insort
from collections.abc import Mapping
from functools import partial

import numpy as np

from engine.context import Context
from engine.evidence.baselines.rings import Ints, Values
from engine.exposure import keep
from engine.signals import Change, Labels, LogRecord, Millis, Samples, SampleTable, Span, Telemetry
from engine.stance import evidence_came
from engine.state import ChangeSeen
from rules.exposure import ExposureRule

TELEMETRY = (Samples, SampleTable, LogRecord, Span, Change)
CHANGES_KEPT = 10
MOST_STRANGERS = 20_000
"""Entities that the catalogue does not name, of which logs, spans and changes are kept."""


def take_telemetry(context: Context, signal: Telemetry, now: Millis) -> None:
    """Keep one signal as evidence about its entity. What no entity can be named for is of no use and not kept."""
    if isinstance(signal, SampleTable):
        _take_table(context, signal, now)
        return
    entity, metric, says = _entity(context, signal.labels)
    if not entity:
        return
    if not isinstance(signal, Change):
        evidence_came(context, entity, now)
    limit = now + context.rules.correlation.future_skew
    if isinstance(signal, Samples):
        _take_samples(context, signal, (entity, metric, says), now)
    elif isinstance(signal, LogRecord) and _keeps(context, context.state.logs.entities, entity):
        context.state.logs.add(entity, min(signal.at or now, limit), signal.level, signal.message)
    elif isinstance(signal, Span) and _keeps(context, context.state.traces.entities, entity):
        context.state.traces.add(entity, signal, limit)
    elif isinstance(signal, Change) and _keeps(context, context.state.changes, entity):
        seen = ChangeSeen(min(signal.at or now, limit), signal.what, signal.detail)
        changes = context.state.changes.setdefault(entity, [])
        if seen not in changes:
            insort(changes, seen, key=lambda c: (c.at, c.what, c.detail))
            del changes[:-CHANGES_KEPT]


def _take_samples(context: Context, signal: Samples, about: tuple[str, str, ExposureRule | None], now: Millis) -> None:
    entity, metric, says = about
    telemetry, fingerprint = context.state.telemetry, signal.labels.fingerprint
    if signal.stale:
        telemetry.stale(entity, fingerprint, signal.times[-1] if signal.times else now)
        return
    times, values = _not_ahead(signal, now + context.rules.correlation.future_skew)
    telemetry.ignored += len(signal.times) - len(times)
    if not times:
        return
    telemetry.add(entity, fingerprint, metric, times, values, partial(_in_incident, context))
    if says is not None and keep(context, entity, fingerprint, says, times, values):
        _look_at(context, entity, now)


def _take_table(context: Context, table: SampleTable, now: Millis) -> None:
    """The same as one by one. Series that were seen before, and of which nothing is asked but to be kept, are taken all
    at once; the others, and the ends of series, in their places between them."""
    telemetry = context.state.telemetry
    refs, marks = telemetry.find(table.labels)
    series = np.frombuffer(table.series, np.int64)
    times, values = np.frombuffer(table.times, np.int64), np.frombuffer(table.values)
    refs, marks = refs[series], marks[series]
    marks[np.isnan(values)] = 0
    evicted, done = telemetry.store.evicted, 0
    edges = np.flatnonzero(np.diff(marks != 0, prepend=True, append=True))
    for begin, end in edges.reshape(-1, 2).tolist():
        _take_plain(context, refs[done:begin], marks[done:begin], times[done:begin], values[done:begin], now)
        done = end
        for one in table.one_by_one(begin, end):
            take_telemetry(context, one, now)
            _mark(context, one.labels)
        if telemetry.store.evicted != evicted:  # a reference may be another series' now
            for one in table.one_by_one(end):
                take_telemetry(context, one, now)
            return
    _take_plain(context, refs[done:], marks[done:], times[done:], values[done:], now)


def _take_plain(context: Context, refs: Ints, marks: Ints, times: Ints, values: Values, now: Millis) -> None:
    if not len(refs):
        return
    telemetry = context.state.telemetry
    for entity in telemetry.entities(refs):
        evidence_came(context, entity, now)
    limit = now + context.rules.correlation.future_skew
    if times.max() > limit:
        near = times <= limit
        telemetry.ignored += int(len(near) - near.sum())
        refs, marks, times, values = refs[near], marks[near], times[near], values[near]
    telemetry.extend(refs, marks, times, values)


def _mark(context: Context, labels: Labels) -> None:
    """A series of which nothing is asked but to be kept need not be looked up again until other versions hold."""
    telemetry = context.state.telemetry
    ref = telemetry.store.by_key.get(labels.fingerprint)
    if ref is None:
        return
    entity, _, says = _entity(context, labels)
    if says is None and telemetry.entity(ref) == entity:
        telemetry.mark_plain(ref)
        context.entity_of.pop(labels.fingerprint, None)


def _in_incident(context: Context, entity: str) -> bool:
    """Does an open incident touch the entity? Then what was measured of it is not given up."""
    domain = context.state.domains.get(context.topology.domain(entity))
    return domain is not None and bool(domain.open) and (entity in domain.cover or entity in domain.cells)


def _look_at(context: Context, entity: str, now: Millis) -> None:
    """What a store would lose is another matter now: look again at the incident that hits it, soon."""
    domain = context.state.domains.get(context.topology.domain(entity))
    incident = domain.cover.get(entity) if domain else None
    if incident is not None and not context.timers.pending("exposure", incident):
        context.timers.set(now + context.rules.correlation.settle, "exposure", incident)


def _not_ahead(signal: Samples, limit: Millis) -> tuple[tuple[Millis, ...], tuple[float, ...]]:
    """Without samples of the future: they would push out what is known of the present."""
    if not signal.times or max(signal.times) <= limit:
        return signal.times, signal.values
    kept = [(at, value) for at, value in zip(signal.times, signal.values, strict=True) if at <= limit]
    return tuple(at for at, _ in kept), tuple(value for _, value in kept)


def _keeps(context: Context, table: Mapping[str, object], entity: str) -> bool:
    """Entities of the catalogue always; others while there are not too many, so that no stranger fills the memory."""
    return entity in table or len(table) < MOST_STRANGERS or entity in context.topology.entities


def _entity(context: Context, labels: Labels) -> tuple[str, str, ExposureRule | None]:
    """(entity, metric name, what it says of a store's copies) of a label set; looked up once per label set."""
    known = context.entity_of.get(labels.fingerprint)
    if known is None:
        values = labels.as_dict()
        names = list(context.rules.names(values))
        resolved = (context.topology.resolve(name) for name in names)
        entity = next((e for e in resolved if e is not None), names[0] if names else "")
        known = context.entity_of[labels.fingerprint] = (
            entity,
            values.get("__name__", ""),
            context.rules.exposure(values),
        )
        if len(context.entity_of) > context.ENTITIES_CACHED:
            context.entity_of.clear()
    return known
