"""The symptom graph: which troubled entity is explained by which provider.

Nodes are troubled entities (their alerts with overlapping spells taken together). A link runs from a node to a
provider that was in trouble at a fitting time, directly or over at most `BRIDGE` silent entities.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from engine.signals import Millis
from topology.model import Dependency, Semantics, Topology

BRIDGE = 2
"""Silent entities that a link may cross: they may fail without ever alerting."""
HOP_COST: Millis = 15_000
"""What one dependency costs beside the delay it explains, in milliseconds."""
SILENT_COST: Millis = 30_000
"""What crossing one silent entity costs."""


class Symptom(msgspec.Struct, frozen=True, gc=False):
    """One alert's spell: its number, entity, times (``end`` None while it fires) and weight 0 … 1."""

    alert: int
    entity: str
    start: Millis
    end: Millis | None
    weight: float


class Node(msgspec.Struct, gc=False):
    """A troubled entity with the alerts that say so."""

    entity: str
    start: Millis
    end: Millis | None
    weight: float
    alerts: list[int]


class Link(msgspec.Struct, frozen=True, gc=False):
    """``consumer`` is explained by ``provider`` (indices of nodes), over the silent entities ``via``."""

    consumer: int
    provider: int
    cost: Millis
    via: tuple[str, ...]


class Horizon(msgspec.Struct, frozen=True):
    """``window``: how much later than its symptom a cause may be first seen; ``linger``: how long a trouble that
    went quiet still takes symptoms. Milliseconds."""

    window: Millis
    linger: Millis


def nodes_of(symptoms: Iterable[Symptom], linger: Millis) -> list[Node]:
    """Nodes in the order of (entity, start); spells of one entity that overlap, or nearly, are one node."""
    nodes: list[Node] = []
    for s in sorted(symptoms, key=lambda s: (s.entity, s.start, s.alert)):
        last = nodes[-1] if nodes else None
        if last is not None and last.entity == s.entity and (last.end is None or s.start <= last.end + linger):
            last.alerts.append(s.alert)
            last.end = None if last.end is None or s.end is None else max(last.end, s.end)
            last.weight = max(last.weight, s.weight)
        else:
            nodes.append(Node(s.entity, s.start, s.end, s.weight, [s.alert]))
    return nodes


def compatible(consumer: Node, provider: Node, horizon: Horizon) -> bool:
    """May trouble of the provider explain trouble of the consumer, by their times alone?"""
    if provider.start > consumer.start + horizon.window:
        return False
    if provider.end is not None and consumer.start > provider.end + horizon.linger:
        return False
    return consumer.end is None or provider.start <= consumer.end + horizon.linger


class SymptomGraph:
    """Nodes and links of one domain at one moment."""

    def __init__(self, symptoms: Iterable[Symptom], topology: Topology, horizon: Horizon) -> None:
        self.topology = topology
        self.horizon = horizon
        self.nodes = nodes_of(symptoms, horizon.linger)
        self.at: dict[str, list[int]] = {}
        for index, node in enumerate(self.nodes):
            self.at.setdefault(node.entity, []).append(index)
        self.links: list[list[Link]] = [self._links(index) for index in range(len(self.nodes))]

    def _links(self, index: int) -> list[Link]:
        """Nearest troubled providers, breadth first over silent ones."""
        node = self.nodes[index]
        found: dict[int, Link] = {}
        frontier: list[tuple[str, tuple[str, ...]]] = [(node.entity, ())]
        seen = {node.entity}
        for _ in range(BRIDGE + 1):
            following: list[tuple[str, tuple[str, ...]]] = []
            for entity, via in frontier:
                for provider in self._felt(entity):
                    if provider in seen:
                        continue
                    seen.add(provider)
                    troubled = [i for i in self.at.get(provider, ()) if compatible(node, self.nodes[i], self.horizon)]
                    for i in troubled:
                        found[i] = Link(index, i, self._cost(node, self.nodes[i], len(via)), via)
                    if not troubled:
                        following.append((provider, (*via, provider)))
            frontier = following
        return sorted(found.values(), key=lambda link: (link.cost, link.provider))

    def _felt(self, entity: str) -> Iterable[str]:
        """Providers whose trouble the entity would feel: a redundancy group that still has enough members hides it."""
        providers = self.topology.providers(entity)
        if not providers:
            return ()
        return [d.provider for d in providers if d.semantics is not Semantics.INFO and self._reaches(d, providers)]

    def _reaches(self, dependency: Dependency, siblings: Sequence[Dependency]) -> bool:
        if not dependency.group:
            return True
        group = self.topology.groups.get((dependency.consumer, dependency.group))
        members = [d for d in siblings if d.group == dependency.group]
        troubled = [d for d in members if d.provider in self.at]
        need = group.need if group else 1
        if group is not None and group.capacity is not None:
            left = sum(d.weight for d in members) - sum(d.weight for d in troubled)
            return left < group.capacity or len(members) - len(troubled) < need
        return len(members) - len(troubled) < need

    def _cost(self, consumer: Node, provider: Node, silent: int) -> Millis:
        delay = consumer.start - provider.start
        return (delay if delay >= 0 else -2 * delay) + HOP_COST * (silent + 1) + SILENT_COST * silent
