"""The arithmetic of a redundancy group as it stands: who is left, what they deliver, what that leaves the consumer."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from topology.groups import UP, group_health, margin_lost
from topology.model import Dependency, Group, Semantics, Topology


class GroupSum(msgspec.Struct, frozen=True, kw_only=True):
    """Group ``name`` of ``consumer``: ``working`` of its ``members`` are not down, ``need`` of them are needed.

    ``delivered`` and ``capacity`` are in thousandths of a full member (capacity None: it is pure k of n). ``hit`` are
    the members below full health. ``health`` is what the group leaves its consumer, ``margin_lost`` says that it still
    gives all it should, but not after the next loss.
    """

    consumer: str
    name: str
    members: int
    working: int
    need: int
    capacity: int | None
    delivered: int
    hit: tuple[str, ...]
    health: int
    margin_lost: bool

    def words(self) -> str:
        """For example: 2 of 3 members of replicas, 2.0 of 2.5 capacity: 800."""
        text = f"{self.working} of {self.members} members of {self.name}"
        if self.capacity is not None:
            text += f", {_units(self.delivered)} of {_units(self.capacity)} capacity"
        if self.capacity is None or self.working < self.need:
            text += f", {self.need} needed"
        return f"{text}: {self.health}" + (", no margin left" if self.margin_lost else "")


def group_sums(index: Topology, consumer: str, seen: Callable[[Dependency], int]) -> Iterator[GroupSum]:
    """The groups of an entity that have a member below full health, by name. ``seen`` is what the entity sees of a
    provider (its health; behind a buffer that of one buffer ago)."""
    groups: dict[str, list[Dependency]] = {}
    for dependency in index.providers(consumer):
        if dependency.group and dependency.semantics is not Semantics.INFO:
            groups.setdefault(dependency.group, []).append(dependency)
    for name, members in sorted(groups.items()):
        healths = [seen(dependency) for dependency in members]
        if min(healths) < UP:
            yield _sum(index, consumer, name, members, healths)


def _sum(index: Topology, consumer: str, name: str, members: list[Dependency], healths: list[int]) -> GroupSum:
    group = index.groups.get((consumer, name)) or Group(consumer=consumer, name=name)
    ring = index.component(consumer) if group.capacity is not None else ""
    counted = [
        (UP if health else 0) if ring and index.component(d.provider) == ring else health  # as on a cycle
        for d, health in zip(members, healths, strict=True)
    ]
    weights = [d.weight for d in members]
    factor = max(d.factor if d.semantics is Semantics.SOFT else UP for d in members)
    return GroupSum(
        consumer=consumer,
        name=name,
        members=len(members),
        working=sum(health > 0 for health in counted),
        need=group.need,
        capacity=group.capacity,
        delivered=sum(weight * health for weight, health in zip(weights, counted, strict=True)) // UP,
        hit=tuple(sorted({d.provider for d, health in zip(members, healths, strict=True) if health < UP})),
        health=group_health(group.need, group.capacity, weights, counted, factor),
        margin_lost=bool(factor) and margin_lost(group.need, group.capacity, weights, counted, factor),
    )


def _units(thousandths: int) -> str:
    """Thousandths of a member with as many digits as they need, at least one.

    >>> _units(2000), _units(2500), _units(667)
    ('2.0', '2.5', '0.667')
    """
    text = f"{thousandths / 1000:.3f}".rstrip("0")
    return text + "0" if text.endswith(".") else text
