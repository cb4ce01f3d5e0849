"""A critical function that hangs on something that is out of the scope of incident execution."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from topology.feasibility.case import Case
from topology.feasibility.findings import Finding, Fix, Level

ID = "critical-out-of-scope"


def find(case: Case) -> Iterator[Finding]:
    """One per entity out of scope, with the nearest critical one above it."""
    critical = [n for n, said in enumerate(case.said) if said.critical]
    above = dict.fromkeys(critical, -1)
    waiting = deque(critical)
    while waiting:
        entity = waiting.popleft()
        if not case.entities[entity].scope:
            yield _finding(case, entity, above)
        for provider in case.providers(entity):
            if provider not in above:
                above[provider] = entity
                waiting.append(provider)


def _finding(case: Case, entity: int, above: dict[int, int]) -> Finding:
    chain = [entity]
    while (following := above[chain[-1]]) != -1:
        chain.append(following)
    name, critical = case.names[entity], case.names[chain[-1]]
    what = "is critical itself" if name == critical else f"{critical}, which is critical, needs it"
    return case.finding(
        ID,
        Level.ERROR,
        [entity] if name == critical else [entity, chain[-1]],
        f"{name} is out of the scope of incident execution, but {what}",
        chain=chain[::-1],
        fix=Fix(entity=name, field="scope", value=True, before=False),
    )
