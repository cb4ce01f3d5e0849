"""A playbook's text changed by what was really done, with everything else, comments too, left as it was written.

A duration is put in the place of another; all else needs judgement and becomes a comment above its step.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from rules.document import Place, read

LONGEST = 300
_TAKES = re.compile(r"(\btakes:[ \t]*)([0-9]+[a-z]+[0-9a-z]*)")


class Change(NamedTuple):
    """What is to be said above a task ("": above the playbook), and how long it ``takes`` ("": as before)."""

    task: str
    remark: str
    takes: str = ""


def rewritten(text: str, playbook: str, changes: Iterable[Change]) -> str:
    """The text with the changes. Raises KeyError where it has no such playbook.

    >>> print(rewritten("playbooks:\\n- id: a\\n  tasks:\\n  - {id: b, takes: 5m}", "a", [Change("b", "slow", "9m")]))
    playbooks:
    - id: a
      tasks:
      # slow
      - {id: b, takes: 9m}
    """
    document = read("", text)
    place, book = next(((p, one) for p, one in document.items("playbooks") if one.get("id") == playbook), (None, {}))
    if place is None:
        raise KeyError(playbook)
    starts = _tasks(place, book, document.lines)
    lines = text.split("\n")
    ordered = sorted(changes, key=lambda one: starts.get(one.task, document.line(place)), reverse=True)
    for change in ordered:
        begins = starts.get(change.task, document.line(place))
        ends = min((line for line in starts.values() if line > begins), default=len(lines) + 1)
        if change.takes and change.task in starts:
            _retimed(lines, begins, ends, change.takes, text)
        indent = lines[begins - 1][: len(lines[begins - 1]) - len(lines[begins - 1].lstrip())]
        lines.insert(begins - 1, f"{indent}# {_one_line(change.remark)}")
        starts = {id: line + (line >= begins) for id, line in starts.items()}
    found = "\n".join(lines)
    return found


def _retimed(lines: list[str], begins: int, ends: int, takes: str, text: str) -> None:
    """Change the first duration among these lines, unless that would change anything else."""
    for number in range(begins - 1, min(ends, len(lines) + 1) - 1):
        if lines[number].lstrip().startswith("#"):
            continue
        changed, count = _TAKES.subn(lambda found: f"{found[1]}{takes}", lines[number], count=1)
        if count:
            before = lines[number]
            lines[number] = changed
            if _untimed(read("", "\n".join(lines)).value) != _untimed(read("", text).value):
                lines[number] = before
            return


def _tasks(place: Place, book: Mapping[str, Any], lines: Mapping[Place, int]) -> dict[str, int]:
    """Task -> the line where it begins."""
    tasks = book.get("tasks")
    found = {}
    for number, task in enumerate(tasks if isinstance(tasks, list) else ()):
        if isinstance(task, dict) and isinstance(task.get("id"), str):
            found[task["id"]] = lines[(*place, "tasks", number)]
    return found


def _untimed(value: Any) -> Any:
    """The same without durations of tasks."""
    if isinstance(value, dict):
        return {key: _untimed(one) for key, one in value.items() if key != "takes"}
    return [_untimed(one) for one in value] if isinstance(value, list) else value


def _one_line(text: str) -> str:
    """A stranger's text stays inside its comment."""
    seen = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return seen if len(seen) <= LONGEST else f"{seen[: LONGEST - 1]}…"
