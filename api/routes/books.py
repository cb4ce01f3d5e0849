"""The repository of playbooks: a look for newer ones, and changes proposed by what was really done."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api import continuity
from api.errors import Problem, not_found
from api.parts import Parts
from api.restoring.git import GitFailed
from api.restoring.proposing import NothingToPropose, patch, propose, proposed
from api.restoring.repository import Repository
from api.restoring.schemas import Fetched, ProposalOf, ProposalsOf
from api.routes.answers import answer, documented, parts, principal
from api.routes.commands import Asked, perform, permit
from api.routes.sources import refreshed

router = APIRouter(prefix="/api/v1", tags=["continuity"])


@router.post("/playbooks/fetch", responses=documented(Fetched), summary="Look for newer playbooks in their repository")
async def fetch(request: Request) -> Response:
    """Newer ones without mistakes come into force. Where the repository cannot be reached, what was fetched last stays
    in force, and `findings` say so."""
    found = await refreshed(parts(request))
    if found is None:
        raise _none()
    return answer(found)


@router.get(
    "/incidents/{id}/proposals", responses=documented(ProposalsOf), summary="Changes of playbooks proposed from it"
)
def proposals(request: Request, id: str) -> Response:
    """Each with its diff, whether it is merged, and whether somebody else than its author has approved it."""
    repository = parts(request).workshop.repository
    try:
        return answer(ProposalsOf(items=proposed(repository, id) if repository else []))
    except GitFailed as error:
        raise _unavailable(error) from None


@router.get(
    "/incidents/{id}/proposals/{commit}/patch",
    response_class=Response,
    responses={200: {"description": "The patch", "content": {"text/plain": {"schema": {"type": "string"}}}}},
    summary="A proposed change, for `git am`",
)
def as_patch(request: Request, id: str, commit: str) -> Response:
    """For a repository that takes no branch from Headwater."""
    repository = parts(request).workshop.repository
    try:
        found = patch(repository, id, commit) if repository else None
    except GitFailed as error:
        raise _unavailable(error) from None
    if found is None:
        raise not_found("proposal", commit)
    headers = {"Content-Disposition": 'attachment; filename="proposal.patch"'}
    return Response(found, media_type="text/plain; charset=utf-8", headers=headers)


@router.post(
    "/incidents/{id}/proposals/{playbook}", responses=documented(ProposalOf), summary="Propose a change of a playbook"
)
async def make(request: Request, id: str, playbook: str, asked: Asked | None = None) -> Response:
    """What was done otherwise becomes a commit on a branch, by whoever asks: durations as they were measured, the rest
    as comments beside the steps. It counts as reviewed once somebody else has approved and merged it."""
    who, running, asked = principal(request), parts(request), asked or Asked()
    permit(who, "propose_playbook")
    made = await run_in_threadpool(_made, running, id, playbook, who.name)
    facts = {
        "playbook": playbook,
        "commit": made.commit,
        "branch": made.branch,
        "pushed": "yes" if made.pushed else "no",
    }
    await perform(request, "propose_playbook", id, asked.reason, facts, routed=True)
    return answer(made)


def _made(running: Parts, id: str, playbook: str, by: str) -> ProposalOf:
    repository = _repository(running)
    report = continuity.report(running.reader, id, running.rules())
    if report is None:
        raise not_found("incident", id)
    found = running.rules().continuity.playbook(playbook)
    if found is None:
        raise not_found("playbook", playbook)
    wanted = [one for one in report.proposals if one.playbook == playbook]
    try:
        if not wanted:
            raise NothingToPropose(f"nothing was done otherwise than {playbook} says")
        return propose(repository, id, found, wanted, by, running.clock())
    except NothingToPropose as error:
        raise Problem(409, "refused", f"There is nothing to propose: {error}.") from None
    except GitFailed as error:
        raise _unavailable(error) from None


def _repository(running: Parts) -> Repository:
    if running.workshop.repository is None:
        raise _none()
    return running.workshop.repository


def _none() -> Problem:
    return Problem(409, "refused", "Playbooks are from a folder: the settings name no restoring.repository.")


def _unavailable(error: GitFailed) -> Problem:
    return Problem(503, "unavailable", f"The repository of playbooks cannot be used: {error}.")
