"""An RPO that what holds the data does not keep: RPO(v) < the largest RPO or loss of the stores that v needs."""

from __future__ import annotations

from collections.abc import Iterator

from topology.feasibility.case import Case
from topology.feasibility.findings import Finding, Level
from topology.feasibility.fixes import Fixes
from topology.feasibility.words import span

ID = "rpo-chain"


def find(case: Case) -> Iterator[Finding]:
    """One per entity. What the entity loses by itself is another check's."""
    times, fixes = case.lost, Fixes(case)
    for entity, rpo in enumerate(case.rpo):
        if rpo is None or (total := times.total[entity]) <= rpo:
            continue
        chain = times.chain(entity)
        store = chain[-1]
        if store == entity:
            continue
        said = "promises no better than" if case.kept[store] is not None else "may lose"
        yield case.finding(
            ID,
            Level.ERROR,
            [entity, store],
            f"{case.names[entity]} may lose {span(rpo)} of data, but {case.names[store]} {said} {span(total)}",
            chain=chain,
            slack=rpo - total,
            fix=fixes.loss(entity, rpo),
        )
