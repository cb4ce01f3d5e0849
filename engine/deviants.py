"""Entities that deviate and never alert: what telemetry shows near an incident beyond its alerts.

From the incident's entities along dependencies, in both directions (a surge runs towards providers): an entity whose
series have moved, or whose failures have risen, since the onset is hit, and leads on; one that nothing is measured of
may be crossed. In a domain that an operator declared, entities that no dependency mentions are looked at too: the
topology does not say that they are not connected.
"""

from __future__ import annotations

from collections.abc import Iterable

from engine.context import Context
from engine.evidence.logs.change import rise
from engine.evidence.profile import DEVIATES
from engine.evidence.traces.terms import spans_deviate
from engine.signals import Millis
from topology.model import Semantics

HEALTH = 750
"""Own health of an entity that deviates and does not alert."""
BEFORE: Millis = 60_000
MOST_ASKED = 500
"""Entities looked at for one incident."""
CROSSED = 2
"""Entities in a row that nothing is measured of."""


def deviants(context: Context, domain: str, known: Iterable[str], onset: Millis, now: Millis) -> list[str]:
    """Entities that have deviated since the onset and have no alert of their own, sorted."""
    state = context.state
    if not (state.telemetry.series or state.logs.entities or state.traces.entities):
        return []
    alerting = context.domain(domain).cells
    frontier = sorted((entity, 0) for entity in known)
    seen = {entity for entity, _ in frontier}
    found: list[str] = []
    while frontier and len(seen) < MOST_ASKED:
        following = []
        for entity, crossed in frontier:
            for other in _neighbours(context, entity):
                if other in seen or other in alerting:
                    continue
                seen.add(other)
                if _measured(context, other):
                    if deviates(context, other, onset, now):
                        found.append(other)
                        following.append((other, 0))
                elif crossed < CROSSED:
                    following.append((other, crossed + 1))
        frontier = sorted(following)
    if _declared(context, domain, seen):
        lone = [entity for entity in _unconnected(context, domain) if entity not in seen and entity not in alerting]
        found += [entity for entity in lone[:MOST_ASKED] if deviates(context, entity, onset, now)]
    return sorted(found)


def deviates(context: Context, entity: str, onset: Millis, now: Millis) -> bool:
    """Has a series of the entity moved, or have its failures risen, since shortly before the onset?"""
    since = onset - BEFORE
    if any(moved.score >= DEVIATES for moved in context.state.telemetry.latest(entity, since)):
        return True
    if rise(context.state.logs, entity, since, now) is not None:
        return True
    return spans_deviate(context.state.traces, entity, since, now)


def _neighbours(context: Context, entity: str) -> set[str]:
    topology = context.topology
    felt = {d.provider for d in topology.providers(entity) if d.semantics is not Semantics.INFO}
    return felt | {d.consumer for d in topology.consumers(entity) if d.semantics is not Semantics.INFO}


def _measured(context: Context, entity: str) -> bool:
    state = context.state
    return entity in state.telemetry.series or entity in state.logs.entities or entity in state.traces.entities


def _declared(context: Context, domain: str, entities: Iterable[str]) -> bool:
    known = context.topology.entities
    return any(known[entity].domain == domain for entity in entities if entity in known)


def _unconnected(context: Context, domain: str) -> list[str]:
    """Measured entities of a declared domain that no dependency mentions."""
    topology = context.topology
    state = context.state
    measured = state.telemetry.series.keys() | state.logs.entities.keys() | state.traces.entities.keys()
    return sorted(
        entity
        for entity in measured
        if (known := topology.entities.get(entity)) is not None
        and known.domain == domain
        and not topology.providers(entity)
        and not topology.consumers(entity)
    )
