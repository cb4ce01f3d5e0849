"""When each entity becomes degraded and when down, and which buffer holds it up until then.

The forecast is `topology.impact.impact`'s: asked about the moment before the first onset, it tells the whole course.
Where health is known exactly, and all dependencies are declared, that is needed only of what is held up by a buffer.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from topology.downtimes import down_since
from topology.groups import UP, softened
from topology.impact import Health, Impact, Step, impact
from topology.model import Dependency, Semantics, Topology


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """The course of one entity, in milliseconds of event time; None: never, as far as is known.

    ``degraded_at`` and ``down_at`` are the earliest moments that the evidence allows, ``surely_degraded_at`` and
    ``surely_down_at`` the latest; they differ only where a health is known within bounds. ``held_by`` is the provider
    (a queue) whose buffer keeps the entity from getting worse until ``held_until``; empty when nothing is to come.
    """

    entity: str
    degraded_at: int | None = None
    down_at: int | None = None
    surely_degraded_at: int | None = None
    surely_down_at: int | None = None
    held_by: str = ""
    held_until: int | None = None

    def until(self, end: int) -> Course:
        """The course of a trouble that was over at ``end``: what was still to come never came."""

        def happened(moment: int | None) -> int | None:
            return moment if moment is not None and moment <= end else None

        return Course(
            entity=self.entity,
            degraded_at=happened(self.degraded_at),
            down_at=happened(self.down_at),
            surely_degraded_at=happened(self.surely_degraded_at),
            surely_down_at=happened(self.surely_down_at),
        )


def timeline(
    index: Topology, own: Mapping[str, Health], at: int, since: Mapping[str, int], hits: Mapping[str, Impact]
) -> dict[str, Course]:
    """Entity -> its course, for the entities of ``hits``, which is what ``impact(index, own, at, since)`` said.

    ``since`` names the onset of every own failure.
    """
    if own and (index.doubtful or any(_low(health) != _high(health) for health in own.values())):
        return _of_both_worlds(index, own, at, since, hits)
    down = down_since(index, {entity: since[entity] for entity, health in own.items() if _low(health) == 0})
    coming = {entity: hit.later[0].at for entity, hit in hits.items() if hit.later}
    falls = _Falls(index, _upstream(index, own, since, coming, hits)) if coming else None
    return {
        entity: _course(
            entity,
            hit.at if hit.low < UP or entity in coming else None,
            down.get(entity),
            falls.holder(entity, coming[entity]) if falls and entity in coming else "",
            coming.get(entity),
        )
        for entity, hit in hits.items()
    }


def _of_both_worlds(
    index: Topology, own: Mapping[str, Health], at: int, since: Mapping[str, int], hits: Mapping[str, Impact]
) -> dict[str, Course]:
    """Where health is known within bounds, the whole course is asked for."""
    falls = _Falls(index, impact(index, own, min(since[entity] for entity in own) - 1, since))
    found = {}
    for entity in hits:
        steps = falls.steps(entity)
        due = next((moment for moment in falls.of(entity) if moment > at), None)
        found[entity] = Course(
            entity=entity,
            degraded_at=next((step.at for step in steps if step.low < UP), None),
            down_at=next((step.at for step in steps if step.low == 0), None),
            surely_degraded_at=next((step.at for step in steps if step.high < UP), None),
            surely_down_at=next((step.at for step in steps if step.high == 0), None),
            held_by=falls.holder(entity, due) if due is not None else "",
            held_until=due,
        )
    return found


def _upstream(
    index: Topology,
    own: Mapping[str, Health],
    since: Mapping[str, int],
    entities: Collection[str],
    hits: Mapping[str, Impact],
) -> Mapping[str, Impact]:
    """The whole course of what these entities hang on, from before the first onset."""
    front, seen = list(entities), set(entities)
    while front:
        for dependency in index.providers(front.pop()):
            provider = dependency.provider
            if provider in hits and provider not in seen and dependency.semantics is not Semantics.INFO:
                seen.add(provider)
                front.append(provider)
    causes = {entity: health for entity, health in own.items() if entity in seen}
    return impact(index, causes, min(since[entity] for entity in causes) - 1, since)


def _low(health: Health) -> int:
    return health if isinstance(health, int) else health.low


def _high(health: Health) -> int:
    return health if isinstance(health, int) else health.high


def _course(entity: str, degraded: int | None, down: int | None, held_by: str, due: int | None) -> Course:
    return Course(
        entity=entity,
        degraded_at=degraded,
        down_at=down,
        surely_degraded_at=degraded,
        surely_down_at=down,
        held_by=held_by,
        held_until=due,
    )


class _Falls:
    """Who fell when to which health, in the worse world."""

    def __init__(self, index: Topology, whole: Mapping[str, Impact]) -> None:
        self.index = index
        self._whole = whole
        self._known: dict[str, dict[int, int]] = {}

    def steps(self, entity: str) -> list[Step]:
        """All changes of an entity."""
        found = self._whole.get(entity)
        return list(found.later) if found else []

    def of(self, entity: str) -> dict[int, int]:
        """Moment -> health, in order of time."""
        known = self._known.get(entity)
        if known is None:
            known, low = {}, UP
            for step in self.steps(entity):
                if step.low < low:
                    low = known[step.at] = step.low
            self._known[entity] = known
        return known

    def holder(self, entity: str, moment: int) -> str:
        """The provider of the spent buffer that makes ``entity`` fall at ``moment``: the nearest, then the first by
        id; "" when it is an own failure that sets in then."""
        layer, seen = [entity], {entity}
        while layer:
            spent: list[str] = []
            reached: set[str] = set()
            for consumer in layer:
                for dependency in self.index.providers(consumer):
                    if self._pulls(dependency, moment):
                        (spent.append if _buffered(dependency) else reached.add)(dependency.provider)
            if spent:
                return min(spent)
            layer = sorted(reached - seen)
            seen |= reached
        return ""

    def _pulls(self, dependency: Dependency, moment: int) -> bool:
        """Did the consumer fall at ``moment`` through this dependency? A group's member that fell just then is taken
        for it."""
        if dependency.semantics is Semantics.INFO:
            return False
        felt = moment - 1000 * dependency.buffer if _buffered(dependency) else moment
        health = self.of(dependency.provider).get(felt)
        if health is None or dependency.group:
            return health is not None
        left = softened(dependency.factor, health) if dependency.semantics is Semantics.SOFT else health
        return left == self.of(dependency.consumer)[moment]


def _buffered(dependency: Dependency) -> bool:
    return dependency.semantics is Semantics.ASYNC and dependency.buffer > 0
