"""How long each entity may take before it breaks an objective of somebody who cannot do without it.

This is the latest finish of critical-path planning (J. E. Kelley, M. R. Walker, Critical-path planning and scheduling,
1959).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from topology.feasibility.needs import Needs
from topology.feasibility.times import NEVER


@dataclass(frozen=True, slots=True)
class Limits:
    """By entity number: ``limit`` in seconds (NEVER: nobody sets one), ``by`` which consumer, -1 by none, ``lead``: the
    member of its unit that is asked for most, itself without a unit, and ``last``: whether that is by its own objective
    rather than by a consumer."""

    limit: list[int]
    by: list[int]
    lead: list[int]
    last: list[bool]

    def chain(self, entity: int) -> list[int]:
        """From whose objective it is, down to the entity."""
        way = {entity: None}
        here = self.by[entity]
        while here != -1 and here not in way:
            way[here] = None
            lead = self.lead[here]
            way[lead] = None
            here = -1 if self.last[lead] else self.by[lead]
        return list(way)[::-1]


def limits_of(
    needs: Needs,
    order: Sequence[int],
    own: Sequence[int],
    objective: Sequence[int | None],
    stops: Sequence[bool],
    *,
    add: bool,
) -> Limits:
    """``order``: providers before consumers. An entity with an ``objective`` passes it on to its providers less what it
    takes by itself (``own``, with ``add``); where ``stops`` is set, whatever its own consumers ask."""
    limit, by = [NEVER] * len(own), [-1] * len(own)
    lead, last = list(range(len(own))), [False] * len(own)
    asked = [NEVER] * len(own)  # of the providers, before own is taken off
    units: dict[int, list[int]] = {}
    for entity, unit in enumerate(needs.unit):
        if unit != -1:
            units.setdefault(unit, []).append(entity)
    done: set[int] = set()
    for entity in reversed(order):
        unit = needs.unit[entity]
        members = [entity] if unit == -1 else units[unit]
        if unit == -1 or unit not in done:  # those of a unit are back together
            done.add(unit)
            least, first = min((_asked(member, limit, objective, stops), member) for member in members)
            last[first] = objective[first] is not None and objective[first] == least
            for member in members:
                asked[member], lead[member] = least, first
        if asked[entity] == NEVER:
            continue
        left = asked[entity] - own[entity] if add else asked[entity]
        for provider, buffer in _necessary(needs, entity):
            allowed = left + buffer if add else left
            if allowed < limit[provider]:
                limit[provider], by[provider] = allowed, entity
    return Limits(limit, by, lead, last)


def _asked(entity: int, limit: Sequence[int], objective: Sequence[int | None], stops: Sequence[bool]) -> int:
    said = objective[entity]
    if said is None:
        return limit[entity]
    return said if stops[entity] else min(said, limit[entity])


def _necessary(needs: Needs, entity: int) -> list[tuple[int, int]]:
    """The providers that it cannot do without, and that are not of its unit."""
    unit = needs.unit[entity]
    found = list(needs.single(entity))
    for group in needs.groups[entity]:
        found += [(p, buffer) for p, buffer, weight in group.members if group.necessary(weight)]
    return [(p, buffer) for p, buffer in found if unit == -1 or needs.unit[p] != unit]
