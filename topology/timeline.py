"""When each entity becomes degraded and when down, and which buffer holds it up until then.

The forecast is `topology.impact.impact`'s: asked about the moment before the first onset, it tells the whole course.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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
    if not hits:
        return {}
    if _at_once(index, hits, at, since):
        return {entity: _course(entity, [Step(hit.at, hit.low, hit.high)]) for entity, hit in hits.items()}
    whole = impact(index, own, min(since[entity] for entity in own) - 1, since)
    falls = _Falls(index, whole)
    return {entity: _held(falls, _course(entity, falls.steps(entity)), at) for entity in hits}


def _at_once(index: Topology, hits: Mapping[str, Impact], at: int, since: Mapping[str, int]) -> bool:
    """Whether all that happens has happened at one moment, so that the impact says everything."""
    if len(set(since.values())) > 1 or max(since.values()) > at:
        return False
    return not any(
        _buffered(dependency) and dependency.provider in hits
        for entity in hits
        for dependency in index.providers(entity)
    )


def _course(entity: str, steps: list[Step]) -> Course:
    return Course(
        entity=entity,
        degraded_at=next((step.at for step in steps if step.low < UP), None),
        down_at=next((step.at for step in steps if step.low == 0), None),
        surely_degraded_at=next((step.at for step in steps if step.high < UP), None),
        surely_down_at=next((step.at for step in steps if step.high == 0), None),
    )


def _held(falls: _Falls, course: Course, at: int) -> Course:
    due = next((moment for moment in falls.of(course.entity) if moment > at), None)
    if due is None:
        return course
    return Course(
        entity=course.entity,
        degraded_at=course.degraded_at,
        down_at=course.down_at,
        surely_degraded_at=course.surely_degraded_at,
        surely_down_at=course.surely_down_at,
        held_by=falls.holder(course.entity, due),
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
