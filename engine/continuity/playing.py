"""Commands about a playbook under way: activate it, start, finish, fail, skip and retry tasks, gates, decisions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from engine.context import Context
from engine.continuity import execution as machine
from engine.continuity.applicability import Doubt, changed_since, drift, misfit, stale, unowned
from engine.continuity.gates import look
from engine.continuity.keeping import deviated, incident_of, keep
from engine.continuity.people import authorised, holders
from engine.errors import Conflict, Refused
from engine.response_views import OVERRIDDEN, PASSED, Execution, GateView, TaskView
from engine.signals import Command, Millis
from engine.state import Incident
from rules.playbooks import Gate, Playbook
from rules.playbooks.model import ATTESTED, CHANGE_WINDOW

TOUCHED = 500
"""Entities of an incident that a playbook is compared with."""


def doubts(context: Context, incident: Incident, playbook: Playbook, now: Millis) -> tuple[Doubt, ...]:
    """All that speaks against a playbook for this incident, what blocks it first."""
    troubled = dict.fromkeys((*([incident.cause] if incident.cause else ()), *incident.entities))
    hit = (one.entity for one in incident.impact[:TOUCHED])
    named = {context.topology.resolve(one) or one for one in playbook.entities}
    resolved = msgspec.structs.replace(playbook, entities=tuple(sorted(named)))
    alerts = {context.state.alerts[number].name for number in incident.alerts if number in context.state.alerts}
    touched = dict.fromkeys((*named, *(task.entity for task in playbook.tasks if task.entity)))
    changes = [(one, c.at, c.what) for one in touched for c in context.state.changes.get(one, ())]
    rules = context.rules
    found: list[Doubt] = [
        *misfit(resolved, {*troubled, *hit}, alerts),
        *stale(playbook, now),
        *drift(playbook, context.topology, {one.id for one in rules.probes} | {one.id for one in rules.data_checks}),
        *unowned(playbook, lambda role: holders(context, incident, role, now)),
        *changed_since(playbook, changes),
    ]
    return tuple(sorted(found, key=lambda one: not one.blocks))


def activate(context: Context, command: Command, now: Millis) -> None:
    """Choose a playbook: what speaks against it is kept with the decision; what blocks it needs ``despite``."""
    incident = incident_of(context, command)
    before = incident.response.execution
    if before is not None and before.ended_at is None:
        raise Conflict(f"playbook {before.playbook} is under way since it was activated by {before.by}")
    playbook = _playbook(context, command.facts["playbook"])
    found = (*doubts(context, incident, playbook, now), *_of_source(command))
    despite = command.facts.get("despite", "").strip()
    blocking = [one.text for one in found if one.blocks]
    if blocking and not despite:
        raise Refused(f"{playbook.id} does not apply: {'; '.join(blocking)} (say despite what, if it is to be used)")
    begun = Execution(
        playbook=playbook.id,
        title=playbook.title,
        rules=context.state.rules,
        at=now,
        by=command.actor,
        why=command.reason,
        findings=tuple(one.text for one in found),
        tasks=_tasks(context, incident, playbook, now),
        gates=tuple(GateView(id=one.id, check=one.check) for one in playbook.gates),
    )
    begun = machine.settled(playbook, looked(context, incident, playbook, begun, (g.id for g in playbook.gates), now))
    response = incident.response
    past = (*response.past, before)[-20:] if before is not None else response.past
    deviations = response.deviations
    if blocking:
        text = f"{playbook.id} used although {'; '.join(blocking)}: {despite}"
        deviations = deviated(msgspec.structs.replace(response, execution=begun), "despite", text, now, command.actor)
    commit = playbook.origin.commit if playbook.origin is not None else ""
    facts = {
        "playbook": playbook.id,
        "rules": begun.rules,
        "commit": commit,
        "findings": list(begun.findings),
        "despite": despite,
    }
    at = f" at commit {commit[:12]}" if commit else ""
    text = f"Playbook {playbook.id}{at} activated by {command.actor}: {command.reason}"
    text += f" (against it: {'; '.join(begun.findings)})" if begun.findings else ""
    save(
        context,
        incident,
        playbook,
        begun,
        command.actor,
        now,
        "playbook",
        text,
        facts,
        past=past,
        deviations=deviations,
    )


def _tasks(context: Context, incident: Incident, playbook: Playbook, now: Millis) -> tuple[TaskView, ...]:
    """All tasks, with who owns each now."""
    return tuple(
        TaskView(
            id=task.id,
            title=task.title,
            owner=holders(context, incident, task.accountable, now) or (task.accountable,),
            kind="decision" if task.decision else task.step.kind,
            takes=task.takes,
        )
        for task in playbook.tasks
    )


def _of_source(command: Command) -> tuple[Doubt, ...]:
    """What was found when its repository was looked at just before."""
    said = command.facts.get("source_doubt", "")
    return (Doubt(kind="source", text=said),) if said else ()


def abandon(context: Context, command: Command, now: Millis) -> None:
    """Give up the playbook under way, for a reason; what was done stays on record."""
    incident, _, running = under_way(context, command)
    if steps := [one.id for one in running.tasks if one.running is not None]:
        raise Refused(f"step {', '.join(steps)} is being carried out; its result comes first")
    ended = msgspec.structs.replace(running, ended_at=now, ended_why=command.reason)
    text = f"Playbook {running.playbook} given up by {command.actor}: {command.reason}"
    past = (*incident.response.past, ended)[-20:]
    keep(context, incident, now, "playbook", text, actor=command.actor, urgent=True, execution=None, past=past)


def start_task(context: Context, command: Command, now: Millis) -> None:
    """Begin a task; its gates are looked at now, not when they last passed."""
    incident, playbook, running = under_way(context, command)
    id = command.facts["task"]
    gates = machine.needed_gates(playbook, running, id)
    running = looked(context, incident, playbook, running, gates, now)
    begun = machine.start(playbook, running, id, command.actor, now, command.facts.get("version", ""))
    task_saved(context, incident, playbook, begun, command, now, "begun")


def finish_task(context: Context, command: Command, now: Millis) -> None:
    """A task is done; ``output`` is what it said."""
    incident, playbook, running = under_way(context, command)
    said, version = command.facts.get("output", "")[:4000], command.facts.get("version", "")
    done = machine.finish(playbook, running, command.facts["task"], command.actor, now, version, said)
    task_saved(context, incident, playbook, done, command, now, "done")


def fail_task(context: Context, command: Command, now: Millis) -> None:
    """A task did not work."""
    incident, playbook, running = under_way(context, command)
    id, version = command.facts["task"], command.facts.get("version", "")
    failed = machine.fail(playbook, running, id, command.actor, now, version, command.reason)
    text = f"step {id} failed: {command.reason}"
    deviations = deviated(incident.response, "failed", text, now, command.actor, id)
    task_saved(context, incident, playbook, failed, command, now, "failed", deviations=deviations)


def skip_task(context: Context, command: Command, now: Millis) -> None:
    """Leave a task out; its gates stay for whoever follows it."""
    incident, playbook, running = under_way(context, command)
    id, version = command.facts["task"], command.facts.get("version", "")
    skipped = machine.skip(playbook, running, id, command.actor, now, version, command.reason)
    text = f"step {id} was left out: {command.reason}"
    deviations = deviated(incident.response, "skipped", text, now, command.actor, id)
    task_saved(context, incident, playbook, skipped, command, now, "skipped", deviations=deviations)


def retry_task(context: Context, command: Command, now: Millis) -> None:
    """What failed or was left out is to be done after all."""
    incident, playbook, running = under_way(context, command)
    again = machine.again(
        playbook, running, command.facts["task"], command.actor, now, command.facts.get("version", "")
    )
    task_saved(context, incident, playbook, again, command, now, "to be done again")


def decide(context: Context, command: Command, now: Millis) -> None:
    """Somebody with the authority settles a question; ``authority`` names them, if it is not who says so."""
    incident, playbook, running = under_way(context, command)
    id, option = command.facts["task"], command.facts["option"]
    task = playbook.task(id)
    by = command.facts.get("authority", "").strip() or command.actor
    if task is not None and task.decision is not None:
        authorised(context, incident, task.decision.authority, by, now)
    running = looked(context, incident, playbook, running, machine.needed_gates(playbook, running, id), now)
    decided = machine.decide(playbook, running, id, option, by, now, command.facts.get("version", ""))
    task_saved(context, incident, playbook, decided, command, now, f"decided by {by}: {option}")


def check_gates(context: Context, command: Command, now: Millis) -> None:
    """Look at the gates now: one, or all of them."""
    incident, playbook, running = under_way(context, command)
    asked = command.facts.get("gate", "")
    if asked and playbook.gate(asked) is None:
        raise Refused(f"{playbook.id} has no gate {asked!r}")
    names = [asked] if asked else [one.id for one in playbook.gates]
    found = machine.settled(playbook, looked(context, incident, playbook, running, names, now))
    said = ", ".join(f"{one.id} {one.state} ({one.why})" for one in found.gates if one.id in names)
    facts = {"gates": [msgspec.to_builtins(one) for one in found.gates if one.id in names]}
    save(context, incident, playbook, found, command.actor, now, "gate", f"Gates checked: {said}", facts)


def attest_gate(context: Context, command: Command, now: Millis) -> None:
    """Somebody with the authority attests what no check can tell; ``evidence`` says by what."""
    incident, playbook, running = under_way(context, command)
    gate, before = _gate(playbook, running, command.facts["gate"], command.facts.get("version", ""))
    by = command.facts.get("authority", "").strip() or command.actor
    if gate.check != ATTESTED:
        raise Refused(f"gate {gate.id} checks {gate.check}: it cannot be attested")
    authorised(context, incident, gate.authority, by, now)
    text = f"Gate {gate.id} attested by {by}: {command.facts['evidence']}"
    evidence = {"evidence": command.facts["evidence"]}
    opened = _opened(before, PASSED, text, by, now, evidence)
    found = machine.with_gate(playbook, running, opened)
    save(context, incident, playbook, found, command.actor, now, "gate", text, evidence | {"gate": gate.id, "by": by})


def override_gate(context: Context, command: Command, now: Millis) -> None:
    """An emergency authority takes on a change outside its window. No other gate can be overridden."""
    incident, playbook, running = under_way(context, command)
    gate, before = _gate(playbook, running, command.facts["gate"], command.facts.get("version", ""))
    by = command.facts.get("authority", "").strip() or command.actor
    if gate.check != CHANGE_WINDOW or not gate.authority:
        raise Refused(f"gate {gate.id} ({gate.check}) cannot be overridden: it opens when its check passes")
    authorised(context, incident, gate.authority, by, now)
    text = f"Gate {gate.id} taken on as an emergency by {by}: {command.reason}"
    found = machine.with_gate(playbook, running, _opened(before, OVERRIDDEN, text, by, now, {"why": command.reason}))
    deviations = deviated(incident.response, "emergency", text, now, by)
    facts = {"gate": gate.id, "by": by}
    save(context, incident, playbook, found, command.actor, now, "gate", text, facts, deviations=deviations)


def note_deviation(context: Context, command: Command, now: Millis) -> None:
    """What was done otherwise than the playbook says."""
    incident, playbook, running = under_way(context, command)
    task, text = command.facts.get("task", ""), command.facts["text"]
    if task and playbook.task(task) is None:
        raise Refused(f"{playbook.id} has no task {task!r}")
    deviations = deviated(incident.response, "noted", text, now, command.actor, task)
    said = f"Deviation from {running.playbook}{f', step {task}' if task else ''}: {text}"
    keep(context, incident, now, "deviation", said, actor=command.actor, facts={"task": task}, deviations=deviations)


def _opened(before: GateView, state: str, why: str, by: str, now: Millis, evidence: Mapping[str, object]) -> GateView:
    return msgspec.structs.replace(
        before, state=state, why=why, by=by, at=now, could_run=True, evidence=dict(evidence), version=before.version + 1
    )


def _gate(playbook: Playbook, running: Execution, id: str, version: str) -> tuple[Gate, GateView]:
    gate, view = playbook.gate(id), running.gate(id)
    if gate is None or view is None:
        raise Refused(f"{playbook.id} has no gate {id!r}; it has {', '.join(g.id for g in playbook.gates) or 'none'}")
    if version and version != str(view.version):
        raise Conflict(f"gate {id} has changed since version {version}: it is {view.state}, version {view.version}")
    return gate, view


def looked(
    context: Context, incident: Incident, playbook: Playbook, running: Execution, ids: Iterable[str], now: Millis
) -> Execution:
    """The gates as they are now."""
    wanted = set(ids)
    gates = tuple(
        look(context, incident, gate, view, now) if gate is not None and view.id in wanted else view
        for view in running.gates
        for gate in (playbook.gate(view.id),)
    )
    return msgspec.structs.replace(running, gates=gates)


def under_way(context: Context, command: Command) -> tuple[Incident, Playbook, Execution]:
    """The incident of a command, with the playbook under way. Raises `Refused`."""
    incident = incident_of(context, command)
    running = incident.response.execution
    if running is None or running.ended_at is not None:
        raise Refused(f"no playbook is under way for {incident.id}")
    return incident, playbook_of(context, running), running


def playbook_of(context: Context, running: Execution) -> Playbook:
    """The playbook as it was when it was activated, whatever the rules in force say by now."""
    found = context.library.rules(running.rules) if running.rules else context.rules
    return _only(found.continuity.playbook(running.playbook), running.playbook)


def _playbook(context: Context, id: str) -> Playbook:
    known = context.rules.continuity.playbooks
    there = f"; there are {', '.join(one.id for one in known)}" if known else "; none is declared"
    return _only(context.rules.continuity.playbook(id), id, there)


def _only(found: Playbook | None, id: str, there: str = "") -> Playbook:
    if found is None:
        raise Refused(f"no playbook {id!r}{there}")
    return found


def task_saved(
    context: Context,
    incident: Incident,
    playbook: Playbook,
    found: Execution,
    command: Command,
    now: Millis,
    what: str,
    **changes: Any,
) -> None:
    """Put a change of the command's task in force, and say so."""
    view = found.task(command.facts["task"])
    because = f": {command.reason}" if command.reason else ""
    title = view.title if view else ""
    text = f"Step {command.facts['task']} ({title}) {what}{because}"
    facts = {"task": command.facts["task"], "state": view.state if view else "", "playbook": playbook.id}
    save(context, incident, playbook, found, command.actor, now, "task", text, facts, **changes)


def save(  # noqa: PLR0913, PLR0917 - as `keep`
    context: Context,
    incident: Incident,
    playbook: Playbook,
    found: Execution,
    actor: str,
    now: Millis,
    kind: str,
    text: str,
    facts: Mapping[str, object],
    **changes: Any,
) -> None:
    """Put a changed execution in force with its new prediction, and say so."""
    due = min((one.due for one in incident.objectives if one.kind == "rto"), default=None)
    kept = found.due if due is None else due
    forecast = machine.forecast(playbook, found, kept, now)
    changes["execution"] = forecast
    urgent = kind in ("playbook", "gate") or "decided" in text
    keep(context, incident, now, kind, text, actor=actor, facts=facts, urgent=urgent, **changes)


PLAYING: Mapping[str, Callable[[Context, Command, Millis], None]] = {
    "activate_playbook": activate,
    "abandon_playbook": abandon,
    "start_task": start_task,
    "finish_task": finish_task,
    "fail_task": fail_task,
    "skip_task": skip_task,
    "retry_task": retry_task,
    "decide": decide,
    "check_gates": check_gates,
    "attest_gate": attest_gate,
    "override_gate": override_gate,
    "note_deviation": note_deviation,
}
