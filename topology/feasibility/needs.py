"""Who waits for whom when all is down: hard and async dependencies, singly and in groups, by entity number.

Soft and info dependencies keep nobody from being back. Entities that wait for each other in a circle, so that none
could start, are started together by hand: they make one *unit*, and do not wait for each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from topology.compiled import ASYNC, HARD, NONE, Compiled
from topology.feasibility.cycles import Knot, Requirement


class Group(NamedTuple):
    """Back when ``need`` members are, and their weights carry ``capacity`` (thousandths; 0: none asked). ``weight`` is
    the sum of all. A need or a capacity that can never be met counts as all that there is."""

    need: int
    capacity: int
    weight: int
    members: Sequence[tuple[int, int, int]]
    """(provider, buffer in seconds, weight)."""

    def necessary(self, weight: int) -> bool:
        """Whether the group is not back without a member of this weight."""
        return len(self.members) <= self.need or self.weight - weight < self.capacity


@dataclass(frozen=True, slots=True)
class Needs:
    """By entity number: ``at_once``: single providers without a buffer; ``buffered``: of those that have some, single
    providers with their buffers in seconds; ``groups``; ``unit``: the smallest member of its unit, -1 for entities that
    can start by themselves. ``order``: providers before consumers; of a cycle only the smallest member. ``knots``:
    entity -> the cycle it lies on."""

    at_once: Sequence[Sequence[int]]
    buffered: Mapping[int, Sequence[tuple[int, int]]]
    groups: Sequence[Sequence[Group]]
    unit: Sequence[int]
    order: Sequence[int]
    knots: Mapping[int, Knot]

    def single(self, entity: int) -> Iterator[tuple[int, int]]:
        """(provider, buffer) of all that are in no group."""
        for provider in self.at_once[entity]:
            yield provider, 0
        yield from self.buffered.get(entity, ())


def needs_of(compiled: Compiled) -> Needs:
    """Linear in the size of the topology, but for cycles inside of cycles."""
    count = len(compiled.names)
    waited = (compiled.semantics == HARD) | (compiled.semantics == ASYNC)
    alone = waited & (compiled.group == NONE)
    at_once = np.flatnonzero(alone & (compiled.buffer == 0))
    providers = compiled.provider[at_once].tolist()
    ends = np.searchsorted(compiled.consumer[at_once], np.arange(count + 1)).tolist()
    buffered: dict[int, list[tuple[int, int]]] = {}
    behind = np.flatnonzero(alone & (compiled.buffer > 0))
    columns = (compiled.consumer, compiled.provider, compiled.buffer)
    for consumer, provider, buffer in zip(*(column[behind].tolist() for column in columns), strict=True):
        buffered.setdefault(consumer, []).append((provider, buffer))
    needs = Needs(
        [providers[start:end] for start, end in pairwise(ends)],
        buffered,
        _groups(compiled, np.flatnonzero(waited & (compiled.group != NONE))),
        unit := [-1] * count,
        order := [],
        knots := {},
    )
    for members in _components(compiled):
        order.append(members[0])
        if len(members) > 1:
            knot = _knot(needs, members)
            knots.update(dict.fromkeys(members, knot))
            for unit_of_many in knot.tie():
                for member in unit_of_many:
                    unit[member] = unit_of_many[0]
    return needs


_NO_GROUPS: Sequence[Group] = ()


def _groups(compiled: Compiled, grouped: NDArray[np.int64]) -> list[Sequence[Group]]:
    """Entity -> its groups, by name."""
    found: list[Sequence[Group]] = [_NO_GROUPS] * len(compiled.names)
    grouped = grouped[np.argsort(compiled.group[grouped], kind="stable")]
    columns = (compiled.provider, compiled.buffer, compiled.weight)
    members = list(zip(*(column[grouped].tolist() for column in columns), strict=True))
    numbers, starts = np.unique(compiled.group[grouped], return_index=True)
    weights = np.add.reduceat(compiled.weight[grouped].astype(np.int64), starts) if len(starts) else starts
    rows = zip(
        compiled.group_consumer[numbers].tolist(),
        compiled.need[numbers].tolist(),
        compiled.capacity[numbers].tolist(),
        weights.tolist(),
        pairwise([*starts.tolist(), len(members)]),
        strict=True,
    )
    for consumer, need, capacity, weight, (start, end) in rows:
        group = Group(max(1, min(need, end - start)), max(0, min(capacity, weight)), weight, members[start:end])
        found[consumer] = (*found[consumer], group)
    return found


def _components(compiled: Compiled) -> Iterator[list[int]]:
    """Strong components, providers first, each sorted."""
    order = np.lexsort((compiled.component, compiled.level))
    members: list[int] = []
    last = -1
    for entity, component in zip(order.tolist(), compiled.component[order].tolist(), strict=True):
        if component != last and members:
            yield members
            members = []
        members.append(entity)
        last = component
    if members:
        yield members


def _knot(needs: Needs, members: Sequence[int]) -> Knot:
    inside = set(members)
    behind = any(
        buffer and provider in inside
        for member in members
        for provider, buffer in (
            *needs.buffered.get(member, ()),
            *((provider, buffer) for group in needs.groups[member] for provider, buffer, _ in group.members),
        )
    )
    return Knot(members, _requirements(needs, members), buffered=behind)


def _requirements(needs: Needs, members: Sequence[int]) -> list[Requirement]:
    """What the members of a cycle need of each other before they can start. A buffer lets them start without."""
    inside = set(members)
    found = []
    for owner in members:
        for provider in needs.at_once[owner]:
            if provider in inside:
                found.append(Requirement(owner, 1, 0, ((provider, 1),), ()))
        for group in needs.groups[owner]:
            blocking = tuple((p, weight) for p, buffer, weight in group.members if p in inside and not buffer)
            others = tuple((p, buffer, weight) for p, buffer, weight in group.members if p not in inside or buffer)
            if blocking:
                found.append(Requirement(owner, group.need, group.capacity, blocking, others))
    return found
