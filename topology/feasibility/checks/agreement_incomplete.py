"""An agreement about a shared provider that does not name all who share it, or that nobody signed."""

from __future__ import annotations

from collections.abc import Iterator

from topology.feasibility.case import Case
from topology.feasibility.findings import Finding, Level

ID = "agreement-incomplete"


def find(case: Case) -> Iterator[Finding]:
    """One per agreement that is not in conflict already."""
    for found in case.shared:
        if found.agreement is None or found.signed or found.rivals() or found.inverted():
            continue
        name = case.names[found.provider]
        lack = f"leaves out {', '.join(found.missing)}" if found.missing else "is not signed"
        entities = [found.provider, *found.services(found.missing)]
        sentence = f"the agreement about {name} {lack}"
        yield case.finding(ID, Level.WARNING, entities, sentence, chain=[found.provider])
