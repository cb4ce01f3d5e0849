"""Impact over all entities at once: the answer of `topology.impact.impact` when much is reached.

The healths of all are columns. What is said of one entity is made when it is asked for.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from heapq import merge

import numpy as np
from numpy.typing import NDArray

from topology.answer import Impact, Interval, Step
from topology.compiled import NONE, Compiled
from topology.course import NEVER, Course, Lost
from topology.groups import UP
from topology.layout import Layout, Places, layout, number_of
from topology.origins import Links, Origins, State


def impacts(
    compiled: Compiled,
    own: Mapping[str, Interval],
    onsets: Mapping[str, int],
    at: int,
    unknown: Callable[[Mapping[str, Interval]], Mapping[str, Impact]],
) -> Impacts:
    """The impact of own healths on entities of a compiled topology; ``unknown`` tells that of entities not in it."""
    plan = layout(compiled)
    known = {entity: number for entity in own if (number := number_of(compiled.names, entity)) != NONE}
    others = unknown({entity: own[entity] for entity in own.keys() - known.keys()})
    rows = plan.position[np.fromiter(known.values(), np.int64, len(known))]
    since = np.fromiter((onsets[entity] for entity in known), np.int64, len(known))
    low = _World(plan, rows, since, np.fromiter((UP - own[e].low for e in known), np.int16, len(known)), at)
    high = low
    if compiled.doubtful is not None or any(own[entity].low != own[entity].high for entity in known):
        best = np.fromiter((UP - own[entity].high for entity in known), np.int16, len(known))
        high = _World(layout(compiled, doubtful=False), rows, since, best, at)
    return Impacts(compiled, plan, low, high, at, others)


class _World:
    """A course that has run to its end, and how it stood when it was asked for."""

    def __init__(self, plan: Layout, rows: Places, since: NDArray[np.int64], lost: Lost, at: int) -> None:
        rows, since, lost = rows[lost > 0], since[lost > 0], lost[lost > 0]
        times = np.unique(since).tolist()
        self.course = course = Course(plan, {time: (rows[since == time], lost[since == time]) for time in times})
        course.until(at)
        self.state = State(course.values, course.own)
        self.margins = course.margins.since
        self.passed = len(course.moments)
        if course.due() is not None:
            self.state = State(course.values.copy(), course.own.copy())
            course.forget_margins()
            while course.due() is not None:
                course.step()
        self.lost: Lost = self.state.values[: plan.size]
        self._later: tuple[Places, NDArray[np.int64], Lost] | None = None

    def origins(self, compiled: Compiled, plan: Layout) -> Origins:
        """Why entities are hit."""
        state = State(self.state.values.copy(), self.state.own.copy())
        return Origins(compiled, plan, state, self.course.moments[self.passed :])

    def later(self, row: int) -> dict[int, int]:
        """Time -> health of a position, for all changes to come."""
        if self._later is None:
            self._later = _changes([(m.at, m.rows, m.lost) for m in self.course.moments[self.passed :]])
        rows, times, lost = self._later
        first, last = np.searchsorted(rows, [row, row + 1])
        return dict(zip(times[first:last].tolist(), (UP - lost[first:last]).tolist(), strict=True))


def _changes(moments: list[tuple[int, Places, Lost]]) -> tuple[Places, NDArray[np.int64], Lost]:
    """(position, time, loss) of all moments, by position, then time."""
    if not moments:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int16)
    rows = np.concatenate([rows for _, rows, _ in moments])
    times = np.repeat([at for at, _, _ in moments], [len(rows) for _, rows, _ in moments])
    order = np.argsort(rows, kind="stable")
    return rows[order], times[order], np.concatenate([lost for _, _, lost in moments])[order]


class Impacts(Mapping[str, Impact]):
    """Entity id -> impact, sorted; equal to a dictionary of the same impacts."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(
        self, compiled: Compiled, plan: Layout, low: _World, high: _World, at: int, others: Mapping[str, Impact]
    ) -> None:
        self._c, self._plan, self._low, self._high = compiled, plan, low, high
        self._others = dict(sorted(others.items()))
        self._first = low.course.first
        self._risk, risk_group, self._risk_since = _margins(plan, low.margins, high.margins)
        hit = self._first != NEVER
        unhit = ~hit[plan.position[self._risk]]
        hit[plan.position[self._risk]] = True
        self._numbers = np.flatnonzero(hit[plan.position])
        margin = (self._risk[unhit], risk_group[unhit])
        self._links = Links(lambda: low.origins(compiled, plan), compiled, plan, at, self._first, margin)
        self._rings = _compounding(compiled)

    def __len__(self) -> int:
        return len(self._numbers) + len(self._others)

    def __iter__(self) -> Iterator[str]:
        names = self._c.names
        mine = (names[number] for number in self._numbers.tolist())
        return merge(mine, self._others) if self._others else mine

    def __contains__(self, entity: object) -> bool:
        return isinstance(entity, str) and (entity in self._others or self._number(entity) != NONE)

    def __getitem__(self, entity: str) -> Impact:
        if entity in self._others:
            return self._others[entity]
        number = self._number(entity)
        if number == NONE:
            raise KeyError(entity)
        return self._impact(entity, number)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mapping) and dict(self.items()) == dict(other.items())

    def healths(self) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
        """(low, high) of all entities of the topology at the time asked for, by number."""
        position = self._plan.position
        return UP - self._low.lost[position], UP - self._high.lost[position]

    def _number(self, entity: str) -> int:
        number = number_of(self._c.names, entity)
        place = bisect_left(self._numbers, number)
        return number if place < len(self._numbers) and self._numbers[place] == number else NONE

    def _impact(self, entity: str, number: int) -> Impact:
        row = int(self._plan.position[number])
        place = int(np.searchsorted(self._risk, number))
        at_risk = place < len(self._risk) and bool(self._risk[place] == number)
        first = int(self._first[row])
        low, high = UP - int(self._low.lost[row]), UP - int(self._high.lost[row])
        return Impact(
            entity=entity,
            low=low,
            high=high,
            at=int(self._risk_since[place]) if first == NEVER else first,
            at_risk=at_risk,
            compounding=bool(self._c.cyclic[number]) and int(self._c.component[number]) in self._rings,
            later=self._steps(row, low, high),
            links=self._links,
        )

    def _steps(self, row: int, low: int, high: int) -> tuple[Step, ...]:
        lows = self._low.later(row)
        highs = lows if self._high is self._low else self._high.later(row)
        steps = []
        for at in sorted(lows.keys() | highs.keys()):
            low, high = lows.get(at, low), highs.get(at, high)
            steps.append(Step(at, low, high))
        return tuple(steps)


def _margins(plan: Layout, low: NDArray[np.int64], high: NDArray[np.int64]) -> tuple[Places, Places, NDArray[np.int64]]:
    """(number, group, since) of who has lost a margin, in either world, by number; the first lost, by (since, name)."""
    since = np.minimum(low, high)
    lost = np.flatnonzero(since != NEVER)
    if not len(lost):
        return lost, lost, since[lost]
    group = np.concatenate([bucket.group for bucket in plan.buckets])[lost]
    consumer = plan.number[np.concatenate([bucket.consumer for bucket in plan.buckets])[lost]]
    order = np.lexsort((group, since[lost], consumer))
    numbers, first = np.unique(consumer[order], return_index=True)
    return numbers, group[order][first], since[lost][order][first]


def _compounding(compiled: Compiled) -> frozenset[int]:
    """The components in which a required capacity is shared around a cycle."""
    if not compiled.cyclic.any() or (compiled.capacity == NONE).all():
        return frozenset()
    shared = np.flatnonzero(compiled.group != NONE)
    shared = shared[compiled.capacity[compiled.group[shared]] != NONE]
    consumer, provider = compiled.consumer[shared], compiled.provider[shared]
    around = compiled.cyclic[consumer] & (compiled.component[consumer] == compiled.component[provider])
    return frozenset(compiled.component[consumer[around]].tolist())
