"""Dependency cycles: the strongly connected components of a graph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence


def strong_components(successors: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Node -> the smallest id of its component, for nodes that lie on a cycle. Linear time, no recursion.

    Source: R. E. Tarjan, Depth-first search and linear graph algorithms, SIAM J. Comput. 1 (1972).
    """
    search = _Search(successors)
    for root in successors:
        if root not in search.order:
            search.explore(root)
    return search.found


class _Search:
    def __init__(self, successors: Mapping[str, Sequence[str]]) -> None:
        self.found: dict[str, str] = {}
        self.order: dict[str, int] = {}
        self._successors = successors
        self._low: dict[str, int] = {}
        self._open: list[str] = []
        self._waiting: set[str] = set()
        self._trail: list[tuple[str, Iterator[str]]] = []

    def explore(self, root: str) -> None:
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

    def _descend(self, node: str, rest: Iterator[str]) -> bool:
        for successor in rest:
            if successor not in self.order:
                self._enter(successor)
                return True
            if successor in self._waiting:
                self._low[node] = min(self._low[node], self.order[successor])
        return False

    def _enter(self, node: str) -> None:
        self.order[node] = self._low[node] = len(self.order)
        self._open.append(node)
        self._waiting.add(node)
        self._trail.append((node, iter(self._successors.get(node, ()))))

    def _leave(self, node: str) -> None:
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
