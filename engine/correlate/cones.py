"""Cones: what would go down, and explanations along them.

Links cross only a few silent entities, and a redundancy group hides a member's loss from them. The impact algebra knows
better: once an origin is known, everything that it takes down (silent entities, groups that lose too many members) is
explained by it, at any distance.
"""

from __future__ import annotations

from engine.correlate.explanation import Explanations, Origin
from engine.correlate.graph import HOP, WEAK, Link, SymptomGraph, compatible, delay_cost

MOST_ORIGINS = 200
"""Origins whose cones are worked out in one pass; those with the most nodes come first."""


def explain_by_cones(graph: SymptomGraph, found: Explanations) -> bool:
    """Explain nodes by the origin in whose cone they lie, where that is cheaper; True if a root was explained."""
    origins = {o: nodes for o, nodes in found.origins().items() if isinstance(o, str) or graph.nodes[o].telling}
    chosen = sorted(origins, key=lambda o: (-len(origins[o]), str(o)))[:MOST_ORIGINS]
    offers = [
        offer
        for origin in chosen
        for offer in _offers(graph, found, origin, min(graph.nodes[i].start for i in origins[origin]))
    ]
    changed = False
    for cost, index, _, origin in sorted(offers, key=lambda offer: offer[:3]):
        was_root = found.is_root(index)
        if cost >= found.cost[index] or (isinstance(origin, int) and not _holds(found, origin, index)):
            continue
        if isinstance(origin, str):
            found.infer(index, origin, cost, (origin,))
        else:
            found.link(Link(index, origin, cost, ()))
        changed = changed or was_root
    return changed


def _holds(found: Explanations, origin: int, index: int) -> bool:
    """Is the origin still one, and not itself explained by the node?"""
    return found.is_root(origin) and origin != index


def _offers(
    graph: SymptomGraph, found: Explanations, origin: Origin, begin: int
) -> list[tuple[float, int, str, Origin]]:
    """(cost, node, tie-break, origin) of the nodes in one origin's cone."""
    entity = origin if isinstance(origin, str) else graph.nodes[origin].entity
    offers: list[tuple[float, int, str, Origin]] = []
    for other, health in graph.cone(frozenset((entity,))).items():
        for index in graph.at.get(other, ()) if other != entity else ():
            lag = graph.nodes[index].start - (begin if isinstance(origin, str) else graph.nodes[origin].start)
            if isinstance(origin, str):
                fits = found.is_root(index) and abs(lag) <= graph.horizon.window
            else:
                fits = compatible(graph.nodes[index], graph.nodes[origin], graph.horizon)
            if fits:
                offers.append((2 * HOP + delay_cost(lag) + (0.0 if health == 0 else WEAK), index, str(origin), origin))
    return offers
