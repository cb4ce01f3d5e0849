"""Where the nodes of a small dependency graph go: providers on the left, whoever needs them to the right.

Layers by longest path; of a cycle the node that waits for the fewest is placed first. Within a layer nodes are ordered
by the middle of their neighbours (Sugiyama, Tagawa and Toda 1981). A tall layer is wrapped into several columns. The
same graph always gives the same picture.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean

Edge = tuple[str, str]
"""Provider, consumer."""
Place = tuple[int, int]

WIDE, HIGH = 250, 76
"""From node to node."""
TALL = 14
"""Nodes of a column, at least; of many nodes more."""
SWEEPS = 4


def layout(nodes: Sequence[str], edges: Iterable[Edge]) -> dict[str, Place]:
    """Node -> (x, y), from (0, 0) on."""
    known = set(nodes)
    pairs = sorted({edge for edge in edges if edge[0] in known and edge[1] in known and edge[0] != edge[1]})
    before: dict[str, list[str]] = {node: [] for node in nodes}
    after: dict[str, list[str]] = {node: [] for node in nodes}
    for provider, consumer in pairs:
        before[consumer].append(provider)
        after[provider].append(consumer)
    layers = _layers(sorted(nodes), before, after)
    _order(layers, before, after)
    return _places(layers)


def _layers(
    nodes: Sequence[str], before: Mapping[str, Sequence[str]], after: Mapping[str, Sequence[str]]
) -> list[list[str]]:
    waits = {node: len(before[node]) for node in nodes}
    depth = dict.fromkeys(nodes, 0)
    ready = [node for node in nodes if not waits[node]]
    placed: set[str] = set()
    while len(placed) < len(nodes):
        if not ready:  # a cycle
            ready = [min((node for node in nodes if node not in placed), key=lambda node: (waits[node], node))]
        node = ready.pop()
        if node in placed:
            continue
        placed.add(node)
        for consumer in after[node]:
            if consumer in placed:
                continue
            depth[consumer] = max(depth[consumer], depth[node] + 1)
            waits[consumer] -= 1
            if waits[consumer] == 0:
                ready.append(consumer)
    layers: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for node in nodes:
        layers[depth[node]].append(node)
    return layers


def _order(layers: list[list[str]], before: Mapping[str, Sequence[str]], after: Mapping[str, Sequence[str]]) -> None:
    """Sweeps to and fro."""
    for sweep in range(SWEEPS):
        forwards = sweep % 2 == 0
        neighbours = before if forwards else after
        rank = _ranks(layers)
        for layer in layers if forwards else reversed(layers):
            layer.sort(key=lambda node: (_middle(node, neighbours, rank), node))
            rank.update(_ranks([layer]))


def _ranks(layers: Iterable[Sequence[str]]) -> dict[str, float]:
    """The place of each node in its layer, from -0.5 to 0.5."""
    return {node: (place + 0.5) / len(layer) - 0.5 for layer in layers for place, node in enumerate(layer)}


def _middle(node: str, neighbours: Mapping[str, Sequence[str]], rank: Mapping[str, float]) -> float:
    near = neighbours[node]
    return fmean(rank[one] for one in near) if near else rank[node]


def _places(layers: Sequence[Sequence[str]]) -> dict[str, Place]:
    largest = max((len(layer) for layer in layers), default=0)
    tall = max(TALL, round((largest * 2) ** 0.5))
    found: dict[str, Place] = {}
    x = 0
    for layer in layers:
        columns = -(-len(layer) // tall)
        rows = -(-len(layer) // columns)
        for place, node in enumerate(layer):
            column, row = divmod(place, rows)
            here = min(rows, len(layer) - column * rows)
            found[node] = x + column * WIDE, round((row - (here - 1) / 2) * HIGH)
        x += columns * WIDE + (WIDE // 3 if columns > 1 else 0)
    top = min((y for _, y in found.values()), default=0)
    return {node: (x, y - top) for node, (x, y) in found.items()}
