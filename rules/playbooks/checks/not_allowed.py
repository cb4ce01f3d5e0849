"""An automated step that the allow list does not cover: it would be refused when it is needed most."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rules.document import Document, Place
from rules.errors import Problem

ID = "step-not-allowed"


def find(documents: Sequence[Document]) -> Iterator[Problem]:
    """Commands that ``allow.commands`` does not name, addresses that begin with none of ``allow.urls``."""
    commands, urls = _allowed(documents, "commands"), _allowed(documents, "urls")
    for document in documents:
        for place, book in document.items("playbooks"):
            for number, task in enumerate(book["tasks"] if isinstance(book.get("tasks"), list) else ()):
                if isinstance(task, dict):
                    yield from _step(document, (*place, "tasks", number), task, commands, urls)


def _step(
    document: Document, place: Place, task: dict[str, Any], commands: list[str], urls: list[str]
) -> Iterator[Problem]:
    command, http = task.get("command"), task.get("http")
    run = command.get("run") if isinstance(command, dict) else None
    url = http.get("url") if isinstance(http, dict) else None
    if isinstance(run, str) and run not in commands:
        message = f"command {run!r} is not on the allow list"
        yield document.problem((*place, "command", "run"), ID, message, "name it under allow.commands")
    if isinstance(url, str) and not any(url.startswith(prefix) for prefix in urls):
        message = f"address {url!r} is not on the allow list"
        yield document.problem((*place, "http", "url"), ID, message, "name how it begins under allow.urls")


def _allowed(documents: Sequence[Document], what: str) -> list[str]:
    sections = [document.value.get("allow") for document in documents if isinstance(document.value, dict)]
    listed = [one.get(what) for one in sections if isinstance(one, dict)]
    return [str(name) for names in listed if isinstance(names, list) for name in names]
