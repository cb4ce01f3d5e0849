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
    starts, timed = _tasks(place, book, document.lines)
    lines, untimed = text.split("\n"), _untimed(document.value)
    for change in sorted(changes, key=lambda one: starts.get(one.task, document.line(place)), reverse=True):
        begins = starts.get(change.task, document.line(place))
        if change.takes and change.task in timed:
            _retimed(lines, timed[change.task], change.takes, untimed)
        indent = lines[begins - 1][: len(lines[begins - 1]) - len(lines[begins - 1].lstrip())]
        lines.insert(begins - 1, f"{indent}# {_one_line(change.remark)}")
    return "\n".join(lines)


def _retimed(lines: list[str], number: int, takes: str, untimed: object) -> None:
    """Change the duration in a line, unless that would change anything else."""
    before = lines[number - 1]
    was = read("", "\n".join(lines)).value
    for found in _TAKES.finditer(before):
        lines[number - 1] = f"{before[: found.start(2)]}{takes}{before[found.end(2) :]}"
        value = read("", "\n".join(lines)).value
        if value != was and _untimed(value) == untimed:
            return
    lines[number - 1] = before


def _tasks(place: Place, book: Mapping[str, Any], lines: Mapping[Place, int]) -> tuple[dict[str, int], dict[str, int]]:
    """Task -> the line where it begins, and the one where its duration stands."""
    tasks = book.get("tasks")
    found, timed = {}, {}
    for number, task in enumerate(tasks if isinstance(tasks, list) else ()):
        if isinstance(task, dict) and isinstance(task.get("id"), str):
            found[task["id"]] = lines[(*place, "tasks", number)]
            if "takes" in task:
                timed[task["id"]] = lines[(*place, "tasks", number, "takes")]
    return found, timed


def _untimed(value: Any) -> Any:
    """The same without durations of tasks."""
    if isinstance(value, dict):
        return {key: _untimed(one) for key, one in value.items() if key != "takes"}
    return [_untimed(one) for one in value] if isinstance(value, list) else value


def _one_line(text: str) -> str:
    """A stranger's text stays inside its comment."""
    seen = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return seen if len(seen) <= LONGEST else f"{seen[: LONGEST - 1]}…"
