"""An entity that cannot do without something of a lower tier than its own."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from topology.compiled import HARD
from topology.feasibility.case import Case
from topology.feasibility.findings import Finding, Fix, Level
from topology.feasibility.needs import Group

ID = "tier-inversion"


def find(case: Case) -> Iterator[Finding]:
    """One per hard dependency, of a group the member that completes it; a warning for tier 0, else for information."""
    tiers = [entity.tier for entity in case.entities]
    known = np.array([-1 if tier is None else tier for tier in tiers], dtype=np.int64)
    consumer, provider = case.compiled.consumer, case.compiled.provider
    lower = (case.compiled.semantics == HARD) & (known[consumer] >= 0) & (known[provider] > known[consumer])
    hard = set(zip(consumer[lower].tolist(), provider[lower].tolist(), strict=True))
    for above in sorted({above for above, _ in hard}):
        needed = [below for below, _ in case.needs.single(above)]
        needed += [_last(group, tiers) for group in case.needs.groups[above]]
        for below in sorted(set(needed)):
            if (above, below) in hard:
                yield _finding(case, above, below)


def _last(group: Group, tiers: list[int | None]) -> int:
    """The member that is needed last when the best tiers come first; of unknown tier is better than of a low one."""
    count = carried = 0
    for provider, _, weight in sorted(group.members, key=lambda member: (tiers[member[0]] or 0, member[0])):
        count, carried = count + 1, carried + weight
        if count >= group.need and carried >= group.capacity:
            return provider
    raise AssertionError("a group that cannot be met was clamped")


def _finding(case: Case, consumer: int, provider: int) -> Finding:
    name, needed = case.entities[consumer], case.entities[provider]
    return case.finding(
        ID,
        Level.WARNING if name.tier == 0 else Level.INFO,
        [consumer, provider],
        f"{name.id} of tier {name.tier} cannot do without {needed.id}, which is only of tier {needed.tier}",
        chain=[consumer, provider],
        fix=Fix(entity=needed.id, field="tier", value=name.tier or 0, before=needed.tier),
    )
