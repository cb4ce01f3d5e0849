"""The topology in force: entities, what they need, who needs them, what a failure would reach, and its versions."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from api.errors import not_found
from api.keyed import MOST, page
from api.reach import impact_of
from api.routes.answers import After, Limit, Text, answer, documented, parts
from api.schemas import EntityDetail, EntityPage, ImpactOf
from topology.diff import Difference, diff
from topology.model import Content, Entity, Topology

router = APIRouter(prefix="/api/v1", tags=["topology"])

_ENTITY = {"id": "orders-db", "kind": "database", "owner": "team-orders", "tier": 1}
_REACHED = {
    "entity": "checkout",
    "name": "Checkout",
    "kind": "service",
    "low": 0,
    "high": 0,
    "path": ["orders-db", "checkout"],
    "via": "hard",
    "after": 0.0,
    "at_risk": False,
    "owner": "team-checkout",
    "tier": 1,
    "users": 1200,
}


@router.get(
    "/topology",
    responses=documented(EntityPage, {"version": "9f2c1b7a55d0e3aa", "total": 1, "items": [_ENTITY], "next": ""}),
    summary="Entities",
)
def entities(
    request: Request, text: Text = "", kind: Text = "", owner: Text = "", cursor: After = "", limit: Limit = 50
) -> Response:
    """By id; `text` is looked for in ids, names and aliases."""
    topology = parts(request).topology()
    found = [one for one in topology.entities.values() if _wanted(one, text.lower(), kind, owner)]
    return answer(EntityPage(topology.version, len(found), *page(found, lambda one: one.id, cursor, limit)))


@router.get("/topology/diff", responses=documented(Difference), summary="What changed between two versions")
def difference(
    request: Request,
    before: Annotated[str, Query(max_length=64, description="version id")],
    after: Annotated[str, Query(max_length=64, description="version id; default: the one in force")] = "",
) -> Response:
    """Entities, dependencies and groups that were added, removed or changed; domains joined and split."""
    old = _stored(request, before)
    return answer(diff(old, _stored(request, after) if after else parts(request).topology()))


@router.get("/topology/{entity}", responses=documented(EntityDetail), summary="One entity and its neighbours")
def entity(request: Request, entity: str) -> Response:
    """By id or alias."""
    topology = parts(request).topology()
    found = _resolved(topology, entity)
    return answer(
        EntityDetail(
            topology.version,
            topology.entities[found],
            topology.domain(found),
            list(topology.providers(found)),
            list(topology.consumers(found)),
        )
    )


@router.get("/catalogue", responses=documented(Content), summary="The whole catalogue in force")
def catalogue(request: Request) -> Response:
    """Every entity, dependency and group: the canonical content that the version is a hash of."""
    return answer(parts(request).topology().content)


@router.get(
    "/impact/{entity}",
    responses=documented(ImpactOf, {"entity": "orders-db", "version": "9f2c1b7a", "total": 1, "items": [_REACHED]}),
    summary="What is hit if it fails now",
)
def impact(request: Request, entity: str) -> Response:
    """Cascading impact over the topology in force, soonest first, with the path; the first 500."""
    topology = parts(request).topology()
    return answer(impact_of(topology, _resolved(topology, entity), MOST))


def _resolved(topology: Topology, name: str) -> str:
    found = topology.resolve(name)
    if found is None:
        raise not_found("entity", name)
    return found


def _wanted(one: Entity, text: str, kind: str, owner: str) -> bool:
    if (kind and one.kind != kind) or (owner and one.owner != owner):
        return False
    return not text or any(text in name.lower() for name in (one.id, one.name, *one.aliases))


def _stored(request: Request, version: str) -> Topology:
    stored = parts(request).version("topology", version)
    if stored is None:
        raise not_found("version of the topology", version)
    return Topology.decode(stored.content)
