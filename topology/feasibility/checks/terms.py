"""A term of a contract beside the objectives of those who cannot do without the third party."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from topology.feasibility.case import Case
from topology.feasibility.findings import Finding, Fix, Level
from topology.feasibility.limits import Limits
from topology.feasibility.times import NEVER
from topology.feasibility.words import span

Objectives = tuple[Sequence[int | None], Limits]
"""What entities declare, and what their consumers ask of them."""


def broken(
    case: Case, check: str, severity: Level, term: str, promise: str, objectives: Callable[[], Objectives], allowed: str
) -> Iterator[Finding]:
    """One finding per contract whose ``term`` (seconds) is longer than the tightest objective allows."""
    for n, said in enumerate(case.said):
        value = getattr(said.contract, term) if said.contract is not None else None
        if value is None:
            continue
        limit, chain = tightest(case, n, objectives())
        if value <= limit:
            continue
        name = case.names[n]
        who = f"{case.names[chain[0]]} {allowed} only" if chain[0] != n else "its own objective is"
        yield case.finding(
            check,
            severity,
            [n] if chain[0] == n else [n, chain[0]],
            f"by its contract {name} {promise} {span(value)}, but {who} {span(max(0, limit))}",
            chain=chain,
            slack=limit - value,
            fix=Fix(entity=name, field=f"contract.{term}", value=limit, before=value) if limit >= 0 else None,
        )


def tightest(case: Case, entity: int, objectives: Objectives) -> tuple[int, list[int]]:
    """(what the entity may take at most, from whose objective down to it); its own objective counts too."""
    own, limits = objectives
    said = own[entity]
    limit = limits.limit[entity]
    if said is not None and said <= limit:
        return said, [entity]
    return limit, limits.chain(entity) if limit < NEVER else [entity]
