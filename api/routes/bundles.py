"""Forensic bundles of an incident: those that are kept, and one more."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse, Response

from api.errors import Problem, not_found
from api.parts import Parts
from api.restoring.evidence import gather
from api.restoring.schemas import BundlesOf
from api.routes.answers import answer, documented, parts, principal
from api.routes.commands import perform, permit
from engine.outcomes import IncidentView

router = APIRouter(prefix="/api/v1", tags=["continuity"])


class BundleAsked(BaseModel):
    """Why somebody takes the evidence with them."""

    model_config = ConfigDict(extra="forbid")
    reason: Annotated[str, Field(min_length=1, max_length=2000)]


@router.get("/incidents/{id}/bundles", responses=documented(BundlesOf), summary="Forensic bundles of an incident")
def bundles(request: Request, id: str) -> Response:
    """Those that are kept, each with its seal, who made it and why."""
    return answer(BundlesOf(items=parts(request).workshop.bundles.listed(_known(parts(request), id).id)))


@router.post(
    "/incidents/{id}/bundles",
    response_class=Response,
    responses={200: {"description": "The bundle", "content": {"application/zip": {"schema": {"type": "string"}}}}},
    summary="Seal everything that is known of an incident, and take it along",
)
async def make(request: Request, id: str, asked: BundleAsked) -> Response:
    """A zip with a manifest of SHA-256 digests in a hash chain; `headwater continuity bundle verify` checks it. Its
    seal is in the header `Headwater-Seal` and, with who took it and why, in the timeline and the trail."""
    who, running = principal(request), parts(request)
    permit(who, "export_bundle")
    view = await run_in_threadpool(_known, running, id)
    files = await run_in_threadpool(_files, running, view)
    try:
        made, path = await run_in_threadpool(running.workshop.bundles.make, id, who.name, asked.reason, files)
    except OSError as error:
        raise Problem(503, "unavailable", f"The bundle cannot be kept: {error.strerror}.") from None
    facts = {"seal": made.seal, "files": str(made.files)}
    try:
        await perform(request, "export_bundle", id, asked.reason, facts, routed=True)
    except BaseException:
        path.unlink(missing_ok=True)  # what is not on record is not handed out
        raise
    headers = {"Headwater-Seal": made.seal}
    return FileResponse(path, media_type="application/zip", filename=f"{made.seal[:16]}.zip", headers=headers)


def _files(running: Parts, view: IncidentView) -> dict[str, bytes]:
    tickets = running.tickets(view.id)
    return gather(running.workshop.store, view, running.rules(), running.version, tickets, running.logs())


def _known(running: Parts, id: str) -> IncidentView:
    found = running.reader.incident(id)
    if found is None:
        raise not_found("incident", id)
    return found
