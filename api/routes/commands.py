"""Commands: what a person asks of the engine, through the one policy function and the input log."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api import continuity, evidence
from api.auth.policy import allowed, roles_for
from api.auth.principal import Principal
from api.errors import Fault, Problem, invalid, not_found, overloaded
from api.examples import COMMAND, INCIDENT
from api.parts import Parts
from api.routes.answers import answer, documented, parts, principal
from api.routes.evidence import known as evidence_known
from api.routes.sources import with_source
from api.schemas import Done
from engine import own, policy
from engine.continuity.priorities import PRIORITIES
from engine.continuity.readiness import READINESS
from engine.lifecycle import OPEN, TRANSITIONS, State, Trigger
from engine.outcomes import IncidentView
from engine.signals import Command

router = APIRouter(prefix="/api/v1", tags=["commands"])

Facts = dict[Annotated[str, Field(min_length=1, max_length=64)], Annotated[str, Field(max_length=8192)]]
Reason = Annotated[str, Field(max_length=2000)]
Target = Annotated[str, Field(min_length=1, max_length=2000)]

ABOUT_OTHER_THINGS = frozenset({
    "silence", "unsilence", "promote_rule", "judge_alert", "activate_model", *READINESS, *PRIORITIES,
})  # fmt: skip
"""Actions whose target is not an incident."""

RECONCILED_BEFORE = frozenset({"reconcile", "hand_over", "accept_handover", "close"})
"""Actions before which the silences of other systems are looked at."""

_TRIGGERS = {
    "declare": Trigger.DECLARE,
    "restore": Trigger.RESTORE,
    "close": Trigger.CLOSE,
    "reopen": Trigger.REOPEN,
    "review": Trigger.REVIEW,
    "merge": Trigger.MERGE,
    "false_alarm": Trigger.DISMISS,
}


class Asked(BaseModel):
    """A command's parameters where route and target say the rest."""

    model_config = ConfigDict(extra="forbid")
    reason: Reason = ""
    facts: Facts = Field(default_factory=dict, max_length=32)


class CommandAsked(Asked):
    """A command: `action` on `target`."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": COMMAND})
    action: Annotated[str, Field(max_length=64)]
    target: Target


@router.post(
    "/commands",
    responses=documented(Done, {"action": "acknowledge", "target": "12-0", "incident": INCIDENT}),
    summary="Ask the engine to do something",
)
async def command(request: Request, asked: CommandAsked) -> Response:
    """Durable and decided when it is answered. Actions: acknowledge, note, update, assign, declare, restore, close …"""
    return answer(await perform(request, asked.action, asked.target, asked.reason, asked.facts))


@router.post("/incidents/{id}/{action}", responses=documented(Done), summary="The same, for an incident")
async def on_incident(request: Request, id: str, action: str, asked: Asked | None = None) -> Response:
    """For example `POST /api/v1/incidents/12-0/acknowledge`."""
    if action in ABOUT_OTHER_THINGS:
        raise invalid("The command is not complete.", [Fault("/action", f"{action} is not about an incident")])
    asked = asked or Asked()
    return answer(await perform(request, action, id, asked.reason, asked.facts))


async def perform(
    request: Request, action: str, target: str, reason: str, facts: dict[str, str], *, routed: bool = False
) -> Done:
    """Check a command, put it into the input log, wait until it is decided. ``routed``: it comes by the route that does
    what belongs to it. Raises Problem."""
    running, who = parts(request), principal(request)
    route = policy.ACTIONS[action].route if action in policy.ACTIONS else ""
    if route and not routed:
        raise invalid("The command is not complete.", [Fault("/action", f"{action} is not given here, but by {route}")])
    asked = Command(who.name, action, target, reason, facts)
    wrong = policy.problems(asked)
    if wrong:
        raise invalid("The command is not complete.", [Fault(*one) for one in wrong])
    request.state.told = f"{action} {target}"
    permit(who, action)
    asked = Command(who.name, action, target, reason, await _with_what_is_known(request, action, target, facts))
    if action not in ABOUT_OTHER_THINGS:
        await run_in_threadpool(_check_incident, running, asked)
    if action in RECONCILED_BEFORE:
        found = Command(who.name, "reconcile", target, reason, await run_in_threadpool(running.elsewhere))
        asked = found if action == "reconcile" else asked
        if action != "reconcile" and found.facts:
            await _accepted(running, found)
    told = len(await run_in_threadpool(running.reader.timeline, target))
    await _accepted(running, asked)
    lines = await run_in_threadpool(running.reader.timeline, target)
    for line in lines[told:]:
        if line.kind == "refused" and line.actor == who.name and line.facts.get("action") == action:
            raise Problem(409, "conflict" if line.facts.get("conflict") else "refused", line.text)
    return Done(action, target, await run_in_threadpool(running.reader.incident, target))


async def _with_what_is_known(request: Request, action: str, target: str, facts: dict[str, str]) -> dict[str, str]:
    """The facts of a command with those that a person need not say."""
    running = parts(request)
    if action == "activate_model":
        return await run_in_threadpool(evidence.with_model, evidence_known(request), target, facts)
    if action == "activate_playbook":
        return await with_source(running, facts)
    if action == "open_problem":
        return await run_in_threadpool(continuity.with_earlier, running.reader, target, running.rules(), facts)
    return facts


async def _accepted(running: Parts, asked: Command) -> None:
    try:
        await running.accept(own.command(asked))
    except TimeoutError:
        raise overloaded("The command could not be stored in time.") from None


def permit(who: Principal, action: str) -> None:
    """Raises Problem unless the policy lets this role do it."""
    if not allowed(who, action):
        needed = " or ".join(roles_for(action)) or "nobody"
        raise Problem(403, "forbidden", f"{action} needs the role {needed}; {who.name} is {who.role}.")


def _check_incident(running: Parts, asked: Command) -> None:
    """What can be told from the latest revision; the core has the last word."""
    found = _known(running, asked.target)
    if asked.action == "merge":
        other = _known(running, asked.facts["into"])
        if other.id == found.id:
            raise invalid("The command is not complete.", [Fault("/facts/into", "is the same incident")])
    trigger = _TRIGGERS.get(asked.action)
    state = State(found.state)
    if trigger is not None and trigger not in TRANSITIONS[state]:
        raise _illegal(asked.action, found)
    if (
        asked.action in ("split", "override_severity", "withdraw_override", "acknowledge", "assign", "update")
        and state not in OPEN
    ):
        raise _illegal(asked.action, found)


def _known(running: Parts, id: str) -> IncidentView:
    found = running.reader.incident(id)
    if found is None:
        raise not_found("incident", id)
    return found


def _illegal(action: str, incident: IncidentView) -> Problem:
    allowed = sorted(name for name, trigger in _TRIGGERS.items() if trigger in TRANSITIONS[State(incident.state)])
    detail = f"{incident.id} is {incident.state}, which does not allow {action}"
    detail += f"; it allows {', '.join(allowed) or 'nothing'}."
    return Problem(409, "illegal-transition", detail)
