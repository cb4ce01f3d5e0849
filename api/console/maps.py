"""The map of an incident, and the neighbourhood of an entity, as JSON for the script that draws them."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping

import msgspec

from api.console.layout import layout
from api.console.states import BUSINESS, next_change, state_of
from api.plain import plain
from engine.lifecycle import OPEN
from engine.outcomes import IncidentView
from engine.signals import Millis
from topology.model import Topology

MOST = 2000
"""Nodes of one map."""
ALIKE = 5
"""From so many nodes on, those that stand alike are drawn as one."""
NEAR = 60
"""Nodes of a neighbourhood."""


class MapNode(msgspec.Struct, kw_only=True, omit_defaults=True):
    """``state`` as in `states.STATES`; ``count`` nodes are drawn as one where it is more than 1; times in
    milliseconds."""

    id: str
    name: str
    kind: str
    state: str
    x: int = 0
    y: int = 0
    low: int = 1000
    high: int = 1000
    at: Millis | None = None
    next: str = ""
    next_at: Millis | None = None
    tier: int | None = None
    cause: bool = False
    alerting: bool = False
    business: bool = False
    via: str = ""
    path: tuple[str, ...] = ()
    count: int = 1
    sample: tuple[str, ...] = ()


class MapEdge(msgspec.Struct, kw_only=True, omit_defaults=True):
    """From the provider to the consumer, as places in the list of nodes; ``kind`` is the semantics."""

    a: int
    b: int
    kind: str = "hard"


class MapOf(msgspec.Struct, kw_only=True):
    """A map: ``drawn`` of the ``total`` entities of the neighbourhood. ``over``: the incident is, so this is how it
    was."""

    nodes: list[MapNode]
    edges: list[MapEdge]
    total: int
    drawn: int
    over: bool = False


Edges = dict[tuple[str, str], str]


def incident_map(view: IncidentView, topology: Topology, now: Millis, *, whole: bool) -> MapOf:
    """What the incident hits, where it starts and what alerts, joined by dependencies; unless ``whole``, nodes that
    stand alike are drawn as one."""
    nodes: dict[str, MapNode] = {}
    for hit in view.impact[:MOST]:
        coming = next_change(hit, now)
        nodes[hit.entity] = MapNode(
            id=hit.entity, name=hit.name or hit.entity, kind=hit.kind, state=state_of(hit, now), low=hit.low,
            high=hit.high, at=hit.down_at or hit.degraded_at or hit.at, next=coming[0] if coming else "",
            next_at=coming[1] if coming else None, tier=hit.tier, business=hit.kind in BUSINESS, via=hit.via,
            path=hit.path,
        )  # fmt: skip
    for entity in (*view.entities, *((view.cause,) if view.cause else ())):
        if entity not in nodes and len(nodes) < MOST:
            nodes[entity] = _known(topology, entity, "unknown" if entity == view.cause else "up")
    alerting = {one.entity for one in view.members if one.kind == "alerting"} or set(view.entities)
    for node in nodes.values():
        node.cause, node.alerting = node.id == view.cause, node.id in alerting
    drawn = _drawn(nodes, _between(topology, nodes), view.impact_total or len(nodes), whole=whole)
    drawn.over = view.state not in OPEN
    return drawn


def neighbourhood(topology: Topology, entity: str, most: int = NEAR) -> MapOf:
    """The nearest providers and consumers of an entity, in turns, all as if well."""
    chosen = {entity}
    waiting = deque([entity])
    while waiting and len(chosen) < most:
        one = waiting.popleft()
        near = [*(d.provider for d in topology.providers(one)), *(d.consumer for d in topology.consumers(one))]
        for other in near:
            if other not in chosen and len(chosen) < most:
                chosen.add(other)
                waiting.append(other)
    nodes = {one: _known(topology, one, "up") for one in sorted(chosen)}
    nodes[entity].cause = True
    return _drawn(nodes, _between(topology, nodes), len(nodes), whole=True)


def _known(topology: Topology, entity: str, state: str) -> MapNode:
    found = topology.entities.get(entity)
    if found is None:
        return MapNode(id=entity, name=entity, kind="unmapped", state=state)
    kind = found.kind.value
    return MapNode(
        id=entity, name=found.name or entity, kind=kind, state=state, tier=found.tier, business=kind in BUSINESS
    )


def _between(topology: Topology, nodes: Mapping[str, MapNode]) -> Edges:
    return {
        (one.provider, entity): one.semantics.value
        for entity in nodes
        for one in topology.providers(entity)
        if one.provider in nodes
    }


def _drawn(nodes: dict[str, MapNode], edges: Edges, total: int, *, whole: bool) -> MapOf:
    if not whole:
        nodes, edges = _gathered(nodes, edges)
    order = sorted(nodes)
    places = layout(order, edges)
    number = {id: place for place, id in enumerate(order)}
    for id, (x, y) in places.items():
        nodes[id].x, nodes[id].y = x, y
    made = [_clean(nodes[id]) for id in order]
    lines = [MapEdge(a=number[a], b=number[b], kind=kind) for (a, b), kind in sorted(edges.items())]
    return MapOf(nodes=made, edges=lines, total=total, drawn=sum(node.count for node in made))


def _gathered(nodes: dict[str, MapNode], edges: Edges) -> tuple[dict[str, MapNode], Edges]:
    """Nodes of the same kind and state with the same neighbours become one, if they are many."""
    near: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for a, b in edges:
        near[a].append(("to", b))
        near[b].append(("of", a))
    alike: dict[tuple[object, ...], list[str]] = defaultdict(list)
    for id, node in nodes.items():
        alone = id if node.cause or node.business else ""
        alike[(node.kind, node.state, alone, tuple(sorted(near[id])))].append(id)
    first: dict[str, str] = {}
    made: dict[str, MapNode] = {}
    for ids in alike.values():
        if len(ids) < ALIKE:
            made |= {id: nodes[id] for id in ids}
            first |= {id: id for id in ids}
        else:
            ids.sort()
            made[ids[0]] = _together(nodes, ids)
            first |= dict.fromkeys(ids, ids[0])
    return made, {(first[a], first[b]): kind for (a, b), kind in edges.items()}


def _together(nodes: Mapping[str, MapNode], ids: list[str]) -> MapNode:
    one = nodes[ids[0]]
    moments = [node.at for id in ids if (node := nodes[id]).at is not None]
    return msgspec.structs.replace(
        one, name=f"{len(ids)} × {one.kind.replace('_', ' ')}", count=len(ids), sample=tuple(ids[:12]),
        at=min((at for at in moments if at is not None), default=None), alerting=any(nodes[id].alerting for id in ids),
    )  # fmt: skip


def _clean(node: MapNode) -> MapNode:
    node.name = plain(node.name, 80)
    node.sample = tuple(plain(one, 80) for one in node.sample)
    node.path = tuple(plain(one, 80) for one in node.path)
    return node
