"""A playbook in use, as a state machine over its task graph. Pure: nothing but the playbook and what was done so far.

No path leads around a gate: what is skipped or not needed lets nobody through before all that comes before it has
ended, and whoever follows a skipped task needs its gates instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from engine.errors import Conflict, Refused
from engine.response_views import (
    CLOSED,
    DONE,
    ENDED,
    FAILED,
    NOT_NEEDED,
    READY,
    RUNNING,
    SKIPPED,
    WAITING,
    Execution,
    GateView,
    StepRun,
    TaskView,
)
from engine.signals import Millis
from rules.playbooks import Playbook, Progress, Task, order, schedule

replace = msgspec.structs.replace
MOST_RUNS = 20
"""Attempts that are kept of a step; the timeline has all of them."""
_DROPPED = frozenset({SKIPPED, NOT_NEEDED})


def settled(playbook: Playbook, execution: Execution) -> Execution:
    """Who can begin now, who is not needed any more, and what the others wait for."""
    known = {one.id: one for one in execution.tasks}
    for id in order(playbook.tasks)[0]:
        task, view = playbook.task(id), known[id]
        if task is None or view.state not in (WAITING, READY, NOT_NEEDED):
            continue
        if task.only_if is not None and _elsewhere(known[task.only_if[0]], task.only_if[1]):
            known[id] = replace(view, state=NOT_NEEDED, blocked_by=())
            continue
        now = replace(execution, tasks=tuple(known.values()))
        waits = tuple(one for one in task.before if not through(playbook, now, one))
        shut = tuple(gate for gate in needed_gates(playbook, now, id) if _shut(now, gate))
        known[id] = replace(view, state=WAITING if waits else READY, blocked_by=(*waits, *shut))
    return replace(execution, tasks=tuple(known[task.id] for task in playbook.tasks))


def _elsewhere(decision: TaskView, option: str) -> bool:
    """Did the decision fall otherwise, or is it not even needed?"""
    return decision.state == NOT_NEEDED or (decision.state == DONE and decision.option != option)


def through(playbook: Playbook, execution: Execution, id: str) -> bool:
    """May what comes after a task go on? What was dropped lets through only whom all before it let through."""
    view, task = execution.task(id), playbook.task(id)
    if view is None or task is None:
        return True
    if view.state == DONE:
        return True
    return view.state in ENDED and all(through(playbook, execution, before) for before in task.before)


def needed_gates(playbook: Playbook, execution: Execution, id: str) -> tuple[str, ...]:
    """A task's gates, and those of the skipped tasks that it follows."""
    task = playbook.task(id)
    return tuple(dict.fromkeys((*(task.gates if task else ()), *_inherited(playbook, execution, id))))


def _inherited(playbook: Playbook, execution: Execution, id: str) -> Iterator[str]:
    task = playbook.task(id)
    for before in task.before if task else ():
        view, dropped = execution.task(before), playbook.task(before)
        if view is not None and view.state in _DROPPED:
            if dropped is not None and view.state == SKIPPED:
                yield from dropped.gates
            yield from _inherited(playbook, execution, before)


def _shut(execution: Execution, id: str) -> bool:
    gate = execution.gate(id)
    return gate is None or gate.state == CLOSED


def start(playbook: Playbook, execution: Execution, id: str, by: str, now: Millis, version: str = "") -> Execution:
    """Begin a task. Raises `Refused`, which names every task and gate that stands before it."""
    view = _of(execution, id, version)
    task = _task(playbook, id)
    if view.state not in (WAITING, READY):
        raise _conflict(view, "start")
    waits = [one for one in task.before if not through(playbook, execution, one)]
    shut = [gate for gate in needed_gates(playbook, execution, id) if _shut(execution, gate)]
    if waits or shut:
        said = [f"task {one} is {_state(execution, one)}" for one in waits]
        said += [f"gate {gate} is closed: {_why(execution, gate)}" for gate in shut]
        raise Refused(f"{id} cannot begin: {'; '.join(said)}")
    return _with(playbook, execution, view, by, now, state=RUNNING, started_at=now, blocked_by=())


def finish(
    playbook: Playbook, execution: Execution, id: str, by: str, now: Millis, version: str = "", output: str = ""
) -> Execution:
    """A running task is done."""
    view = _of(execution, id, version)
    if _task(playbook, id).decision is not None:
        raise Refused(f"{id} is a decision: it ends when somebody decides")
    _by_hand(view)
    if view.state != RUNNING:
        raise _conflict(view, "finish")
    return _with(playbook, execution, view, by, now, state=DONE, finished_at=now, output=output)


def fail(
    playbook: Playbook, execution: Execution, id: str, by: str, now: Millis, version: str = "", why: str = ""
) -> Execution:
    """A running task did not work. What follows waits until it is tried again, or skipped."""
    view = _of(execution, id, version)
    _by_hand(view)
    if view.state != RUNNING:
        raise _conflict(view, "fail")
    return _with(playbook, execution, view, by, now, state=FAILED, finished_at=now, note=why)


def again(playbook: Playbook, execution: Execution, id: str, by: str, now: Millis, version: str = "") -> Execution:
    """What failed or was skipped is to be done after all."""
    view = _of(execution, id, version)
    if view.state not in (FAILED, SKIPPED):
        raise _conflict(view, "retry")
    begun = [one.id for one in execution.tasks if one.started_at is not None and id in _ancestors(playbook, one.id)]
    if view.state == SKIPPED and begun:
        raise Refused(f"{id} was skipped, and {', '.join(begun)} went on since")
    return _with(playbook, execution, view, by, now, state=WAITING, started_at=None, finished_at=None)


def skip(
    playbook: Playbook, execution: Execution, id: str, by: str, now: Millis, version: str = "", why: str = ""
) -> Execution:
    """Leave a task out, for a reason. Its gates stay: whoever follows it needs them."""
    view = _of(execution, id, version)
    if _task(playbook, id).decision is not None:
        raise Refused(f"{id} is a decision: it is settled, not skipped")
    if view.state not in (WAITING, READY, FAILED):
        raise _conflict(view, "skip")
    return _with(playbook, execution, view, by, now, state=SKIPPED, finished_at=now, note=why, blocked_by=())


def decide(
    playbook: Playbook, execution: Execution, id: str, option: str, by: str, now: Millis, version: str = ""
) -> Execution:
    """Settle a decision; the tasks of its other options are not needed. It waits as any task does."""
    view, task = _of(execution, id, version), _task(playbook, id)
    if task.decision is None:
        raise Refused(f"{id} is no decision")
    if option not in task.decision.options:
        raise Refused(f"{id} has no option {option!r}; it has {', '.join(task.decision.options)}")
    if view.state in (WAITING, READY):
        execution = start(playbook, execution, id, by, now)
        view = execution.task(id) or view
    if view.state != RUNNING:
        raise _conflict(view, "decide")
    return _with(playbook, execution, view, by, now, state=DONE, finished_at=now, option=option)


def with_gate(playbook: Playbook, execution: Execution, gate: GateView) -> Execution:
    """What a look at a gate has found."""
    gates = tuple(gate if one.id == gate.id else one for one in execution.gates)
    return settled(playbook, replace(execution, gates=gates))


def forecast(playbook: Playbook, execution: Execution, due: Millis | None, now: Millis) -> Execution:
    """The live critical path, when it will be finished, and what that means for the soonest RTO."""
    seen = {
        one.id: Progress(one.started_at, one.finished_at if one.state == DONE else None, one.state in _DROPPED)
        for one in execution.tasks
    }
    plan = schedule(playbook.tasks, seen, now)
    ended = not execution.open_tasks
    finish = max((one.finished_at or now for one in execution.tasks), default=now) if ended else plan.finish
    late = max(0, finish - due) if due is not None else 0
    return replace(execution, critical=plan.critical, finish=finish, due=due, late=late)


def _with(
    playbook: Playbook, execution: Execution, view: TaskView, by: str, now: Millis, **changes: object
) -> Execution:
    changed = replace(view, by=by, changed_at=now, version=view.version + 1, **changes)
    tasks = tuple(changed if one.id == view.id else one for one in execution.tasks)
    found = settled(playbook, replace(execution, tasks=tasks))
    ended = None if found.open_tasks else now
    return replace(found, ended_at=ended, ended_why="all its tasks have ended" if ended is not None else "")


def with_run(execution: Execution, id: str, run: StepRun) -> Execution:
    """A task with one more attempt, or with what came of one."""
    view = _of(execution, id, "")
    known = [one for one in view.runs if one.id != run.id]
    changed = replace(view, runs=(*known, run)[-MOST_RUNS:])
    return replace(execution, tasks=tuple(changed if one.id == id else one for one in execution.tasks))


def _by_hand(view: TaskView) -> None:
    """Nobody says what came of a step while it is being carried out."""
    if view.running is not None:
        raise Conflict(f"{view.id} is being carried out for {view.running.by}: its result decides")


def _of(execution: Execution, id: str, version: str) -> TaskView:
    view = execution.task(id)
    if view is None:
        raise Refused(f"{execution.playbook} has no task {id!r}; it has {', '.join(one.id for one in execution.tasks)}")
    if version and version != str(view.version):
        raise _conflict(view, f"act on version {version} of")
    return view


def _task(playbook: Playbook, id: str) -> Task:
    found = playbook.task(id)
    if found is None:
        raise Refused(f"{playbook.id} has no task {id!r}")
    return found


def _conflict(view: TaskView, what: str) -> Conflict:
    by = f" by {view.by}" if view.by else ""
    return Conflict(f"cannot {what} {view.id}: it is {view.state}{by}, version {view.version}")


def _state(execution: Execution, id: str) -> str:
    view = execution.task(id)
    return view.state if view else "unknown"


def _why(execution: Execution, id: str) -> str:
    gate = execution.gate(id)
    return gate.why if gate else "it is not declared"


def _ancestors(playbook: Playbook, id: str) -> set[str]:
    found: set[str] = set()
    front: Iterable[str] = (id,)
    while front:
        front = {before for one in front if (task := playbook.task(one)) for before in task.before} - found
        found |= set(front)
    return found
