"""Which symptoms an entity can be the cause of: upwards along its consumers, as far as its trouble was felt.

The way to a consumer counts in full where it deviates as its provider does, for less where only something else of it
does, or nothing is measured of it, and for little where it is measured and well: what hits a symptom has to pass there.
"""

from __future__ import annotations

from collections.abc import Collection
from heapq import heappop, heappush

from engine.cause.suspicion import CAUSING, Suspicion
from topology.model import Semantics

HOP = 0.97
UNMEASURED = 0.85
OTHERWISE = 0.6
WELL = 0.3
BY_SPANS = 0.3
"""From here on spans show that calls of the entity take longer, whatever its series say."""
MOST = 400
"""Entities looked at for one candidate."""


def reached(suspicion: Suspicion, entity: str, troubled: Collection[str]) -> dict[str, tuple[float, tuple[str, ...]]]:
    """Entity -> (share of its trouble that may come from ``entity``, way from there), by the best way."""
    best: dict[str, tuple[float, tuple[str, ...]]] = {entity: (1.0, (entity,))}
    queue: list[tuple[float, tuple[str, ...]]] = [(-1.0, (entity,))]
    while queue and len(best) < MOST:
        share, way = heappop(queue)
        at = way[-1]
        if best[at][1] != way:
            continue
        for d in suspicion.topology.consumers(at):
            if d.semantics is Semantics.INFO or d.consumer in way:
                continue
            worth = -share * HOP * _felt(suspicion, at, d.consumer, troubled)
            if worth > best.get(d.consumer, (0.0, ()))[0] + 1e-12:
                best[d.consumer] = (worth, (*way, d.consumer))
                heappush(queue, (-worth, (*way, d.consumer)))
    return best


def _felt(suspicion: Suspicion, provider: str, consumer: str, troubled: Collection[str]) -> float:
    profile = suspicion.profile(consumer)
    if not any(kind in profile.shifts for kind in CAUSING):
        return UNMEASURED
    theirs = [kind for kind in CAUSING if suspicion.deviates(consumer, kind)]
    if suspicion.spans(provider) >= BY_SPANS:
        return 1.0
    if any(suspicion.deviates(provider, kind) for kind in theirs):
        return 1.0
    if theirs:
        return UNMEASURED if not suspicion.profile(provider).measured else OTHERWISE
    return UNMEASURED if consumer in troubled else WELL
