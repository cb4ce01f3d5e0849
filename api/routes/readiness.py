"""How ready the organisation is: how fast incidents were met, what objectives were kept, what is covered."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import PlainTextResponse, Response

from api.readiness.words import as_csv
from api.routes.answers import answer, documented, parts
from engine.readiness.report import Readiness

router = APIRouter(prefix="/api/v1/readiness", tags=["readiness"])

Days = Annotated[int, Query(ge=1, le=3660, description="incidents opened in the last so many days")]

_SHARE = {"hits": 29, "count": 31, "value": 0.9355, "low": 0.7928, "high": 0.9821}
_EXAMPLE = {
    "since": 1764633600000,
    "until": 1767225600001,
    "incidents": 31,
    "durations": [
        {
            "phase": "detection",
            "text": "From the onset of an incident's trouble to the incident.",
            "count": 31,
            "median": 41.0,
            "p90": 88.0,
            "longest": 190.0,
            "mean": 49.5,
            "trend": {"direction": "too_few", "earlier": 14, "later": 17},
        }
    ],
    "objectives": [{"kind": "rto", "met": _SHARE, "unknown": 0}],
    "deadlines": [],
    "alarms": {
        "incidents_dismissed": {"hits": 1, "count": 32, "value": 0.0313, "low": 0.0055, "high": 0.1575},
        "alerts_false": {"hits": 0, "count": 0},
        "suppressed_real": {"hits": 0, "count": 0},
    },
    "duplicate_tickets": 0,
    "coverage": [{"aspect": "owner", "text": "has an owner", "covered": 11, "count": 12, "missing": ["mail"]}],
    "figures": [
        {
            "id": "topology_age_seconds",
            "text": "Since the topology in force was first seen.",
            "value": 86400.0,
            "unit": "seconds",
        }
    ],
}


@router.get("", responses=documented(Readiness, _EXAMPLE), summary="How ready are we?")
def readiness(request: Request, days: Days = 90) -> Response:
    """Of incidents that are over, with how many each figure was made of; no direction is told of fewer than 30."""
    book = parts(request).readiness
    return answer(book.readiness(*book.period(days)))


@router.get(".csv", response_class=PlainTextResponse, summary="The same for a spreadsheet")
def table(request: Request, days: Days = 90) -> PlainTextResponse:
    """One row for each figure."""
    book = parts(request).readiness
    name = {"Content-Disposition": 'attachment; filename="headwater-readiness.csv"'}
    return PlainTextResponse(as_csv(book.readiness(*book.period(days))), media_type="text/csv", headers=name)
