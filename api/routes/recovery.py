"""Recovery: is service back, how sure is that, and how it looks."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from api.charts import POLICY, svg
from api.errors import Problem, not_found
from api.recovery import chart_of, latest, points_by_indicator, recovery_of, windows_answer
from api.recovery_schemas import RecoveryOf, WindowsOf
from api.routes.answers import answer, documented, parts
from engine.outcomes import IncidentView
from engine.recovery_views import RecoveryView
from engine.state import CoreState

router = APIRouter(prefix="/api/v1/incidents/{id}/recovery", tags=["recovery"])

_PART = {
    "name": "cart",
    "verdict": "inconclusive",
    "why": ["uncertain"],
    "parts": {"inconclusive": 1, "restored": 1},
    "minutes": 4,
}
_INDICATOR = {
    "entity": "cart",
    "metric": "request_latency_ms",
    "kind": "latency",
    "worse": "higher",
    "critical": True,
    "verdict": "inconclusive",
    "why": ["uncertain"],
    "margin": 10.0,
    "harm": 6.2,
    "least": 0.9,
    "most": 11.3,
    "probability": 0.03,
    "minutes": 4,
    "samples": 14,
    "usual": [96.8, 100.0, 103.1],
}
_EXAMPLE = {
    "incident": "INC-42",
    "revision": 9,
    "state": "recovering",
    "closed_as": "",
    "verdict": "inconclusive",
    "why": ["uncertain"],
    "measured": "inconclusive",
    "since": 1767225600000,
    "at": 1767226320000,
    "minutes": 4,
    "leaning": {"verdict": "restored", "probability": 0.95, "present": 0.0, "series": 1},
    "entities": [_PART],
    "services": [{**_PART, "name": "shop"}],
    "indicators": [_INDICATOR],
    "indicators_total": 1,
    "charts": ["/api/v1/incidents/INC-42/recovery/1.svg"],
    "versions": {"topology": "9f2c1b7a55d0e3aa", "rules": "41c0a8bb0c9f7d12"},
}
_WINDOWS = {
    **{name: _EXAMPLE[name] for name in ("incident", "revision", "closed_as", "verdict", "since", "versions")},
    "indicators": [
        {
            "entity": "cart",
            "metric": "request_latency_ms",
            "id": "",
            "critical": True,
            "verdict": "inconclusive",
            "windows": [
                {
                    "occasion": "after",
                    "weeks": 0,
                    "start": 1767225600000,
                    "end": 1767226320000,
                    "offset": 0,
                    "unused": "",
                    "times": [1767225630000, 1767225660000],
                    "values": [101.2, 99.7],
                }
            ],
        }
    ],
}
_NOT_YET: dict[int | str, dict[str, Any]] = {409: {"description": "its alerts still fire, or nothing was compared"}}
_PICTURE: dict[int | str, dict[str, Any]] = {
    200: {"description": "the chart", "content": {"image/svg+xml": {"schema": {"type": "string"}}}},
}


@router.get("", responses={**documented(RecoveryOf, _EXAMPLE), **_NOT_YET}, summary="Is service back?")
def recovery(request: Request, id: str) -> Response:
    """The verdict with its reasons and numbers: of the incident, its entities, business services and indicators."""
    view, running = _found(request, id), parts(request)
    compared = _compared(view, running.state())
    return answer(recovery_of(view, compared, running.state(), running.reader.timeline(view.id)))


@router.get("/windows", responses={**documented(WindowsOf, _WINDOWS), **_NOT_YET}, summary="What was compared")
def windows(request: Request, id: str) -> Response:
    """The windows of the baseline and the samples after, of the gravest 12 indicators. `headwater recovery report`
    makes tables of them."""
    view, running = _found(request, id), parts(request)
    state, timeline = running.state(), running.reader.timeline(view.id)
    offset = running.rules().recovery.offset
    return answer(windows_answer(view, _compared(view, state), state, timeline, offset))


@router.get("/{place}.svg", response_class=Response, responses=_PICTURE, summary="The chart of an indicator")
def chart(request: Request, id: str, place: Annotated[int, Path(ge=1, le=1000)]) -> Response:
    """Of the indicator at this place (from 1) in the recovery, or of those that are watched while alerts still fire:
    what was usual, the incident, what came after, the margin. Once it is closed, of the gravest 12 that decide."""
    view, running = _found(request, id), parts(request)
    state = running.state()
    points = points_by_indicator(view, state, running.reader.timeline(view.id))
    found = chart_of(view, latest(view, state), points, place)
    if found is None:
        raise Problem(404, "not-found", f"There is no indicator {place} of {view.id} of which points are kept.")
    return Response(svg(found), media_type="image/svg+xml", headers={"Content-Security-Policy": POLICY})


def _compared(view: IncidentView, state: CoreState | None) -> RecoveryView:
    compared = latest(view, state)
    if compared is None:
        why = "Its alerts still fire" if view.resolved_at is None else "It was closed without a comparison"
        raise Problem(409, "not-compared", f"{why}; there is nothing to say of its recovery.")
    return compared


def _found(request: Request, id: str) -> IncidentView:
    view = parts(request).reader.incident(id)
    if view is None:
        raise not_found("incident", id)
    return view
