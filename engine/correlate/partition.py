"""Which alerts are one trouble: a pure function of the set of symptoms, the topology and the horizon.

1. Every troubled entity is linked with the troubled providers that may explain it (`graph`).
2. Cycles are condensed; a component that nothing explains is a *root*.
3. Every other node goes to the root with the cheapest explanation (delay, hops, silent entities on the way).
4. Roots that share a silent provider are joined when one silent failure is likelier than several failures at once
   (parsimonious covering: J. A. Reggia, D. S. Nau, P. Y. Wang, Diagnostic expert systems based on a set covering
   model, Int. J. Man-Machine Studies 19, 1983; with the log-likelihoods below).

It depends neither on the order of arrival nor on the order of names; ties go to the smaller (cost, start, id).
"""

from __future__ import annotations

import heapq
from math import log

import msgspec

from engine.correlate.cycles import components
from engine.correlate.graph import BRIDGE, Link, SymptomGraph
from engine.reasons import Reason
from engine.signals import Millis
from topology.model import Semantics

LOG_SYMPTOM = log(0.65)
"""Log-probability that a consumer of a failed provider shows it (30 % of entities are never monitored)."""
LOG_NO_SYMPTOM = log(0.35)
LOG_PRIOR = log(0.01)
"""Log-probability that any given entity fails within the window, independently of the others."""
TOGETHER: Millis = 60_000
"""Onsets this close speak for one origin."""
TOGETHER_GAIN = 1.5


class Join(msgspec.Struct, frozen=True):
    """Why a node is in its trouble: the reason and the entities that say so (node first, explanation last)."""

    reason: Reason
    because: tuple[str, ...]


class Trouble(msgspec.Struct):
    """One trouble: its root nodes, all its nodes, the join of each, and the silent provider, if one was inferred."""

    roots: tuple[int, ...]
    nodes: list[int]
    joins: dict[int, Join]
    silent: str = ""
    silent_path: dict[int, tuple[str, ...]] = {}


def partition(graph: SymptomGraph) -> list[Trouble]:
    """Every node of the graph in exactly one trouble, in the order of the earliest root."""
    component = components([[link.provider for link in links] for links in graph.links])
    explained = {
        component[link.consumer]
        for links in graph.links
        for link in links
        if component[link.consumer] != component[link.provider]
    }
    roots: dict[int, list[int]] = {}
    for index, number in enumerate(component):
        if number not in explained:
            roots.setdefault(number, []).append(index)
    troubles = {number: _rooted(graph, members) for number, members in roots.items()}
    _assign(graph, component, troubles)
    joined = _join_silent(graph, list(troubles.values()))
    return sorted(joined, key=lambda t: (min(graph.nodes[i].start for i in t.nodes), t.nodes[0]))


def _rooted(graph: SymptomGraph, members: list[int]) -> Trouble:
    first = min(members, key=lambda i: (graph.nodes[i].start, -graph.nodes[i].weight, graph.nodes[i].entity))
    joins = {i: Join(Reason.SAME_CYCLE, (graph.nodes[i].entity, graph.nodes[first].entity)) for i in members}
    joins[first] = Join(Reason.NEW_TROUBLE, (graph.nodes[first].entity,))
    return Trouble((first, *(i for i in members if i != first)), list(members), joins)


def _assign(graph: SymptomGraph, component: list[int], troubles: dict[int, Trouble]) -> None:
    """Give every explained node to the root that explains it most cheaply (Dijkstra from all roots at once)."""
    consumers: list[list[Link]] = [[] for _ in graph.nodes]
    for links in graph.links:
        for link in links:
            consumers[link.provider].append(link)
    done = {i for trouble in troubles.values() for i in trouble.nodes}
    heap: list[tuple[Millis, Millis, str, int, int, tuple[str, ...]]] = []

    def push(node: int, cost: Millis, root: int) -> None:
        for link in consumers[node]:
            if link.consumer not in done:
                start, entity = graph.nodes[root].start, graph.nodes[root].entity
                because = (graph.nodes[link.consumer].entity, *link.via, graph.nodes[node].entity)
                heapq.heappush(heap, (cost + link.cost, start, entity, link.consumer, root, because))

    for trouble in troubles.values():
        for i in trouble.nodes:
            push(i, 0, trouble.roots[0])
    while heap:
        cost, _, _, node, root, because = heapq.heappop(heap)
        if node in done:
            continue
        done.add(node)
        trouble = troubles[component[root]]
        trouble.nodes.append(node)
        trouble.joins[node] = Join(Reason.EXPLAINED_BY_CAUSE, because)
        push(node, cost, root)


def _join_silent(graph: SymptomGraph, troubles: list[Trouble]) -> list[Trouble]:
    """Join troubles, best evidence first, while one silent provider explains several of them better than chance."""
    reach = [_silent_providers(graph, trouble) for trouble in troubles]
    above: dict[str, list[int]] = {}
    for place, providers in enumerate(reach):
        for provider in providers:
            above.setdefault(provider, []).append(place)
    scored = []
    for provider, places in above.items():
        if len(places) > 1:
            scored += _score(graph, provider, [(place, troubles[place]) for place in places])
    taken: set[int] = set()
    merged: list[Trouble] = []
    for _, provider, places in sorted(scored, key=lambda item: (-item[0], item[1])):
        if not taken.isdisjoint(places):
            continue
        taken.update(places)
        merged.append(_merge(graph, provider, [(troubles[p], reach[p][provider]) for p in places]))
    return merged + [trouble for place, trouble in enumerate(troubles) if place not in taken]


def _silent_providers(graph: SymptomGraph, trouble: Trouble) -> dict[str, tuple[str, ...]]:
    """Silent providers within reach of a trouble's first root: provider -> the way there."""
    found: dict[str, tuple[str, ...]] = {}
    frontier = [(graph.nodes[trouble.roots[0]].entity, ())] if not trouble.silent else []
    members = {graph.nodes[i].entity for i in trouble.nodes}
    for _ in range(BRIDGE):
        following = []
        for entity, way in frontier:
            for dependency in graph.topology.providers(entity):
                provider = dependency.provider
                hidden = dependency.group or dependency.semantics is Semantics.INFO
                if hidden or provider in found or provider in members or provider in graph.at:
                    continue
                found[provider] = (*way, provider)
                following.append((provider, found[provider]))
        frontier = following
    return found


def _score(
    graph: SymptomGraph, provider: str, places: list[tuple[int, Trouble]]
) -> list[tuple[float, str, tuple[int, ...]]]:
    """Log-likelihood ratio of one silent failure against independent ones; nothing when it is not positive."""
    starts = sorted((graph.nodes[t.roots[0]].start, place) for place, t in places)
    first = starts[0][0]
    chosen = [(start, place) for start, place in starts if start - first <= graph.horizon.window]
    if len(chosen) < 2:
        return []
    silent = sum(
        1
        for dependency in graph.topology.consumers(provider)
        if dependency.semantics is Semantics.HARD and not dependency.group and dependency.consumer not in graph.at
    )
    score = len(chosen) * LOG_SYMPTOM + silent * LOG_NO_SYMPTOM + (1 - len(chosen)) * LOG_PRIOR
    score += sum(TOGETHER_GAIN - max(0, start - first - TOGETHER) / TOGETHER for start, _ in chosen[1:])
    return [(score, provider, tuple(place for _, place in chosen))] if score > 0 else []


def _merge(graph: SymptomGraph, provider: str, parts: list[tuple[Trouble, tuple[str, ...]]]) -> Trouble:
    parts = sorted(parts, key=lambda part: (graph.nodes[part[0].roots[0]].start, part[0].roots[0]))
    joins = {node: join for trouble, _ in parts for node, join in trouble.joins.items()}
    for trouble, way in parts:
        joins[trouble.roots[0]] = Join(
            Reason.SHARED_SILENT_PROVIDER, (graph.nodes[trouble.roots[0]].entity, *way)
        )
    return Trouble(
        tuple(i for trouble, _ in parts for i in trouble.roots),
        [i for trouble, _ in parts for i in trouble.nodes],
        joins,
        silent=provider,
        silent_path={trouble.roots[0]: way for trouble, way in parts},
    )
