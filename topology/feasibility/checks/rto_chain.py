"""An RTO that the promises of providers leave no room for: RTO(v) < restore(v) + the largest RTO v waits for."""

from __future__ import annotations

from collections.abc import Iterator

from topology.feasibility.case import Case
from topology.feasibility.findings import Finding, Level
from topology.feasibility.fixes import Fixes
from topology.feasibility.words import span

ID = "rto-chain"


def find(case: Case) -> Iterator[Finding]:
    """One per entity whose RTO does not cover it. A provider without RTO is looked through."""
    times, fixes = case.promised, Fixes(case)
    for entity, rto in enumerate(case.rto):
        if rto is None or (total := times.total[entity]) <= rto:
            continue
        chain = times.chain(entity)
        last = chain[-1]
        name, own = case.names[entity], case.restore[times.lead[entity]]
        if len(chain) == 1:
            why = f"its own restoration takes {span(own)}"
        else:
            why = f"by the promises below it is back after {span(total)}, {case.names[last]} being the last"
        yield case.finding(
            ID,
            Level.ERROR,
            [entity] if last == entity else [entity, last],
            f"{name} must be back within {span(rto)}, but {why}",
            chain=chain,
            slack=rto - total,
            fix=fixes.promise(entity, rto),
        )
