"""The explanation of every node: a link to a troubled provider, an inferred silent failure, or none (a root)."""

from __future__ import annotations

from collections.abc import Iterable
from math import log

from engine.correlate.graph import Link, SymptomGraph

FAILURE = -log(0.01)
"""Cost of an independent failure, in nats: how rarely a given entity fails within the window."""
SYMPTOM = -log(0.6)
"""Cost of a symptom of a silent failure: a consumer alerts with this probability (many are never monitored)."""
NO_SYMPTOM = -log(0.4)
"""Cost of an entity that an inferred failure should have taken down, and that does not alert."""

Origin = int | str
"""A root node, or the silent provider that was inferred."""


class Explanations:
    """Begins with the cheapest link of every node; cycles are broken where that costs least (the greedy step of
    Y. J. Chu and T. H. Liu, On the shortest arborescence of a directed graph, Scientia Sinica 14, 1965)."""

    def __init__(self, graph: SymptomGraph) -> None:
        self.graph = graph
        self.parent: list[Link | None] = [_cheapest(links) for links in graph.links]
        self.silent: dict[int, tuple[str, tuple[str, ...]]] = {}
        self._break_cycles()
        self.cost = [link.cost if link is not None else FAILURE for link in self.parent]

    def is_root(self, index: int) -> bool:
        """Has nothing explained the node yet?"""
        return self.parent[index] is None and index not in self.silent

    def link(self, link: Link) -> None:
        """Explain a node by a troubled provider."""
        self.parent[link.consumer], self.cost[link.consumer] = link, link.cost
        self.silent.pop(link.consumer, None)

    def infer(self, index: int, provider: str, cost: float, way: tuple[str, ...]) -> None:
        """Explain a node by a silent failure."""
        self.parent[index], self.cost[index] = None, cost
        self.silent[index] = (provider, way)

    def origin(self, index: int) -> Origin:
        """What stands at the end of a node's explanations."""
        while index not in self.silent and (link := self.parent[index]) is not None:
            index = link.provider
        return self.silent[index][0] if index in self.silent else index

    def origins(self) -> dict[Origin, list[int]]:
        """Origin -> its nodes."""
        groups: dict[Origin, list[int]] = {}
        for index in range(len(self.parent)):
            groups.setdefault(self.origin(index), []).append(index)
        return groups

    def _break_cycles(self) -> None:
        done: set[int] = set()
        for begin in range(len(self.parent)):
            while cycle := self._cycle_from(begin, done):
                self._break(cycle)
            at: int | None = begin
            while at is not None and at not in done:
                done.add(at)
                link = self.parent[at]
                at = link.provider if link is not None else None

    def _break(self, cycle: list[int]) -> None:
        """Let one node of the cycle be explained from outside; where none can be, the worst explained is a root."""
        inside = set(cycle)
        ways = []
        for index in cycle:
            outside = _cheapest(link for link in self.graph.links[index] if link.provider not in inside)
            if outside is not None and self._leads_into(outside.provider, inside):
                outside = None
            current, node = self.parent[index], self.graph.nodes[index]
            extra = (outside.cost if outside else FAILURE) - (current.cost if current else 0.0)
            ways.append((outside is None, extra, node.start, node.entity, index, outside))
        *_, index, outside = min(ways, key=lambda way: way[:5])
        self.parent[index] = outside

    def _cycle_from(self, index: int, done: set[int]) -> list[int]:
        seen: dict[int, int] = {}
        chain: list[int] = []
        at: int | None = index
        while at is not None and at not in done:
            if at in seen:
                return chain[seen[at] :]
            seen[at] = len(chain)
            chain.append(at)
            link = self.parent[at]
            at = link.provider if link is not None else None
        return []

    def _leads_into(self, index: int, inside: set[int]) -> bool:
        seen: set[int] = set()
        at: int | None = index
        while at is not None and at not in seen:
            if at in inside:
                return True
            seen.add(at)
            link = self.parent[at]
            at = link.provider if link is not None else None
        return False


def _cheapest(links: Iterable[Link]) -> Link | None:
    best = min(links, key=lambda link: (link.cost, link.provider), default=None)
    return best if best is not None and best.cost < FAILURE else None
