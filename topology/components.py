"""Dependency cycles: the strongly connected components of a graph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence


def strong_components(successors: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Node -> the smallest id of its component, for nodes that lie on a cycle. Linear time, no recursion.

    Source: R. E. Tarjan, Depth-first search and linear graph algorithms, SIAM J. Comput. 1 (1972).
    """
    found: dict[str, str] = {}
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    open_nodes: list[str] = []
    waiting: set[str] = set()

    def enter(node: str) -> tuple[str, Iterator[str]]:
        order[node] = low[node] = len(order)
        open_nodes.append(node)
        waiting.add(node)
        return node, iter(successors.get(node, ()))

    def leave(node: str) -> None:
        if low[node] != order[node]:
            return
        start = len(open_nodes) - 1
        while open_nodes[start] != node:
            start -= 1
        members = open_nodes[start:]
        del open_nodes[start:]
        waiting.difference_update(members)
        if len(members) > 1:
            found.update(dict.fromkeys(members, min(members)))

    for root in successors:
        if root in order:
            continue
        trail = [enter(root)]
        while trail:
            node, rest = trail[-1]
            for successor in rest:
                if successor not in order:
                    trail.append(enter(successor))
                    break
                if successor in waiting:
                    low[node] = min(low[node], order[successor])
            else:
                trail.pop()
                leave(node)
                if trail:
                    low[trail[-1][0]] = min(low[trail[-1][0]], low[node])
    return found
