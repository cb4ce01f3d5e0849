"""Latency to failure: how much later entities answer because others do, and who gives up waiting.

An entity answers later by its own added delay and by the longest wait for what it needs. Whoever declares a `timeout`
waits no longer than that; a provider that answers later is as good as down for it. Nobody waits for an ``async``
provider, and ``info`` is not felt. A group without a capacity waits for the answer of as many members as it needs, the
quickest first; in one with a capacity some requests wait for the slowest. On a dependency cycle added delays are not
added up, the largest counts: a wait goes round once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from topology.model import Dependency, Entity, Semantics, Topology

WAITED = frozenset({Semantics.HARD, Semantics.SOFT})
"""Semantics with which a consumer waits for the answer."""
LATE = "\x1flate"
"""Ends the id of the entity that stands for a late answer; no catalogue can have such an id."""


class Wait(NamedTuple):
    """An entity answers ``delay`` milliseconds later, because ``waits_for`` ("" for its own delay) does."""

    delay: int
    waits_for: str


def waits(index: Topology, slow: Mapping[str, int]) -> dict[str, Wait]:
    """Who answers later, because the entities of ``slow`` do by so many milliseconds. The least fixpoint; the work is
    proportional to what is reached."""
    found = {entity: Wait(delay, "") for entity, delay in slow.items() if delay > 0}
    later = set(found)
    while later:
        waiting = {d.consumer for provider in later for d in index.consumers(provider) if d.semantics in WAITED}
        waited = {consumer: _wait(index, consumer, slow.get(consumer, 0), found) for consumer in waiting}
        later = {consumer for consumer, wait in waited.items() if wait.delay > found.get(consumer, _NONE).delay}
        found |= {consumer: waited[consumer] for consumer in later}
    return found


def timed_out(index: Topology, found: Mapping[str, Wait]) -> Iterator[Dependency]:
    """The dependencies whose consumers give up waiting."""
    for provider, wait in sorted(found.items()):
        for dependency in index.consumers(provider):
            if 0 < dependency.timeout <= wait.delay and dependency.semantics is not Semantics.INFO:
                yield dependency


def late(provider: str) -> Entity:
    """What stands for the late answers of a provider: it is down for those who do not wait, and with the provider."""
    return Entity(id=provider + LATE)


_NONE = Wait(0, "")


def _wait(index: Topology, consumer: str, own: int, found: Mapping[str, Wait]) -> Wait:
    """The consumer's answer: what comes from its own cycle is not added to its own delay."""
    ring = index.component(consumer)
    groups: dict[str, list[Wait]] = {}
    best = Wait(own, "")
    for d in index.providers(consumer):
        if d.semantics not in WAITED:
            continue
        delay = found.get(d.provider, _NONE).delay
        delay = min(delay, d.timeout) if d.timeout else delay
        inside = ring and index.component(d.provider) == ring
        wait = Wait(max(own, delay) if inside else own + delay, d.provider)
        if d.group:
            groups.setdefault(d.group, []).append(wait)
        elif wait.delay > best.delay:
            best = wait
    for name, members in groups.items():
        wait = _grouped(index, consumer, name, members)
        if wait.delay > best.delay:
            best = wait
    return best


def _grouped(index: Topology, consumer: str, name: str, members: list[Wait]) -> Wait:
    members.sort()
    group = index.groups.get((consumer, name))
    if group is not None and group.capacity is not None:
        return members[-1]
    need = group.need if group is not None else 1
    return members[min(need, len(members)) - 1]
