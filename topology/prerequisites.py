"""What must be back before an entity that is down can start, and what before it is in service again.

* A ``hard`` provider that is down holds up the start; so does ``soft`` with factor 1000, which leaves nothing either.
* A group holds it up until ``need`` of its members run; what capacity is lacking is waited for while it runs already.
* ``async`` does not hold up the start, but once its buffer is spent the consumer is in service only with its provider.
* ``soft`` and ``info`` hold up nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from topology.groups import UP
from topology.model import Dependency, Group, Semantics, Topology


class Need(NamedTuple):
    """``least`` of ``providers``, all down, must run before the consumer can start; ``group`` is "" for a single."""

    providers: tuple[str, ...]
    least: int = 1
    group: str = ""


def start_needs(index: Topology, down: Collection[str]) -> dict[str, tuple[Need, ...]]:
    """What each entity that is down waits for before it can start, by entity in order of id."""
    return {entity: _needs(index, entity, down) for entity in sorted(down)}


def _needs(index: Topology, entity: str, down: Collection[str]) -> tuple[Need, ...]:
    found, grouped = [], False
    for dependency in index.providers(entity):
        grouped = grouped or bool(dependency.group)
        if dependency.provider in down and not dependency.group and holds_start(dependency):
            found.append(Need((dependency.provider,)))
    for group, members in groups_of(index, entity) if grouped else ():
        waited = tuple(d.provider for d in members if holds_start(d) and d.provider in down)
        lacking = needed(group, members) - (len(members) - len(waited))
        if lacking > 0:
            found.append(Need(waited, lacking, group.name))
    return tuple(found)


def waits_beyond_start(index: Topology, entity: str, hit: Mapping[str, int]) -> bool:
    """Whether an entity that runs may still lack something: what it passes on, what it shares the load with, or a
    provider that is degraded. One that waits for nothing but hard providers to start has them all when it runs."""
    return any(
        dependency.group or dependency.semantics is Semantics.ASYNC or hit[dependency.provider]
        for dependency in index.providers(entity)
        if dependency.provider in hit
    )


def groups_of(index: Topology, entity: str) -> Iterator[tuple[Group, list[Dependency]]]:
    """The groups of an entity that can take it down, each with its members."""
    members: dict[str, list[Dependency]] = {}
    for dependency in index.providers(entity):
        if dependency.group and dependency.semantics is not Semantics.INFO and _leaves_nothing(dependency):
            members.setdefault(dependency.group, []).append(dependency)
    for name, found in sorted(members.items()):
        yield index.groups.get((entity, name)) or Group(consumer=entity, name=name), found


def needed(group: Group, members: Collection[Dependency]) -> int:
    """How many members must run."""
    return max(1, min(group.need, len(members)))


def holds_start(dependency: Dependency) -> bool:
    """Whether the consumer cannot start while the provider is down (in a group: whether the member counts as lost)."""
    return dependency.semantics is not Semantics.ASYNC and _leaves_nothing(dependency)


def holds_finish(dependency: Dependency) -> bool:
    """Whether the consumer is not in service while the provider is not."""
    return _leaves_nothing(dependency)


def _leaves_nothing(dependency: Dependency) -> bool:
    if dependency.semantics is Semantics.SOFT:
        return dependency.factor >= UP
    return dependency.semantics is not Semantics.INFO
