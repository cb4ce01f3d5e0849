"""How many entities have what readiness takes: owner, tier, objectives, dependencies, signs of life, series."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

import msgspec

from topology.model import Entity, Kind, Topology

COUNTED = frozenset({Kind.SERVICE, Kind.DATABASE, Kind.QUEUE, Kind.BUSINESS_SERVICE})
"""Kinds that are counted; those out of scope are not."""
SHOWN = 50
ASPECTS = {
    "owner": "has an owner",
    "tier": "has a tier",
    "rto": "has a recovery time objective",
    "rpo": "has a recovery point objective",
    "dependencies": "has a dependency, or somebody who depends on it",
    "heartbeat": "is watched for a sign of life",
    "probe": "is checked by a declared probe",
    "baseline": "has series, of which baselines are made",
}
"""Aspect -> what an entity that is covered has."""


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """Entities that give signs of life, that probes check, and that have series."""

    heartbeats: Collection[str] = frozenset()
    probes: Collection[str] = frozenset()
    baselines: Collection[str] = frozenset()


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """Of ``count`` entities in scope ``covered`` have the aspect; the first `SHOWN` that have not, most critical
    first."""

    aspect: str
    text: str
    covered: int
    count: int
    missing: tuple[str, ...]


def coverage(topology: Topology, watched: Watched) -> list[Coverage]:
    """Aspect by aspect."""
    tests: Mapping[str, Callable[[Entity], bool]] = {
        "owner": lambda one: bool(one.owner),
        "tier": lambda one: one.tier is not None,
        "rto": lambda one: one.rto is not None,
        "rpo": lambda one: one.rpo is not None,
        "dependencies": lambda one: bool(topology.providers(one.id) or topology.consumers(one.id)),
        "heartbeat": lambda one: one.id in watched.heartbeats,
        "probe": lambda one: one.id in watched.probes,
        "baseline": lambda one: one.id in watched.baselines,
    }
    scope = [one for one in topology.entities.values() if one.kind in COUNTED and one.scope]
    return [_covered(aspect, ASPECTS[aspect], scope, has) for aspect, has in tests.items()]


def _covered(aspect: str, text: str, scope: Iterable[Entity], has: Callable[[Entity], bool]) -> Coverage:
    bare = [one for one in scope if not has(one)]
    count = sum(1 for _ in scope)
    bare.sort(key=lambda one: (one.tier is None, one.tier or 0, one.id))
    missing = tuple(one.id for one in bare[:SHOWN])
    return Coverage(aspect=aspect, text=text, covered=count - len(bare), count=count, missing=missing)
