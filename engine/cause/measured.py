"""Rank causes where something is measured.

score = suspicion · explained · (0.6 + 0.4 · precedence) · (1 + 0.25 · change) / 1.25, where

* *suspicion*: how much of its own trouble an entity is to blame for (`engine.cause.suspicion`); an alert alone counts
  for little beside what was measured;
* *explained*: share of the symptoms that the entity's trouble reaches (`engine.cause.reach`), each by its weight; a
  symptom at a door, which nobody in the topology consumes, is what users feel and weighs more;
* *precedence* and *change* as in `engine.cause.rank`.

Candidates are the troubled entities, their providers and consumers that deviate without an alert, and the silent
providers that symptoms point at. A business service or process is never a cause: it does nothing itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec

from engine.cause.reach import reached
from engine.cause.suspicion import BUSINESS, Suspicion, Trail
from engine.correlate.graph import SymptomGraph
from engine.correlate.partition import Trouble
from engine.outcomes import Candidate
from engine.signals import Millis
from topology.model import Semantics, Topology

DOOR = 3.0
"""Weight of a symptom that users feel."""
PAST = 0.3
"""Weight of a symptom that has passed, while others last."""
UNCONFIRMED = 0.3
"""Weight of a symptom that nothing confirms, beside those that something does."""
ALERTED = 0.15
"""What an alert counts for whose entity is measured and does not deviate …"""
UNMEASURED = 0.5
"""… and where nothing is measured of it."""
SILENT = 0.1
INFERRED = 0.5
"""A silent provider that the partition inferred from its symptoms."""
LEAST = 0.02
NEAR = 5
"""Dependencies from a troubled entity within which others are looked at."""
MOST = 60
SUSPICIOUS = 0.3
TOLERANCE: Millis = 120_000


class Symptom(msgspec.Struct, frozen=True):
    """A troubled entity: since when, and how much it weighs."""

    entity: str
    start: Millis
    weight: float


class Known(msgspec.Struct, frozen=True):
    """What else is known of an entity: its alerts' weight, 0 … 1, and a recent change."""

    alerts: float
    change: str = ""


def is_measured(suspicion: Suspicion, entities: Iterable[str]) -> bool:
    """Is there anything to go by but alerts?"""
    return any(suspicion.measured(entity) for entity in entities)


def rank_measured(
    graph: SymptomGraph,
    trouble: Trouble,
    suspicion: Suspicion,
    known: Callable[[str], Known],
    confirmed: Callable[[str], bool],
) -> list[Candidate]:
    """Candidates, best first; equal scores are ordered by entity id."""
    symptoms = _symptoms(graph, trouble, confirmed)
    troubled = {one.entity for one in symptoms}
    starts = {one.entity: one.start for one in reversed(symptoms)}
    found = [
        _candidate(suspicion, entity, symptoms, troubled, starts, known(entity), inferred=entity == trouble.silent)
        for entity in _suspects(suspicion, symptoms, trouble.silent)
    ]
    return sorted(found, key=lambda c: (-c.score, c.entity))


def _symptoms(graph: SymptomGraph, trouble: Trouble, confirmed: Callable[[str], bool]) -> list[Symptom]:
    """By entity, what lasts first."""
    found: dict[str, Symptom] = {}
    nodes = sorted((graph.nodes[i] for i in trouble.nodes), key=lambda n: (not n.firing, n.start, n.entity))
    lasting = any(node.firing for node in nodes)
    for node in nodes:
        if node.entity in found:
            continue
        door = is_door(graph.topology, node.entity)
        weight = node.weight * (DOOR if door else 1.0) * (1.0 if confirmed(node.entity) else UNCONFIRMED)
        found[node.entity] = Symptom(node.entity, node.start, weight * (PAST if lasting and not node.firing else 1.0))
    return list(found.values())


def is_door(topology: Topology, entity: str) -> bool:
    """Is it what users feel: a business service or process, or what nothing else needs?"""
    known = topology.entities.get(entity)
    if known is None or known.kind in BUSINESS:
        return True
    return all(d.semantics is Semantics.INFO for d in topology.consumers(entity))


def _suspects(suspicion: Suspicion, symptoms: list[Symptom], silent: str) -> list[str]:
    """Troubled entities and what deviates near them, the most suspicious of too many."""
    topology = suspicion.topology
    near: dict[str, int] = {one.entity: 0 for one in symptoms}
    frontier = list(near)
    for hops in range(1, NEAR + 1):
        following: list[str] = []
        for entity in frontier:
            for d in topology.providers(entity):
                if d.semantics is not Semantics.INFO and d.provider not in near and len(near) < MOST * NEAR:
                    near[d.provider] = hops
                    following.append(d.provider)
        frontier = sorted(following)
    suspicion.prepare(near)
    kept = [
        entity
        for entity, hops in near.items()
        if hops <= 1 or entity == silent or suspicion.trail(entity).strength >= SUSPICIOUS
    ]
    known = topology.entities
    kept = [entity for entity in kept if entity not in known or known[entity].kind not in BUSINESS]
    return sorted(kept, key=lambda entity: (-suspicion.trail(entity).strength, near[entity], entity))[:MOST]


def _strength(trail: Trail, known: Known, *, inferred: bool) -> float:
    if trail.measured:
        return max(trail.strength, ALERTED * known.alerts, LEAST)
    return max(UNMEASURED * known.alerts, INFERRED if inferred else SILENT)


def _candidate(
    suspicion: Suspicion,
    entity: str,
    symptoms: list[Symptom],
    troubled: set[str],
    starts: Mapping[str, Millis],
    known: Known,
    *,
    inferred: bool,
) -> Candidate:
    trail = suspicion.trail(entity)
    ways = reached(suspicion, entity, troubled)
    hit = [one for one in symptoms if one.entity in ways]
    total = sum(one.weight for one in symptoms)
    explained = sum(one.weight * ways[one.entity][0] for one in hit) / total
    start = starts.get(entity)
    later = sum(start is None or one.start >= start - TOLERANCE for one in hit)
    precedence = later / len(hit) if hit else 0.0
    strength = _strength(trail, known, inferred=inferred)
    changed = 1.0 if known.change else 0.0
    score = strength * explained * (0.6 + 0.4 * precedence) * (1 + 0.25 * changed) / 1.25
    heaviest = max(hit, key=lambda one: (one.weight * ways[one.entity][0], one.entity), default=None)
    return Candidate(
        entity=entity,
        score=round(score, 4),
        silent=entity not in troubled,
        terms=_terms(trail, known, strength, explained, precedence),
        path=ways[heaviest.entity][1] if heaviest else (entity,),
        explained=len(hit),
        unexplained=len(symptoms) - len(hit),
        counterfactual=_counterfactual(entity, len(hit), len(symptoms), trail, known.change),
    )


def _terms(trail: Trail, known: Known, strength: float, explained: float, precedence: float) -> dict[str, float]:
    terms = {
        "own": strength,
        "explained": explained,
        "precedence": precedence,
        "change": 1.0 if known.change else 0.0,
        "alerts": known.alerts,
        "series": trail.series,
        "excused": trail.excused,
        "spans": trail.spans,
        "logs": trail.logs,
        "handed_on": trail.handed,
    }
    return {name: round(value, 4) for name, value in terms.items()}


def _counterfactual(entity: str, hit: int, total: int, trail: Trail, change: str) -> str:
    said = f"were {entity} healthy, {hit} of {total} troubled entities would remain unexplained"
    if change:
        said += f" (after {change})"
    if trail.excused >= 0.5:
        said += f"; but {round(100 * trail.excused)} % of its own {trail.kind} is explained by its providers"
    return said
