"""The report for governance: a period by service and by regime, as JSON, page, paper and table."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from api.console.plain import csv_text
from api.errors import Fault, invalid
from api.feasibility import day_of
from api.governance.gathering import DAY, gathered, millis
from api.governance.page import POLICY, page
from api.governance.paper import paper
from api.governance.sections import table
from api.routes.answers import answer, documented, parts
from engine.governance.rows import GovernanceReport

router = APIRouter(prefix="/api/v1/governance", tags=["governance"])

USUAL = 90
"""Days of a period that nobody names."""
MOST = 3660

First = Annotated[date | None, Query(alias="from", description="first day, UTC; default: 90 days up to the last one")]
Last = Annotated[date | None, Query(alias="to", description="last day, UTC, which is over; default: yesterday")]


def _typed(type: str, schema: dict[str, str]) -> dict[int | str, dict[str, Any]]:
    return {200: {"content": {type: {"schema": schema}}}}


_BINARY = {"type": "string", "format": "binary"}


@router.get("", responses=documented(GovernanceReport), summary="The report of a period for governance")
def report(request: Request, first: First = None, last: Last = None) -> Response:
    """Incidents, phases against RTO with variance and cause, duties of regimes, resources, drills, gaps, actions; from
    the record as it was at the end of the last day, so that the same period is always told alike."""
    return answer(_of(request, first, last))


@router.get(".html", response_class=HTMLResponse, summary="The same as a page to print")
def as_page(request: Request, first: First = None, last: Last = None) -> Response:
    """One file that needs nothing else."""
    return HTMLResponse(page(_of(request, first, last)), headers={"Content-Security-Policy": POLICY})


@router.get(".pdf", response_class=Response, responses=_typed("application/pdf", _BINARY), summary="The same as PDF")
def as_paper(request: Request, first: First = None, last: Last = None) -> Response:
    """Characters beyond Latin-1 are question marks here."""
    found = _of(request, first, last)
    return Response(paper(found), media_type="application/pdf", headers=_named(found, "pdf"))


@router.get(
    ".csv", response_class=PlainTextResponse, responses=_typed("text/csv", {"type": "string"}),
    summary="The same for a spreadsheet",
)  # fmt: skip
def as_table(request: Request, first: First = None, last: Last = None) -> Response:
    """One row for each cell of the report: section, row, column, value."""
    found = _of(request, first, last)
    text = csv_text(("section", "row", "column", "value"), table(found))
    return PlainTextResponse(text, media_type="text/csv", headers=_named(found, "csv"))


def _of(request: Request, first: date | None, last: date | None) -> GovernanceReport:
    running = parts(request)
    today = day_of(running.clock())
    last = last or today - DAY
    first = first or last - (USUAL - 1) * DAY
    faults = [Fault("/to", f"is over before a report is made of it; the last one is {today - DAY}")] * (last >= today)
    if not 0 <= (last - first).days < MOST:
        faults.append(Fault("/from", f"is the same day as the last one, or up to {MOST} days before it"))
    if faults:
        raise invalid("There is no such period.", faults)
    state = running.state()
    held = {one.exercise for one in state.readiness.exercises} if state is not None else set()
    known = held | {one.id for one in running.rules().continuity.exercises}
    return gathered(running.reader, known, millis(first), millis(last + DAY))


def _named(found: GovernanceReport, kind: str) -> dict[str, str]:
    days = f"{day_of(found.since)}-{day_of(found.until - 1)}"
    return {"Content-Disposition": f'attachment; filename="headwater-governance-{days}.{kind}"'}
