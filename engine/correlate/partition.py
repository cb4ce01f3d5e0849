"""Which alerts are one trouble: a pure function of the set of symptoms, the topology and the horizon.

Every troubled entity is explained by a troubled provider, by a silent provider that is inferred, or by nothing: then
it is the root of a trouble. Each explanation has a cost in nats (negative log-likelihood); the cheapest are taken:

1. the cheapest link of the symptom graph, if cheaper than an independent failure (`explanation`);
2. silent failures that are likelier than what they replace (`silent`);
3. what the cones of the origins found so far explain at a distance (`cones`).

The result depends neither on the order of arrival nor on the order of names; ties go to the smaller (start, id).
"""

from __future__ import annotations

import msgspec

from engine.correlate.cones import explain_by_cones
from engine.correlate.explanation import Explanations, Origin
from engine.correlate.graph import SymptomGraph
from engine.correlate.silent import infer_silent
from engine.reasons import Reason

PASSES = 3
"""Passes over the cones; a pass may bring a root into reach of the next one."""


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


def partition(graph: SymptomGraph) -> list[Trouble]:
    """Every node of the graph in exactly one trouble, in the order of the earliest start."""
    found = Explanations(graph)
    explain_by_cones(graph, found)
    infer_silent(graph, found)
    for _ in range(PASSES):
        if not explain_by_cones(graph, found):
            break
    troubles = [_trouble(graph, found, origin, nodes) for origin, nodes in found.origins().items()]
    return sorted(troubles, key=lambda t: (min(graph.nodes[i].start for i in t.nodes), t.nodes[0]))


def _trouble(graph: SymptomGraph, found: Explanations, origin: Origin, nodes: list[int]) -> Trouble:
    joins: dict[int, Join] = {}
    roots = []
    for index in nodes:
        entity, link = graph.nodes[index].entity, found.parent[index]
        if index in found.silent:
            joins[index] = Join(Reason.SHARED_SILENT_PROVIDER, (entity, *found.silent[index][1]))
            roots.append(index)
        elif link is not None:
            joins[index] = Join(Reason.EXPLAINED_BY_CAUSE, (entity, *link.via, graph.nodes[link.provider].entity))
        else:
            joins[index] = Join(Reason.NEW_TROUBLE, (entity,))
            roots.append(index)
    roots.sort(key=lambda i: (graph.nodes[i].start, graph.nodes[i].entity))
    return Trouble(tuple(roots), nodes, joins, origin if isinstance(origin, str) else "")
