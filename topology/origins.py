"""Why entities are hit, over all of them at once: the counterpart of `topology.explanation` for large reach.

The nearest cause of every hit entity is found at once when the first one is asked for; the words about one entity are
made when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from heapq import heappop, heappush

import numpy as np
from numpy.typing import NDArray

from topology.compiled import ASYNC, INFO, NONE, SEMANTICS, SOFT, Compiled
from topology.course import Moment
from topology.explanation import OWN, Link
from topology.groups import UP
from topology.kernels import Losses, Values
from topology.layout import Layout, Places, number_of, ranges, spans


class State:
    """What every position and slot has lost at a time, and by itself."""

    def __init__(self, values: Values, own: Values) -> None:
        self.values = values
        self.own = own

    def after(self, moment: Moment, size: int) -> None:
        """Let a moment happen."""
        self.own[moment.own] = moment.own_lost
        self.values[moment.rows] = moment.lost
        self.values[size + moment.slots] = moment.slots_lost


class Origins:
    """``hops`` to the nearest cause and the dependency it comes through (``parent``, -1 for own failures), by number.

    Who is hit in ``state`` is explained by it, who is hit later by the moment of that.
    """

    def __init__(self, compiled: Compiled, plan: Layout, state: State, later: Sequence[Moment]) -> None:
        self._c, self._plan, self._kernel = compiled, plan, Losses()
        self.hops = np.full(plan.size, NONE, np.int32)
        self.parent = np.full(plan.size, NONE, np.int32)
        self._left = np.zeros(len(compiled.need), np.int16)
        self._by_edge = np.argsort(plan.slot_edge)
        self._explain(state, np.flatnonzero(state.values[: plan.size]))
        for moment in later:
            state.after(moment, plan.size)
            self._explain(state, moment.rows[self.hops[plan.number[moment.rows]] == NONE])

    def _explain(self, state: State, rows: Places) -> None:
        """As `topology.explanation.explain`, nearest first, all of equally many hops at once."""
        if not len(rows):
            return
        numbers = self._plan.number[rows]
        edges = self._binding(state, rows, numbers)
        own = numbers[state.own[rows] == state.values[rows]]
        known = self.hops[self._c.provider[edges]]
        fresh = known == NONE
        ready: dict[int, list[Places]] = {}
        for hops in np.unique(known[~fresh]).tolist():
            ready[hops + 1] = [edges[known == hops]]
        self.hops[own] = 0
        inner = edges[fresh]
        inner = inner[np.argsort(self._c.provider[inner], kind="stable")]
        providers = self._c.provider[inner]
        self._spread(ready, inner, providers, own, 0)
        waiting = sorted(ready)
        while waiting:
            hops = heappop(waiting)
            candidates = np.sort(np.concatenate(ready.pop(hops)))
            candidates = candidates[self.hops[self._c.consumer[candidates]] == NONE]
            found, first = np.unique(self._c.consumer[candidates], return_index=True)
            self.hops[found], self.parent[found] = hops, candidates[first]
            if self._spread(ready, inner, providers, found, hops) and hops + 1 not in waiting:
                heappush(waiting, hops + 1)

    def _spread(
        self, ready: dict[int, list[Places]], edges: Places, providers: Places, found: Places, hops: int
    ) -> bool:
        """Who reads those found is next; ``edges`` are sorted by provider."""
        first = np.searchsorted(providers, found)
        places = spans(first, np.searchsorted(providers, found, "right") - first)
        if len(places):
            ready.setdefault(hops + 1, []).append(edges[places])
        return bool(len(places))

    def _binding(self, state: State, rows: Places, numbers: Places) -> Places:
        """Those dependencies of positions that leave them just what they have, sorted."""
        c, plan = self._c, self._plan
        edges, lengths = ranges(c.out_start, numbers)
        lost = np.repeat(state.values[rows], lengths)
        felt = c.semantics[edges] != INFO
        edges, lost = edges[felt], lost[felt]
        source = plan.position[c.provider[edges]]
        buffered = np.flatnonzero((c.semantics[edges] == ASYNC) & (c.buffer[edges] > 0))
        if len(buffered):
            place = np.searchsorted(plan.slot_edge, edges[buffered], sorter=self._by_edge)
            source[buffered] = plan.size + self._by_edge[place]
        seen = state.values[source].astype(np.int32)
        group = c.group[edges]
        soft = (c.semantics[edges] == SOFT) & (group == NONE)
        left = np.where(soft, seen * c.factor[edges] // UP, seen)
        self._grouped(state, rows)
        grouped = np.flatnonzero((group != NONE) & (seen > 0))
        left[grouped] = self._left[group[grouped]]
        return np.sort(edges[left == lost])

    def _grouped(self, state: State, rows: Places) -> None:
        """What the groups of positions lose them, by number of the group."""
        plan = self._plan
        places, _ = ranges(plan.of_start, rows)
        of = plan.of_bucket[places]
        for number in np.unique(of).tolist():
            bucket, columns = plan.buckets[number], plan.of_column[places[of == number]]
            self._left[bucket.group[columns]] = self._kernel.group(bucket, state.values, columns)


class Links(Mapping[str, Link]):
    """The links of all entities that are hit, or without a margin, made when asked for.

    ``first`` is when each position is first hit, ``at`` when was asked, ``margin`` the lost group of each number that
    is only at risk, by number.
    """

    def __init__(
        self,
        origins: Callable[[], Origins],
        compiled: Compiled,
        plan: Layout,
        at: int,
        first: NDArray[np.int64],
        margin: tuple[Places, Places],
    ) -> None:
        self._c, self._plan, self._at, self._first, self._margin = compiled, plan, at, first, margin
        self._explain = origins
        self._origins: Origins | None = None
        self._made: dict[str, Link] = {}

    def __getitem__(self, entity: str) -> Link:
        found = self._made.get(entity)
        if found is None:
            found = self._made[entity] = self._link(entity)
        return found

    def __iter__(self) -> Iterator[str]:
        hit = self._origin.hops != NONE
        hit[self._margin[0]] = True
        return (self._c.names[number] for number in np.flatnonzero(hit).tolist())

    def __len__(self) -> int:
        return int(np.count_nonzero(self._origin.hops != NONE)) + len(self._margin[0])

    @property
    def _origin(self) -> Origins:
        if self._origins is None:
            self._origins = self._explain()
        return self._origins

    def _link(self, entity: str) -> Link:
        c, names = self._c, self._c.names
        number = number_of(names, entity)
        place = int(np.searchsorted(self._margin[0], number))
        if place < len(self._margin[0]) and self._margin[0][place] == number:
            return self._at_risk(number, int(self._margin[1][place]))
        hops = NONE if number == NONE else int(self._origin.hops[number])
        if hops == NONE:
            raise KeyError(entity)
        edge = int(self._origin.parent[number])
        if edge == NONE:
            return Link(0, "", OWN)
        provider, group = int(c.provider[edge]), int(c.group[edge])
        if group == NONE:
            return Link(hops, names[provider], SEMANTICS[c.semantics[edge]].value)
        when = max(self._at, int(self._first[self._plan.position[number]]))
        members = self._hit(number, group, when)
        return Link(hops, names[provider], c.group_names[group], tuple(names[m] for m in members))

    def _at_risk(self, number: int, group: int) -> Link:
        names, members = self._c.names, self._hit(number, group, self._at)
        hops, provider = min((int(self._origin.hops[member]), member) for member in members)
        return Link(hops + 1, names[provider], self._c.group_names[group], tuple(names[m] for m in members))

    def _hit(self, number: int, group: int, when: int) -> list[int]:
        """The members of a group that are hit, as the consumer sees it at a time."""
        c = self._c
        edges = np.arange(c.out_start[number], c.out_start[number + 1])
        edges = edges[(c.group[edges] == group) & (c.semantics[edges] != INFO)]
        first = self._first[self._plan.position[c.provider[edges]]]
        delay = np.where(c.semantics[edges] == ASYNC, 1000 * c.buffer[edges].astype(np.int64), 0)
        found: list[int] = np.unique(c.provider[edges[first <= when - delay]]).tolist()
        return found
