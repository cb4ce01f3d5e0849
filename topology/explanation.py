"""Why an entity is hit: the chain of binding dependencies back to the nearest cause, ties broken by (hops, id)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from heapq import heapify, heappop, heappush

import msgspec

from topology.groups import UP
from topology.model import Dependency, Semantics
from topology.sweep import Sweep

OWN = "own"
"""The way of an entity that is down by itself."""


class Link(msgspec.Struct, frozen=True):
    """One step of a chain: ``via`` is ``own``, a semantics, or the name of the group whose ``members`` are hit."""

    hops: int
    provider: str
    via: str
    members: tuple[str, ...] = ()


def explain(sweep: Sweep, links: dict[str, Link], entities: Collection[str]) -> None:
    """Add the links of ``entities``, all below full health and without one, to those already known.

    A dependency binds when what it leaves its consumer is just the consumer's health. Among binding providers the
    one nearest to a cause is the explanation. A greatest fixpoint has such a chain for every entity in it.
    """
    unexplained = set(entities)
    known: dict[str, list[Dependency]] = {}  # dependencies on providers that were explained before
    for entity in entities if links else ():
        for dependency in sweep.index.providers(entity):
            if dependency.provider in links:
                known.setdefault(dependency.provider, []).append(dependency)
    front = [(links[provider].hops, provider) for provider in known]
    for entity in entities:
        if sweep.own.get(entity, UP) == sweep.health[entity]:
            links[entity] = Link(0, "", OWN)
            unexplained.discard(entity)
            front.append((0, entity))
    heapify(front)
    while front:
        hops, provider = heappop(front)
        for dependency in known.get(provider) or sweep.index.consumers(provider):
            consumer = dependency.consumer
            if consumer in unexplained and _binds(sweep, dependency):
                links[consumer] = _link(sweep, dependency, hops + 1)
                unexplained.discard(consumer)
                heappush(front, (hops + 1, consumer))


def margin_link(sweep: Sweep, links: Mapping[str, Link], consumer: str, group: str) -> Link:
    """The link of an entity whose group lost its margin, through the member nearest to a cause."""
    members = _hit(sweep, consumer, group)
    hops, provider = min((links[member].hops, member) for member in members)
    return Link(hops + 1, provider, group, members)


def chain(links: Mapping[str, Link], entity: str) -> tuple[str, ...]:
    """The ids from the cause to the entity."""
    ids = [entity]
    while provider := links[ids[-1]].provider:
        ids.append(provider)
    return tuple(reversed(ids))


def _binds(sweep: Sweep, dependency: Dependency) -> bool:
    if dependency.semantics is Semantics.INFO:
        return False
    health = sweep.health[dependency.consumer]
    if not dependency.group:
        return sweep.single(dependency) == health
    if sweep.contribution(dependency) == UP:
        return False
    return sweep.grouped(dependency.consumer, dependency.group) == health


def _link(sweep: Sweep, dependency: Dependency, hops: int) -> Link:
    if not dependency.group:
        return Link(hops, dependency.provider, dependency.semantics.value)
    return Link(hops, dependency.provider, dependency.group, _hit(sweep, dependency.consumer, dependency.group))


def _hit(sweep: Sweep, consumer: str, group: str) -> tuple[str, ...]:
    dependencies = sweep.members(consumer, group).dependencies
    return tuple(sorted({d.provider for d in dependencies if sweep.contribution(d) < UP}))
