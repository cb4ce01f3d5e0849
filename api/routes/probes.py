"""Probes and data checks: those that are declared with their last answers, and one of them now."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from api.errors import Problem, not_found
from api.keyed import page
from api.probe_schemas import ProbeAnswer, ProbesOf
from api.prober import Busy, shown
from api.routes.answers import After, Limit, answer, documented, parts, principal
from api.routes.commands import permit

router = APIRouter(prefix="/api/v1", tags=["probes"])

Id = Annotated[str, Path(max_length=100)]

_ANSWER = {
    "probe": "shop-front",
    "entity": "shop",
    "kind": "http",
    "at": 1767225600000,
    "passed": "no",
    "duration": 212,
    "value": 503.0,
    "unit": "",
    "detail": "status 503",
}
_ROW = {
    "id": "shop-front",
    "entity": "shop",
    "kind": "http",
    "every": 10000,
    "often": True,
    "running": False,
    "runs": 411,
    "failures": 3,
    "skipped": 0,
    "next": 1767225610000,
    "last": _ANSWER,
}
_EXAMPLE = {"items": [_ROW], "rules": "41c0a8bb0c9f7d12", "next": ""}


@router.get("/probes", responses=documented(ProbesOf, _EXAMPLE), summary="Declared probes and what they last found")
def probes(request: Request, cursor: After = "", limit: Limit = 50) -> Response:
    """By id. `every` is how often each is made now: more often while an open incident touches its entity."""
    return _page(parts(request).prober.listed(data=False), cursor, limit)


@router.get("/data-checks", responses=documented(ProbesOf), summary="Declared checks of data and what they last found")
def data_checks(request: Request, cursor: After = "", limit: Limit = 50) -> Response:
    """They are made when an incident that touches their store recovers, and when somebody asks."""
    return _page(parts(request).prober.listed(data=True), cursor, limit)


@router.post("/probes/{id}/run", responses=documented(ProbeAnswer, _ANSWER), summary="Make a probe now")
async def run_probe(request: Request, id: Id) -> Response:
    """Answers with what it found, which is on its way into the input log. 409: it is under way."""
    return await _run(request, id, data=False)


@router.post("/data-checks/{id}/run", responses=documented(ProbeAnswer, _ANSWER), summary="Make a data check now")
async def run_data_check(request: Request, id: Id) -> Response:
    """As for probes."""
    return await _run(request, id, data=True)


def _page(found: ProbesOf, cursor: str, limit: int) -> Response:
    items, next = page(found.items, lambda one: one.id, cursor, limit)
    return answer(ProbesOf(items=items, rules=found.rules, next=next))


async def _run(request: Request, id: str, *, data: bool) -> Response:
    permit(principal(request), "probe")
    prober = parts(request).prober
    what = "data check" if data else "probe"
    if id not in {row.id for row in prober.listed(data=data).items}:
        raise not_found(what, id)
    try:
        found = await asyncio.wrap_future(prober.run_now(id))
    except Busy as error:
        raise Problem(409, "busy", f"Not begun: {error}.") from None
    except KeyError:
        raise not_found(what, id) from None
    return answer(shown(found))
