"""Risk: what may go down, what would take it down next, and on what single points the business stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from api.bounded import Analyses
from api.errors import Fault, Problem, not_found
from api.risk_schemas import NextRisks, RiskOf, SinglePointsOf
from api.routes.answers import Limit, Text, Words, answer, documented, parts
from topology.model import Topology

router = APIRouter(prefix="/api/v1/risk", tags=["risk"])
analyses = Analyses()

Worlds = Annotated[int, Query(ge=100, le=100_000, description="worlds to sample for each entity")]

_FAILURE = {"name": "orders-db", "fate": False, "probability": 0.002, "assumed": True}
_RISK = {
    "entity": "shop",
    "name": "Web shop",
    "kind": "business_service",
    "tier": 1,
    "users": 1200,
    "probability": 0.00204,
    "low": 0.00203,
    "high": 0.00206,
    "fate_share": 0.05,
    "method": "conditional",
    "worlds": 10_000,
    "hits": 217,
    "stratum": 0.0019,
    "alone": [_FAILURE],
    "alone_total": 1,
    "together": 14,
    "assumed": 9,
}
_ABOUT = {
    "version": "9f2c1b7a55d0e3aa",
    "horizon": 86_400,
    "worlds": 10_000,
    "total": 1,
    "left_off": 0,
    "expected": 0.00204,
    "defaults": {"database": 0.002, "host": 0.0005, "fate": 0.0001},
}
_BEHIND = {"tier": 1, "business": 1, "users": [1200, 1200], "obligations": ["dora"], "first": ["shop"]}
_NEXT = {
    **_ABOUT,
    "incident": "INC-42",
    "revision": 3,
    "down": ["db-1"],
    "fallen": [],
    "complete": True,
    "items": [{**_RISK, "double": [[_FAILURE, {**_FAILURE, "name": "rack-12", "fate": True}]], "double_total": 1}],
}
_POINTS = {
    "version": "9f2c1b7a55d0e3aa",
    "rules": "1d0c4a5be1f7c2d9",
    "business": 1,
    "failures": 15,
    "points_total": 1,
    "points": [
        {
            **_BEHIND,
            "failure": _FAILURE,
            "kind": "database",
            "owner": "team-orders",
            "path": ["orders-db", "checkout", "shop"],
            "after": 0.0,
        }
    ],
    "hollow_total": 1,
    "hollow": [
        {
            **_BEHIND,
            "consumer": "checkout",
            "group": "replicas",
            "members": ["db-1", "db-2"],
            "need": 1,
            "shared": [{**_FAILURE, "name": "host-1"}],
            "shared_total": 2,
        }
    ],
    "degrading_total": 0,
    "degrading": [],
    "unexamined": 0,
}


@router.get("", responses=documented(RiskOf, {**_ABOUT, "items": [_RISK]}), summary="How probable it is to go down")
def risk(request: Request, entity: Words = None, worlds: Worlds = 10_000) -> Response:
    """Of business services and processes (or of `entity`) within a day: probability, interval, what of it is shared
    fate, and what suffices alone. Nothing is taken to be down already."""
    from api.risk import risk_of  # noqa: PLC0415 - scipy is for those who ask

    topology = parts(request).topology()
    asked = _resolved(topology, entity, "entity")
    return answer(analyses.answer(("risk", topology.version, asked, worlds), lambda: risk_of(topology, asked, worlds)))


@router.get("/next", responses=documented(NextRisks, _NEXT), summary="What would go down next")
def upcoming(
    request: Request, incident: Text = "", down: Words = None, entity: Words = None, worlds: Worlds = 10_000
) -> Response:
    """Given what is down (in `incident`, or `down`, or both): the risk of everything that still works, and the single
    and double failures that would take it down."""
    from api.risk import next_of  # noqa: PLC0415 - scipy is for those who ask

    topology = parts(request).topology()
    failed, revision = set(_resolved(topology, down, "down")), 0
    if incident:
        view = parts(request).reader.incident(incident)
        if view is None:
            raise not_found("incident", incident)
        failed |= {hit.entity for hit in view.impact if hit.low == 0 and hit.entity in topology.entities}
        revision = view.revision
    asked = _resolved(topology, entity, "entity")
    question = ("next", topology.version, tuple(sorted(failed)), asked, worlds)
    found = analyses.answer(question, lambda: next_of(topology, failed, asked, worlds))
    return answer(msgspec.structs.replace(found, incident=incident, revision=revision))


@router.get("/single-points", responses=documented(SinglePointsOf, _POINTS), summary="Single points of failure")
def single_points(request: Request, limit: Limit = 50) -> Response:
    """Of the whole catalogue, by the business behind them; groups that are redundant on paper only; and, apart, what
    only degrades. `limit` of each."""
    from api.risk import single_points_of  # noqa: PLC0415 - scipy is for those who ask

    topology, rules = parts(request).topology(), parts(request).rules()
    question = ("single points", topology.version, rules.version, limit)
    return answer(analyses.answer(question, lambda: single_points_of(topology, limit, rules)))


def _resolved(topology: Topology, names: Sequence[str] | None, parameter: str) -> tuple[str, ...]:
    """Ids of ids or aliases, sorted; all unknown ones are told at once."""
    found = {name: topology.resolve(name) for name in names or ()}
    unknown = [name for name, id in found.items() if id is None]
    if unknown:
        faults = [Fault(f"/{parameter}", f"the topology has no entity {name!r}") for name in unknown]
        raise Problem(404, "not-found", f"{len(unknown)} of the entities are unknown.", faults=faults)
    return tuple(sorted({id for id in found.values() if id is not None}))
