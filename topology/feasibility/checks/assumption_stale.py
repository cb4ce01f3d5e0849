"""An assumption that nobody has looked at for a year."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from topology.feasibility.case import Case
from topology.feasibility.findings import Finding, Level

ID = "assumption-stale"
YEAR = timedelta(days=365)


def find(case: Case) -> Iterator[Finding]:
    """One per assumption; never is longer than a year."""
    for n, said in enumerate(case.said):
        for assumption in said.assumptions:
            age = case.on - date.fromisoformat(assumption.reviewed) if assumption.reviewed else None
            if age is not None and age <= YEAR:
                continue
            when = f"was last reviewed on {assumption.reviewed}" if age is not None else "was never reviewed"
            yield case.finding(
                ID,
                Level.WARNING,
                [n, case.number[assumption.on]],
                f"the assumption {assumption.id} of {case.names[n]} about {assumption.on} {when}",
                chain=[n, case.number[assumption.on]],
                slack=(YEAR - age).days * 86400 if age is not None else None,
            )
