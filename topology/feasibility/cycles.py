"""Entities on one dependency cycle: which of them can start by themselves, and in which order they are back.

A member is back when its requirements are; the soonest first, as in D. E. Knuth, A generalization of Dijkstra's
algorithm, Information Processing Letters 6 (1977).
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from topology.components import strong_components


class Requirement(NamedTuple):
    """``owner`` needs ``need`` of ``members`` (entity, weight) on the cycle and ``others`` (entity, buffer, weight),
    whose weights sum to ``capacity``, at least. Members behind a buffer are among the others."""

    owner: int
    need: int
    capacity: int
    members: tuple[tuple[int, int], ...]
    others: tuple[tuple[int, int, int], ...]


class Knot:
    """One cycle. ``unit``: member -> the smallest member of those it is started together with. ``buffered``: there is a
    buffer on it, so that times may need more than one look."""

    def __init__(self, members: Sequence[int], requirements: Sequence[Requirement], *, buffered: bool) -> None:
        self.members = members
        self.unit = {member: member for member in members}
        self._requirements = requirements
        self.buffered = buffered
        self._waiting: dict[int, list[tuple[int, int]]] = {member: [] for member in members}
        for number, requirement in enumerate(requirements):
            for provider, weight in requirement.members:
                self._waiting[provider].append((number, weight))
        self._of: dict[int, list[int]] = {member: [] for member in members}
        for number, requirement in enumerate(requirements):
            self._of[requirement.owner].append(number)

    def units(self) -> dict[int, list[int]]:
        """Unit -> its members, sorted."""
        found: dict[int, list[int]] = {}
        for member in self.members:
            found.setdefault(self.unit[member], []).append(member)
        return found

    def tie(self) -> list[list[int]]:
        """Ties members that wait for each other in a circle into units, and returns those."""
        tied: list[list[int]] = []
        left = _Left(self._requirements, dict(self.unit))
        reached: set[int] = set()
        back = [member for member in self.members if not left.of_unit.get(member)]
        back += [
            member
            for number, requirement in enumerate(self._requirements)
            for _, _, weight in requirement.others
            for member in left.met(number, weight)
        ]
        self._reach(left, back, reached)
        circles = [self._circles([member for member in self.members if member not in reached])]
        while circles:
            if not circles[-1]:
                circles.pop()
                continue
            circle = circles[-1].pop()
            rest = [member for member in circle if member not in reached]
            if len(rest) < len(circle):  # what was tied before it lets some of it start
                circles.append(self._circles(rest))
                continue
            tied.append(circle)
            self.unit.update(dict.fromkeys(circle, circle[0]))
            self._reach(left, circle, reached)
        return tied

    def _reach(self, left: _Left, back: Sequence[int], reached: set[int]) -> None:
        """All that can start once ``back`` is back."""
        reached.update(back)
        waiting = list(back)
        while waiting:
            for number, weight in self._waiting[waiting.pop()]:
                for member in left.met(number, weight):
                    if member not in reached:
                        reached.add(member)
                        waiting.append(member)

    def _circles(self, members: Sequence[int]) -> list[list[int]]:
        """Members that wait for each other, each sorted; those that wait for nobody else are last."""
        inside = set(members)
        waits = {
            member: [p for number in self._of[member] for p, _ in self._requirements[number].members if p in inside]
            for member in members
        }
        found: dict[int, list[int]] = {}
        for member, first in strong_components(waits).items():  # in the order in which their search ends
            found.setdefault(first, []).append(member)
        return [sorted(circle) for circle in reversed(found.values())]

    def settle(
        self, known: dict[int, int], when: Callable[[int, int], int], complete: Callable[[int], int]
    ) -> Iterator[int]:
        """The members in the order in which they are back. Those in ``known`` are back at their time, whatever they
        need; ``when(entity, buffer)`` says it of the others in requirements. ``complete(unit)`` is called once all that
        the unit needs is back, and says when the members of it are."""
        left = _Left(self._requirements, self.unit)
        heap = [(time, 1, member, 0) for member, time in known.items()]
        for number, requirement in enumerate(self._requirements):
            heap += [(when(entity, buffer), 0, number, weight) for entity, buffer, weight in requirement.others]
        units = self.units()
        ready = [unit for unit in units if not left.of_unit.get(unit)]
        heapq.heapify(heap)
        while heap or ready:
            for unit in ready:
                time = complete(unit)
                for member in units[unit]:
                    if member not in known:
                        heapq.heappush(heap, (time, 1, member, 0))
            ready = []
            if heap:
                _, is_member, name, weight = heapq.heappop(heap)
                if not is_member:
                    ready = left.met(name, weight)
                    continue
                yield name
                for number, weight in self._waiting[name]:
                    if not left.inside(number, name):
                        ready += left.met(number, weight)


class _Left:
    """What is still missing."""

    def __init__(self, requirements: Sequence[Requirement], unit: dict[int, int]) -> None:
        self._unit = unit
        self._owner = [requirement.owner for requirement in requirements]
        self._need = [requirement.need for requirement in requirements]
        self._capacity = [requirement.capacity for requirement in requirements]
        self.of_unit: dict[int, int] = {}
        """Unit -> requirements that are not met."""
        for number, requirement in enumerate(requirements):
            home = unit[requirement.owner]
            for member, weight in requirement.members:
                if unit[member] == home:
                    self._count(number, weight)
            if self._open(number):
                self.of_unit[home] = self.of_unit.get(home, 0) + 1

    def inside(self, number: int, member: int) -> bool:
        """Whether the member is of the unit whose requirement it is, and so counted from the start."""
        return self._unit[member] == self._unit[self._owner[number]]

    def met(self, number: int, weight: int) -> list[int]:
        """Somebody that a requirement waited for is back: the unit that misses nothing any more, if any."""
        if not self._open(number):
            return []
        self._count(number, weight)
        if self._open(number):
            return []
        home = self._unit[self._owner[number]]
        self.of_unit[home] -= 1
        return [] if self.of_unit[home] else [home]

    def _open(self, number: int) -> bool:
        return self._need[number] > 0 or self._capacity[number] > 0

    def _count(self, number: int, weight: int) -> None:
        self._need[number] -= 1
        self._capacity[number] -= weight
