"""A third party whose contract promises to be back later than those who need it can wait."""

from __future__ import annotations

from collections.abc import Iterator

from topology.feasibility.case import Case
from topology.feasibility.checks.terms import broken
from topology.feasibility.findings import Finding, Level

ID = "contract-rto"


def find(case: Case) -> Iterator[Finding]:
    """One per contract."""
    yield from broken(case, ID, Level.ERROR, "rto", "is back within", lambda: (case.rto, case.rto_limits), "can wait")
