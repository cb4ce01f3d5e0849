"""When each entity is back after everything went down, or how much data is lost: one pass, providers first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from topology.feasibility.cycles import Knot
from topology.feasibility.needs import Group, Needs

NEVER = 2**62
ROUNDS = 16
"""Buffers on a cycle are given so many rounds; what is found before they settle is a lower bound."""


class Values(Protocol):
    """Entity number -> seconds."""

    def __getitem__(self, number: int, /) -> int: ...


@dataclass(frozen=True, slots=True)
class Times:
    """By entity number, seconds. ``total``: what the entity comes to; ``value``: what its consumers reckon with, its
    promise if it made one; ``via``: the provider that it waits for longest, -1 when it waits for none; ``lead``: the
    member of its unit that takes longest, itself without a unit; ``order``: providers before consumers; ``restless``:
    entities on cycles whose buffers do not outlast their restoration, so that no time is long enough."""

    total: list[int]
    value: list[int]
    via: list[int]
    lead: list[int]
    order: list[int]
    promised: Sequence[int | None]
    restless: set[int]

    def chain(self, entity: int) -> list[int]:
        """The way down that decides ``total``, to the first promise."""
        lead = self.lead[entity]
        return list(dict.fromkeys((entity, lead, *self.onward(self.via[lead], entity, lead))))

    def onward(self, provider: int, *before: int) -> list[int]:
        """The rest of a chain, from a provider on; -1 is none."""
        way: dict[int, None] = {}
        here = provider
        while here != -1 and here not in way and here not in before:
            way[here] = None
            if self.promised[here] is not None:
                break
            way[self.lead[here]] = None
            here = self.via[self.lead[here]]
        return list(way)


def reckon(needs: Needs, own: Sequence[int], promised: Sequence[int | None], *, add: bool) -> Times:
    """``own`` is what each entity takes (or loses) by itself. With ``add`` it is added to the longest wait, and buffers
    shorten waits: durations; without, the larger of both counts: losses."""
    return _Reckoning(needs, own, promised, add).all()


def again(
    needs: Needs, times: Times, knot: Knot, own: Sequence[int], promised: Sequence[int | None], *, add: bool = True
) -> Times:
    """The members of one cycle reckoned anew with other promises; what lies outside of it is as it was."""
    reckoning = _Reckoning(needs, own, promised, add)
    reckoning.value[:] = times.value
    for member in knot.members:
        reckoning.value[member] = NEVER
    reckoning.cycle(knot)
    return reckoning.result()


def wait(needs: Needs, entity: int, value: Values, *, add: bool) -> tuple[int, int]:
    """(what it has to wait for its providers, the one that decides it or -1). ``value`` NEVER is unknown: a provider
    behind a buffer then counts as back."""
    longest, via = 0, -1
    unit = needs.unit[entity]
    for provider in needs.at_once[entity]:
        time = value[provider]
        if time > longest and (unit == -1 or needs.unit[provider] != unit):
            longest, via = time, provider
    for provider, buffer in needs.buffered.get(entity, ()):
        time = _buffered(value[provider], buffer, add)
        if time > longest and (unit == -1 or needs.unit[provider] != unit):
            longest, via = time, provider
    for group in needs.groups[entity]:
        time, provider = group_time(needs, group, unit, value, add=add)
        if time > longest:
            longest, via = time, provider
    return longest, via


def group_time(needs: Needs, group: Group, unit: int, value: Values, *, add: bool) -> tuple[int, int]:
    """When so many members are back that the group is, and the last of them."""
    times = []
    for provider, buffer, weight in group.members:
        time = value[provider]
        if buffer:
            time = _buffered(time, buffer, add)
        if unit != -1 and needs.unit[provider] == unit:
            time = 0
        times.append((time, provider, weight))
    if group.need == 1 and not group.capacity:
        return min(times)[:2]
    times.sort()
    carried = 0
    for number, (time, provider, weight) in enumerate(times, 1):
        carried += weight
        if number >= group.need and carried >= group.capacity:
            return time, provider
    raise AssertionError("a group that cannot be met was clamped")


def _buffered(time: int, buffer: int, add: bool) -> int:
    if time >= NEVER:
        return 0
    return max(0, time - buffer) if add else time


class _Reckoning:
    def __init__(self, needs: Needs, own: Sequence[int], promised: Sequence[int | None], add: bool) -> None:
        count = len(own)
        self._needs, self._own, self._promised, self._add = needs, own, promised, add
        self.value = [NEVER] * count
        self._total, self._via, self._lead = [0] * count, [-1] * count, list(range(count))
        self._order: list[int] = []
        self._restless: set[int] = set()

    def all(self) -> Times:
        for entity in self._needs.order:
            knot = self._needs.knots.get(entity)
            if knot is None:
                total = self._single(entity)
                promise = self._promised[entity]
                self.value[entity] = total if promise is None else promise
                self._order.append(entity)
            else:
                self.cycle(knot)
        return self.result()

    def result(self) -> Times:
        return Times(self._total, self.value, self._via, self._lead, self._order, self._promised, self._restless)

    def _single(self, entity: int) -> int:
        waited, via = wait(self._needs, entity, self.value, add=self._add)
        own = self._own[entity]
        total = own + waited if self._add else max(own, waited)
        self._total[entity] = total
        self._via[entity] = via if self._add or waited > own else -1
        return total

    def cycle(self, knot: Knot) -> None:
        known = {member: time for member in knot.members if (time := self._promised[member]) is not None}
        units = knot.units()

        def complete(unit: int) -> int:
            members = units[unit]
            total = max(self._single(member) for member in members)
            lead = next(member for member in members if self._total[member] == total)
            for member in members:
                self._total[member], self._lead[member] = total, lead
            return total

        def when(entity: int, buffer: int) -> int:
            time = self.value[entity]
            return _buffered(time, buffer, self._add) if buffer else time

        before: list[int] = []
        for _ in range(ROUNDS if knot.buffered else 1):
            order = []
            for member in knot.settle(known, when, complete):
                unit_time = self._total[member]
                self.value[member] = known.get(member, unit_time)
                order.append(member)
            after = [self._total[member] for member in knot.members]
            if after == before:
                break
            before = after
        else:
            if knot.buffered:
                self._restless.update(knot.members)
        self._order += order
