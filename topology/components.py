"""Connected components: those of dependencies in either direction, and those that lie on dependency cycles.

Small graphs are searched in plain Python, large ones by scipy, which is loaded only for them: it takes longer to load
than a small graph to search.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int32]
Node = TypeVar("Node", str, int)

LARGE = 20_000
"""So many edges are a large graph."""


def weak_roots(count: int, consumer: Ints, provider: Ints) -> Ints:
    """Node -> the smallest node of its connected component, edges taken in either direction. Nodes: 0 … count - 1."""
    if len(consumer) < LARGE:
        return _united(count, zip(consumer.tolist(), provider.tolist(), strict=True))
    _, label = labels(count, consumer, provider, "weak")
    return _smallest(label)[label]


def cycle_roots(count: int, consumer: Ints, provider: Ints) -> Ints:
    """Node -> the smallest node of its strongly connected component, for nodes that lie on a cycle; else -1."""
    roots = np.full(count, -1, dtype=np.int32)
    if len(consumer) < LARGE:
        successors: dict[int, list[int]] = {}
        for node, successor in zip(consumer.tolist(), provider.tolist(), strict=True):
            successors.setdefault(node, []).append(successor)
        for node, root in strong_components(successors).items():
            roots[node] = root
        return roots
    _, label = labels(count, consumer, provider, "strong")
    on_cycle = np.bincount(label)[label] > 1
    roots[on_cycle] = _smallest(label)[label][on_cycle]
    return roots


def labels(count: int, consumer: Ints, provider: Ints, connection: str) -> tuple[int, Ints]:
    """(number of components, node -> component); ``connection`` is "weak" or "strong". Linear; strong components by
    D. J. Pearce, An improved algorithm for finding the strongly connected components of a directed graph, 2005."""
    from scipy.sparse import csr_array  # noqa: PLC0415
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415

    graph: Any = csr_array((np.ones(len(consumer), dtype=np.int8), (consumer, provider)), shape=(count, count))
    total, label = connected_components(graph, directed=True, connection=connection)
    return int(total), label.astype(np.int32)


def _smallest(label: Ints) -> Ints:
    """Component -> its smallest node."""
    smallest = np.zeros(int(label.max(initial=-1)) + 1, dtype=np.int32)
    smallest[label[::-1]] = np.arange(len(label) - 1, -1, -1, dtype=np.int32)  # what is assigned last stays
    return smallest


def _united(count: int, edges: Iterator[tuple[int, int]]) -> Ints:
    """Union-find with path halving, the smaller root on top."""
    parent = list(range(count))
    for ends in edges:
        a, b = ends
        while parent[a] != a:
            parent[a] = a = parent[parent[a]]
        while parent[b] != b:
            parent[b] = b = parent[parent[b]]
        if a < b:
            parent[b] = a
        else:
            parent[a] = b
    roots = np.array(parent, dtype=np.int32)
    while (roots[roots] != roots).any():
        roots = roots[roots]
    return roots


def strong_components(successors: Mapping[Node, Sequence[Node]]) -> dict[Node, Node]:
    """Node -> the smallest node of its component, for nodes that lie on a cycle. Linear time, no recursion.

    Source: R. E. Tarjan, Depth-first search and linear graph algorithms, SIAM J. Comput. 1 (1972).
    """
    search: _Search[Node] = _Search(successors)
    for root in successors:
        if root not in search.order:
            search.explore(root)
    return search.found


class _Search(Generic[Node]):
    def __init__(self, successors: Mapping[Node, Sequence[Node]]) -> None:
        self.found: dict[Node, Node] = {}
        self.order: dict[Node, int] = {}
        self._successors: Mapping[Node, Sequence[Node]] = successors
        self._low: dict[Node, int] = {}
        self._open: list[Node] = []
        self._waiting: set[Node] = set()
        self._trail: list[tuple[Node, Iterator[Node]]] = []

    def explore(self, root: Node) -> None:
        """Visit all that ``root`` reaches."""
        low, trail = self._low, self._trail
        self._enter(root)
        while trail:
            node, rest = trail[-1]
            if self._descend(node, rest):
                continue
            trail.pop()
            self._leave(node)
            if trail:
                parent = trail[-1][0]
                low[parent] = min(low[parent], low[node])

    def _descend(self, node: Node, rest: Iterator[Node]) -> bool:
        for successor in rest:
            if successor not in self.order:
                self._enter(successor)
                return True
            if successor in self._waiting:
                self._low[node] = min(self._low[node], self.order[successor])
        return False

    def _enter(self, node: Node) -> None:
        self.order[node] = self._low[node] = len(self.order)
        self._open.append(node)
        self._waiting.add(node)
        self._trail.append((node, iter(self._successors.get(node, ()))))

    def _leave(self, node: Node) -> None:
        if self._low[node] != self.order[node]:
            return
        start = len(self._open) - 1
        while self._open[start] != node:
            start -= 1
        members = self._open[start:]
        del self._open[start:]
        self._waiting.difference_update(members)
        if len(members) > 1:
            self.found.update(dict.fromkeys(members, min(members)))
