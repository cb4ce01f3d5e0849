"""The greatest fixpoint of the impact algebra, in time: failures are pushed down from a world that is all up.

A `Sweep` holds one world. Time moves from event to event (an own failure sets in, a buffer is spent); between events
a worklist lowers consumers until nothing changes. Only what failures reach is ever looked at.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from heapq import heappop, heappush
from typing import NamedTuple

from topology.groups import UP, group_health, margin_lost, softened
from topology.model import Dependency, Group, Semantics, Topology

Edge = tuple[str, str, str]
"""(consumer, provider, group): which dependency."""


class Members(NamedTuple):
    """A group with its dependencies and, beside each, whether the member lies on one cycle with the consumer."""

    group: Group
    dependencies: tuple[Dependency, ...]
    weights: tuple[int, ...]
    factor: int
    cyclic: tuple[bool, ...]


class TooMany(Exception):
    """More entities are reached than was allowed."""


class Sweep:
    """One world of integer healths. ``own`` and ``since`` (milliseconds) are the failures that set in over time.
    Without ``doubtful`` no trouble passes dependencies that were only discovered; cycles are those with them.

    Raises `TooMany` when more than ``most`` entities are reached, or read one.
    """

    def __init__(
        self,
        index: Topology,
        own: Mapping[str, int],
        since: Mapping[str, int],
        most: int | None = None,
        doubtful: bool = True,
    ) -> None:
        self.index = index
        self._doubtful = doubtful
        self._most = sys.maxsize if most is None else most
        self.own: dict[str, int] = {}  # own failures in effect
        self.health: dict[str, int] = {}  # entities below full health
        self.felt: dict[str, int] = {}  # when they first fell below it
        self.margins: dict[tuple[str, str], int] = {}  # (consumer, group) without its margin -> since when
        self._reached: dict[Edge, int] = {}  # what came through spent buffers
        self._left: dict[tuple[str, str], int] = {}  # what groups leave, once a member is hit
        self._events: list[tuple[int, Edge, int]] = []
        self._front: list[tuple[int, str]] = []
        self._dirty: set[tuple[str, str]] = set()
        self._members: dict[tuple[str, str], Members] = {}
        self._now = 0
        for entity, health in own.items():
            if health < UP:
                heappush(self._events, (since[entity], (entity, "", ""), health))

    def due(self) -> int | None:
        """When the next event is due."""
        return self._events[0][0] if self._events else None

    def step(self) -> set[str]:
        """Handle all events that are due next; returns the entities whose health fell."""
        self._now = self._events[0][0]
        fallen: set[str] = set()
        while self._events and self._events[0][0] == self._now:
            _, edge, health = heappop(self._events)
            consumer, provider, group = edge
            if not provider:
                self.own[consumer] = health
                self._lower(consumer, health)
                continue
            self._reached[edge] = min(health, self._reached.get(edge, UP))
            if group:
                self._dirty.add((consumer, group))
            else:
                self._lower(consumer, health)
        self._settle(fallen)
        return fallen

    def contribution(self, dependency: Dependency) -> int:
        """What a consumer sees of one provider now, before its group or factor is applied."""
        if dependency.semantics is Semantics.ASYNC and dependency.buffer:
            return self._reached.get((dependency.consumer, dependency.provider, dependency.group), UP)
        return self.health.get(dependency.provider, UP)

    def single(self, dependency: Dependency) -> int:
        """What a dependency outside of groups leaves its consumer now."""
        seen = self.contribution(dependency)
        return softened(dependency.factor, seen) if dependency.semantics is Semantics.SOFT else seen

    def members(self, consumer: str, name: str) -> Members:
        """A group; one that nothing declares needs one member. ``info`` members do not count."""
        found = self._members.get((consumer, name))
        if found is None:
            found = self._members[consumer, name] = _members(self.index, consumer, name)
        return found

    def grouped(self, consumer: str, name: str) -> int:
        """What a group leaves its consumer now."""
        return self._left.get((consumer, name), UP)

    def _seen(self, members: Members) -> list[int]:
        """On a cycle a member of a capacity group counts by state, so that no share is lost twice."""
        seen = [self.contribution(dependency) for dependency in members.dependencies]
        return [(UP if s else 0) if cyclic else s for s, cyclic in zip(seen, members.cyclic, strict=True)]

    def _lower(self, entity: str, health: int) -> None:
        if health < self.health.get(entity, UP):
            self.health[entity] = health
            self.felt.setdefault(entity, self._now)
            heappush(self._front, (health, entity))

    def _settle(self, fallen: set[str]) -> None:
        """Groups wait until the front is empty: one evaluation for all members that fell together."""
        while self._front or self._dirty:
            while self._front:
                health, entity = heappop(self._front)
                if self.health[entity] == health:
                    if len(self.health) > self._most:
                        raise TooMany
                    fallen.add(entity)
                    self._push(entity, health)
            dirty, self._dirty = self._dirty, set()
            for consumer, name in dirty:
                self._regroup(consumer, name)

    def _push(self, provider: str, health: int) -> None:
        dependencies = self.index.consumers(provider)
        if len(dependencies) > self._most:
            raise TooMany
        for dependency in dependencies:
            semantics, consumer, group = dependency.semantics, dependency.consumer, dependency.group
            if semantics is Semantics.INFO or (dependency.discovered and not self._doubtful and not group):
                continue
            if semantics is Semantics.ASYNC and dependency.buffer:
                due = self._now + 1000 * dependency.buffer
                heappush(self._events, (due, (consumer, provider, group), health))
            elif group:
                self._dirty.add((consumer, group))
            else:
                self._lower(consumer, softened(dependency.factor, health) if semantics is Semantics.SOFT else health)

    def _regroup(self, consumer: str, name: str) -> None:
        members = self.members(consumer, name)
        group, seen = members.group, self._seen(members)
        left = group_health(group.need, group.capacity, members.weights, seen, members.factor)
        self._left[consumer, name] = left
        self._lower(consumer, left)
        if members.factor and margin_lost(group.need, group.capacity, members.weights, seen, members.factor):
            self.margins.setdefault((consumer, name), self._now)
        else:
            self.margins.pop((consumer, name), None)


def _members(index: Topology, consumer: str, name: str) -> Members:
    dependencies = tuple(d for d in index.providers(consumer) if d.group == name and d.semantics is not Semantics.INFO)
    group = index.groups.get((consumer, name)) or Group(consumer=consumer, name=name)
    ring = index.component(consumer) if group.capacity is not None else ""
    return Members(
        group,
        dependencies,
        tuple(d.weight for d in dependencies),
        max(d.factor if d.semantics is Semantics.SOFT else UP for d in dependencies),
        tuple(bool(ring) and index.component(d.provider) == ring for d in dependencies),
    )
