"""Restoration: what must come back before what, what needs a hand, and whether objectives are met."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.errors import Fault, Problem, not_found
from api.keyed import MOST
from api.restoration import restoration_of, restoration_of_incident
from api.restoration_schemas import RestorationOf
from api.routes.answers import Words, answer, documented, parts
from engine.outcomes import IncidentView
from topology.model import Topology

router = APIRouter(prefix="/api/v1", tags=["restoration"])

_TASK = {
    "entity": "orders-db",
    "name": "",
    "kind": "database",
    "owner": "team-orders",
    "health": 0,
    "way": "repair",
    "stays_down": False,
    "wave": 1,
    "start": 0,
    "start_latest": 0,
    "ready": 1200,
    "finish": 1200,
    "finish_latest": 1200,
    "slack": 0,
    "after": "",
    "takes": 1200,
}
_OBJECTIVE = {
    "entity": "orders-db",
    "kind": "rto",
    "since": 1767225600000,
    "due": 1767229200000,
    "takes": 1200,
    "takes_latest": 1200,
    "finish": 1767226800000,
    "finish_latest": 1767226800000,
    "breach": "no",
}
_EXAMPLE = {
    "incident": "INC-42",
    "revision": 3,
    "versions": {"topology": "9f2c1b7a55d0e3aa", "rules": "41c0a8bb0c9f7d12"},
    "at": 1767225600000,
    "begun": 1767225600000,
    "failed": ["orders-db"],
    "total": 1,
    "takes": 1200,
    "takes_latest": 1200,
    "critical": ["orders-db"],
    "waves": [["orders-db"]],
    "manual": [{"entity": "auth", "providers": ["config"], "group": ""}],
    "missing": [],
    "objectives_total": 1,
    "objectives": [_OBJECTIVE],
    "threatened": [{"entity": "mail", "held_by": "orders-db", "until": 1767226500000, "spared": "no"}],
    "tasks": [_TASK],
}


@router.get(
    "/restoration", responses=documented(RestorationOf, _EXAMPLE), summary="What if: the restoration order of failures"
)
def assumed(request: Request, entity: Words = None) -> Response:
    """If each `entity` went down at moment 0 and its restoration began at once; of each list the first 500."""
    topology = parts(request).topology()
    return answer(restoration_of(topology, _resolved(topology, entity or ()), MOST))


@router.get(
    "/incidents/{id}/restoration",
    responses=documented(RestorationOf, _EXAMPLE),
    summary="The restoration order of an incident",
)
def of_incident(request: Request, id: str) -> Response:
    """As of its latest revision, over the topology that this was made with; of each list the first 500."""
    view = parts(request).reader.incident(id)
    if view is None:
        raise not_found("incident", id)
    return answer(restoration_of_incident(_topology(request, view), view, parts(request).clock(), MOST))


def _topology(request: Request, view: IncidentView) -> Topology:
    """The version that the revision names; if it is not kept any more, the one in force."""
    current = parts(request).topology()
    version = view.versions.get("topology", "")
    if version in ("", current.version):
        return current
    stored = parts(request).version("topology", version)
    return Topology.decode(stored.content) if stored else current


def _resolved(topology: Topology, names: list[str] | tuple[str, ...]) -> list[str]:
    """Ids of ids or aliases; all unknown ones are told at once."""
    found = {name: topology.resolve(name) for name in names}
    unknown = [name for name, id in found.items() if id is None]
    if unknown:
        faults = [Fault("/entity", f"the topology has no entity {name!r}") for name in unknown]
        raise Problem(404, "not-found", f"{len(unknown)} of the entities are unknown.", faults=faults)
    return sorted({id for id in found.values() if id is not None})
