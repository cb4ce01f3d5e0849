"""A contract that has expired, or expires within 90 days of the audit."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from topology.feasibility.case import Case
from topology.feasibility.findings import Finding, Fix, Level

ID = "contract-expired"
SOON = timedelta(days=90)


def find(case: Case) -> Iterator[Finding]:
    """One per contract; an error once its last day is past, a warning before."""
    for n, said in enumerate(case.said):
        if said.contract is None or not said.contract.expires:
            continue
        left = date.fromisoformat(said.contract.expires) - case.on
        if left > SOON:
            continue
        name, past = case.names[n], left.days < 0
        when = f"has expired on {said.contract.expires}" if past else f"expires on {said.contract.expires}"
        later = date.fromordinal(min(date.max.toordinal(), case.on.toordinal() + SOON.days + 1)).isoformat()
        yield case.finding(
            ID,
            Level.ERROR if past else Level.WARNING,
            [n],
            f"the contract with {name} {when}",
            chain=[n],
            slack=left.days * 86400,
            fix=Fix(entity=name, field="contract.expires", value=later, before=said.contract.expires),
        )
