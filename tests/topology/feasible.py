"""Random small catalogues with objectives, and a slow and obvious reckoning of what is possible."""

from __future__ import annotations

from itertools import combinations

import msgspec
import networkx as nx
from hypothesis import strategies as st

from tests.topology.graphs import topologies
from topology.continuity import Assumption, Continuity, Contract
from topology.model import Dependency, Entity, Kind, Semantics, Topology

NEVER = 10**9
seconds = st.integers(0, 9)
maybe = st.one_of(st.none(), seconds)


@st.composite
def catalogues(draw: st.DrawFn) -> Topology:
    index = draw(topologies("abcdef"))
    return Topology.build(
        [_entity(draw, id, sorted(index.entities)) for id in index.entities],
        index.content.dependencies,
        index.content.groups,
    )


def _entity(draw: st.DrawFn, id: str, ids: list[str]) -> Entity:
    kind = draw(st.sampled_from([Kind.SERVICE, Kind.SERVICE, Kind.DATABASE, Kind.QUEUE, Kind.THIRD_PARTY]))
    others = [other for other in ids if other != id]
    contract = Contract(
        rto=draw(maybe),
        rpo=draw(maybe),
        response=draw(maybe),
        support=draw(st.sampled_from(["", "24x7", "business_hours"])),
        expires=draw(st.sampled_from(["", "2025-12-31", "2026-03-01", "2027-01-01"])),
    )
    continuity = Continuity(
        restore=draw(maybe),
        mtd=draw(maybe),
        replication=draw(maybe),
        backup=draw(maybe),
        durable=draw(st.sampled_from([None, None, True, False])),
        contract=contract if kind is Kind.THIRD_PARTY and draw(st.booleans()) else None,
        unit=draw(st.sampled_from(["", "", "retail", "cards"])),
        priority=draw(st.one_of(st.none(), st.integers(1, 2))),
        critical=draw(st.sampled_from([None, True])),
        assumptions=(Assumption(id="x", on=draw(st.sampled_from(others))),) if draw(st.booleans()) else (),
    )
    return Entity(
        id=id,
        kind=kind,
        tier=draw(st.one_of(st.none(), st.integers(0, 2))),
        rto=draw(maybe),
        rpo=draw(maybe),
        scope=draw(st.sampled_from([True, True, False])),
        continuity=continuity,
    )


def waits(topology: Topology, entity: str) -> list[tuple[int, int, list[Dependency]]]:
    """(need, capacity, members): what has to be back before an entity is."""
    found: dict[str, list[Dependency]] = {}
    alone = []
    for dependency in topology.providers(entity):
        if dependency.semantics in (Semantics.HARD, Semantics.ASYNC):
            if dependency.group:
                found.setdefault(dependency.group, []).append(dependency)
            else:
                alone.append((1, 0, [dependency]))
    groups = []
    for name, members in found.items():
        group = topology.groups[entity, name]
        groups.append((group.need, group.capacity or 0, members))
    return alone + groups


def units(topology: Topology) -> dict[str, frozenset[str]]:
    """Entities that wait for each other in a circle, started together: first those that nobody else keeps waiting."""
    tied: dict[str, frozenset[str]] = {}
    while True:
        started = _started(topology, tied)
        left = set(topology.entities) - started
        if not left:
            return tied
        graph: nx.DiGraph[str] = nx.DiGraph()
        graph.add_nodes_from(left)
        for entity in left:
            for _, _, members in waits(topology, entity):
                graph.add_edges_from((entity, d.provider) for d in members if d.provider in left and not d.buffer)
        for circle in nx.strongly_connected_components(graph):
            if len(circle) > 1 and all(p in circle for m in circle for p in graph.successors(m)):
                tied |= dict.fromkeys(circle, frozenset(circle))


def _started(topology: Topology, tied: dict[str, frozenset[str]]) -> set[str]:
    started = set(tied)
    while True:
        more = {
            entity
            for entity in topology.entities
            if all(
                _enough(need, capacity, [d for d in members if d.buffer or d.provider in started])
                for need, capacity, members in waits(topology, entity)
            )
        }
        if more <= started:
            return started
        started |= more


def _enough(need: int, capacity: int, members: list[Dependency]) -> bool:
    return len(members) >= need and sum(d.weight for d in members) >= capacity


def reckoned(topology: Topology, own: dict[str, int], promised: dict[str, int | None], *, add: bool) -> dict[str, int]:
    """Entity -> what it comes to, by looking again and again, from never on downwards."""
    tied = units(topology)
    total = dict.fromkeys(topology.entities, NEVER)
    for _ in range(2 * len(total) + 2):
        value = {e: t if (p := promised[e]) is None else p for e, t in total.items()}
        single = {}
        for entity in total:
            longest = 0
            for need, capacity, members in waits(topology, entity):
                times = {}
                for d in members:
                    time = max(0, value[d.provider] - d.buffer) if add else value[d.provider]
                    times[d] = 0 if d.provider in tied.get(entity, ()) else time
                ways = [
                    max(times[d] for d in some)
                    for size in range(1, len(members) + 1)
                    for some in combinations(members, size)
                    if _enough(need, capacity, list(some))
                ]
                longest = max(longest, min(ways))
            single[entity] = min(NEVER, own[entity] + longest if add else max(own[entity], longest))
        total = {e: max(single[m] for m in tied.get(e, {e})) for e in total}
    return total


def on_a_buffered_cycle(topology: Topology) -> bool:
    graph: nx.DiGraph[str] = nx.DiGraph()
    felt = [d for d in topology.content.dependencies if d.semantics is not Semantics.INFO]
    graph.add_edges_from((d.consumer, d.provider) for d in felt)
    return any(
        d.buffer and d.provider in circle and d.consumer in circle
        for circle in nx.strongly_connected_components(graph)
        for d in felt
    )


def changed(topology: Topology, entity: str, **fields: object) -> Topology:
    """With other facts of continuity."""
    one = topology.entities[entity]
    other = msgspec.structs.replace(one, continuity=msgspec.structs.replace(one.continuity, **fields))
    content = topology.content
    return Topology.build(
        [other if e.id == entity else e for e in content.entities], content.dependencies, content.groups
    )
