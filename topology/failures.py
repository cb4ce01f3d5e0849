"""Basic failures: what can fail by itself, alone or with others that share its fate, and how probable that is.

A probability that nobody states is a documented default for the kind of entity, and is marked as assumed: the defaults
are round figures to start from, measured nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from topology.model import Entity, Kind, Topology

HORIZON = 86_400
"""Seconds within which failures are counted, and taken to last into each other."""

ASSUMED: Mapping[Kind, int] = {
    Kind.SERVICE: 5_000,
    Kind.COMPONENT: 5_000,
    Kind.DATABASE: 2_000,
    Kind.QUEUE: 2_000,
    Kind.HOST: 500,
    Kind.NETWORK_DEVICE: 200,
    Kind.SITE: 50,
    Kind.THIRD_PARTY: 10_000,
    Kind.BUSINESS_SERVICE: 0,
    Kind.BUSINESS_PROCESS: 0,
}
"""Probability to fail within the horizon, in parts per million, of entities that state none. What a business does has
no failures of its own: it fails with what it needs."""
ASSUMED_FATE = 100
"""The same of a shared fate (rack, power feed, release)."""
MILLION = 1_000_000


class Failure(NamedTuple):
    """One basic failure: of an entity, or of all entities that share a fate (``fate``). ``ppm`` parts per million."""

    name: str
    fate: bool
    ppm: int
    assumed: bool
    entities: tuple[str, ...]

    @property
    def probability(self) -> float:
        """Within the horizon, 0 … 1."""
        return self.ppm / MILLION


def basic_failures(index: Topology) -> list[Failure]:
    """All that can happen (probability above 0): entities by id, then shared fates by name."""
    sharing: dict[str, list[str]] = {}
    found: list[Failure] = []
    for entity in index.entities.values():
        for name in entity.continuity.fates:
            sharing.setdefault(name, []).append(entity.id)
        ppm, assumed = _stated(entity)
        if ppm > 0:
            found.append(Failure(entity.id, False, ppm, assumed, (entity.id,)))
    for name in sorted(sharing):
        fate = index.fates.get(name)
        ppm = ASSUMED_FATE if fate is None or fate.failure is None else fate.failure
        if ppm > 0:
            assumed = fate is None or fate.failure is None
            found.append(Failure(name, True, ppm, assumed, tuple(sharing[name])))
    return found


def _stated(entity: Entity) -> tuple[int, bool]:
    """(parts per million, whether assumed)."""
    stated = entity.continuity.failure
    return (ASSUMED[entity.kind], True) if stated is None else (stated, False)
