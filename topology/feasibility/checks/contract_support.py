"""A third party that by its contract is there in business hours, needed by somebody who cannot wait for a weekend."""

from __future__ import annotations

from collections.abc import Iterator

from topology.feasibility.case import Case
from topology.feasibility.checks.terms import tightest
from topology.feasibility.findings import Finding, Fix, Level
from topology.feasibility.words import span

ID = "contract-support"
CLOSED = 64 * 3600
"""From Friday 17:00 to Monday 9:00; holidays only make it longer."""


def find(case: Case) -> Iterator[Finding]:
    """One per contract."""
    for n, said in enumerate(case.said):
        if said.contract is None or said.contract.support != "business_hours":
            continue
        limit, chain = tightest(case, n, (case.rto, case.rto_limits))
        if limit >= CLOSED:
            continue
        name = case.names[n]
        who = case.names[chain[0]]
        yield case.finding(
            ID,
            Level.WARNING,
            [n] if chain[0] == n else [n, chain[0]],
            f"{name} gives support in business hours only, but {who} cannot wait longer than {span(max(0, limit))}",
            chain=chain,
            slack=limit - CLOSED,
            fix=Fix(entity=name, field="contract.support", value="24x7", before="business_hours"),
        )
