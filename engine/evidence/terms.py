"""The terms that are known today, each from a source independent of the alert: telemetry, neighbours."""

from __future__ import annotations

from collections.abc import Iterator

from engine.evidence.telemetry import Telemetry
from engine.evidence.verdict import Term
from engine.signals import Millis

DEVIATES = 5.0
"""Robust standard deviations from which a series counts as deviating."""
SHOWN = 3


def telemetry_terms(telemetry: Telemetry, entity: str, metric: str, since: Millis, until: Millis) -> Iterator[Term]:
    """The entity's other series that deviate, strongest first."""
    found = [d for d in telemetry.deviations(entity, since, until, but=metric) if d.score >= DEVIATES]
    for d in sorted(found, key=lambda d: (-d.score, d.metric))[:SHOWN]:
        facts = {
            "metric": d.metric,
            "usual": d.usual,
            "seen": d.seen,
            "deviation": round(d.score, 2),
            "samples": d.samples,
        }
        yield Term(kind="series_deviates", group="telemetry", log_odds=1.0, facts=facts)


def neighbour_terms(neighbours: tuple[str, ...]) -> Iterator[Term]:
    """Troubled entities that the topology connects with this one, in the same trouble."""
    for name in sorted(neighbours)[:SHOWN]:
        yield Term(kind="neighbour_troubled", group="topology", log_odds=0.8, facts={"entity": name})
