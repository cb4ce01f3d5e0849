"""A task, gate, option, roster or calendar that is named but not there."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from difflib import get_close_matches
from typing import Any

from rules.document import Document, Place
from rules.errors import Problem

ID = "dangling-task"


def find(documents: Sequence[Document]) -> Iterator[Problem]:
    """Everything that tasks name within their playbook, and the roster of the assessor."""
    rosters = {str(one.get("id")) for document in documents for _, one in document.items("rosters")}
    for document in documents:
        for place, book in document.items("playbooks"):
            yield from _in_book(document, place, book)
        said = document.value.get("assessor") if isinstance(document.value, dict) else None
        if isinstance(said, str) and said not in rosters:
            yield document.problem(("assessor",), ID, f"no roster {said!r}", _near(said, rosters))


def _in_book(document: Document, place: Place, book: dict[str, Any]) -> Iterator[Problem]:
    tasks = _by_id(book.get("tasks"))
    gates = _by_id(book.get("gates"))
    for number, one in enumerate(book["tasks"] if isinstance(book.get("tasks"), list) else ()):
        if not isinstance(one, dict):
            continue
        here = (*place, "tasks", number)
        for field, known in (("after", tasks), ("gates", gates)):
            for index, named in enumerate(one[field] if isinstance(one.get(field), list) else ()):
                if isinstance(named, str) and named not in known:
                    what = "task" if field == "after" else "gate"
                    yield document.problem((*here, field, index), ID, f"no {what} {named!r}", _near(named, known))
        if isinstance(one.get("only_if"), dict):
            yield from _option(document, (*here, "only_if"), one["only_if"], tasks)


def _option(document: Document, place: Place, only: dict[str, Any], tasks: dict[str, Any]) -> Iterator[Problem]:
    named, option = only.get("task"), only.get("option")
    task = tasks.get(str(named))
    decision = task.get("decision") if task is not None else None
    options = decision.get("options") if isinstance(decision, dict) else None
    if task is None:
        yield document.problem((*place, "task"), ID, f"no task {named!r}", _near(str(named), tasks))
    elif not isinstance(options, list):
        yield document.problem((*place, "task"), ID, f"task {named!r} decides nothing", "give it a decision:")
    elif option not in options:
        hint = _near(str(option), options) or f"its options are {', '.join(map(str, options))}"
        yield document.problem((*place, "option"), ID, f"the decision {named!r} has no option {option!r}", hint)


def _by_id(listed: object) -> dict[str, Any]:
    found = listed if isinstance(listed, list) else ()
    return {one["id"]: one for one in found if isinstance(one, dict) and isinstance(one.get("id"), str)}


def _near(word: str, known: Collection[str]) -> str:
    near = get_close_matches(word, sorted(map(str, known)), n=1)
    return f"did you mean {near[0]!r}?" if near else ""
