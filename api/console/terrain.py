"""The topology and the catalogue: search, one entity, single points, objectives, edges that nobody declared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal

from api.parts import Parts
from topology.model import Entity, Topology

PAGE = 60
FINDINGS = 100
POINTS = 30
EDGES = 100
View = Literal["search", "points", "audit", "edges"]


def terrain(running: Parts, view: View, text: str, kind: str, owner: str) -> dict[str, Any]:
    """The values of the template."""
    topology = running.topology()
    return {
        "title": "Topology",
        "show": view,
        "version": topology.version,
        "entities": len(topology.entities),
        "dependencies": len(topology.dependencies),
        "text": text,
        "kind": kind,
        "owner": owner,
        **(_search(running, text, kind, owner) if view == "search" else _VIEWS[view](running)),
    }


def entity_page(running: Parts, id: str) -> dict[str, Any]:
    """One entity with its neighbours and the open incidents that touch it."""
    topology = running.topology()
    entity = topology.entities[id]
    incidents = running.reader.incidents(entity=id, limit=10).items
    return {
        "title": entity.name or id,
        "entity": entity,
        "domain": topology.domain(id),
        "providers": list(topology.providers(id))[:200],
        "consumers": list(topology.consumers(id))[:200],
        "consumers_total": len(topology.consumers(id)),
        "groups": [group for (consumer, _), group in _groups(topology, id)],
        "incidents": incidents,
        "findings": [one for one in running.audits.on().findings if id in one.entities][:10],
        "version": topology.version,
    }


def _groups(topology: Topology, id: str) -> Iterator[tuple[tuple[str, str], Any]]:
    names = {one.group for one in topology.providers(id) if one.group}
    for name in sorted(names):
        if (id, name) in topology.groups:
            yield (id, name), topology.groups[(id, name)]


def _search(running: Parts, text: str, kind: str, owner: str) -> dict[str, Any]:
    topology, wanted = running.topology(), text.lower()
    found: list[Entity] = []
    total = 0
    for one in topology.entities.values():
        if (kind and one.kind != kind) or (owner and one.owner != owner):
            continue
        if wanted and not any(wanted in name.lower() for name in (one.id, one.name, *one.aliases)):
            continue
        total += 1
        if len(found) < PAGE:
            found.append(one)
    return {"found": found, "total": total}


def _points(running: Parts) -> dict[str, Any]:
    from api.risk import single_points_of  # noqa: PLC0415 - scipy is for those who ask

    return {"points": single_points_of(running.topology(), POINTS, running.rules())}


def _audit(running: Parts) -> dict[str, Any]:
    audit = running.audits.on()
    return {"audit": audit, "findings": audit.findings[:FINDINGS], "findings_total": len(audit.findings)}


def _edges(running: Parts) -> dict[str, Any]:
    return {"observed": running.observations.now(EDGES)}


_VIEWS: dict[str, Callable[[Parts], dict[str, Any]]] = {"points": _points, "audit": _audit, "edges": _edges}
