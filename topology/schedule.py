"""When each hit entity can start and be in service again, under one assumption on how long each takes.

Starts are taken in order of time, as in the critical path method (J. E. Kelley, M. R. Walker, Critical-path planning
and scheduling, 1959), with groups that wait for the soonest of their members only.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from heapq import heapify, heappop, heappush

from topology.groups import UP
from topology.model import Dependency, Semantics, Topology
from topology.prerequisites import Need, groups_of, holds_finish, needed

NEVER = 1 << 60
"""Seconds: no bound is known."""


class Schedule:
    """Seconds from now. ``needs`` of each entity that is down; ``takes`` of each with work to do;
    ``hit`` are all entities below full health. An ``async`` provider is felt from ``spent`` on (seconds from now).

    ``start`` and ``ready``: when work on an entity begins and ends; ``finish``: when it is in service, which is later
    where it runs but lacks what it is there to pass on; some other's ``ready`` then. ``released`` and ``held`` name
    whom the start and the finish waited for last.
    """

    def __init__(
        self,
        index: Topology,
        hit: Mapping[str, int],
        needs: Mapping[str, Sequence[Need]],
        takes: Mapping[str, int],
        spent: Callable[[Dependency], int],
    ) -> None:
        self.start: dict[str, int] = {}
        self.ready: dict[str, int] = {}
        self.released: dict[str, str] = {}
        self.held: dict[str, str] = {}
        self.chosen: dict[str, tuple[str, ...]] = {}
        self._index, self._hit, self._needs, self._takes, self._spent = index, hit, needs, takes, spent
        self._begin()
        self.finish = dict(self.ready)

    @property
    def complete(self) -> bool:
        """Whether everybody can start; else there are circles, and the rest of the schedule says nothing."""
        return len(self.ready) == len(self._hit)

    def slack(self) -> dict[str, int]:
        """How many seconds longer each entity may take before the last one is in service later, all else as planned."""
        latest = dict.fromkeys(self.ready, max(self.finish.values(), default=0))
        for entity in reversed(list(self.ready)):
            for provider in self.chosen.get(entity, ()):
                latest[provider] = min(latest[provider], latest[entity] - self._takes[entity])
        return {entity: latest[entity] - ready for entity, ready in self.ready.items()}

    def critical(self) -> tuple[str, ...]:
        """The chain of starts that decides when the last one is ready, the first entity first."""
        way = [min(self.ready, key=lambda entity: (-self.ready[entity], entity not in self._takes, entity))]
        while before := self.released.get(way[-1]):
            way.append(before)
        return tuple(reversed(way))

    def _begin(self) -> None:
        """Filled in order of time: who is ready first, comes first."""
        users: dict[str, list[tuple[str, int]]] = {}
        lacking: dict[str, list[int]] = {}
        unmet: dict[str, int] = {}
        chosen: dict[str, list[str]] = {}
        for entity, needs in self._needs.items():
            lacking[entity], unmet[entity] = [need.least for need in needs], len(needs)
            for place, need in enumerate(needs):
                for provider in need.providers:
                    users.setdefault(provider, []).append((entity, place))
        front = [(self._takes.get(entity, 0), entity) for entity in self._hit if not self._needs.get(entity)]
        heapify(front)
        self.start = {entity: 0 for _, entity in front}
        while front:
            now, provider = heappop(front)
            self.ready[provider] = now
            for entity, place in users.get(provider, ()):
                lacking[entity][place] -= 1
                if lacking[entity][place] < 0:
                    continue
                chosen.setdefault(entity, []).append(provider)
                unmet[entity] -= lacking[entity][place] == 0
                if not unmet[entity] and entity not in self.start:
                    self.start[entity], self.released[entity] = now, provider
                    heappush(front, (min(NEVER, now + self._takes.get(entity, 0)), entity))
        self.chosen = {entity: tuple(providers) for entity, providers in chosen.items()}

    def end(self, also: Collection[str]) -> None:
        """Find the least times at which everybody also has what it passes on; circles of these are no obstacle.
        ``also`` are those that may lack something although they run and nobody else is late."""
        front = deque(entity for entity in self.ready if entity in also)
        queued = set(front)
        while front:
            entity = front.popleft()
            queued.discard(entity)
            finish, by = max(self._waits(entity), default=(0, ""))
            if finish <= self.finish[entity]:
                continue
            self.finish[entity], self.held[entity] = finish, by
            for dependency in self._index.consumers(entity):
                consumer = dependency.consumer
                if consumer in self.finish and consumer not in queued and holds_finish(dependency):
                    queued.add(consumer)
                    front.append(consumer)

    def _waits(self, entity: str) -> list[tuple[int, str]]:
        """(when, for whom) of each provider and group that its return waits for."""
        found = [
            (self._lacks(dependency), dependency.provider)
            for dependency in self._index.providers(entity)
            if not dependency.group and dependency.provider in self._hit and holds_finish(dependency)
        ]
        for group, members in groups_of(self._index, entity):
            back = sorted((self._lacks(member), member.provider, member.weight) for member in members)
            count, weight = needed(group, members), 0
            required = min(group.capacity or 0, sum(member.weight for member in members))
            for place, (at, provider, share) in enumerate(back, 1):
                weight += share
                if place >= count and weight >= required:
                    found.append((at, provider))
                    break
        return found

    def _lacks(self, dependency: Dependency) -> int:
        """Until when the consumer misses the provider."""
        back = self.finish.get(dependency.provider, 0)
        if dependency.semantics is Semantics.ASYNC and back <= self._spent(dependency):
            return 0
        return back


def below(health: Mapping[str, int]) -> dict[str, int]:
    """The entities below full health."""
    return {entity: low for entity, low in sorted(health.items()) if low < UP}
