"""A third party whose contract allows it to lose more data than those who need it can."""

from __future__ import annotations

from collections.abc import Iterator

from topology.feasibility.case import Case
from topology.feasibility.checks.terms import broken
from topology.feasibility.findings import Finding, Level

ID = "contract-rpo"


def find(case: Case) -> Iterator[Finding]:
    """One per contract."""
    yield from broken(case, ID, Level.ERROR, "rpo", "may lose up to", lambda: (case.rpo, case.rpo_limits), "may lose")
