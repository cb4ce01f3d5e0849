"""A third party without a contract."""

from __future__ import annotations

from collections.abc import Iterator

from topology.feasibility.case import Case
from topology.feasibility.findings import Finding, Level

ID = "contract-missing"


def find(case: Case) -> Iterator[Finding]:
    """One per third party in scope that somebody waits for."""
    for n in case.third_parties:
        if case.said[n].contract is None and case.consumers[n]:
            sentence = f"{case.names[case.consumers[n][0]]} needs {case.names[n]}, and no contract with it is recorded"
            yield case.finding(ID, Level.WARNING, [n], sentence, chain=[case.consumers[n][0], n])
