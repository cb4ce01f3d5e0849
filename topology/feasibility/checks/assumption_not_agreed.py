"""An assumption that nobody has agreed to."""

from __future__ import annotations

from collections.abc import Iterator

from topology.feasibility.case import Case
from topology.feasibility.findings import Finding, Level

ID = "assumption-not-agreed"


def find(case: Case) -> Iterator[Finding]:
    """One per assumption."""
    for n, said in enumerate(case.said):
        for assumption in said.assumptions:
            if not assumption.agreed_by:
                on = case.number[assumption.on]
                sentence = f"nobody agreed to the assumption {assumption.id} of {case.names[n]} about {assumption.on}"
                yield case.finding(ID, Level.WARNING, [n, on], sentence, chain=[n, on])
