"""An RTO that restoration cannot reach, whatever is promised: RTO(v) < the longest chain of restorations under v."""

from __future__ import annotations

from collections.abc import Iterator

from topology.feasibility.case import Case
from topology.feasibility.findings import Finding, Level
from topology.feasibility.fixes import Fixes
from topology.feasibility.words import span

ID = "rto-achievable"


def find(case: Case) -> Iterator[Finding]:
    """One per entity. What is not known to take time is taken to take none, so that every finding is certain."""
    times, fixes = case.achievable, Fixes(case)
    for entity, rto in enumerate(case.rto):
        if rto is None or (total := times.total[entity]) <= rto:
            continue
        chain = times.chain(entity)
        taken = [(member, case.believed[member] or case.alone[member]) for member in reversed(chain[1:])]
        taken.append((entity, case.alone[entity]))
        steps = ", ".join(f"{case.names[member]} {span(time)}" for member, time in taken if time)
        yield case.finding(
            ID,
            Level.ERROR,
            [entity] if chain[-1] == entity else [entity, chain[-1]],
            f"{case.names[entity]} must be back within {span(rto)}, but restoration takes {span(total)} ({steps})",
            chain=chain,
            slack=rto - total,
            fix=fixes.restoration(entity, rto, case.alone),
        )
