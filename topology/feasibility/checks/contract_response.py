"""A third party that by its contract first answers when those who need it should be back already."""

from __future__ import annotations

from collections.abc import Iterator

from topology.feasibility.case import Case
from topology.feasibility.checks.terms import broken
from topology.feasibility.findings import Finding, Level

ID = "contract-response"


def find(case: Case) -> Iterator[Finding]:
    """One per contract."""
    yield from broken(
        case, ID, Level.WARNING, "response", "answers within", lambda: (case.rto, case.rto_limits), "can wait"
    )
