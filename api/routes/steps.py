"""Automated steps of the playbook under way: what one would do, and doing it."""

from __future__ import annotations

import asyncio
import uuid
from typing import NamedTuple

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.errors import Problem, not_found, overloaded
from api.parts import Parts
from api.restoring.hands import NotAllowed
from api.restoring.runner import Busy
from api.restoring.schemas import StepBegun, StepPlan
from api.routes.answers import answer, documented, parts, principal
from api.routes.commands import Asked, perform, permit
from engine.drills import DRILL
from engine.response_views import Execution, TaskView
from rules.playbooks import Step
from rules.playbooks.policy import ContinuityPolicy
from rules.ruleset import RuleSet

router = APIRouter(prefix="/api/v1", tags=["continuity"])

LOOK = 0.05
"""Seconds between two looks at whether a step has begun, where another process decides."""


class _Found(NamedTuple):
    execution: Execution
    view: TaskView
    step: Step
    policy: ContinuityPolicy
    plan: str


@router.post(
    "/incidents/{id}/steps/{task}/dry-run", responses=documented(StepPlan), summary="What an automated step would do"
)
async def dry_run(request: Request, id: str, task: str) -> Response:
    """Nothing is done. That somebody looked is in the timeline. 409: it could not be carried out, and why."""
    permit(principal(request), "dry_run")
    found = await run_in_threadpool(_found, parts(request), id, task)
    await perform(request, "dry_run", id, "", {"task": task, "detail": found.plan}, routed=True)
    view = found.view
    return answer(StepPlan(incident=id, task=task, plan=found.plan, state=view.state, waits_for=view.blocked_by))


@router.post("/incidents/{id}/steps/{task}/run", responses=documented(StepBegun), summary="Carry out an automated step")
async def run(request: Request, id: str, task: str, asked: Asked | None = None) -> Response:
    """The step begins as `start_task` lets it, durably, and only then is carried out, once; `response` shows what came
    of it. 409: a gate is closed, somebody was faster, it is not allowed, or as many as may be are under way."""
    permit(principal(request), "run_task")
    asked, running = asked or Asked(), parts(request)
    if id.startswith(DRILL):
        raise Problem(409, "refused", "A drill touches nothing real: make a dry run, and say by hand that it is done.")
    found = await run_in_threadpool(_found, running, id, task)
    name = uuid.uuid4().hex[:16]
    try:
        running.workshop.runner.reserve(name)
    except Busy as error:
        raise Problem(409, "busy", f"Not begun: {error}.") from None
    facts = {"task": task, "run": name, **{key: asked.facts[key] for key in ("version",) if key in asked.facts}}
    try:
        await perform(request, "run_task", id, asked.reason, facts, routed=True)
        await _begun(running, id, task, name)
    except TimeoutError:
        running.workshop.runner.release(name)
        raise overloaded("It is not known whether the step has begun: it is not carried out.") from None
    except BaseException:
        running.workshop.runner.release(name)
        raise
    about = {"incident": id, "playbook": found.execution.playbook, "task": task, "run": name}
    running.workshop.runner.begin(found.step, found.policy, id, about)
    return answer(StepBegun(incident=id, task=task, run=name, plan=found.plan))


async def _begun(running: Parts, id: str, task: str, run: str) -> None:
    """Returns once it is known to have begun: what is not known is not carried out. Raises Problem."""
    async with asyncio.timeout(running.settings.limits.wait):
        while True:
            view = await run_in_threadpool(running.reader.incident, id)
            execution = view.response.execution if view is not None else None
            known = execution.task(task) if execution is not None else None
            if known is not None and known.running is not None and known.running.id == run:
                return
            for line in await run_in_threadpool(running.reader.timeline, id):
                if line.kind == "refused" and line.facts.get("run") == run:
                    raise Problem(409, "refused", line.text)
            await asyncio.sleep(LOOK)


def _found(running: Parts, id: str, task: str) -> _Found:
    """Raises Problem."""
    incident = running.reader.incident(id)
    if incident is None:
        raise not_found("incident", id)
    execution = incident.response.execution
    view = execution.task(task) if execution is not None else None
    if execution is None or view is None:
        raise not_found("step of a playbook under way", task)
    stored = running.version("rules", execution.rules) if execution.rules else None
    known = RuleSet.decode(stored.content) if stored is not None else running.rules()
    playbook = known.continuity.playbook(execution.playbook)
    declared = playbook.task(task) if playbook is not None else None
    if declared is None:
        raise overloaded("The playbook's version cannot be read now.")
    policy = running.rules().continuity
    try:
        plan = running.workshop.runner.hands.plan(declared.step, policy)
    except NotAllowed as error:
        raise Problem(409, "not-allowed", f"Step {task} cannot be carried out: {error}.") from None
    return _Found(execution, view, declared.step, policy, plan)
