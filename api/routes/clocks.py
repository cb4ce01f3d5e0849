"""Regulatory clocks: of one incident, of all, and incidents taken together as recurring ones."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from api.clock_schemas import ClockNow, ClockPage, ClocksOf, TogetherOf
from api.clocks import clocks_of, open_clocks, together_of
from api.errors import Fault, Problem, not_found
from api.keyed import LAST, page
from api.routes.answers import After, Limit, Text, answer, documented, parts
from api.schemas import Versions
from engine.outcomes import IncidentView
from rules.regimes import in_force

router = APIRouter(prefix="/api/v1", tags=["clocks"])

Several = Annotated[list[str], Query(min_length=1, max_length=50, description="ids of incidents")]

_CLOCK: dict[str, Any] = {
    "incident": "INC-42",
    "title": "orders-db in trouble, 3 more affected",
    "seconds_left": 12600,
    "regime": "dora",
    "clock": "initial",
    "name": "Initial notification",
    "notify": "competent authority",
    "since": "2025-03-12",
    "rules": "41c0a8bb0c9f7d12",
    "act": "Commission Delegated Regulation (EU) 2025/301",
    "article": "5(1)(a)",
    "quote": "within four hours from the classification of the ICT-related incident as a major ICT-related incident",
    "stops": "initial_submitted",
    "applies": "yes",
    "because": ["classified_major: set by ada"],
    "state": "running",
    "due": 1767243600000,
    "reasons": ["5(1)(a): 4 hours from classified_major", "earliest of 2"],
    "soon_at": 1767240000000,
    "shown_at": 1767225601250,
    "started_at": 1767229200000,
    "basis": {
        "at": 1767229200000,
        "revision": 4,
        "evidence": [7, 8],
        "topology": "9f2c1b7a55d0e3aa",
        "rules": "41c0a8bb0c9f7d12",
        "facts": {"critical_function": {"value": True, "by": "engine"}},
        "marks": {"aware": 1767225900000, "classified_major": 1767229200000},
    },
}
_VERSIONS = {"topology": "9f2c1b7a55d0e3aa", "catalogue": "9f2c1b7a55d0e3aa", "rules": "41c0a8bb0c9f7d12"}
_PAGE = {"items": [_CLOCK], "next": "", "total": 1, "at": 1767231000000, "versions": _VERSIONS}
_OF = {
    "incident": "INC-42",
    "revision": 5,
    "at": 1767231000000,
    "clocks": [_CLOCK],
    "regimes": [],
    "history": [],
    "versions": _VERSIONS,
}


@router.get(
    "/incidents/{id}/clocks",
    responses=documented(ClocksOf, _OF),
    summary="Regimes and clocks of an incident",
)
def of_incident(request: Request, id: str) -> Response:
    """By which regimes it is judged and why, what to ask for next, and every countdown with its article. Advisory."""
    view = _found(request, id)
    running = parts(request)
    return answer(clocks_of(view, running.reader.timeline(view.id), running.clock()))


@router.get("/clocks", responses=documented(ClockPage, _PAGE), summary="Regulatory clocks of all incidents")
def clocks(
    request: Request, regime: Text = "", waiting: bool = False, cursor: After = "", limit: Limit = 50
) -> Response:
    """Those with a deadline that nobody has ended, the soonest first; with `waiting` also those of open incidents that
    have none yet."""
    running = parts(request)
    now = running.clock()
    found = open_clocks(running.reader, now, waiting=waiting, regime=regime)
    items, next = page(found, _soonest_first, cursor, limit)
    return answer(ClockPage(items=items, next=next, total=len(found), at=now, versions=_in_force(request)))


@router.get(
    "/regimes/{regime}/together", responses=documented(TogetherOf), summary="Incidents taken together as recurring ones"
)
def taken_together(request: Request, regime: str, incident: Several) -> Response:
    """Whether these incidents would be reportable if they were one, for a person to give as a fact of the latest."""
    views = [_found(request, id) for id in dict.fromkeys(incident)]
    latest = max(view.opened_at for view in views)
    versions = [one for one in parts(request).rules().regimes if one.id == regime]
    found = next((one for one in versions if in_force(one, latest)), None)
    if found is None:
        raise not_found("regime", regime)
    strangers = [view.id for view in views if all(one.regime != regime for one in view.regimes)]
    if strangers:
        faults = [Fault("/incident", f"{id} is not judged by {regime}") for id in strangers]
        raise Problem(404, "not-found", f"{len(strangers)} of the incidents are not judged by {regime}.", faults=faults)
    return answer(together_of(found, views, _in_force(request)))


def _soonest_first(one: ClockNow) -> str:
    due = LAST if one.due is None else one.due
    return f"{due:015d}.{one.incident}.{one.regime}.{one.clock}"


def _found(request: Request, id: str) -> IncidentView:
    found = parts(request).reader.incident(id)
    if found is None:
        raise not_found("incident", id)
    return found


def _in_force(request: Request) -> Versions:
    running = parts(request)
    topology = running.topology().version
    return Versions(topology, topology, running.rules().version)
