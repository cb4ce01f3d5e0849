"""The symptom graph: which troubled entity is explained by which provider.

Nodes are troubled entities (their alerts with overlapping spells taken together). A link runs from a node to a
provider that was in trouble at a fitting time, directly or over at most `BRIDGE` silent entities.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from engine.signals import Millis
from topology.model import Dependency, Semantics, Topology
from topology.sweep import Sweep

BRIDGE = 3
"""Silent entities that a link may cross: they may fail without ever alerting."""
HOP = 0.2
"""Cost of one dependency, in nats."""
SILENT = 0.9
"""Cost of one silent entity on the way: with 30 % of entities not monitored, 40 % of failures do not alert."""
WEAK = 1.5
"""Cost of a soft or asynchronous dependency: its trouble is often not felt."""
IDLE = 1.0
"""Cost of explaining a consumer's trouble by a provider that only says that it gets too little to do."""
PER_DELAY: Millis = 120_000
"""One nat per so much delay of a symptom behind its cause …"""
MOST_DELAY = 2.5
"""… up to this cost: a provider that stays down explains what shows late."""
PER_INVERSION: Millis = 75_000
"""One nat per so much time that a symptom was seen before its cause (alert rules wait differently long)."""
INVERSION = 0.5


def delay_cost(delay: Millis) -> float:
    """Cost of a symptom ``delay`` milliseconds after its cause (negative: before it), in nats.

    >>> delay_cost(60_000), delay_cost(-75_000), delay_cost(10**9)
    (0.5, 1.5, 2.5)
    """
    if delay >= 0:
        return min(delay / PER_DELAY, MOST_DELAY)
    return INVERSION - delay / PER_INVERSION


class Node(msgspec.Struct, gc=False, array_like=True):
    """A troubled entity, by the alerts (numbers) that say so: like spells of one entity, taken together.

    ``end`` is None while one of them fires; ``weight`` is the heaviest's, 0 … 1. ``telling`` nodes may explain others;
    informational alerts and what was over within the group wait may not. ``starved`` nodes say nothing but that they
    get too little to do. ``pin`` marks what a person split off. ``firing`` counts; ``word`` and ``firing_word`` are the
    worst severity words; ``owners`` counts alerts by incident; ``metric`` is theirs, if they have one in common;
    ``version`` grows whenever the node is made anew. ``settling``: one of them waits for its incident. ``until`` is
    when the first of those that fire ends, unless it is sent again.
    """

    entity: str
    start: Millis
    end: Millis | None
    weight: float
    alerts: list[int]
    telling: bool = True
    starved: bool = False
    pin: int = 0
    version: int = 0
    firing: int = 0
    word: str = "none"
    firing_word: str = "none"
    events: int = 0
    security: bool = False
    internal: bool = False
    metric: str = ""
    owners: dict[str, int] = {}
    settling: bool = False
    until: Millis = 0


class Link(msgspec.Struct, frozen=True, gc=False):
    """``consumer`` may be explained by ``provider`` (indices of nodes), over the silent entities ``via``."""

    consumer: int
    provider: int
    cost: float
    via: tuple[str, ...]


class Horizon(msgspec.Struct, frozen=True):
    """``window``: how much later than its symptom a cause may be first seen; ``linger``: how long a trouble that
    went quiet still takes symptoms; ``brief``: what lasts shorter explains nothing. Milliseconds."""

    window: Millis
    linger: Millis
    brief: Millis


MOST_DEMANDERS = 50
"""A silent provider that more than these use says nothing about who should be asking."""


def compatible(consumer: Node, provider: Node, horizon: Horizon) -> bool:
    """May trouble of the provider explain trouble of the consumer, by their times alone?"""
    if provider.start > consumer.start + horizon.window:
        return False
    if provider.end is not None and consumer.start > provider.end + horizon.linger:
        return False
    return consumer.end is None or provider.start <= consumer.end + horizon.linger


class SymptomGraph:
    """Nodes, earliest first, and links of one domain at one moment. Ties are broken by index: the order of the nodes
    given does not matter, that of the names only among equal onsets."""

    def __init__(self, nodes: list[Node], topology: Topology, horizon: Horizon) -> None:
        self.topology = topology
        self.horizon = horizon
        self.nodes = sorted(nodes, key=lambda node: (node.start, node.entity, node.alerts[0]))
        self.at: dict[str, list[int]] = {}
        for index, node in enumerate(self.nodes):
            if node.telling:
                self.at.setdefault(node.entity, []).append(index)
        self._cones: dict[frozenset[str], dict[str, int]] = {}
        self._felt: dict[str, list[tuple[str, float]]] = {}
        self.links: list[list[Link]] = [self._links(index) for index in range(len(self.nodes))]

    def cone(self, failed: frozenset[str]) -> dict[str, int]:
        """Health of every entity that these failures would bring below full health within the window."""
        known = self._cones.get(failed)
        if known is None:
            sweep = Sweep(self.topology, dict.fromkeys(failed, 0), dict.fromkeys(failed, 0))
            while (due := sweep.due()) is not None and due <= self.horizon.window:
                sweep.step()
            known = self._cones[failed] = sweep.health
        return known

    def _links(self, index: int) -> list[Link]:
        """Nearest troubled providers, breadth first over silent ones, the cheapest way to each."""
        node = self.nodes[index]
        found: dict[int, Link] = {}
        if not node.telling:
            beside = [i for i in self.at.get(node.entity, ()) if compatible(node, self.nodes[i], self.horizon)]
            found = {i: Link(index, i, 0.0, ()) for i in beside}
        frontier: list[tuple[str, tuple[str, ...], float]] = [(node.entity, (), 0.0)]
        seen = {node.entity}
        for _ in range(BRIDGE + 1):
            reached: dict[str, tuple[float, tuple[str, ...]]] = {}
            for entity, via, cost in frontier:
                for provider, weak in self._felt_by(entity):
                    if provider not in seen:
                        way = (cost + HOP + weak, via)
                        reached[provider] = min(reached.get(provider, way), way)
            seen |= reached.keys()
            frontier = []
            for provider, (price, via) in reached.items():
                troubled = [i for i in self.at.get(provider, ()) if compatible(node, self.nodes[i], self.horizon)]
                for i in troubled:
                    idle = IDLE if self.nodes[i].starved else 0.0
                    found[i] = Link(index, i, price + idle + delay_cost(node.start - self.nodes[i].start), via)
                if not troubled:
                    frontier.append((provider, (*via, provider), price + SILENT))
        if node.starved:
            self._add_demand(index, found)
        return sorted(found.values(), key=lambda link: (link.cost, link.provider))

    def _add_demand(self, index: int, found: dict[int, Link]) -> None:
        """A starved entity is explained by those who should be asking it: its consumers, and the other users of a
        silent provider (a queue that nobody fills)."""
        node = self.nodes[index]
        for entity, via, price in self._demanders(node.entity):
            for i in self.at.get(entity, ()):
                if i == index or not compatible(node, self.nodes[i], self.horizon):
                    continue
                cost = price + delay_cost(node.start - self.nodes[i].start)
                if i not in found or cost < found[i].cost:
                    found[i] = Link(index, i, cost, via)

    def _demanders(self, entity: str) -> Iterator[tuple[str, tuple[str, ...], float]]:
        """(who should be asking the entity, silent entities between, cost)."""
        for d in self.topology.consumers(entity):
            yield d.consumer, (), HOP
            if d.consumer not in self.at:
                for further in self.topology.consumers(d.consumer):
                    yield further.consumer, (d.consumer,), 2 * HOP + SILENT
        for d in self.topology.providers(entity):
            others = self.topology.consumers(d.provider)
            if d.provider not in self.at and len(others) <= MOST_DEMANDERS:
                for other in others:
                    yield other.consumer, (d.provider,), 2 * HOP + SILENT

    def _felt_by(self, entity: str) -> list[tuple[str, float]]:
        """Providers whose trouble the entity would feel, and the cost of that being weak: a redundancy group that still
        has enough members hides its own."""
        known = self._felt.get(entity)
        if known is None:
            providers = self.topology.providers(entity)
            known = self._felt[entity] = [
                (d.provider, 0.0 if d.semantics is Semantics.HARD else WEAK)
                for d in providers
                if d.semantics is not Semantics.INFO and (not d.group or self._reaches(d, providers))
            ]
        return known

    def _reaches(self, dependency: Dependency, siblings: Sequence[Dependency]) -> bool:
        group = self.topology.groups.get((dependency.consumer, dependency.group))
        members = [d for d in siblings if d.group == dependency.group]
        troubled = [d for d in members if d.provider in self.at]
        need = group.need if group else 1
        if group is not None and group.capacity is not None:
            left = sum(d.weight for d in members) - sum(d.weight for d in troubled)
            return left < group.capacity or len(members) - len(troubled) < need
        return len(members) - len(troubled) < need
