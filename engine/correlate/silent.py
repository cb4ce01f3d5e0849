"""Silent failures: providers that never alert, inferred from the symptoms that they explain together.

One silent failure is preferred to several failures when it is likelier, the symptoms that it should have caused in
addition and did not included (parsimonious covering: J. A. Reggia, D. S. Nau, P. Y. Wang, Diagnostic expert systems
based on a set covering model, Int. J. Man-Machine Studies 19, 1983).
"""

from __future__ import annotations

import msgspec

from engine.correlate.explanation import FAILURE, NO_SYMPTOM, SYMPTOM, Explanations
from engine.correlate.graph import BRIDGE, HOP, SymptomGraph, delay_cost
from topology.model import Semantics

STARTS_TRIED = 3
"""Onsets tried for one silent failure: those of its earliest symptoms."""
Reached = list[tuple[int, tuple[str, ...]]]
"""Nodes that would feel a provider, each with the way to it."""


class Case(msgspec.Struct, frozen=True):
    """The case for one silent failure: what it saves (nats), and (node, cost, way) of those it explains."""

    gain: float
    provider: str
    children: tuple[tuple[int, float, tuple[str, ...]], ...]


def infer_silent(graph: SymptomGraph, found: Explanations) -> None:
    """Infer silent failures, the best case first, until none is likelier than what it would replace."""
    reach = _reach(graph)
    cases: dict[str, tuple[Case, bool]] = {}
    for provider, nodes in reach.items():
        if (case := _roughly(graph, provider, nodes, found.cost)) is not None:
            cases[provider] = (case, False)
    while cases:
        case, exact = min(cases.values(), key=lambda entry: (-entry[0].gain, entry[0].provider))
        if not exact:
            _replace(cases, case.provider, _exactly(graph, case), exact=True)
            continue
        for index, price, way in case.children:
            found.infer(index, case.provider, price, way)
        taken = {index for index, _, _ in case.children}
        del cases[case.provider]
        for provider in [p for p, (other, _) in cases.items() if any(c[0] in taken for c in other.children)]:
            _replace(cases, provider, _roughly(graph, provider, reach[provider], found.cost), exact=False)


def _replace(cases: dict[str, tuple[Case, bool]], provider: str, case: Case | None, *, exact: bool) -> None:
    if case is None:
        del cases[provider]
    else:
        cases[provider] = (case, exact)


def _reach(graph: SymptomGraph) -> dict[str, Reached]:
    """Silent providers that at least two nodes would feel, over at most `BRIDGE` hard dependencies. Nodes that only get
    too little to do point to those who should be asking them, not to what they use."""
    reach: dict[str, Reached] = {}
    for index, node in enumerate(graph.nodes):
        frontier: list[tuple[str, tuple[str, ...]]] = [(node.entity, ())] if node.telling and not node.starved else []
        seen = {node.entity}
        for _ in range(BRIDGE):
            following = []
            for entity, way in frontier:
                for d in graph.topology.providers(entity):
                    if d.group or d.semantics is not Semantics.HARD or d.provider in seen or d.provider in graph.at:
                        continue
                    seen.add(d.provider)
                    reach.setdefault(d.provider, []).append((index, (*way, d.provider)))
                    following.append((d.provider, (*way, d.provider)))
            frontier = following
    return {provider: nodes for provider, nodes in reach.items() if len(nodes) > 1}


def _roughly(graph: SymptomGraph, provider: str, nodes: Reached, cost: list[float]) -> Case | None:
    """The best case, before the missing symptoms are counted; None when not even that is positive."""
    ordered = sorted(nodes, key=lambda item: (graph.nodes[item[0]].start, item[0]))
    best: Case | None = None
    for first in range(min(STARTS_TRIED, len(ordered) - 1)):
        onset = graph.nodes[ordered[first][0]].start
        children = []
        saved = -FAILURE - NO_SYMPTOM
        for index, way in ordered[first:]:
            lag = graph.nodes[index].start - onset
            if lag > graph.horizon.window:
                break
            price = SYMPTOM + HOP * (len(way) - 1) + delay_cost(lag)
            if price < cost[index]:
                children.append((index, price, way))
                saved += cost[index] - price
        if len(children) > 1 and saved > 0 and (best is None or saved > best.gain):
            best = Case(saved, provider, tuple(children))
    return best


def _exactly(graph: SymptomGraph, case: Case) -> Case | None:
    """The case with its price for every symptom that one failure predicts, and several would not."""
    predicted = graph.cone(frozenset((case.provider,)))
    anyway = graph.cone(frozenset(graph.nodes[index].entity for index, _, _ in case.children))
    missing = sum(
        1
        for entity, health in predicted.items()
        if health == 0 and entity not in anyway and entity not in graph.at and entity != case.provider
    )
    gain = case.gain - NO_SYMPTOM * missing
    return msgspec.structs.replace(case, gain=gain) if gain > 0 else None
