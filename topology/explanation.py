"""Why an entity is hit: the chain of binding dependencies back to the nearest cause, ties broken by (hops, id)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from heapq import heapify, heappop, heappush

import msgspec

from topology.groups import UP
from topology.model import Semantics
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
    """Add the links of ``entities``, all below full health, to those already known.

    A dependency binds when what it leaves its consumer is just the consumer's health. Among binding providers the
    one nearest to a cause is the explanation. A greatest fixpoint has such a chain for every entity in it.
    """
    bound: dict[str, dict[str, Link]] = {}
    front: list[tuple[int, str]] = []
    for entity in entities:
        if sweep.own.get(entity, UP) == sweep.health[entity]:
            links[entity] = Link(0, "", OWN)
            front.append((0, entity))
    for entity in entities:
        if entity not in links:
            for provider, link in _binding(sweep, entity).items():
                if provider in links and provider not in bound:
                    front.append((links[provider].hops, provider))
                bound.setdefault(provider, {})[entity] = link
    heapify(front)
    while front:
        hops, provider = heappop(front)
        for entity, link in bound.get(provider, {}).items():
            if entity not in links:
                links[entity] = msgspec.structs.replace(link, hops=hops + 1)
                heappush(front, (hops + 1, entity))


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


def _binding(sweep: Sweep, consumer: str) -> dict[str, Link]:
    """Provider -> how it binds the consumer."""
    health = sweep.health[consumer]
    found: dict[str, Link] = {}
    groups: set[str] = set()
    for dependency in sweep.index.providers(consumer):
        if dependency.semantics is Semantics.INFO:
            continue
        if dependency.group:
            groups.add(dependency.group)
        elif sweep.single(dependency) == health:
            found.setdefault(dependency.provider, Link(0, dependency.provider, dependency.semantics.value))
    for group in sorted(groups):
        if sweep.grouped(consumer, group) == health:
            members = _hit(sweep, consumer, group)
            for member in members:
                found.setdefault(member, Link(0, member, group, members))
    return found


def _hit(sweep: Sweep, consumer: str, group: str) -> tuple[str, ...]:
    dependencies = sweep.members(consumer, group).dependencies
    return tuple(sorted({d.provider for d in dependencies if sweep.contribution(d) < UP}))
