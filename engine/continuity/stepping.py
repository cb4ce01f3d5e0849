"""Automated steps as state: begun for somebody, under way, and what came of it. Who carries them out is elsewhere.

A step that was begun and of which no result comes in time is *unclear*: it counts as failed, and only a person who has
looked lets it be done again. Nothing is ever run a second time because nobody heard of the first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from engine.context import Context
from engine.continuity import execution as machine
from engine.continuity.keeping import deviated, keep, number
from engine.continuity.playing import looked, playbook_of, save, task_saved, under_way
from engine.drills import DRILL
from engine.errors import Conflict, Refused
from engine.response_views import FAILED_RUN, PASSED_RUN, RUNNING, UNCLEAR, UNDER_WAY, Execution, StepRun
from engine.signals import Command, Millis
from engine.state import Incident
from rules.playbooks import Step
from rules.playbooks.model import COMMAND, MANUAL

PATIENCE: Millis = 60_000
"""How long after its time limit a result is waited for."""
SHOWN = 4000
"""Letters of its output that a run shows; the timeline has what was kept."""
replace = msgspec.structs.replace


def described(step: Step) -> str:
    """What a step calls."""
    if step.kind == COMMAND:
        return " ".join((step.command, *step.arguments))
    return f"{step.method} {step.url}"


def run_task(context: Context, command: Command, now: Millis) -> None:
    """Begin an automated step for somebody; its gates are looked at now. ``run`` names the attempt."""
    incident, playbook, running = under_way(context, command)
    id, run = command.facts["task"], command.facts["run"]
    task = playbook.task(id)
    if task is not None and task.step.kind == MANUAL:
        raise Refused(f"{id} is done by people, not by a program")
    if incident.id.startswith(DRILL):
        raise Refused("a drill touches nothing real: only a dry run is made")
    if any(True for _ in _attempts(context, run)):
        raise Conflict(f"run {run} was begun already")
    running = looked(context, incident, playbook, running, machine.needed_gates(playbook, running, id), now)
    begun = machine.start(playbook, running, id, command.actor, now, command.facts.get("version", ""))
    step = task.step if task is not None else Step()
    until = now + step.timeout + PATIENCE
    made = StepRun(id=run, what=described(step), at=now, by=command.actor, until=until)
    context.timers.set(until, "step", run)
    begun = machine.with_run(begun, id, made)
    task_saved(context, incident, playbook, begun, command, now, f"is being carried out ({made.what})")


def step_ended(context: Context, command: Command, now: Millis) -> None:
    """What came of an attempt, as whoever carried it out says: ``outcome`` passed or failed."""
    facts = command.facts
    found = next(_attempts(context, facts["run"]), None)
    if found is None:
        raise Refused(f"no step was begun as run {facts['run']!r}")
    incident, running, id, run = found
    if run.state in (PASSED_RUN, FAILED_RUN):
        return  # told twice
    passed = facts["outcome"] == PASSED_RUN
    ended = replace(
        run,
        state=PASSED_RUN if passed else FAILED_RUN,
        ended_at=now,
        code=number(command, "code", 0, 1 << 31) if facts.get("code") else None,
        detail=facts.get("detail", ""),
        output=shown(facts.get("output", "")),
        sha256=facts.get("sha256", ""),
    )
    context.timers.cancel("step", run.id)
    if run.state == UNDER_WAY and running is incident.response.execution:
        _decided(context, incident, running, id, ended, command, now)
        return
    kept = machine.with_run(
        running, id, replace(ended, state=UNCLEAR, detail=f"{ended.state}, too late: {ended.detail}")
    )
    text = f"Step {id}: its result came when nobody waited any more: {ended.state}, {ended.detail}"
    keep(
        context,
        incident,
        now,
        "step",
        text,
        actor=run.by,
        facts=_told(ended, id, facts),
        **_among(incident, running, kept),
    )


def _decided(
    context: Context, incident: Incident, running: Execution, id: str, run: StepRun, command: Command, now: Millis
) -> None:
    """It was waited for: it decides on its task."""
    playbook = playbook_of(context, running)
    running = machine.with_run(running, id, run)
    changes: dict[str, Any] = {}
    if run.state == PASSED_RUN:
        done = machine.finish(playbook, running, id, run.by, now, output=run.output)
    else:
        done = machine.fail(playbook, running, id, run.by, now, why=run.detail)
        text = f"step {id} failed: {run.detail}"
        changes["deviations"] = deviated(incident.response, "failed", text, now, run.by, id)
    text = f"Step {id} carried out for {run.by} ({run.what}): {run.state}, {run.detail}"
    save(context, incident, playbook, done, run.by, now, "step", text, _told(run, id, command.facts), **changes)


def step_due(context: Context, key: str, due: Millis) -> None:
    """Timer ``step``: no result has come. Nobody knows whether it was carried out, so it counts as failed."""
    found = next(_attempts(context, key), None)
    if found is None or found[3].state != UNDER_WAY:
        return
    incident, running, id, run = found
    detail = "no result has come: it may have been carried out or not; look before it is done again"
    unclear = replace(run, state=UNCLEAR, ended_at=due, detail=detail)
    kept = machine.with_run(running, id, unclear)
    view = kept.task(id)
    if running is not incident.response.execution or view is None or view.state != RUNNING:
        incident.response = replace(incident.response, **_among(incident, running, kept))
        return
    playbook = playbook_of(context, running)
    failed = machine.fail(playbook, kept, id, run.by, due, why=detail)
    text = f"Step {id}, begun for {run.by} ({run.what}): {detail}"
    deviations = deviated(incident.response, "failed", text, due, run.by, id)
    save(context, incident, playbook, failed, run.by, due, "step", text, _told(unclear, id, {}), deviations=deviations)


def dry_run(context: Context, command: Command, now: Millis) -> None:
    """What a step would do was looked at, and nothing was done; ``detail`` says what was found."""
    incident, _, running = under_way(context, command)
    id = command.facts["task"]
    if running.task(id) is None:
        raise Refused(f"{running.playbook} has no task {id!r}")
    text = f"Dry run of step {id} by {command.actor}: {command.facts['detail']}"
    keep(context, incident, now, "step", text, actor=command.actor, facts={"task": id, "dry_run": True}, quiet=True)


def shown(output: str) -> str:
    """The first and, above all, the last of what it said."""
    if len(output) <= SHOWN:
        return output
    return f"{output[: SHOWN // 4]}\n…\n{output[-(SHOWN - SHOWN // 4) :]}"


def _attempts(context: Context, run: str) -> Iterator[tuple[Incident, Execution, str, StepRun]]:
    """Where an attempt is, wherever its incident went: at most one."""
    for incident in context.state.incidents.values():
        response = incident.response
        for execution in (*((response.execution,) if response.execution else ()), *response.past):
            for task in execution.tasks:
                for one in task.runs:
                    if one.id == run:
                        yield incident, execution, task.id, one


def _among(incident: Incident, before: Execution, after: Execution) -> dict[str, Any]:
    """The change of the response that puts one execution in the place of another."""
    response = incident.response
    if response.execution is before:
        return {"execution": after}
    return {"past": tuple(after if one is before else one for one in response.past)}


def _told(run: StepRun, task: str, facts: Mapping[str, str]) -> dict[str, object]:
    """The evidence that the timeline keeps."""
    return {
        "task": task,
        "run": run.id,
        "what": run.what,
        "state": run.state,
        "code": run.code,
        "output": facts.get("output", ""),
        "sha256": run.sha256,
        "milliseconds": facts.get("took", ""),
    }


STEPPING: Mapping[str, Callable[[Context, Command, Millis], None]] = {
    "run_task": run_task,
    "step_ended": step_ended,
    "dry_run": dry_run,
}
