"""Who feels an entity's trouble: its consumers up to those that nobody consumes, weighted by what they are asked to do.

A provider's alert is about real trouble where the doors to it show it, and the less so the more of them are measured
and show nothing. Nothing measured up there: nothing is said.
"""

from __future__ import annotations

import msgspec

from engine.evidence.profile import Profiles
from engine.signals import Millis
from topology.model import Semantics, Topology

HOPS = 8
MOST = 300
"""Consumers looked at."""


class Felt(msgspec.Struct, frozen=True):
    """``share`` of the doors' traffic (of the doors, where traffic is unknown for some) at which something is felt;
    ``doors`` that were measured, ``feeling`` consumers of any kind that deviate."""

    share: float
    doors: tuple[str, ...]
    feeling: tuple[str, ...]


def felt(topology: Topology, profiles: Profiles, entity: str, start: Millis, until: Millis) -> Felt | None:
    """None where no consumer is measured. For a door itself, whether it shows anything that its users feel."""
    asked = consumers_of(topology, entity) or [entity]
    profiles.fetch(asked, start, until)
    seen = {one: profile for one in asked if (profile := profiles.around(one, start, until)).measured}
    if not seen:
        return None
    feeling = [one for one in seen if profiles.feels(one, start, until)]
    doors = [one for one in seen if not _consumed(topology, one)] or list(seen)
    known = [calls for one in doors if (calls := seen[one].calls) is not None]
    if len(known) < len(doors) or not sum(known):
        known = [1.0] * len(doors)
    feel = set(feeling)
    share = sum(w for w, door in zip(known, doors, strict=True) if door in feel) / sum(known)
    return Felt(share, tuple(doors), tuple(feeling))


def consumers_of(topology: Topology, entity: str) -> list[str]:
    """All that needs the entity, directly or through others, nearest first."""
    found: list[str] = []
    seen, frontier = {entity}, [entity]
    for _ in range(HOPS):
        following = []
        for one in frontier:
            if len(seen) >= MOST:
                break
            for d in topology.consumers(one):
                if d.semantics is not Semantics.INFO and d.consumer not in seen and len(seen) < MOST:
                    seen.add(d.consumer)
                    following.append(d.consumer)
        found += sorted(following)
        frontier = following
        if len(seen) >= MOST:
            break
    return found


def _consumed(topology: Topology, entity: str) -> bool:
    return any(d.semantics is not Semantics.INFO for d in topology.consumers(entity))
