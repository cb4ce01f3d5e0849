"""A compiled topology with a few dependencies more or fewer, without compiling it anew.

The dependencies of changed consumers are reckoned one by one, all others as compiled. That holds as long as levels
and cycles do: an added dependency leads to a lower level, a removed one lies on no cycle.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from topology.bulk import Worlds
from topology.compiled import NONE, SEMANTICS, Compiled
from topology.groups import UP, group_health, softened
from topology.kernels import Losses, Values
from topology.layout import Layout, Places, number_of
from topology.parts import Dependency, Semantics

Key = tuple[int, str, Semantics]
"""(provider's number, group, semantics): one dependency of a consumer."""


class _Edge(NamedTuple):
    row: int
    factor: int
    weight: int
    held: bool
    ring: bool


class Rewired(Worlds):
    """One world of a compiled topology that is changed dependency by dependency."""

    def __init__(self, compiled: Compiled, plan: Layout, own: Values, spent: bool, doubtful: bool) -> None:
        super().__init__(plan, Losses(), own, spent)
        self._c, self._doubtful = compiled, doubtful
        self._edges: dict[int, dict[Key, _Edge]] = {}  # all dependencies of changed consumers, by position
        self._more: dict[int, set[int]] = {}  # provider -> added consumers, by position
        self._at: Places = np.zeros(0, np.int64)  # of the changed consumers, sorted
        self._providers: Places = np.zeros(0, np.int64)  # of added dependencies, sorted

    def rewire(self, added: Iterable[Dependency], removed: Iterable[Dependency]) -> tuple[Places, Values]:
        """Add and remove dependencies; returns whose values changed, sorted, and from what. An added one takes the
        place of one between the same two, in the same group and of the same semantics.

        Raises KeyError for entities and dependencies that are not there, ValueError for what changes levels or cycles;
        then nothing is changed.
        """
        fewer = [(*self._ends(d), d) for d in removed if d.semantics is not Semantics.INFO]
        more = [(*self._ends(d), d) for d in added if d.semantics is not Semantics.INFO]
        edges = {consumer: dict(self._known(consumer)) for consumer, _, _ in [*fewer, *more]}
        for consumer, provider, d in fewer:
            if edges[consumer].pop((provider, d.group, d.semantics)).ring:
                raise ValueError(f"{d.consumer} and {d.provider} lie on a cycle, which may end: compile anew")
        for consumer, provider, d in more:
            row = int(self.plan.position[provider])
            if self.plan.level[row] >= self.plan.level[self.plan.position[consumer]]:
                raise ValueError(f"{d.provider} is not below {d.consumer}: compile anew")
            edges[consumer][provider, d.group, d.semantics] = _Edge(
                row, self._factor(d.semantics, d.factor, d.doubtful), d.weight, _held(d.semantics, d.buffer), False
            )
        for consumer, found in edges.items():
            self._keep(consumer, found)
        self._at, self._providers = np.array(sorted(self._edges), np.int64), np.array(sorted(self._more), np.int64)
        return self.settle(self.plan.position[list(edges)], heals=True)

    def pull(self, rows: Places) -> Values:
        """See `Worlds.pull`."""
        new = super().pull(rows)
        for place in _among(self._at, rows):
            new[place] = self._reckon(int(rows[place]))
        return new

    def _pass(self, level: int) -> None:
        super()._pass(level)
        begin, end = self.plan.level_begin[level], self.plan.level_begin[level + 1]
        for row in self._at[(self._at >= begin) & (self._at < end)].tolist():
            self.values[row] = self._reckon(row)

    def _spread(self, level: int, rows: Places, dirty: NDArray[np.bool_], whole: NDArray[np.bool_], read: int) -> int:
        for place in _among(self._providers, rows):
            consumers = list(self._more[int(rows[place])])
            self._marked[consumers] = True
            dirty[self.plan.level[consumers]] = True
        return super()._spread(level, rows, dirty, whole, read)

    def _ends(self, dependency: Dependency) -> tuple[int, int]:
        ends = number_of(self._c.names, dependency.consumer), number_of(self._c.names, dependency.provider)
        if NONE in ends:
            raise KeyError((dependency.consumer, dependency.provider)[ends.index(NONE)])
        return ends

    def _keep(self, consumer: int, found: dict[Key, _Edge]) -> None:
        """These are the dependencies of a consumer from now on; what is as compiled is forgotten."""
        row, compiled = int(self.plan.position[consumer]), self._compiled(consumer)
        for edge in self._edges.pop(row, {}).values():
            self._more.get(edge.row, set()).discard(row)
        if found != compiled:
            self._edges[row] = found
            for key in found.keys() - compiled.keys():
                self._more.setdefault(found[key].row, set()).add(row)
        self._more = {provider: consumers for provider, consumers in self._more.items() if consumers}

    def _known(self, consumer: int) -> Mapping[Key, _Edge]:
        """All felt dependencies of a consumer, as changed so far."""
        found = self._edges.get(int(self.plan.position[consumer]))
        return self._compiled(consumer) if found is None else found

    def _compiled(self, consumer: int) -> dict[Key, _Edge]:
        c = self._c
        edges: dict[Key, _Edge] = {}
        for edge in range(int(c.out_start[consumer]), int(c.out_start[consumer + 1])):
            semantics, provider = SEMANTICS[c.semantics[edge]], int(c.provider[edge])
            if semantics is Semantics.INFO:
                continue
            group = "" if c.group[edge] == NONE else c.group_names[c.group[edge]]
            edges[provider, group, semantics] = _Edge(
                int(self.plan.position[provider]),
                self._factor(semantics, int(c.factor[edge]), c.doubtful is not None and bool(c.doubtful[edge])),
                int(c.weight[edge]),
                _held(semantics, int(c.buffer[edge])),
                bool(c.cyclic[consumer]) and bool(c.component[consumer] == c.component[provider]),
            )
        return edges

    def _factor(self, semantics: Semantics, factor: int, doubtful: bool) -> int:
        """The share of the trouble that is felt."""
        if doubtful and not self._doubtful:
            return 0
        return factor if semantics is Semantics.SOFT else UP

    def _reckon(self, row: int) -> int:
        """What a changed consumer loses; the arithmetic of `topology.sweep`, for one entity."""
        left = [UP - int(self.own[row])]
        groups: dict[str, list[_Edge]] = {}
        for (_, group, _), edge in self._edges[row].items():
            if group:
                groups.setdefault(group, []).append(edge)
            else:
                left.append(softened(edge.factor, self._seen(edge)))
        declared = self._declared(int(self.plan.number[row])) if groups else {}
        for group, edges in groups.items():
            need, capacity = declared.get(group, (1, None))
            seen = [self._seen(edge) for edge in edges]
            if capacity is not None:
                seen = [(UP if s else 0) if edge.ring else s for edge, s in zip(edges, seen, strict=True)]
            weights, factor = [edge.weight for edge in edges], max(edge.factor for edge in edges)
            left.append(group_health(need, capacity, weights, seen, factor))
        return UP - min(left)

    def _seen(self, edge: _Edge) -> int:
        return UP if edge.held and not self.spent else UP - int(self.values[edge.row])

    def _declared(self, consumer: int) -> dict[str, tuple[int, int | None]]:
        c = self._c
        first, last = np.searchsorted(c.group_consumer, [consumer, consumer + 1])
        return {
            c.group_names[group]: (int(c.need[group]), None if c.capacity[group] == NONE else int(c.capacity[group]))
            for group in range(int(first), int(last))
        }


def _among(few: Places, rows: Places) -> list[int]:
    """Where in sorted positions some others are."""
    if not len(few) or not len(rows):
        return []
    places = np.searchsorted(rows, few)
    places = places[places < len(rows)]
    found: list[int] = places[rows[places] == few[: len(places)]].tolist()
    return found


def _held(semantics: Semantics, buffer: int) -> bool:
    return semantics is Semantics.ASYNC and buffer > 0
