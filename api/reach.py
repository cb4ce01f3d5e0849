"""What a failure would reach: the topology's impact in the words of the API and the command line."""

from __future__ import annotations

from api.schemas import ImpactOf, Reached
from topology.impact import Impact, impact
from topology.model import Entity, Topology


def impact_of(topology: Topology, entity: str, most: int | None = None) -> ImpactOf:
    """Everything that is hit if ``entity`` (an id that the topology has) goes down now, soonest and worst first."""
    hits = impact(topology, {entity: 0})
    found = [_reached(topology.entities[name], hit) for name, hit in hits.items() if name != entity]
    found.sort(key=lambda hit: (hit.after or 0.0, hit.low, hit.entity))
    return ImpactOf(entity, topology.version, len(found), found[:most])


def _reached(entity: Entity, hit: Impact) -> Reached:
    """A hit that is still to come is told with the health it will lead to."""
    last = hit.later[-1] if hit.later else None
    return Reached(
        entity=hit.entity,
        name=entity.name,
        kind=entity.kind.value,
        low=last.low if last else hit.low,
        high=last.high if last else hit.high,
        path=hit.path,
        via=hit.via,
        after=hit.at / 1000,
        at_risk=hit.at_risk,
        owner=entity.owner,
        tier=entity.tier,
        users=entity.users,
    )
