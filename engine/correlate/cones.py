"""Cones: what would go down, and explanations along them.

Links cross only a few silent entities, and a redundancy group hides a member's loss from them. The impact algebra knows
better: once an origin is known, everything that it takes down (silent entities, groups that lose too many members) is
explained by it, at any distance.
"""

from __future__ import annotations

from engine.correlate.explanation import FAILURE, Explanations
from engine.correlate.graph import HOP, WEAK, Link, SymptomGraph, compatible, delay_cost

MOST_ORIGINS = 200
"""Origins whose cones are worked out in one pass; those with the most nodes come first."""


def explain_by_cones(graph: SymptomGraph, found: Explanations) -> bool:
    """Attach roots that lie in the cone of another origin to it; True if any was."""
    origins = {o: nodes for o, nodes in found.origins().items() if isinstance(o, str) or graph.nodes[o].telling}
    sizes = {origin: len(nodes) for origin, nodes in origins.items()}
    chosen = sorted(origins, key=lambda o: (-sizes[o], str(o)))[:MOST_ORIGINS]
    offers: list[tuple[float, int, str, object]] = []
    for origin in chosen:
        entity = origin if isinstance(origin, str) else graph.nodes[origin].entity
        cone = graph.cone(frozenset((entity,)))
        begin = min(graph.nodes[i].start for i in origins[origin]) if isinstance(origin, str) else 0
        for other in cone:
            for index in graph.at.get(other, ()) if other != entity else ():
                if not found.is_root(index):
                    continue
                if isinstance(origin, int) and not compatible(graph.nodes[index], graph.nodes[origin], graph.horizon):
                    continue
                start = graph.nodes[origin].start if isinstance(origin, int) else begin
                lag = graph.nodes[index].start - start
                if isinstance(origin, str) and abs(lag) > graph.horizon.window:
                    continue
                cost = 2 * HOP + delay_cost(lag) + (0.0 if cone[other] == 0 else WEAK)
                offers.append((cost, index, str(origin), origin))
    changed = False
    for cost, index, _, origin in sorted(offers, key=lambda offer: offer[:3]):
        if cost >= FAILURE or not found.is_root(index):
            continue
        if isinstance(origin, str):
            found.infer(index, origin, cost, (origin,))
            changed = True
        elif not found.leads_to(origin, index):
            found.link(Link(index, origin, cost, ()))
            changed = True
    return changed
