"""The routes of the pages about continuity."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.console.continuity.between import playbook_page, readiness_page
from api.console.continuity.response import response_page
from api.console.desk import incident_or_wrong, no_such, permitted, show
from api.console.sharing import Shared
from api.routes.answers import parts

router = APIRouter(include_in_schema=False)


@router.get("/incidents/{id}/restoration")
async def restoration(request: Request, id: str) -> Response:
    """How an incident is being worked on."""
    running, may = parts(request), permitted(request)
    shared: Shared = request.app.state.console

    def gather() -> dict[str, object]:
        return response_page(running, shared, incident_or_wrong(running, id), may)

    return await show(request, "response.html", gather)


@router.get("/continuity")
async def between(request: Request) -> Response:
    """What is kept ready between incidents."""
    running, may = parts(request), permitted(request)
    shared: Shared = request.app.state.console
    return await show(request, "continuity.html", lambda: readiness_page(running, shared, may))


@router.get("/continuity/playbooks/{id}")
async def playbook(request: Request, id: str) -> Response:
    """One playbook in force."""
    running, may = parts(request), permitted(request)
    shared: Shared = request.app.state.console

    def gather() -> dict[str, object]:
        found = running.rules().continuity.playbook(id)
        if found is None:
            raise no_such("playbook", id)
        return playbook_page(running, shared, found, may)

    return await show(request, "playbook.html", gather)
