"""How ready the organisation is: the report of a period, the audit of the catalogue, and Headwater's own checks."""

from __future__ import annotations

from typing import Any

from api.parts import Parts
from engine.readiness.figures import ENOUGH
from topology.feasibility.findings import Level

DAYS = 90
FINDINGS = 30
ARROWS = {"longer": "↑ longer", "shorter": "↓ shorter", "no_change_shown": "→ no change shown"}
"""A direction that is not among them is not shown as an arrow: there are too few."""


def readiness(running: Parts, days: int) -> dict[str, Any]:
    """The values of the template."""
    book = running.readiness
    audit = running.audits.on()
    return {
        "title": "Readiness",
        "found": book.readiness(*book.period(days)),
        "days": days,
        "arrows": ARROWS,
        "enough": ENOUGH,
        "audit": audit,
        "findings": audit.findings[:FINDINGS],
        "findings_total": len(audit.findings),
        "checks": running.checks(),
        "version": running.topology().version,
    }


def in_one_line(running: Parts) -> dict[str, Any]:
    """For the overview: what the catalogue's audit found, and how much of what is asked for is said and watched."""
    found = running.audits.on().findings
    rows = running.readiness.covered()
    have, of = sum(row.covered for row in rows), sum(row.count for row in rows)
    return {
        "errors": sum(one.severity is Level.ERROR for one in found),
        "warnings": sum(one.severity is Level.WARNING for one in found),
        "coverage": round(100 * have / of) if of else None,
    }
