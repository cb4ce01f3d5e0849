"""What was usual before an incident, kept with it: windows of the indicators of everything that it affects, and of the
providers which that shares with others.

Pinned when the incident is known, anew when its onset moves, it grows, or other rules are in force; once its alerts
have ended nothing is forgotten. Of each entity the indicators that are declared, else the series that users feel, then
what fills up; at most `SERIES` of at most `ENTITIES` entities.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engine.context import Context
from engine.evidence.kinds import FELT, Kind, kind_of
from engine.indicators import declared
from engine.lifecycle import State
from engine.recovery_views import Pinned
from engine.signals import Millis
from engine.state import Incident
from topology.model import Semantics

ENTITIES = 40
PROVIDERS = 20
SERIES = 8
HOUR: Millis = 3_600_000
LEAD: Millis = 60_000
"""What lies so shortly before the onset may belong to the trouble already."""
_ORDER = (Kind.ERRORS, Kind.SUCCESS, Kind.LATENCY, Kind.SATURATION, Kind.TRAFFIC)


def pin(context: Context, incident: Incident) -> None:
    """Keep what was usual, unless that was done for this onset and these entities already."""
    if incident.state not in (State.SUSPECTED, State.DECLARED, State.RESTORING):
        return
    names = affected(incident)
    names = (*names, *shared_providers(context, names))
    if incident.pinned_for != (onset_of(incident), names):
        _pin(context, incident, names)


def pin_anew(context: Context, incident: Incident) -> None:
    """Keep what was usual of what is now declared too."""
    names = affected(incident)
    _pin(context, incident, (*names, *shared_providers(context, names)))


def _pin(context: Context, incident: Incident, names: tuple[str, ...]) -> None:
    onset = onset_of(incident)
    incident.pinned_for = onset, names
    end = onset - LEAD
    had = {key: one for key, one in incident.pinned.items() if one.entity in names and one.end <= end}
    incident.pinned = {**dict(_windows(context, names, end)), **had}


def onset_of(incident: Incident) -> Millis:
    """When its trouble began, as far as it is known."""
    return incident.began.at if incident.began else incident.onset


def touched(incident: Incident) -> tuple[str, ...]:
    """The cause, what has alerts, then what its impact reaches."""
    hit = (one.entity for one in incident.impact if one.low < 1000)
    cause = (incident.cause,) if incident.cause else ()
    return tuple(dict.fromkeys((*cause, *incident.entities, *hit)))


def affected(incident: Incident) -> tuple[str, ...]:
    """What its recovery is judged by."""
    return touched(incident)[:ENTITIES]


def shared_providers(context: Context, names: Iterable[str]) -> tuple[str, ...]:
    """What these need for certain and share with other consumers, and is none of them."""
    known = tuple(names)
    found = (
        one.provider
        for name in known
        for one in context.topology.providers(name)
        if one.semantics is Semantics.HARD and not one.group and not one.doubtful and one.provider not in known
    )
    shared = (name for name in dict.fromkeys(found) if len(context.topology.consumers(name)) > 1)
    return tuple(name for name, _ in zip(shared, range(PROVIDERS), strict=False))


def _windows(context: Context, names: tuple[str, ...], end: Millis) -> Iterator[tuple[str, Pinned]]:
    telemetry = context.state.telemetry
    for name in names:
        for key, ref, metric, critical in _series(context, name):
            times, values = telemetry.tracks.between(ref, end - HOUR, end)
            if len(times):
                yield key, Pinned(name, metric, critical, end - HOUR, end, times.tolist(), values.tolist())


def _series(context: Context, entity: str) -> list[tuple[str, int, str, bool]]:
    """(key, reference, metric, critical) of the series that say how an entity does."""
    telemetry = context.state.telemetry
    members = telemetry.series.get(entity)
    refs = [ref for ref in members.refs if ref in telemetry.tracks.rows] if members else []
    rules = declared(context, entity)
    if rules:
        return [
            (telemetry.store.key(ref), ref, metric, True)
            for metric, ref in sorted((telemetry.metric(ref), ref) for ref in refs)
            if any(rule.takes(metric) for rule in rules)
        ][: SERIES * len(rules)]
    found = sorted((_ORDER.index(kind), telemetry.metric(ref), ref) for ref in refs if (kind := _kind(context, ref)))
    felt = any(_ORDER[place] in FELT for place, _, _ in found)
    return [
        (telemetry.store.key(ref), ref, metric, _ORDER[place] in FELT or (not felt and place == _SATURATED))
        for place, metric, ref in found[:SERIES]
    ]


_SATURATED = _ORDER.index(Kind.SATURATION)


def _kind(context: Context, ref: int) -> Kind | None:
    kind = kind_of(context.state.telemetry.metric(ref))
    return kind if kind in _ORDER else None
