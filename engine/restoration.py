"""What is still to come of an incident: its recovery objectives against the restoration plan, and when to look."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from engine.context import Context
from engine.signals import Millis
from engine.state import Incident
from topology.impact import Impact
from topology.model import Semantics, Topology
from topology.objectives import YES, Objective, objectives
from topology.restoration import Plan, plan
from topology.timeline import Course

UP = 1000
SHOWN = 50
"""Objectives of a revision, soonest first."""
PLANNED = 2000
"""Above so many entities hit no finish is predicted with every change, as in a storm there are many. The plan can be
asked for."""


def foresee(
    context: Context,
    incident: Incident,
    own: Collection[str],
    hits: Mapping[str, Impact],
    courses: Mapping[str, Course],
    now: Millis,
) -> None:
    """Keep the countdowns of what the incident has taken down, or will, on it; what is over has none."""
    if not incident.firing:
        incident.objectives = ()
        return
    incident.objectives = _kept(incident, _objectives(context, incident, own, hits, courses, now), now)


def turns(incident: Incident, now: Millis) -> list[Millis]:
    """Moments to come at which, by the passing of time alone, an objective that can still be met no longer can, or
    what it has a part in becomes another's."""
    open_ = [one for one in incident.objectives if one.breach != YES]
    shifts = [] if incident.shifts_at is None or incident.shifts_at <= now else [incident.shifts_at]
    if incident.restoring_at is not None:
        return shifts + [one.due + 1 for one in open_ if one.due >= now]
    return shifts + [turn for one in open_ for turn in one.turns() if turn > now]


def to_repair(topology: Topology, own: Collection[str], hits: Collection[str], cause: str | None) -> set[str]:
    """Who among the entities in trouble (``own``) has failed itself: the cause, and all that no provider explains."""
    found = {
        entity
        for entity in own
        if not any(d.provider in hits and d.semantics is not Semantics.INFO for d in topology.providers(entity))
    }
    if cause is not None and cause in own:
        found.add(cause)
    return found or set(own)


def plan_of(
    topology: Topology, own: Collection[str], hits: Iterable[tuple[str, int, Millis]], cause: str | None, now: Millis
) -> Plan:
    """The restoration plan of an incident; ``hits`` are entity, health and since when it is hit."""
    health = {entity: (low, since) for entity, low, since in hits if low < UP}
    lows = {entity: low for entity, (low, _) in health.items()}
    felt = {entity: since for entity, (_, since) in health.items()}
    return plan(topology, lows, to_repair(topology, own, lows.keys(), cause), now, felt)


def newly_missed(before: Sequence[Objective], after: Sequence[Objective]) -> list[Objective]:
    """Objectives that were not predicted to be missed before, and are now."""
    known = {(one.entity, one.kind, one.since) for one in before if one.breach == YES}
    return [one for one in after if one.breach == YES and (one.entity, one.kind, one.since) not in known]


def _objectives(
    context: Context,
    incident: Incident,
    own: Collection[str],
    hits: Mapping[str, Impact],
    courses: Mapping[str, Course],
    now: Millis,
) -> tuple[Objective, ...]:
    down = {entity: course for entity, course in courses.items() if course.down_at is not None}
    if not any(_has_objective(context.topology, entity) for entity in down):
        return ()
    found = Plan()
    if len(hits) <= PLANNED:
        found = plan_of(context.topology, own, ((e, hit.low, hit.at) for e, hit in hits.items()), incident.cause, now)
    begun = now if incident.restoring_at is None else incident.restoring_at
    return tuple(objectives(context.topology, down, found, begun, now)[:SHOWN])


def _has_objective(topology: Topology, entity: str) -> bool:
    known = topology.entities.get(entity)
    return known is not None and (known.rto is not None or known.continuity.mtd is not None)


def _kept(incident: Incident, found: tuple[Objective, ...], now: Millis) -> tuple[Objective, ...]:
    """What was said before, where only time has passed: a revision is for news."""
    begun = incident.restoring_at is not None

    def news(one: Objective) -> tuple[object, ...]:
        finish = one.finish if begun and one.finish is not None and one.finish > now else None
        return one.entity, one.kind, one.since, one.due, one.takes, one.takes_latest, one.breach, finish

    return incident.objectives if list(map(news, incident.objectives)) == list(map(news, found)) else found
