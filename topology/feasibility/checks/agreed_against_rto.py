"""A signed agreement that serves a unit first that could wait longer than one served after it."""

from __future__ import annotations

from collections.abc import Iterator

from topology.feasibility.case import Case
from topology.feasibility.findings import Finding, Level
from topology.feasibility.words import span

ID = "agreed-against-rto"


def find(case: Case) -> Iterator[Finding]:
    """One per agreement: it is somebody's decision, but one of the RTOs, or the order, may be out of date."""
    for found in case.shared:
        inverted = found.inverted() if found.signed else None
        if inverted is None:
            continue
        before, after = inverted
        late, soon = found.claims[before].rto, found.claims[after].rto
        yield case.finding(
            ID,
            Level.WARNING,
            [found.provider, late[1], soon[1]],
            f"{case.names[found.provider]} is restored for {before} before {after}, but {case.names[soon[1]]} must be "
            f"back within {span(soon[0])} and {case.names[late[1]]} within {span(late[0])}",
            chain=[found.provider],
            slack=soon[0] - late[0],
        )
