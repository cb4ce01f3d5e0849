"""A third party that somebody waits for, and nobody has recorded what is assumed of it."""

from __future__ import annotations

from collections.abc import Iterator

from topology.feasibility.case import Case
from topology.feasibility.findings import Finding, Level

ID = "assumption-missing"


def find(case: Case) -> Iterator[Finding]:
    """One per third party in scope."""
    assumed = {assumption.on for said in case.said for assumption in said.assumptions}
    for n in case.third_parties:
        consumers = case.consumers[n]
        if consumers and case.names[n] not in assumed:
            sentence = f"{case.names[consumers[0]]} needs {case.names[n]}, and no assumption about it is recorded"
            yield case.finding(ID, Level.INFO, [n, consumers[0]], sentence, chain=[consumers[0], n])
