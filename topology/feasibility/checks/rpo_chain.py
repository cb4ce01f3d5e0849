"""An RPO that what holds the data does not keep: RPO(v) < the largest RPO or loss of the stores that v needs."""

from __future__ import annotations

from collections.abc import Iterator

from topology.feasibility.case import Case
from topology.feasibility.findings import Finding, Level
from topology.feasibility.fixes import Fixes
from topology.feasibility.times import wait
from topology.feasibility.words import span

ID = "rpo-chain"


def find(case: Case) -> Iterator[Finding]:
    """One per entity. What the entity loses by itself is another check's."""
    times, fixes = case.lost, Fixes(case)
    for entity, rpo in enumerate(case.rpo):
        if rpo is None or times.total[entity] <= rpo:
            continue
        total, chain = _below(case, entity)
        store = chain[-1]
        if store == entity or total <= rpo:
            continue
        said = "promises no better than" if case.kept[store] is not None else "may lose"
        yield case.finding(
            ID,
            Level.ERROR,
            [entity, store],
            f"{case.names[entity]} may lose {span(rpo)} of data, but {case.names[store]} {said} {span(total)}",
            chain=chain,
            slack=rpo - total,
            fix=fixes.loss(chain, rpo),
        )


def _below(case: Case, entity: int) -> tuple[int, list[int]]:
    """What is lost below an entity, and the way there. In a unit, what the whole unit loses."""
    times = case.lost
    if case.needs.unit[entity] != -1:
        return times.total[entity], times.chain(entity)
    lost, provider = wait(case.needs, entity, times.value, add=False)
    return lost, [entity] if provider == -1 else [entity, *times.onward(provider)]
