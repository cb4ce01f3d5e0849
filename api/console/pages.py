"""The console's routes. Each reads what the API reads; actions go through the API's own command routes."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BeforeValidator
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.console.continuity import routes as continuity
from api.console.desk import incident_or_wrong, no_such, permitted, show
from api.console.incident import incident_page
from api.console.ledger import Filter, alert_page, exported, ledger, preview, query
from api.console.listing import incident_list, incidents_csv
from api.console.maps import incident_map, neighbourhood
from api.console.overview import overview
from api.console.readiness import DAYS, readiness
from api.console.sharing import Shared
from api.console.static_files import static_files
from api.console.terrain import View, entity_page, terrain
from api.errors import Fault, invalid, not_found
from api.parts import Parts
from api.routes.answers import Cursor, Text, Words, answer, parts
from engine.outcomes import IncidentView
from rules.errors import Flaw
from topology.model import Topology

router = APIRouter(include_in_schema=False)
router.include_router(continuity.router)

Drill = Annotated[bool | None, BeforeValidator(lambda said: said or None), Query()]
"""A form's field that was left as it is says nothing."""
CSV = {"Content-Disposition": 'attachment; filename="{name}.csv"', "Cache-Control": "no-store"}


@router.get("/")
async def overview_page(request: Request, drill: bool = False) -> Response:
    """What is wrong now."""
    running = parts(request)
    shared: Shared = request.app.state.console
    return await show(request, "overview.html", lambda: overview(running, shared, drill=drill))


@router.get("/incidents")
async def incidents(
    request: Request,
    state: Words = None,
    severity: Words = None,
    text: Text = "",
    drill: Drill = None,
    cursor: Cursor = "",
) -> Response:
    """All incidents."""
    running = parts(request)
    return await show(
        request,
        "incidents.html",
        lambda: incident_list(running, tuple(state or ()), tuple(severity or ()), text, drill, cursor),
    )


@router.get("/incidents.csv")
async def incidents_table(
    request: Request, state: Words = None, severity: Words = None, text: Text = "", drill: Drill = None
) -> Response:
    """The same for a spreadsheet."""
    content = await run_in_threadpool(incidents_csv, parts(request), state or (), severity or (), text, drill)
    return _csv(content, "incidents")


@router.get("/incidents/{id}")
async def incident(request: Request, id: str) -> Response:
    """One incident."""
    running, may = parts(request), permitted(request)
    return await show(
        request, "incident.html", lambda: incident_page(running, incident_or_wrong(running, id), may, whole=False)
    )


@router.get("/incidents/{id}/print")
async def printed(request: Request, id: str) -> Response:
    """One incident on paper: all that is kept, nothing to press."""
    running = parts(request)
    return await show(
        request,
        "print.html",
        lambda: incident_page(running, incident_or_wrong(running, id), lambda _: False, whole=True),
        live=False,
    )


@router.get("/incidents/{id}/map")
def incident_as_map(request: Request, id: str, whole: bool = False) -> Response:
    """Nodes, edges and places, for the script that draws them."""
    running = parts(request)
    view = running.reader.incident(id)
    if view is None:
        raise not_found("incident", id)
    return answer(incident_map(view, _topology(running, view), running.clock(), whole=whole))


@router.get("/alerts")
async def alerts(
    request: Request,
    disposition: Words = None,
    state: Words = None,
    verdict: Words = None,
    entity: Text = "",
    name: Text = "",
    incident: Text = "",
    cursor: Cursor = "",
) -> Response:
    """The ledger."""
    running, wanted = parts(request), _filter(disposition, state, verdict, entity, name, incident)
    return await show(request, "alerts.html", lambda: {**ledger(running, wanted, cursor), "query": query(wanted)})


@router.get("/alerts.csv")
async def alerts_table(
    request: Request,
    disposition: Words = None,
    state: Words = None,
    verdict: Words = None,
    entity: Text = "",
    name: Text = "",
    incident: Text = "",
) -> Response:
    """The same for a spreadsheet."""
    wanted = _filter(disposition, state, verdict, entity, name, incident)
    return _csv(await run_in_threadpool(exported, parts(request), wanted), "alerts")


@router.get("/alerts/preview")
def would_hide(request: Request, matchers: Annotated[str, Query(max_length=2000)]) -> Response:
    """What a silence would hide now."""
    try:
        return answer(preview(parts(request), matchers))
    except Flaw as flaw:
        raise invalid("The matchers are not valid.", [Fault("/matchers", flaw.message)]) from None


@router.get("/alerts/{id}")
async def alert(request: Request, id: str) -> Response:
    """One alert, and why it became what it became."""
    running = parts(request)

    def gather() -> dict[str, object]:
        found = running.reader.alert(id)
        if found is None:
            raise no_such("alert", id)
        return alert_page(running, found)

    return await show(request, "alert.html", gather)


@router.get("/topology")
async def topology(
    request: Request,
    view: Annotated[View, Query(alias="show")] = "search",
    text: Text = "",
    kind: Text = "",
    owner: Text = "",
) -> Response:
    """The catalogue."""
    running = parts(request)
    return await show(request, "topology.html", lambda: terrain(running, view, text, kind, owner))


@router.get("/topology/map")
def around(request: Request, entity: Text) -> Response:
    """The neighbourhood of an entity, for the script that draws it."""
    running = parts(request)
    found = running.topology().resolve(entity)
    if found is None:
        raise not_found("entity", entity)
    return answer(neighbourhood(running.topology(), found))


@router.get("/topology/entity/{id:path}")
async def entity(request: Request, id: str) -> Response:
    """One entity."""
    running = parts(request)

    def gather() -> dict[str, object]:
        found = running.topology().resolve(id)
        if found is None:
            raise no_such("entity", id)
        return entity_page(running, found)

    return await show(request, "entity.html", gather)


@router.get("/readiness")
async def ready(request: Request, days: Annotated[int, Query(ge=1, le=3660)] = DAYS) -> Response:
    """How ready the organisation is."""
    running = parts(request)
    return await show(request, "readiness.html", lambda: readiness(running, days))


@router.get("/console/{name}")
async def static(request: Request, name: str) -> Response:
    """A script, the style or the icon."""
    found = static_files().get(name)
    if found is None:
        raise not_found("file", name)
    headers = {"ETag": found.tag, "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == found.tag:
        return Response(status_code=304, headers=headers)
    return Response(found.content, headers=headers, media_type=found.type)


def _filter(disposition: Words, state: Words, verdict: Words, entity: str, name: str, incident: str) -> Filter:
    return Filter(
        disposition=tuple(disposition or ()), state=tuple(state or ()), verdict=tuple(verdict or ()), entity=entity,
        name=name, incident=incident,
    )  # fmt: skip


def _topology(running: Parts, view: IncidentView) -> Topology:
    """The version that the revision names, if that is still kept."""
    current = running.topology()
    version = view.versions.get("topology", "")
    if version in ("", current.version):
        return current
    stored = running.version("topology", version)
    return Topology.decode(stored.content) if stored else current


def _csv(content: str, name: str) -> Response:
    headers = {key: value.format(name=name) for key, value in CSV.items()}
    return Response(content, headers=headers, media_type="text/csv; charset=utf-8")
