"""A playbook under way, step by step and gate by gate, with what may be done to each."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from api.console.continuity.deeds import Ask, Deed, Desk, Route
from api.console.continuity.graph import Node, drawing
from api.parts import Parts
from engine.continuity.execution import forecast
from engine.drills import of_drill
from engine.response_views import (
    CLOSED,
    FAILED,
    READY,
    RUNNING,
    SKIPPED,
    UNCLEAR,
    WAITING,
    Execution,
    GateView,
    TaskView,
)
from engine.signals import Millis
from rules.playbooks import Gate, Playbook, Task
from rules.playbooks.model import ATTESTED, CHANGE_WINDOW, MANUAL
from rules.ruleset import RuleSet

PLAN = (("plan", "Would do"), ("state", "The step is"), ("waits_for", "It waits for"))
"""What a dry run tells."""
AUTHORITY = "Who decides, if it is not you"


def under_way(running: Parts, execution: Execution, desk: Desk, now: Millis, *, open: bool) -> dict[str, Any]:
    """The values of the template about the playbook; ``open``: something may be done."""
    playbook = playbook_of(running, execution)
    live = execution
    if playbook is not None and execution.ended_at is None:
        live = forecast(playbook, execution, execution.due, now)
    at_work = open and execution.ended_at is None
    return {
        "execution": live,
        "graph": _graph(playbook, live),
        "steps": [_step(playbook, one, live, desk, place, at_work=at_work) for place, one in enumerate(live.tasks)],
        "gates": [_gate(playbook, one, desk, place, at_work=at_work) for place, one in enumerate(live.gates)],
        "deeds": list(_deeds(live, desk)) if at_work else [],
        "done": sum(one.state == "done" for one in live.tasks),
        "needed": sum(one.state not in (SKIPPED, "not_needed") for one in live.tasks),
        "known": playbook is not None,
        "unclear": [one.id for one in live.tasks if one.state == FAILED and one.runs and one.runs[-1].state == UNCLEAR],
    }


def playbook_of(running: Parts, execution: Execution) -> Playbook | None:
    """The playbook as it was when it was activated, as far as that version is kept."""
    rules = running.rules()
    if execution.rules not in ("", rules.version):
        stored = running.version("rules", execution.rules)
        if stored is None:
            return None
        rules = _decoded(stored.content)
    return rules.continuity.playbook(execution.playbook)


@lru_cache(maxsize=4)
def _decoded(content: bytes) -> RuleSet:
    return RuleSet.decode(content)


def _graph(playbook: Playbook | None, execution: Execution) -> Markup:
    shut = {one.id for one in execution.gates if one.state == CLOSED}
    nodes = [_node(playbook.task(one.id) if playbook else None, one, shut) for one in execution.tasks]
    return drawing(nodes, execution.critical)


def _node(task: Task | None, view: TaskView, shut: set[str]) -> Node:
    return Node(
        id=view.id,
        title=view.title,
        owner=", ".join(view.owner),
        takes=view.takes,
        state=view.state,
        after=task.before if task else (),
        gates=tuple((gate, gate in shut) for gate in (task.gates if task else ())),
        decision=view.kind == "decision",
    )


def planned(playbook: Playbook, critical: tuple[str, ...]) -> Markup:
    """The graph of a playbook that is not under way."""
    nodes = [
        Node(
            id=task.id,
            title=task.title,
            owner=task.accountable,
            takes=task.takes,
            after=task.before,
            gates=tuple((gate, True) for gate in task.gates),
            decision=task.decision is not None,
        )
        for task in playbook.tasks
    ]
    return drawing(nodes, critical)


def _step(
    playbook: Playbook | None, view: TaskView, execution: Execution, desk: Desk, place: int, *, at_work: bool
) -> dict[str, Any]:
    task = playbook.task(view.id) if playbook else None
    return {
        "view": view,
        "task": task,
        "critical": view.id in execution.critical,
        "deeds": list(_step_deeds(task, view, desk, f"t{place}")) if at_work else [],
    }


def _step_deeds(task: Task | None, view: TaskView, desk: Desk, key: str) -> Iterator[Deed]:
    """What the state of a step allows; the engine looks at everything again."""
    if view.running is not None:
        return  # nobody says what a program does
    hidden = {"task": view.id, "version": view.version}
    about = f"{view.id}: {view.title}"
    if task is not None and task.step.kind != MANUAL:
        yield from _automated(view, desk, key)
    if view.kind == "decision":
        if view.state in (READY, RUNNING):
            yield desk.deed("decide", "Decide", about, *_decision(task), key=key, hidden=hidden)
        return
    if view.state == READY:
        yield desk.deed("start_task", "Begin", about, key=key, hidden=hidden)
    if view.state == RUNNING:
        said = Ask(name="output", label="What came of it", kind="area", needed=False)
        yield desk.deed("finish_task", "Done", about, said, key=key, hidden=hidden)
        yield desk.deed("fail_task", "Failed", about, key=key, hidden=hidden)
    if view.state in (FAILED, SKIPPED):
        yield desk.deed("retry_task", "Do it after all", about, key=key, hidden=hidden)
    if view.state in (WAITING, READY, FAILED):
        yield desk.deed("skip_task", "Leave out", about, key=key, hidden=hidden, grave=True)


def _automated(view: TaskView, desk: Desk, key: str) -> Iterator[Deed]:
    """Say what a program would do, and let it do that; in a drill nothing real is touched."""
    hidden = {"task": view.id, "version": view.version}
    about = f"{view.id}: {view.title}"
    path = f"/api/v1/incidents/{quote(desk.target, safe='')}/steps/{quote(view.id, safe='')}"
    look = Route(path=f"{path}/dry-run", shows=PLAN, reason=False)
    if view.state in (WAITING, READY, FAILED, SKIPPED):
        yield desk.deed("dry_run", "Dry run", about, key=key, hidden=hidden, route=look)
    if view.state == READY and not of_drill(desk.target):
        run = Route(path=f"{path}/run")
        yield desk.deed("run_task", "Carry out", about, key=key, hidden=hidden, grave=True, route=run)


def _decision(task: Task | None) -> Iterator[Ask]:
    options = task.decision.options if task and task.decision else ()
    shown = tuple((one, one) for one in options)
    yield Ask(name="option", label="Decision", kind="choice" if shown else "text", options=shown)
    hint = f"needs the authority {task.decision.authority}" if task and task.decision else ""
    yield Ask(name="authority", label=AUTHORITY, needed=False, hint=hint)


def _gate(playbook: Playbook | None, view: GateView, desk: Desk, place: int, *, at_work: bool) -> dict[str, Any]:
    gate = playbook.gate(view.id) if playbook else None
    tasks = [one.id for one in playbook.tasks if view.id in one.gates] if playbook else []
    deeds = list(_gate_deeds(gate, view, desk, f"g{place}")) if at_work else []
    return {"view": view, "gate": gate, "tasks": tasks, "deeds": deeds}


def _gate_deeds(gate: Gate | None, view: GateView, desk: Desk, key: str) -> Iterator[Deed]:
    """Look again; attest what no check can tell; take on a change outside its window. Nothing else opens a gate."""
    hidden = {"gate": view.id, "version": view.version}
    about = f"Gate {view.id} ({view.check.replace('_', ' ')})"
    who = Ask(
        name="authority", label=AUTHORITY, needed=False, hint=f"needs the authority {gate.authority}" if gate else ""
    )
    if view.check == ATTESTED and view.state == CLOSED:
        proof = Ask(name="evidence", label="Evidence", kind="area", hint=gate.text if gate else "")
        yield desk.deed("attest_gate", "Attest", about, proof, who, key=key, hidden=hidden)
    if view.check == CHANGE_WINDOW and view.state == CLOSED and gate is not None and gate.authority:
        yield desk.deed("override_gate", "Emergency", about, who, key=key, hidden=hidden, grave=True)
    if view.check != ATTESTED:
        yield desk.deed("check_gates", "Look now", about, key=key, hidden={"gate": view.id})


def _deeds(execution: Execution, desk: Desk) -> Iterator[Deed]:
    about = f"Playbook {execution.playbook}"
    if execution.gates:
        yield desk.deed("check_gates", "Look at all gates", about)
    steps = tuple((one.id, f"{one.id}: {one.title}") for one in execution.tasks)
    which = Ask(name="task", label="Step", kind="choice", options=(("", "none of them"), *steps), needed=False)
    text = Ask(name="text", label="What was done otherwise", kind="area")
    yield desk.deed("note_deviation", "Deviation", about, text, which)
    yield desk.deed("abandon_playbook", "Give up the playbook", about, grave=True)
