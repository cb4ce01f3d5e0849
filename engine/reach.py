"""What an incident hits: the impact of its alerts and of its cause, joined with the catalogue's facts."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from engine.bridges import bridges
from engine.context import Context
from engine.correlate.graph import Node
from engine.deviants import HEALTH as DEVIATING
from engine.deviants import deviants
from engine.outcomes import Impacted
from engine.restoration import foresee
from engine.signals import Millis
from engine.state import Incident
from engine.together import Failures, Jointly, jointly
from engine.words import HEALTH
from topology.impact import Impact, impact
from topology.model import Entity
from topology.timeline import Course, timeline

UP = 1000
SHOWN_IMPACT = 2000
"""Entities listed in a revision; the total is always given."""


def impact_of(
    context: Context, incident: Incident, nodes: Sequence[Node], now: Millis
) -> list[tuple[Impact, Entity | None]]:
    """Entities below full health because of the incident's alerts, its cause and what deviates near them, in the world
    as it is (`engine.together`); kept on the incident, nearest first."""
    own: dict[str, int] = {}
    since: dict[str, Millis] = {}
    for node in nodes:
        if node.firing or incident.firing == 0:
            own[node.entity] = min(own.get(node.entity, UP), HEALTH[node.firing_word if node.firing else node.word])
            since[node.entity] = min(since.get(node.entity, node.start), node.start)
    if incident.cause and incident.cause not in own and own:
        own[incident.cause] = min(own.values())
        since[incident.cause] = incident.onset
    incident.deviating = tuple(deviants(context, incident.domain, own, incident.onset, now))
    for entity in incident.deviating:
        own[entity], since[entity] = DEVIATING, incident.onset
    troubled = {entity: health for entity, health in own.items() if health < UP}
    # they need no repair and nothing was observed of them: hit, but not in trouble themselves
    felt = dict.fromkeys(bridges(context.topology, troubled), DEVIATING) | troubled
    onsets = {entity: since.get(entity, incident.onset) for entity in felt}
    over = None if incident.firing else incident.quiet
    at = now if over is None else min(now, over)
    found = impact(context.topology, felt, at, onsets)
    courses = timeline(context.topology, felt, at, onsets, found)
    shared = jointly(context, incident, Failures(felt, onsets), found, at, now)
    if shared is not None:
        found = {
            entity: hit if entity in shared.entities else found[entity]
            for entity, hit in shared.hits.items()
            if entity in shared.entities or entity in found
        }
        every = shared.failures
        of_all = timeline(context.topology, every.health, at, every.since, shared.hits)
        courses = {**courses, **{entity: of_all[entity] for entity in shared.entities}}
    if over is not None:
        courses = {entity: course.until(at) for entity, course in courses.items()}
    rows = [(hit, context.topology.entities.get(hit.entity)) for hit in found.values()]
    shown = sorted(rows, key=lambda row: (row[0].hops, row[0].entity))[:SHOWN_IMPACT]
    incident.impact = tuple(_impacted(hit, entity, hit.entity in own, courses[hit.entity]) for hit, entity in shown)
    if shared is not None:
        incident.impact = tuple(_with_others(incident, shared, one) for one in incident.impact)
    incident.impact_total = len(rows)
    incident.reach = tuple(hit.entity for hit, _ in rows if hit.low < UP)
    foresee(context, incident, troubled, found, courses, now)
    return rows


def _with_others(incident: Incident, shared: Jointly, one: Impacted) -> Impacted:
    if one.entity not in shared.entities:
        return one
    together, path = shared.others(incident.id, one.entity), shared.path(incident.id, one.entity)
    return msgspec.structs.replace(one, together=together, path=path)


def _impacted(hit: Impact, entity: Entity | None, observed: bool, course: Course) -> Impacted:
    return Impacted(
        entity=hit.entity,
        name=entity.name if entity else "",
        kind=entity.kind if entity else "unknown",
        low=hit.low,
        high=hit.high,
        path=hit.path,
        via=hit.via,
        at=hit.at,
        degraded_at=course.degraded_at,
        down_at=course.down_at,
        held_by=course.held_by,
        held_until=course.held_until,
        observed=observed,
        at_risk=hit.at_risk,
        tier=entity.tier if entity else None,
        users=entity.users if entity else None,
    )
