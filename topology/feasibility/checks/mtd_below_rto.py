"""A maximum tolerable downtime that is shorter than the RTO: back in time would be too late."""

from __future__ import annotations

from collections.abc import Iterator

from topology.feasibility.case import Case
from topology.feasibility.findings import Finding, Fix, Level
from topology.feasibility.words import span

ID = "mtd-below-rto"


def find(case: Case) -> Iterator[Finding]:
    """One per entity. The RTO is lowered if what the entity needs allows it, else the MTD must be thought over."""
    for entity, (rto, said) in enumerate(zip(case.rto, case.said, strict=True)):
        mtd = said.mtd
        if rto is None or mtd is None or mtd >= rto:
            continue
        name = case.names[entity]
        possible = max(case.promised.total[entity], case.achievable.total[entity]) <= mtd
        fix = (
            Fix(entity=name, field="rto", value=mtd, before=rto)
            if possible
            else Fix(entity=name, field="mtd", value=rto, before=mtd)
        )
        sentence = f"{name} may be down for {span(mtd)} at most, but its RTO is {span(rto)}"
        yield case.finding(ID, Level.ERROR, [entity], sentence, chain=[entity], slack=mtd - rto, fix=fix)
