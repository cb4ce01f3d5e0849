"""Which business units want a provider back, how urgently, and by what agreement they are served."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from topology.continuity import Agreement
from topology.feasibility.times import NEVER
from topology.model import Entity


class Claim(NamedTuple):
    """Of one unit: its best priority and its shortest RTO, each with the entity that has it; NEVER if it has none."""

    priority: tuple[int, int]
    rto: tuple[int, int]


Claims = Mapping[str, Claim]


class Shared(NamedTuple):
    """A provider where several units meet."""

    provider: int
    claims: Claims
    agreement: Agreement | None

    @property
    def missing(self) -> list[str]:
        """Units that the agreement does not name."""
        named = self.agreement.order if self.agreement else ()
        return sorted(self.claims.keys() - set(named))

    @property
    def signed(self) -> bool:
        """Whether it is recorded who signed an agreement that names all units."""
        return self.agreement is not None and bool(self.agreement.by) and not self.missing

    def rivals(self) -> list[str]:
        """The units that claim the best priority, if more than one does."""
        best = min((claim.priority[0] for claim in self.claims.values()), default=NEVER)
        found = sorted(unit for unit, claim in self.claims.items() if claim.priority[0] == best < NEVER)
        return found if len(found) > 1 else []

    def inverted(self) -> tuple[str, str] | None:
        """The first unit in the agreed order that must be back sooner than the one served just before it."""
        order = [unit for unit in (self.agreement.order if self.agreement else ()) if unit in self.claims]
        slowest = ""
        for unit in order:
            if slowest and self.claims[unit].rto[0] < self.claims[slowest].rto[0] < NEVER:
                return slowest, unit
            if not slowest or self.claims[unit].rto[0] > self.claims[slowest].rto[0]:
                slowest = unit if self.claims[unit].rto[0] < NEVER else slowest
        return None

    def services(self, units: list[str]) -> list[int]:
        """The entities that claim for these units."""
        found = [claim for unit in units for claim in (self.claims[unit].priority[1], self.claims[unit].rto[1])]
        return sorted({entity for entity in found if entity != -1})


def shared(entities: Sequence[Entity], order: Sequence[int], consumers: Sequence[Sequence[int]]) -> Iterator[Shared]:
    """Where units meet: providers on which more units wait than on any single consumer of theirs. ``order``: providers
    before consumers."""
    union = _Union()
    passed: dict[int, Claims] = {}
    for entity in reversed(order):
        above = [claims for consumer in consumers[entity] if (claims := passed.get(consumer))]
        inflow = union.of(above)
        if len(inflow) > 1 and all(len(claims) < len(inflow) for claims in above):
            yield Shared(entity, inflow, entities[entity].continuity.agreement)
        own = _own(entities[entity], entity)
        if own:
            inflow = union.of([inflow, own])
        if inflow:
            passed[entity] = inflow


def _own(entity: Entity, number: int) -> Claims:
    said = entity.continuity
    if not said.unit:
        return {}
    first = (NEVER, -1) if said.priority is None else (said.priority, number)
    return {said.unit: Claim(first, (NEVER if entity.rto is None else entity.rto, number))}


class _Union:
    """Unites claims. Equal results are one object, and what was united once is not united again: below the first few
    providers of a topology the claims are the same."""

    def __init__(self) -> None:
        self._known: dict[frozenset[int], Claims] = {}
        self._made: dict[tuple[tuple[str, Claim], ...], Claims] = {}
        self._parts: list[Claims] = []  # kept, so that ids stay theirs

    def of(self, parts: Sequence[Claims]) -> Claims:
        """The claims of all parts."""
        if not parts:
            return {}
        key = frozenset(map(id, parts))
        if len(key) == 1:
            return parts[0]
        known = self._known.get(key)
        if known is None:
            whole = _united(parts)
            known = self._known[key] = self._made.setdefault(tuple(sorted(whole.items())), whole)
            self._parts += parts
        return known


def _united(parts: Sequence[Claims]) -> Claims:
    whole: dict[str, Claim] = {}
    for part in parts:
        for unit, claim in part.items():
            known = whole.get(unit, claim)
            whole[unit] = Claim(min(known.priority, claim.priority), min(known.rto, claim.rto))
    return whole
