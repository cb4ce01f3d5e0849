"""The report for governance: a period by service and by regime, as JSON, page, paper and table."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from api import keyed
from api.errors import Fault, Problem, not_found
from api.feasibility import day_of
from api.governance.access import AccessOf, AccessRow, ledger
from api.governance.changes import ChangesOf, changes_of, patch_of
from api.governance.gathering import DAY, gathered, incidents, millis
from api.governance.objectives import AssumptionsOf, PrioritiesOf, ScopeOf, scope_of
from api.governance.page import POLICY, page
from api.governance.sections import table
from api.governance.undetected import UndetectedOf, undetected
from api.plain import csv_text
from api.routes.answers import After, Limit, answer, documented, parts
from engine.continuity.assumed import assumed
from engine.continuity.priorities import standing
from engine.governance.rows import GovernanceReport
from engine.lifecycle import OPEN
from engine.outcomes import IncidentView
from engine.readiness_views import Preparedness
from engine.signals import Labels

router = APIRouter(prefix="/api/v1/governance", tags=["governance"])
continuity = APIRouter(prefix="/api/v1", tags=["continuity"])

_EARLIEST = date(1970, 1, 1)
USUAL = 90
"""Days of a period that nobody names."""

First = Annotated[date | None, Query(alias="from", description="first day, UTC; default: 90 days up to the last one")]
Last = Annotated[date | None, Query(alias="to", description="last day, UTC, which is over; default: yesterday")]


NO_PERIOD: dict[int | str, dict[str, Any]] = {404: {}}
"""There is no report of a day that is not over."""


def _typed(type: str, schema: dict[str, str]) -> dict[int | str, dict[str, Any]]:
    return {200: {"content": {type: {"schema": schema}}}}


_BINARY = {"type": "string", "format": "binary"}


@router.get(
    "", responses={**documented(GovernanceReport), **NO_PERIOD}, summary="The report of a period for governance"
)
def report(request: Request, first: First = None, last: Last = None) -> Response:
    """Incidents, phases against RTO with variance and cause, duties of regimes, resources, drills, gaps, actions; from
    the record as it was at the end of the last day, so that the same period is always told alike."""
    return answer(_of(request, first, last))


@router.get(".html", response_class=HTMLResponse, responses=NO_PERIOD, summary="The same as a page to print")
def as_page(request: Request, first: First = None, last: Last = None) -> Response:
    """One file that needs nothing else."""
    return HTMLResponse(page(_of(request, first, last)), headers={"Content-Security-Policy": POLICY})


@router.get(
    ".pdf",
    response_class=Response,
    responses={**_typed("application/pdf", _BINARY), **NO_PERIOD},
    summary="The same as PDF",
)
def as_paper(request: Request, first: First = None, last: Last = None) -> Response:
    """Characters beyond Latin-1 are question marks here."""
    from api.governance.paper import paper

    found = _of(request, first, last)
    return Response(paper(found), media_type="application/pdf", headers=_named(found, "pdf"))


@router.get(
    ".csv", response_class=PlainTextResponse, responses={**_typed("text/csv", {"type": "string"}), **NO_PERIOD},
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
    first = first or max(last, _EARLIEST) - (USUAL - 1) * DAY
    faults = [Fault("/to", f"is over before a report is made of it; the last one is {today - DAY}")] * (last >= today)
    if first > last:
        faults.append(Fault("/from", "is the same day as the last one, or before it"))
    if faults:
        raise Problem(404, "no-such-period", "There is no report of such a period.", faults=faults)
    state = running.state()
    held = {one.exercise for one in state.readiness.exercises} if state is not None else set()
    known = held | {one.id for one in running.rules().continuity.exercises}
    return gathered(running.reader, known, millis(first), millis(last + DAY))


def _named(found: GovernanceReport, kind: str) -> dict[str, str]:
    days = f"{day_of(found.since)}-{day_of(found.until - 1)}"
    return {"Content-Disposition": f'attachment; filename="headwater-governance-{days}.{kind}"'}


@continuity.get(
    "/continuity/access", responses={**documented(AccessOf), 404: {}}, summary="The ledger of access to production"
)
def access(
    request: Request, incident: Annotated[str, Query(max_length=200)] = "", cursor: After = "", limit: Limit = 50
) -> Response:
    """Grants, what the access system was told of each, and whether it has confirmed that; of one incident, or of all
    that are open or changed in the last 30 days."""
    running = parts(request)
    if incident:
        view = running.reader.incident(incident)
        if view is None:
            raise not_found("incident", incident)
        return _part(ledger(running.reader, [view]), _of_grant, cursor, limit)
    since = running.clock() - 30 * 86_400_000
    found = [one for one in incidents(running.reader) if one.state in OPEN or one.updated_at >= since]
    return _part(ledger(running.reader, found), _of_grant, cursor, limit)


@continuity.get(
    "/incidents/{id}/catalogue", responses=documented(ChangesOf), summary="What the catalogue should say after it"
)
def changes(request: Request, id: str) -> Response:
    """Edges that were seen and are not declared, what people say, measures that stay; accepted or refused, by whom."""
    view = _incident(request, id)
    found = changes_of(id, view.updated_at, view.response.catalogue, parts(request).settings.catalogue)
    return answer(found)


@continuity.get(
    "/incidents/{id}/catalogue.patch", response_class=PlainTextResponse,
    responses=_typed("text/x-diff", {"type": "string"}), summary="The same as a patch of the catalogue's files",
)  # fmt: skip
def patch(request: Request, id: str) -> Response:
    """A unified diff for `git apply` or `patch -p1` in the catalogue's folder; what was refused is not in it."""
    view = _incident(request, id)
    text = patch_of(view.response.catalogue, parts(request).settings.catalogue)
    return PlainTextResponse(text, media_type="text/x-diff")


def _incident(request: Request, id: str) -> IncidentView:
    view = parts(request).reader.incident(id)
    if view is None:
        raise not_found("incident", id)
    return view


@continuity.get(
    "/continuity/priorities", responses=documented(PrioritiesOf), summary="Where units conflict over what they share"
)
def priorities(request: Request, cursor: After = "", limit: Limit = 50) -> Response:
    """Each conflict is open until the role `priority_authority` has signed an order for all units."""
    running = parts(request)
    items = list(standing(running.topology(), running.rules(), _record(request)))
    found = PrioritiesOf(items=items, open=sum(one.state == "open" for one in items))
    return _part(found, lambda one: one.conflict.provider, cursor, limit)


@continuity.get("/continuity/scope", responses=documented(ScopeOf), summary="What is left out of incident execution")
def scope(request: Request, cursor: After = "", limit: Limit = 50) -> Response:
    """With the reason and the day on which somebody looks at it again."""
    running = parts(request)
    found = scope_of(running.topology(), running.rules(), day_of(running.clock()))
    return _part(found, lambda one: f"{one.id}\0{one.rule}", cursor, limit)


@continuity.get(
    "/continuity/assumptions",
    responses=documented(AssumptionsOf),
    summary="What is taken for granted, and what broke it",
)
def assumptions(request: Request, cursor: After = "", limit: Limit = 50) -> Response:
    """Every declared assumption with the incidents and exercises that broke or threatened it."""
    running = parts(request)
    items = assumed(running.topology(), _record(request), incidents(running.reader))
    found = AssumptionsOf(items=items, broken=sum(one.state == "broken" for one in items))
    return _part(found, lambda one: f"{one.state}\0{one.entity}\0{one.assumption.id}", cursor, limit)


def _of_grant(row: AccessRow) -> str:
    return f"{row.incident}/{row.grant.id}"


def _part(
    found: AccessOf | AssumptionsOf | PrioritiesOf | ScopeOf, key: Callable[[Any], str], cursor: str, limit: int
) -> Response:
    """A page of it; what it counts is counted over all."""
    items, next = keyed.page(found.items, key, cursor, limit)
    return answer(msgspec.structs.replace(found, items=items, next=next))


def _record(request: Request) -> Preparedness:
    state = parts(request).state()
    return state.readiness if state is not None else Preparedness()


@continuity.get(
    "/incidents/{id}/undetected", responses=documented(UndetectedOf), summary="What deviated without any alert"
)
def of_undetected(request: Request, id: str) -> Response:
    """With a rule that would have told of it, and how often it would have fired over the stored history."""
    running, view = parts(request), _incident(request, id)
    topology, rules = running.topology(), running.rules()

    def entity_of(labels: Labels) -> str:
        names = list(rules.names(labels.as_dict()))
        return next((found for name in names if (found := topology.resolve(name))), names[0] if names else "")

    def others(entity: str) -> list[IncidentView]:
        page = running.reader.incidents(entity=entity, limit=200)
        found = {one.id: one for one in page.items if isinstance(one, IncidentView)}
        return list({**found, view.id: view}.values())

    return answer(undetected(view, running.log, running.decode, entity_of, others))
