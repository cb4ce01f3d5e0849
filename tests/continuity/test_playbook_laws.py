"""Laws of the task graph: no path around a gate, exactly one accountable owner, the critical path by brute force."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.continuity import execution as machine
from engine.errors import Refused
from engine.response_views import CLOSED, DONE, ENDED, PASSED, RUNNING, Execution, GateView, TaskView
from rules.playbooks import Decision, Gate, Playbook, Progress, Task, order, schedule
from rules.playbooks.parse import parse_playbooks

GATES = ("g0", "g1", "g2")


@st.composite
def graphs(draw: st.DrawFn, branches: bool = True) -> Playbook:
    """Acyclic playbooks of up to eight tasks, some of them decisions with branches, some behind gates."""
    tasks: list[Task] = []
    for number in range(draw(st.integers(1, 8))):
        before = [task.id for task in tasks]
        after = draw(st.lists(st.sampled_from(before), unique=True, max_size=3)) if before else []
        decisions = [task for task in tasks if task.decision]
        only = None
        if decisions and branches and draw(st.booleans()):
            only = (draw(st.sampled_from(decisions)).id, draw(st.sampled_from(["a", "b"])))
        tasks.append(
            Task(
                id=f"t{number}",
                title="",
                accountable="x",
                takes=draw(st.integers(0, 50)),
                after=tuple(after),
                gates=tuple(draw(st.lists(st.sampled_from(GATES), unique=True, max_size=2))),
                decision=Decision(("a", "b"), "x") if branches and draw(st.booleans()) else None,
                only_if=only,
            )
        )
    return Playbook(id="p", title="", tasks=tuple(tasks), gates=tuple(Gate(id=g, check="attested") for g in GATES))


def begun(playbook: Playbook) -> Execution:
    tasks = tuple(TaskView(id=t.id, title="", owner=("x",), kind="manual", takes=t.takes) for t in playbook.tasks)
    gates = tuple(GateView(id=g.id, check=g.check) for g in playbook.gates)
    return machine.settled(
        playbook, Execution(playbook="p", title="", rules="", at=0, by="", why="", tasks=tasks, gates=gates)
    )


def tried(playbook: Playbook, now: Execution, at: int, what: str, id: str, word: str) -> Execution:
    """What a person tries; a refusal changes nothing."""
    try:
        if what == "start":
            return machine.start(playbook, now, id, "x", at)
        if what == "finish":
            return machine.finish(playbook, now, id, "x", at)
        if what == "fail":
            return machine.fail(playbook, now, id, "x", at)
        if what == "skip":
            return machine.skip(playbook, now, id, "x", at)
        if what == "again":
            return machine.again(playbook, now, id, "x", at)
        if what == "decide":
            return machine.decide(playbook, now, id, word, "x", at)
        state = PASSED if word == "a" else CLOSED
        return machine.with_gate(playbook, now, GateView(id=GATES[int(id[1:]) % 3], check="attested", state=state))
    except Refused:
        return now


ACTS = ("start", "start", "finish", "fail", "skip", "skip", "again", "decide", "gate")


@settings(max_examples=60, deadline=None)
@given(graphs(), st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 7), st.sampled_from("ab")), max_size=40))
def test_no_path_leads_around_a_gate(playbook: Playbook, acts: list[tuple[str, int, str]]) -> None:
    now = begun(playbook)
    ever: set[str] = set()
    for at, (what, number, word) in enumerate(acts):
        before = now
        now = tried(playbook, now, at, what, f"t{number % len(playbook.tasks)}", word)
        ever |= {gate.id for gate in now.gates if gate.state == PASSED}
        for view in now.tasks:
            was = before.task(view.id)
            if view.state not in (RUNNING, DONE) or was is None or was.state in (RUNNING, DONE):
                continue
            task = playbook.task(view.id)
            assert task is not None
            assert all(gate.state == PASSED for gate in now.gates if gate.id in task.gates)
            assert all(needed(playbook, now, one) <= ever for one in task.before)
            assert all((seen := now.task(one)) is not None and seen.state in ENDED for one in task.before)


def needed(playbook: Playbook, now: Execution, id: str) -> set[str]:
    """By brute force: the gates of a task and of all that comes before it, but for branches that were not taken."""
    task, view = playbook.task(id), now.task(id)
    assert task is not None
    assert view is not None
    own = set() if view.state == "not_needed" else set(task.gates)
    return own.union(*(needed(playbook, now, before) for before in task.before))


@settings(max_examples=60, deadline=None)
@given(graphs(branches=False))
def test_the_critical_path_is_the_longest_of_all_paths(playbook: Playbook) -> None:
    tasks = {task.id: task for task in playbook.tasks}

    def longest(id: str) -> int:
        return tasks[id].takes + max((longest(before) for before in tasks[id].before), default=0)

    found = schedule(playbook.tasks, {}, 1000)
    assert found.finish == 1000 + max(longest(id) for id in tasks)
    assert sum(tasks[id].takes for id in found.critical) == found.finish - 1000
    assert all(a in tasks[b].before for a, b in zip(found.critical, found.critical[1:], strict=False))


@settings(max_examples=60, deadline=None)
@given(graphs(branches=False), st.data())
def test_what_is_done_and_what_runs_late_move_the_prediction_as_they_should(playbook: Playbook, data) -> None:
    """Brute force: a task's end is what is known of it, else after the latest of all before it."""
    ids = order(playbook.tasks)[0]
    count = data.draw(st.integers(0, len(ids)))
    known = {id: Progress(started=0, finished=data.draw(st.integers(0, 90))) for id in ids[:count]}
    if count < len(ids):
        known[ids[count]] = Progress(started=data.draw(st.integers(0, 90)))
    tasks = {task.id: task for task in playbook.tasks}

    def end(id: str) -> int:
        seen = known.get(id, Progress())
        if seen.finished is not None:
            return seen.finished
        if seen.started is not None:
            return max(100, seen.started + tasks[id].takes)
        return max(100, *(end(before) for before in tasks[id].before), 0) + tasks[id].takes

    assert schedule(playbook.tasks, known, 100).finish == max(end(id) for id in tasks)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(0, 5), max_size=3), min_size=1, max_size=6))
def test_a_graph_is_cyclic_exactly_when_a_task_reaches_itself(edges: list[list[int]]) -> None:
    tasks = [
        Task(id=f"t{n}", title="", accountable="x", after=tuple(f"t{m}" for m in after if m < len(edges)))
        for n, after in enumerate(edges)
    ]
    reach = {task.id: set(task.after) for task in tasks}
    for _ in tasks:
        reach = {id: found.union(*(reach[one] for one in found)) for id, found in reach.items()}
    assert set(order(tasks)[1]) == {id for id, found in reach.items() if id in found} or _between(tasks, reach)


def _between(tasks: list[Task], reach: dict[str, set[str]]) -> bool:
    """What lies on a way from one circle to another counts as stuck in them."""
    circular = {id for id, found in reach.items() if id in found}
    stuck = set(order(tasks)[1])
    return circular <= stuck and all(reach[id] & circular and any(id in reach[c] for c in circular) for id in stuck)


OWNERS = st.one_of(st.none(), st.just("ann"), st.lists(st.sampled_from(["ann", "bob", "cyd"]), max_size=3))


@settings(max_examples=20, deadline=None)
@given(OWNERS)
def test_no_task_comes_into_force_without_exactly_one_accountable_owner(owner: str | list[str] | None) -> None:
    said = (
        "" if owner is None else f", accountable: {owner if isinstance(owner, str) else '[' + ', '.join(owner) + ']'}"
    )
    text = f"playbooks:\n  - id: p\n    title: P\n    entities: [db]\n    tasks:\n      - {{id: a, title: A{said}}}\n"
    found, problems = parse_playbooks({"p.yaml": text})
    single = owner is not None and len({owner} if isinstance(owner, str) else set(owner)) == 1
    assert (found is not None) == single
    assert single or [one.check for one in problems] == ["missing-owner"]
