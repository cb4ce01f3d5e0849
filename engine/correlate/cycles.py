"""Strongly connected components, iteratively (R. E. Tarjan, Depth-first search and linear graph algorithms, 1972)."""

from __future__ import annotations

from collections.abc import Sequence


def components(edges: Sequence[Sequence[int]]) -> list[int]:
    """The component of every node; equal numbers mean one cycle. Numbers follow a reverse topological order.

    ``edges[v]`` are the successors of node v.

    >>> components([[1], [0], [1]])
    [0, 0, 1]
    """
    count = len(edges)
    order = [-1] * count
    low = [0] * count
    component = [-1] * count
    stack: list[int] = []
    clock = found = 0
    for root in range(count):
        if order[root] >= 0:
            continue
        work = [(root, 0)]
        while work:
            node, place = work.pop()
            if place == 0:
                order[node] = low[node] = clock
                clock += 1
                stack.append(node)
            following = edges[node]
            while place < len(following):
                other = following[place]
                place += 1
                if order[other] < 0:
                    work += [(node, place), (other, 0)]
                    break
                if component[other] < 0:
                    low[node] = min(low[node], order[other])
            else:
                for other in following:
                    if component[other] < 0:
                        low[node] = min(low[node], low[other])
                if low[node] == order[node]:
                    while True:
                        member = stack.pop()
                        component[member] = found
                        if member == node:
                            break
                    found += 1
    return component
