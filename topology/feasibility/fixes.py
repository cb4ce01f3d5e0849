"""The smallest change after which an objective holds.

Objectives are what the business asks for, so they are given up last: first what costs nobody anything, then what is
work.
"""

from __future__ import annotations

from collections.abc import Sequence

from topology.feasibility.case import Case
from topology.feasibility.findings import Fix
from topology.feasibility.times import Times, Values, again, wait

EFFORT = 300_000
"""So many entities on cycles are reckoned again per audit to try fixes; findings beyond get none."""


class Fixes:
    """Proposes fixes of one audit. Each holds for the finding it is made for; `topology.feasibility.repair` shows what
    else it does."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._left = EFFORT

    def promise(self, entity: int, rto: int) -> Fix | None:
        """For an RTO that promises of providers do not leave room for: a provider that has room promises more, or the
        own restoration is shortened, or the RTO is raised."""
        case, times = self._case, self._case.promised
        excess = times.total[entity] - rto
        if times.lead[entity] == entity:
            provider = times.via[entity]
            lowered = None if provider == -1 else self._lowered(entity, provider, rto - case.restore[entity], excess)
            if lowered:
                return Fix(entity=case.names[provider], field="rto", value=lowered, before=case.rto[provider])
            before = case.restore[entity]
            if before > excess and not self._tangled(times, [entity]):
                return Fix(entity=case.names[entity], field="restore", value=before - excess, before=before)
        total = self._raised(entity, times, case.restore)
        return None if total is None else Fix(entity=case.names[entity], field="rto", value=total, before=rto)

    def restoration(self, entity: int, rto: int, own: Sequence[int]) -> Fix | None:
        """For an RTO that restoration cannot reach: the longest restoration on the way that can be shortened enough is,
        or the RTO is raised."""
        case, times = self._case, self._case.achievable
        chain = times.chain(entity)
        excess = times.total[entity] - rto
        steps = []
        for place, member in enumerate(chain):
            believed = case.believed[member] if place else None
            field, before = case.restoration(member) if believed is None else ("rto", believed)
            if before is not None and before > excess:
                steps.append((-before, place, field))
        kept = case.believed[chain[-1]] if len(chain) > 1 else None
        for negative, place, field in [] if self._tangled(times, chain) else sorted(steps):
            member, shorter = chain[place], -negative - excess
            others, last = ({}, shorter) if field == "rto" else ({member: shorter}, kept)
            if _along(case, times, chain, others, own, add=True, last=last) <= rto:
                return Fix(entity=case.names[member], field=field, value=shorter, before=-negative)
        total = self._raised(entity, times, own)
        return None if total is None else Fix(entity=case.names[entity], field="rto", value=total, before=rto)

    def loss(self, chain: Sequence[int], rpo: int) -> Fix:
        """For the RPO of the first of a chain that the last does not keep: that one promises or replicates more, or the
        RPO is raised."""
        case, times, entity = self._case, self._case.lost, chain[0]
        raised = Fix(entity=case.names[entity], field="rpo", value=times.total[entity], before=rpo)
        if self._tangled(times, chain):
            return raised
        store = chain[-1]
        if case.kept[store] is None:
            smaller = self.exposure(store, rpo)
            if smaller is not None and _along(case, times, chain, {store: rpo}, case.exposure, add=False) <= rpo:
                return smaller
        elif times.total[store] <= rpo and _along(case, times, chain, {}, case.exposure, add=False, last=rpo) <= rpo:
            return Fix(entity=case.names[store], field="rpo", value=rpo, before=case.rpo[store])
        return raised

    def exposure(self, entity: int, rpo: int) -> Fix | None:
        """What an entity loses by itself is lowered to ``rpo``; the lag that is seen cannot be."""
        case, said = self._case, self._case.said[entity]
        name = case.names[entity]
        if (case.lag[entity] or 0) > rpo:
            return None
        for field, before in (("replication", said.replication), ("backup", said.backup)):
            if before is not None:
                return Fix(entity=name, field=field, value=rpo, before=before)
        return Fix(entity=name, field="contract.rpo", value=rpo, before=said.contract.rpo if said.contract else None)

    def _raised(self, entity: int, times: Times, own: Sequence[int]) -> int | None:
        """The RTO that would hold. On a cycle others may reckon with it, so that it needs another look."""
        needs = self._case.needs
        knot = needs.knots.get(entity)
        if knot is None or times.promised[entity] is None:
            return times.total[entity]
        self._left -= 2 * len(knot.members)
        if self._left < 0:
            return None
        promised = list(times.promised)
        promised[entity] = None
        total = promised[entity] = again(needs, times, knot, own, promised).total[entity]
        return total if again(needs, times, knot, own, promised).total[entity] <= total else None

    def _tangled(self, times: Times, chain: Sequence[int]) -> bool:
        """Whether something on the way is started together with others, or waits for itself behind a buffer."""
        return any(self._case.needs.unit[member] != -1 or member in times.restless for member in chain)

    def _lowered(self, entity: int, provider: int, room: int, excess: int) -> int | None:
        """A promise of the provider that its own providers allow, and that leaves the entity enough room."""
        case, times = self._case, self._case.promised
        promise = case.rto[provider]
        if promise is None or case.needs.unit[entity] != -1:
            return None
        lower = promise - excess
        if lower <= 0 or lower < times.total[provider]:
            return None
        values = _Values(times.value, {provider: lower})
        return lower if wait(case.needs, entity, values, add=True)[0] <= room else None


class _Values:
    """Values of which a few are others."""

    def __init__(self, values: Values, others: dict[int, int]) -> None:
        self._values, self.others = values, others

    def __getitem__(self, number: int, /) -> int:
        found = self.others.get(number)
        return self._values[number] if found is None else found


def _along(
    case: Case,
    times: Times,
    chain: Sequence[int],
    others: dict[int, int],
    own: Sequence[int],
    *,
    add: bool,
    last: int | None = None,
) -> int:
    """What the first of a chain comes to, at most, when some of the own times are ``others``, and the last of the chain
    promises ``last``; of losses only what lies below it."""
    values = _Values(times.value, {})
    total = waited = 0
    for place, member in enumerate(reversed(chain)):
        waited, _ = wait(case.needs, member, values, add=add)
        alone = others.get(member, own[member])
        total = alone + waited if add else max(alone, waited)
        values.others[member] = last if last is not None and not place else total
    return total if add else waited
