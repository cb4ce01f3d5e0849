"""When each entity goes down: one pass in order of time.

With hard dependencies an entity goes down with the first of its providers, with async ones a buffer later; a group is
down with its (n − k + 1)-th loss (E. W. Dijkstra, A note on two problems in connexion with graphs, 1959, with counters
for groups).
"""

from __future__ import annotations

from collections.abc import Mapping
from heapq import heapify, heappop, heappush

from topology.groups import UP
from topology.model import Dependency, Semantics, Topology


def down_since(index: Topology, own: Mapping[str, int]) -> dict[str, int]:
    """Entity -> when it goes down, given when those of ``own`` do by themselves; in milliseconds, soonest first."""
    found: dict[str, int] = {}
    spare: dict[tuple[str, str], int] = {}
    front = [(at, entity, "") for entity, at in own.items()]
    heapify(front)
    while front:
        now, entity, group = heappop(front)
        if entity in found:
            continue
        if group:
            left = spare[entity, group] = spare.get((entity, group)) or _spare(index, entity, group)
            if left > 1:
                spare[entity, group] = left - 1
                continue
        found[entity] = now
        for dependency in index.consumers(entity):
            if dependency.consumer not in found and _takes_down(dependency):
                buffer = dependency.buffer if dependency.semantics is Semantics.ASYNC else 0
                heappush(front, (now + 1000 * buffer, dependency.consumer, dependency.group))
    return found


def _takes_down(dependency: Dependency) -> bool:
    if dependency.semantics is Semantics.SOFT:
        return dependency.factor >= UP
    return dependency.semantics is not Semantics.INFO


def _spare(index: Topology, consumer: str, name: str) -> int:
    """How many members a group must lose to be down."""
    members = sum(d.group == name and d.semantics is not Semantics.INFO for d in index.providers(consumer))
    group = index.groups.get((consumer, name))
    return members - max(1, min(group.need if group else 1, members)) + 1
