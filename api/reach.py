"""What a failure would reach: the topology's impact in the words of the API and the command line."""

from __future__ import annotations

from collections.abc import Mapping

from api.schemas import GroupState, ImpactOf, Reached, Versions
from engine.assumptions import assumptions_of
from rules.ruleset import RuleSet
from topology.arithmetic import GroupSum
from topology.assumptions import Assumptions, Fault
from topology.groups import UP
from topology.impact import Impact
from topology.model import Entity, Topology
from topology.whatif import Answer, World, first


def versions_of(topology: Topology, rules: RuleSet | None) -> Versions:
    """What an answer was computed from."""
    return Versions(topology.version, topology.version, rules.version if rules is not None else "")


def impact_of(topology: Topology, entity: str, most: int | None = None) -> ImpactOf:
    """Everything that is hit if ``entity`` (an id that the topology has) goes down now, soonest and worst first."""
    world = Answer(topology, Assumptions(faults=(Fault(entity),))).after
    hits = {id: hit for id, hit in world.at(0).items() if id != entity}
    items = reached(world, hits, 0, {}, most)
    assumed = assumptions_of(topology, ((hit, topology.entities[id]) for id, hit in world.at(0).items()), 0)
    return ImpactOf(entity, topology.version, len(hits), items, versions_of(topology, None), assumed)


def reached(
    world: World, hits: Mapping[str, Impact], at: int, reasons: Mapping[str, str], most: int | None
) -> list[Reached]:
    """Those of ``hits`` (at ``at`` milliseconds) that are hit first, most of them at once: those that are worst off."""
    order = sorted(hits.values(), key=lambda hit: (max(0, hit.at), _worst(hit), hit.entity))
    return [_reached(world, hit, at, reasons.get(hit.entity, "")) for hit in order[:most]]


def group_state(found: GroupSum) -> GroupState:
    """A group's arithmetic in full members, and in words."""
    return GroupState(
        consumer=found.consumer,
        name=found.name,
        words=found.words(),
        members=found.members,
        working=found.working,
        need=found.need,
        capacity=None if found.capacity is None else found.capacity / 1000,
        delivered=found.delivered / 1000,
        hit=found.hit,
        health=found.health,
        margin_lost=found.margin_lost,
    )


def _worst(hit: Impact) -> int:
    """A hit that is still to come counts with the health that it will lead to."""
    return min([hit.low, *(step.low for step in hit.later)])


def _reached(world: World, hit: Impact, at: int, why: str) -> Reached:
    """A hit that is still to come is told with the worst that it will lead to."""
    entity: Entity = world.index.entities[hit.entity]
    to_come = hit.later if hit.low == UP and not hit.at_risk else ()
    low = min((step.low for step in to_come), default=hit.low)
    high = min((step.high for step in to_come), default=hit.high)
    steps = world.steps(hit.entity)
    healed = steps[-1].at if steps and steps[-1].low == UP else None
    return Reached(
        entity=hit.entity,
        name=entity.name,
        kind=entity.kind.value,
        low=low,
        high=high,
        path=hit.path,
        via=hit.via,
        after=hit.at / 1000,
        at_risk=hit.at_risk,
        owner=entity.owner,
        tier=entity.tier,
        users=entity.users,
        degraded=_seconds(first(steps, UP - 1)),
        down=_seconds(first(steps, 0)),
        up=_seconds(healed),
        groups=[group_state(found) for found in world.sums(hit.entity, max(at, hit.at))],
        assumed=why,
    )


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000
