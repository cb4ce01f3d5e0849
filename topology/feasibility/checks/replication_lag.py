"""A replication that lags by more than is promised."""

from __future__ import annotations

from collections.abc import Iterator

from topology.feasibility.case import Case
from topology.feasibility.findings import Finding, Fix, Level
from topology.feasibility.words import span

ID = "replication-lag"


def find(case: Case) -> Iterator[Finding]:
    """One per entity whose lag is seen."""
    for entity, seen in enumerate(case.lag):
        promised = case.said[entity].replication
        if seen is None or promised is None or seen <= promised:
            continue
        name = case.names[entity]
        yield case.finding(
            ID,
            Level.WARNING,
            [entity],
            f"the replication of {name} lags by {span(seen)}, and {span(promised)} are promised",
            chain=[entity],
            slack=promised - seen,
            fix=Fix(entity=name, field="replication", value=seen, before=promised),
        )
