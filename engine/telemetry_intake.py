"""Samples, log records, spans and changes: evidence, kept by entity."""

from __future__ import annotations

from bisect import insort
from collections.abc import Mapping
from functools import partial

from engine.context import Context
from engine.exposure import keep
from engine.signals import Change, Labels, LogRecord, Millis, Samples, Span
from engine.stance import evidence_came
from engine.state import ChangeSeen
from rules.exposure import ExposureRule

TELEMETRY = (Samples, LogRecord, Span, Change)
CHANGES_KEPT = 10
MOST_STRANGERS = 20_000
"""Entities that the catalogue does not name, of which logs, spans and changes are kept."""


def take_telemetry(context: Context, signal: Samples | LogRecord | Span | Change, now: Millis) -> None:
    """Keep one signal as evidence about its entity. What no entity can be named for is of no use and not kept."""
    entity, metric, says = _entity(context, signal.labels)
    if not entity:
        return
    if not isinstance(signal, Change):
        evidence_came(context, entity, now)
    limit = now + context.rules.correlation.future_skew
    if isinstance(signal, Samples):
        telemetry = context.state.telemetry
        if signal.stale:
            telemetry.stale(entity, signal.labels.fingerprint, signal.times[-1] if signal.times else now)
        else:
            times, values = _not_ahead(signal, limit)
            telemetry.ignored += len(signal.times) - len(times)
            kept = partial(_in_incident, context)
            telemetry.add(entity, signal.labels.fingerprint, metric, times, values, kept)
            if says is not None and keep(context, entity, signal.labels.fingerprint, says, times, values):
                _look_at(context, entity, now)
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
