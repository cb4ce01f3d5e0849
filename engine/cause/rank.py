"""Evidence traversal: rank the entities of one trouble as its origin.

score = √own · explained · (0.6 + 0.4 · precedence) · (1 + 0.25 · change) / 1.25, each factor 0 … 1:

* *own*: how badly the entity itself is doing (its alerts, and its telemetry's deviation);
* *explained*: share of the trouble's symptoms that the topology lets it explain, discounted by 0.85 per hop and by 0.7
  per silent entity on the way;
* *precedence*: share of what it explains that began no earlier than it did, or only a little (`TOLERANCE`);
* *change*: a change to the entity in the half hour before.

What an entity explains counts for less (`EXCUSED`) where a troubled provider may explain the entity itself.

The ranking abstains below `FLOOR`, and where the two best are within `TIE` of each other; also where all that alerts is
measured, nothing confirms any of it, and none of it is at a door, where users would feel it: there may be no trouble.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import sqrt

import msgspec

from engine.cause.measured import Known, is_door, is_measured, rank_measured
from engine.cause.suspicion import Suspicion
from engine.correlate.graph import BRIDGE, Link, SymptomGraph
from engine.correlate.partition import Trouble
from engine.outcomes import Candidate
from engine.signals import Millis
from topology.model import Semantics

HOP, SILENT = 0.85, 0.7
EXCUSED = 0.8
"""What an entity's own trouble counts for when a troubled provider may explain it."""
TOLERANCE: Millis = 120_000
"""How much earlier than its cause a symptom may be seen: alert rules wait differently long."""
FLOOR = 0.15
TIE = 0.005
INFERRED_OWN = 0.8
"""What the own state of a silent provider counts for that the partition inferred from its symptoms."""
SILENT_OWN = 0.25
"""What a silent entity's own state counts for, when nothing is known of it."""
WIDEST = 40
"""Candidates examined in a large trouble: its roots, and those with the most direct consumers in it."""
SHOWN = 10


class Own(msgspec.Struct, frozen=True):
    """What is known of one entity: weight of its alerts and deviation of its telemetry (0 … 1), and a recent change."""

    alerts: float
    deviation: float
    change: str = ""


class Ranking(msgspec.Struct, frozen=True):
    """Candidates, best first; ``abstained`` says why none of them is called the cause."""

    candidates: tuple[Candidate, ...]
    abstained: str = ""


def rank(
    graph: SymptomGraph,
    trouble: Trouble,
    own: Callable[[str, Millis], Own],
    suspicion: Suspicion | None = None,
    confirmed: Callable[[str], bool] = lambda _: True,
) -> Ranking:
    """Rank the origins of a trouble; equal scores are ordered by entity id. Where something is measured, by that."""
    if suspicion is not None and is_measured(suspicion, (graph.nodes[i].entity for i in trouble.nodes)):
        onset = min(graph.nodes[i].start for i in trouble.nodes)

        def known(entity: str) -> Known:
            found = own(entity, onset)
            return Known(found.alerts, found.change)

        ranked = tuple(rank_measured(graph, trouble, suspicion, known, confirmed)[:SHOWN])
        return Ranking(ranked, _abstention(ranked) or _doubt(graph, trouble, suspicion, confirmed))
    inside = set(trouble.nodes)
    consumers: dict[int, list[Link]] = {}
    for index in trouble.nodes:
        for link in graph.links[index]:
            if link.provider in inside:
                consumers.setdefault(link.provider, []).append(link)
    onset = min(graph.nodes[i].start for i in trouble.nodes)
    found = [_of_node(graph, trouble, consumers, inside, index, own) for index in _widest(trouble, consumers)]
    found += [
        _of_silent(graph, trouble, consumers, entity, ways, own, onset) for entity, ways in _silent(graph, trouble)
    ]
    best: dict[str, Candidate] = {}
    for candidate in sorted(found, key=lambda c: (-c.score, c.entity)):
        best.setdefault(candidate.entity, candidate)
    ranked = tuple(best.values())[:SHOWN]
    return Ranking(ranked, _abstention(ranked))


def _abstention(ranked: Sequence[Candidate]) -> str:
    if not ranked or ranked[0].score < FLOOR:
        return f"no candidate reaches {FLOOR}"
    if len(ranked) > 1 and ranked[0].score - ranked[1].score < TIE * ranked[0].score:
        return f"{ranked[0].entity} and {ranked[1].entity} explain it equally well"
    return ""


def _doubt(graph: SymptomGraph, trouble: Trouble, suspicion: Suspicion, confirmed: Callable[[str], bool]) -> str:
    """Why there may be no trouble at all; what is not measured cannot be confirmed, and is no reason."""
    troubled = {graph.nodes[i].entity for i in trouble.nodes}
    if any(confirmed(entity) or not suspicion.profile(entity).step for entity in troubled):
        return ""
    if any(is_door(graph.topology, entity) for entity in troubled):
        return ""
    return "nothing confirms any of its alerts, and no door shows trouble"


def _widest(trouble: Trouble, consumers: dict[int, list[Link]]) -> list[int]:
    if len(trouble.nodes) <= WIDEST:
        return sorted(trouble.nodes)
    busiest = sorted(trouble.nodes, key=lambda i: (-len(consumers.get(i, ())), i))
    return sorted({*trouble.roots[:WIDEST], *busiest[:WIDEST]})


def _silent(graph: SymptomGraph, trouble: Trouble) -> list[tuple[str, list[tuple[int, tuple[str, ...]]]]]:
    """Silent providers within reach of the roots, with the way from each root that reaches them."""
    members = {graph.nodes[i].entity for i in trouble.nodes}
    ways: dict[str, list[tuple[int, tuple[str, ...]]]] = {}
    for root in trouble.roots[:WIDEST]:
        frontier: list[tuple[str, tuple[str, ...]]] = [(graph.nodes[root].entity, ())]
        seen = set(members)
        for _ in range(BRIDGE):
            following = []
            for entity, way in frontier:
                for d in graph.topology.providers(entity):
                    if d.group or d.semantics is Semantics.INFO or d.provider in seen:
                        continue
                    seen.add(d.provider)
                    ways.setdefault(d.provider, []).append((root, (*way, d.provider)))
                    following.append((d.provider, (*way, d.provider)))
            frontier = following
    return sorted(ways.items())


def _reach(
    graph: SymptomGraph, consumers: dict[int, list[Link]], first: dict[int, tuple[float, tuple[str, ...]]]
) -> dict[int, tuple[float, tuple[str, ...]]]:
    """Nodes explained from the given ones: node -> (discounted share, path of entities from the candidate)."""
    reached = dict(first)
    frontier = sorted(first)
    while frontier:
        following = []
        for index in frontier:
            share, path = reached[index]
            for link in consumers.get(index, ()):
                worth = share * HOP * SILENT ** len(link.via) * HOP ** len(link.via)
                if link.consumer not in reached:
                    way = (*path, *reversed(link.via), graph.nodes[link.consumer].entity)
                    reached[link.consumer] = (worth, way)
                    following.append(link.consumer)
        frontier = sorted(following)
    return reached


def _of_node(
    graph: SymptomGraph,
    trouble: Trouble,
    consumers: dict[int, list[Link]],
    inside: set[int],
    index: int,
    own: Callable[[str, Millis], Own],
) -> Candidate:
    node = graph.nodes[index]
    excused = any(not graph.nodes[link.provider].starved and link.provider in inside for link in graph.links[index])
    reached = _reach(graph, consumers, {index: (EXCUSED if excused else 1.0, (node.entity,))})
    later = sum(graph.nodes[i].start >= node.start - TOLERANCE for i in reached)
    return _candidate(
        graph, trouble, node.entity, own(node.entity, node.start), reached, later / len(reached), silent=False
    )


def _of_silent(
    graph: SymptomGraph,
    trouble: Trouble,
    consumers: dict[int, list[Link]],
    entity: str,
    ways: list[tuple[int, tuple[str, ...]]],
    own: Callable[[str, Millis], Own],
    onset: Millis,
) -> Candidate:
    first = {}
    inferred = entity == trouble.silent
    for root, way in ways:
        share = HOP if inferred else SILENT * HOP ** len(way) * SILENT ** (len(way) - 1)
        first[root] = (share, (*reversed(way), graph.nodes[root].entity))
    known = own(entity, onset)
    if inferred:
        known = msgspec.structs.replace(known, alerts=INFERRED_OWN)
    return _candidate(graph, trouble, entity, known, _reach(graph, consumers, first), 1.0, silent=True)


def _candidate(
    graph: SymptomGraph,
    trouble: Trouble,
    entity: str,
    own: Own,
    reached: dict[int, tuple[float, tuple[str, ...]]],
    precedence: float,
    *,
    silent: bool,
) -> Candidate:
    total = len(trouble.nodes)
    explained = sum(share for share, _ in reached.values()) / total
    strength = max(
        own.alerts, 0.7 * own.alerts + 0.3 * own.deviation, own.deviation * 0.8, SILENT_OWN if silent else 0.0
    )
    changed = 1.0 if own.change else 0.0
    score = sqrt(strength) * min(1.0, explained) * (0.6 + 0.4 * precedence) * (1 + 0.25 * changed) / 1.25
    path = max((way for _, way in reached.values()), key=lambda way: (len(way), way), default=(entity,))
    left = total - len(reached)
    terms = {
        "own": round(strength, 4),
        "explained": round(explained, 4),
        "precedence": round(precedence, 4),
        "change": changed,
        "deviation": round(own.deviation, 4),
    }
    return Candidate(
        entity=entity,
        score=round(score, 4),
        silent=silent,
        terms=terms,
        path=path,
        explained=len(reached),
        unexplained=left,
        counterfactual=f"were {entity} healthy, {len(reached)} of {total} troubled entities "
        f"would remain unexplained" + (f" (after {own.change})" if own.change else ""),
    )
