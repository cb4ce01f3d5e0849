"""Silent entities between two in trouble: the trouble of one reaches the other over them, so they feel it as well.

Where dependencies are declared, impact follows from them. Where they were only discovered, an entity that nothing is
known of may or may not be hit; that trouble was seen on both sides of it decides.
"""

from __future__ import annotations

from collections.abc import Collection

from engine.correlate.graph import BRIDGE
from topology.model import Semantics, Topology

MOST = 500
"""Of so many entities in trouble the ways are looked for."""


def bridges(topology: Topology, troubled: Collection[str]) -> list[str]:
    """The silent entities that every shortest way from an entity in trouble to its nearest provider in trouble crosses,
    sorted; none where all dependencies are declared. Ways cross at most `BRIDGE` silent entities."""
    if not topology.doubtful:
        return []
    return sorted({entity for consumer in sorted(troubled)[:MOST] for entity in _crossed(topology, consumer, troubled)})


def _crossed(topology: Topology, consumer: str, troubled: Collection[str]) -> frozenset[str]:
    layer: dict[str, frozenset[str]] = {consumer: frozenset()}  # with what all shortest ways to it cross
    seen = {consumer}
    for _ in range(BRIDGE + 1):
        following: dict[str, frozenset[str]] = {}
        for entity, crossed in layer.items():
            for d in topology.providers(entity):
                if d.provider not in seen and not d.group and d.semantics is not Semantics.INFO:
                    way = crossed | {entity}
                    following[d.provider] = following.get(d.provider, way) & way
        if ends := [crossed for provider, crossed in following.items() if provider in troubled]:
            return frozenset.intersection(*ends) - {consumer}
        seen |= following.keys()
        layer = following
    return frozenset()
