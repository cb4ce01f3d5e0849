"""How ready the organisation is, as far as incidents and the catalogue show it: times with n, coverage, the audit.

A trend is two halves of the same measure compared; with fewer than `ENOUGH` measurements in either half no arrow is
drawn, as it would be a guess.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from statistics import median
from typing import Any, cast

import msgspec

from api.parts import Parts
from engine.outcomes import IncidentView
from engine.signals import Millis
from topology.model import Entity, Topology

ENOUGH = 30
"""Measurements in each half from which a trend is shown."""
MOST = 500
"""Closed incidents that are looked at, the latest."""
FINDINGS = 30
LARGE = 50_000
"""Topologies beyond it are not counted entity by entity for a page."""
MOVED = 0.1
"""A median that moves by less is called steady."""

Moment = Callable[[IncidentView], Millis | None]


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """A time of the response in seconds over ``n`` incidents; ``trend``: shorter, longer, steady, or "" (too few)."""

    name: str
    meaning: str
    n: int
    median: float | None
    worst: float | None
    trend: str
    needs: int


class Cover(msgspec.Struct, frozen=True, kw_only=True):
    """``have`` of ``of`` entities say it."""

    name: str
    have: int
    of: int
    missing: tuple[str, ...]


_TIMES: tuple[tuple[str, str, Moment, Moment], ...] = (
    ("Detection", "first sign → first alert", lambda v: v.onset, lambda v: v.first_alert_at),
    ("Validation", "first alert → incident opened", lambda v: v.first_alert_at, lambda v: v.opened_at),
    ("Declaration", "opened → declared", lambda v: v.opened_at, lambda v: v.declared_at),
    ("Acknowledgement", "declared → somebody is on it", lambda v: v.declared_at, lambda v: v.acknowledged_at),
    ("Initiation of restoration", "declared → restoration began", lambda v: v.declared_at, lambda v: v.restoring_at),
    ("Restoration", "onset → the last alert ended", lambda v: v.onset, lambda v: v.recovery and v.recovery.since),
    (
        "Verification", "the last alert ended → closed", lambda v: v.recovery and v.recovery.since,
        lambda v: v.resolved_at,
    ),
)  # fmt: skip


def readiness(running: Parts) -> dict[str, Any]:
    """The values of the template."""
    views = _closed(running)
    topology = running.topology()
    audit = running.audits.on()
    return {
        "title": "Readiness",
        "measures": [_measure(name, meaning, views, start, end) for name, meaning, start, end in _TIMES],
        "objectives": _objectives(views),
        "closed": len(views),
        "closed_as": [(how, sum(view.closed_as == how for view in views)) for how in ("restored", "ended", "deviation")],
        "false_alarms": sum(view.state == "dismissed" for view in views),
        "coverage": coverage(topology),
        "large": len(topology.entities) > LARGE,
        "entities": len(topology.entities),
        "audit": audit,
        "findings": audit.findings[:FINDINGS],
        "findings_total": len(audit.findings),
        "checks": running.checks(),
        "enough": ENOUGH,
        "version": topology.version,
    }


def in_one_line(running: Parts) -> dict[str, Any]:
    """For the overview: what the catalogue's audit found, and how many services say what is needed."""
    audit = running.audits.on()
    rows = coverage(running.topology())
    have, of = sum(row.have for row in rows), sum(row.of for row in rows)
    return {
        "errors": sum(one.severity.value == "error" for one in audit.findings),
        "warnings": sum(one.severity.value == "warning" for one in audit.findings),
        "coverage": round(100 * have / of) if of else None,
    }


def coverage(topology: Topology) -> list[Cover]:
    """Of services and business services: who says what is needed when they fail."""
    if len(topology.entities) > LARGE:
        return []
    services = [one for one in topology.entities.values() if one.kind.value in ("service", "business_service")]
    wanted: tuple[tuple[str, Callable[[Entity], bool]], ...] = (
        ("an owner", lambda one: bool(one.owner)),
        ("a tier", lambda one: one.tier is not None),
        ("an RTO", lambda one: one.rto is not None),
        ("an RPO", lambda one: one.rpo is not None),
        ("dependencies", lambda one: bool(topology.providers(one.id))),
    )
    found = []
    for name, says in wanted:
        missing = [one.id for one in services if not says(one)]
        found.append(
            Cover(name=name, have=len(services) - len(missing), of=len(services), missing=tuple(missing[:12]))
        )
    return found


def trend(values: Sequence[float]) -> str:
    """Of values, oldest first: the later half beside the earlier one; "" while either has too few.

    >>> trend([10.0] * 29), trend([10.0] * 30 + [5.0] * 30)
    ('', 'shorter')
    """
    half = len(values) // 2
    if half < ENOUGH:
        return ""
    before, after = median(values[:half]), median(values[half:])
    if abs(after - before) <= MOVED * max(abs(before), 1e-9):
        return "steady"
    return "shorter" if after < before else "longer"


def _measure(name: str, meaning: str, views: Sequence[IncidentView], start: Moment, end: Moment) -> Measure:
    values = list(_values(views, start, end))
    return Measure(
        name=name,
        meaning=meaning,
        n=len(values),
        median=median(values) if values else None,
        worst=max(values) if values else None,
        trend=trend(values),
        needs=max(0, 2 * ENOUGH - len(values)),
    )


def _values(views: Sequence[IncidentView], start: Moment, end: Moment) -> Iterator[float]:
    for view in views:
        begun, ended = start(view), end(view)
        if begun is not None and ended is not None:
            yield max(0, ended - begun) / 1000


def _objectives(views: Sequence[IncidentView]) -> list[tuple[str, int, int]]:
    """(kind, met, of) of the objectives that ran in incidents that are over."""
    found: dict[str, list[bool]] = {}
    for view in views:
        end = view.recovery.since if view.recovery else view.resolved_at
        for one in view.objectives:
            if end is not None:
                found.setdefault(one.kind, []).append(end <= one.due)
    return [(kind.upper(), sum(met), len(met)) for kind, met in sorted(found.items())]


def _closed(running: Parts) -> list[IncidentView]:
    """Oldest first."""
    page = running.reader.incidents(state=["resolved", "reviewed", "dismissed"], limit=MOST)
    return sorted(cast("list[IncidentView]", page.items), key=lambda view: view.resolved_at or view.updated_at)
