"""An RPO that the entity's own replication lag or, without replication, the time between its backups exceeds."""

from __future__ import annotations

from collections.abc import Iterator

from topology.feasibility.case import Case
from topology.feasibility.findings import Finding, Fix, Level
from topology.feasibility.fixes import Fixes
from topology.feasibility.words import span

ID = "rpo-store"


def find(case: Case) -> Iterator[Finding]:
    """One per entity; a lag that is seen counts when it is larger than what is promised."""
    fixes = Fixes(case)
    for entity, rpo in enumerate(case.rpo):
        if rpo is None or (loss := case.exposure[entity]) <= rpo:
            continue
        name = case.names[entity]
        yield case.finding(
            ID,
            Level.ERROR,
            [entity],
            f"{name} may lose {span(rpo)} of data, but {_by(case, entity)} {span(loss)}",
            chain=[entity],
            slack=rpo - loss,
            fix=fixes.exposure(entity, rpo) or Fix(entity=name, field="rpo", value=loss, before=rpo),
        )


def _by(case: Case, entity: int) -> str:
    said = case.said[entity]
    if case.lag[entity] == case.exposure[entity]:
        return "its replication lags by"
    if said.replication is not None:
        return "its replication may lag by"
    return "its backups lie apart by" if said.backup is not None else "its contract allows to lose"
