"""Several incidents at once: what one of them does in the world as it is, where the others' failures last.

Independent failures are troubles of their own even where they hit one redundancy group: two replicas lost minutes apart
are two incidents, each of which alone takes the margin only. What they do together is part of both. Three worlds are
compared: with this incident alone (*alone*), with all but it (*others*), with all (*all*). An entity that is worse in
*all* than in both of the others is hit jointly and said of as it is in *all*; every other one as it is *alone*. So an
incident never claims what another does without it, and never loses what it does itself.

By the algebra only a group can be worse off than by the worst of its parts, so incidents that hit members of no group
in common need not be compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from engine.context import Context
from engine.lifecycle import OPEN
from engine.signals import Millis
from engine.state import Incident
from topology.impact import Impact, impact
from topology.model import Semantics, Topology

UP = 1000
MOST_HIT = 5000
"""An incident that hits more is judged alone."""
MOST_BESIDE = 50
"""Incidents that one is judged with; those that began first."""
ROUNDS = 4
"""What several do together may reach a group of one more; looked for so often."""


class Failures(NamedTuple):
    """Own healths, and since when (milliseconds)."""

    health: Mapping[str, int]
    since: Mapping[str, Millis]


class Jointly(NamedTuple):
    """What several incidents do together: the failures of all of them, what these hit, which of it one of them shares,
    and whose failures have a part in it (by entity, ids of incidents)."""

    failures: Failures
    hits: Mapping[str, Impact]
    entities: frozenset[str]
    whose: Mapping[str, frozenset[str]]

    def others(self, incident: str, entity: str) -> tuple[str, ...]:
        """The other incidents that an entity's state is owed to, the oldest id first."""
        return tuple(sorted(self.whose.get(entity, frozenset()) - {incident}, key=lambda id: (len(id), id)))

    def path(self, incident: str, entity: str) -> tuple[str, ...]:
        """From a failure of the incident to the entity, the nearest where there are several."""
        links = self.hits[entity].links
        ids = [entity]
        while links[ids[-1]].provider:
            link = links[ids[-1]]
            ways = [p for p in {link.provider, *link.members} if incident in self.whose.get(p, ()) and p not in ids]
            if not ways:
                return self.hits[entity].path
            ids.append(min(ways, key=lambda provider: (links[provider].hops, provider)))
        return tuple(reversed(ids))


def jointly(
    context: Context, incident: Incident, own: Failures, alone: Mapping[str, Impact], at: Millis, now: Millis
) -> Jointly | None:
    """What the incident does together with others at ``at``; None when nothing. Keeps its failures on it; those that
    are judged with it look again when these have changed."""
    until = None if incident.firing else at
    failures = {entity: (health, own.since[entity], until) for entity, health in own.health.items()}
    known, before = (incident.own, incident.touched), incident.beside
    incident.own, incident.touched, incident.beside, incident.shifts_at = failures, None, (), None
    if len(context.domain(incident.domain).open) == 1:
        return None
    incident.touched = _touched(context.topology, alone)
    beside, all_ = _beside(context, incident, own, at)
    incident.beside = tuple(other.id for other in beside)
    if known != (incident.own, incident.touched):
        _look_again(context, (*before, *incident.beside), now)
    return _compared(context, incident, alone, beside, all_, at) if beside else None


def part(context: Context, incident: Incident, now: Millis) -> None:
    """The incident is over: those that were judged with it look again."""
    beside = incident.beside
    incident.own, incident.touched, incident.beside, incident.shifts_at = {}, None, (), None
    _look_again(context, beside, now)


def _look_again(context: Context, beside: Iterable[str], now: Millis) -> None:
    for name in dict.fromkeys(beside):
        other = context.state.incidents.get(name)
        if other is not None and other.state in OPEN and other.own:
            context.timers.set(now, "severity", name)


def _beside(context: Context, incident: Incident, own: Failures, at: Millis) -> tuple[list[Incident], Failures]:
    """The incidents that hit members of the same groups, directly or over a third one, and the failures of all."""
    waiting = [other for other in _lasting(context, incident, at) if _touches(context, other)]
    groups = set(incident.touched or ())
    found: list[Incident] = []
    all_ = own
    for _ in range(ROUNDS):
        newly = _meeting(waiting, groups, MOST_BESIDE - len(found))
        if not newly:
            break
        found += newly
        waiting = [other for other in waiting if other not in newly]
        all_ = _joined(own, found)
        if not waiting:
            break
        groups.update(_touched(context.topology, impact(context.topology, all_.health, at, all_.since)))
    return found, all_


def _lasting(context: Context, incident: Incident, at: Millis) -> list[Incident]:
    """Other open incidents of the domain whose failures last at ``at``, in the order in which they began."""
    known = (context.state.incidents[name] for name in context.domain(incident.domain).open)
    found = [other for other in known if other is not incident and _lasts(other, at, over=not incident.firing)]
    return sorted(found, key=lambda other: (other.onset, other.entities, other.id))


def _lasts(other: Incident, at: Millis, *, over: bool) -> bool:
    """``over``: ``at`` is the end of the incident that asks; what ended or began just then lasted beside it."""
    return any(
        (until is None or until > at or (over and until == at)) and (since <= at or not over)
        for _, since, until in other.own.values()
    )


def _meeting(waiting: Iterable[Incident], groups: set[str], most: int) -> list[Incident]:
    """Those that touch the groups, or what these touch; at most so many."""
    found: list[Incident] = []
    rest = list(waiting)
    while newly := [other for other in rest if not groups.isdisjoint(other.touched or ())]:
        found += newly
        groups.update(consumer for other in newly for consumer in other.touched or ())
        rest = [other for other in rest if other not in newly]
    return found[:most]


def _touches(context: Context, other: Incident) -> bool:
    if other.touched is None:  # it was the only one so far
        hit = {*other.own, *other.reach, *(one.entity for one in other.impact)}
        other.touched = _touched(context.topology, hit)
    return bool(other.touched)


def _touched(topology: Topology, hit: Iterable[str]) -> tuple[str, ...]:
    """Consumers with a group of which a member is hit."""
    entities = list(hit)
    if len(entities) > MOST_HIT:
        return ()
    found = {
        d.consumer
        for entity in entities
        for d in topology.consumers(entity)
        if d.group and d.semantics is not Semantics.INFO
    }
    return tuple(sorted(found))


def _joined(own: Failures, beside: Iterable[Incident]) -> Failures:
    """The failures of several: the worse health, since the first of them."""
    health, since = dict(own.health), dict(own.since)
    for other in beside:
        for entity, (left, begin, _) in other.own.items():
            health[entity] = min(health.get(entity, UP), left)
            since[entity] = min(since.get(entity, begin), begin)
    return Failures(health, since)


def _compared(
    context: Context,
    incident: Incident,
    alone: Mapping[str, Impact],
    beside: list[Incident],
    all_: Failures,
    at: Millis,
) -> Jointly | None:
    without = _joined(Failures({}, {}), beside)
    hits = dict(impact(context.topology, all_.health, at, all_.since))
    others = impact(context.topology, without.health, at, without.since)
    found = set()
    for entity, hit in hits.items():
        mine = alone.get(entity)
        begins = _begins(hit, mine, others.get(entity), at)
        if begins is not None:
            found.add(entity)
        if begins is not None and begins > at:  # until then it is as it would be without the others
            low, high = _health(mine, None)
            risk, felt = (False, begins) if mine is None else (mine.at_risk, mine.at)
            hits[entity] = replace(hit, low=low, high=high, at_risk=risk, at=felt)
    # when one of them does alone what now takes both, it is no longer done together
    steps = [step.at for entity in found for one in (alone, others) if entity in one for step in one[entity].later[:1]]
    incident.shifts_at = min(steps, default=None)
    return Jointly(all_, hits, frozenset(found), _whose(hits, [incident, *beside])) if found else None


def _begins(hit: Impact, alone: Impact | None, others: Impact | None, at: Millis) -> Millis | None:
    """From when on it is worse than in the worse of the two worlds: ``at`` if it is so now; None: never."""
    risky = any(one is not None and one.at_risk for one in (alone, others))
    if hit.at_risk and not risky and hit.low == UP:
        return at
    for moment in (None, *(step.at for step in hit.later)):
        (low, high), one, other = _health(hit, moment), _health(alone, moment), _health(others, moment)
        if low < min(one[0], other[0]) or high < min(one[1], other[1]):
            return at if moment is None else moment
    return None


def _health(hit: Impact | None, moment: Millis | None) -> tuple[int, int]:
    """Now (None), or at a moment to come."""
    if hit is None:
        return UP, UP
    passed = [step for step in hit.later if moment is not None and step.at <= moment]
    return (passed[-1].low, passed[-1].high) if passed else (hit.low, hit.high)


def _whose(hits: Mapping[str, Impact], incidents: Iterable[Incident]) -> dict[str, frozenset[str]]:
    """Entity -> the incidents whose failures explain its state, along the chains of impact."""
    owners: dict[str, set[str]] = {}
    for one in incidents:
        for entity in one.own:
            owners.setdefault(entity, set()).add(one.id)
    found = {
        entity: frozenset(owners.get(entity, ())) if hit.hops == 0 else frozenset() for entity, hit in hits.items()
    }
    order = sorted(hits, key=lambda entity: (hits[entity].hops, entity))
    changed = True
    while changed:  # more than once only where a group's member lies behind the group
        changed = False
        for entity in order:
            link = hits[entity].links[entity]
            sources = (link.provider, *link.members) if link.provider else ()
            whose = found[entity].union(*(found.get(source, frozenset()) for source in sources))
            changed = changed or whose != found[entity]
            found[entity] = whose
    return found
