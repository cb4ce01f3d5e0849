"""Tasks that wait for each other: none of them could ever begin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rules.document import Document
from rules.errors import Problem
from rules.playbooks.graph import order
from rules.playbooks.model import Task

ID = "cyclic-tasks"


def find(documents: Sequence[Document]) -> Iterator[Problem]:
    """One problem per playbook, which names the tasks of its circles."""
    for document in documents:
        for place, book in document.items("playbooks"):
            listed = book.get("tasks")
            tasks = [task for one in (listed if isinstance(listed, list) else ()) if (task := _bare(one)) is not None]
            _, stuck = order(tasks)
            if stuck:
                number = next(
                    n for n, one in enumerate(listed or ()) if isinstance(one, dict) and one.get("id") in stuck
                )
                message = f"these tasks wait for each other: {', '.join(stuck)}"
                yield document.problem((*place, "tasks", number), ID, message, "take out one of their after:")


def _bare(found: Any) -> Task | None:
    """What of a task says on which others it waits, also where it has other mistakes."""
    if not isinstance(found, dict) or not isinstance(found.get("id"), str):
        return None
    after = found.get("after")
    only = found.get("only_if")
    hangs = (str(only["task"]), "") if isinstance(only, dict) and "task" in only else None
    before = tuple(str(one) for one in after) if isinstance(after, list) else ()
    return Task(id=found["id"], title="", accountable="", after=before, only_if=hangs)
