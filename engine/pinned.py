"""What was usual before an incident, kept with it: windows of the indicators of everything that it affects.

Pinned when the incident is known, anew when its onset moves or it grows, and never once its alerts have ended. Of each
entity the series that users feel come first, then what fills up; at most `SERIES` of at most `ENTITIES` entities.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.context import Context
from engine.evidence.kinds import FELT, Kind, kind_of
from engine.lifecycle import State
from engine.recovery_views import Pinned
from engine.signals import Millis
from engine.state import Incident

ENTITIES = 40
SERIES = 8
HOUR: Millis = 3_600_000
LEAD: Millis = 60_000
"""What lies so shortly before the onset may belong to the trouble already."""
_ORDER = (Kind.ERRORS, Kind.SUCCESS, Kind.LATENCY, Kind.SATURATION, Kind.TRAFFIC)


def pin(context: Context, incident: Incident) -> None:
    """Keep what was usual, unless that was done for this onset and these entities already."""
    if incident.state not in (State.SUSPECTED, State.DECLARED, State.RESTORING):
        return
    onset = incident.began.at if incident.began else incident.onset
    names = affected(incident)
    if incident.pinned_for == (onset, names):
        return
    incident.pinned_for = onset, names
    end = onset - LEAD
    had = {key: one for key, one in incident.pinned.items() if one.entity in names and one.end <= end}
    incident.pinned = {**dict(_windows(context, names, end)), **had}


def affected(incident: Incident) -> tuple[str, ...]:
    """What its recovery is judged by: the cause, what has alerts, then what its impact reaches."""
    hit = (one.entity for one in incident.impact if one.low < 1000)
    cause = (incident.cause,) if incident.cause else ()
    return tuple(dict.fromkeys((*cause, *incident.entities, *hit)))[:ENTITIES]


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
