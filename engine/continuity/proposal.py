"""What a playbook should say after what was really done: proposed changes, for people to review."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from engine.response_views import Deviation, Execution
from rules.playbooks import Playbook

MUCH = 1.5
"""How many times longer than planned a step takes before another duration is proposed."""


class Proposal(msgspec.Struct, kw_only=True, frozen=True):
    """A change of ``field`` of a task (or of the whole playbook) from ``before`` to ``after``, and why."""

    playbook: str
    task: str
    field: str
    before: str
    after: str
    why: str


def proposals_of(
    used: Iterable[Execution], deviations: Iterable[Deviation], playbooks: Iterable[Playbook] = ()
) -> Iterator[Proposal]:
    """One proposal per deviation, and one per step whose duration was wrong."""
    files = {one.id: one.file for one in playbooks}
    for one in deviations:
        yield _of(one, files.get(one.playbook, ""))
    for execution in used:
        for task in execution.tasks:
            if task.state == "done" and task.took is not None and task.took > MUCH * task.takes:
                yield Proposal(
                    playbook=execution.playbook,
                    task=task.id,
                    field="takes",
                    before=_minutes(task.takes),
                    after=_minutes(task.took),
                    why=f"it took {_minutes(task.took)} in this incident",
                )


def _of(one: Deviation, file: str) -> Proposal:
    fields = {"skipped": "tasks", "failed": "step", "emergency": "gates", "despite": "entities", "noted": "step"}
    after = {
        "skipped": f"leave out step {one.task}, or say when it is needed",
        "failed": f"another way to do step {one.task}",
        "emergency": "a change window, or an emergency procedure that needs none",
        "despite": "what does not fit any more, brought up to date",
    }.get(one.kind, one.text)
    return Proposal(
        playbook=one.playbook, task=one.task, field=fields[one.kind], before=file, after=after, why=one.text
    )


def _minutes(span: int) -> str:
    return f"{-(-span // 60_000)}m"
