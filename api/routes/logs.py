"""Log records of an entity as the engine sees them: masked templates with counts."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.errors import not_found
from api.keyed import MOST
from api.log_schemas import LogsOf
from api.logs import logs_of
from api.routes.answers import answer, documented, parts

router = APIRouter(prefix="/api/v1", tags=["topology"])

_TEMPLATE = {
    "text": "pgx pool: waited <dur> to acquire connection",
    "level": "warned",
    "lines": 8,
    "recent": 8,
    "first": 1767225600000,
    "last": 1767226020000,
}
_EXAMPLE = {
    "entity": "inventory",
    "versions": {"topology": "9f2c1b7a55d0e3aa", "rules": "41c0a8bb0c9f7d12"},
    "flow": "alive",
    "lines": 64,
    "failed": 36,
    "worded": 0,
    "warned": 8,
    "first": 1767214800000,
    "last": 1767226020000,
    "total": 1,
    "templates": [_TEMPLATE],
}


@router.get(
    "/entities/{id}/logs/templates",
    responses=documented(LogsOf, _EXAMPLE),
    summary="What an entity logs: templates, counts, whether records flow",
)
def of_entity(request: Request, id: str) -> Response:
    """Of the last four hours of its records; the 500 templates with most lines. Ids and secrets are masked."""
    running = parts(request)
    topology, logs = running.topology(), running.logs()
    entity = topology.resolve(id) or id
    if entity not in topology.entities and (logs is None or entity not in logs.entities):
        raise not_found("entity", id)
    versions = {"topology": topology.version, "rules": running.rules().version}
    return answer(logs_of(logs, entity, versions, MOST))
