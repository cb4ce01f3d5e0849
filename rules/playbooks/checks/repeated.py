"""Two things with one id: a decision that names the id would not say which of them it meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rules.document import Document, Place
from rules.errors import Problem

ID = "duplicate-id"
SECTIONS = ("playbooks", "rosters", "vendors", "exercises")
ONCE = ("assessor", "review")
"""Sections that only one file may have."""


def find(documents: Sequence[Document]) -> Iterator[Problem]:
    """The second and later uses of an id, each naming the first; single sections that stand twice."""
    for section in SECTIONS:
        yield from _twice((document, place, one) for document in documents for place, one in document.items(section))
    for document in documents:
        for place, book in document.items("playbooks"):
            for part in ("tasks", "gates"):
                listed = book[part] if isinstance(book.get(part), list) else ()
                rows = ((document, (*place, part, n), one) for n, one in enumerate(listed) if isinstance(one, dict))
                yield from _twice(rows)
    for section in ONCE:
        said = [one for one in documents if isinstance(one.value, dict) and section in one.value]
        for document in said[1:]:
            yield document.problem((section,), ID, f"{section} is declared twice", f"first in {said[0].file}")


def _twice(rows: Iterable[tuple[Document, Place, dict[str, Any]]]) -> Iterator[Problem]:
    first: dict[str, str] = {}
    for document, place, one in rows:
        id = one.get("id")
        if not isinstance(id, str):
            continue
        here = f"{document.file}:{document.line(place)}"
        if id in first:
            yield document.problem((*place, "id"), ID, f"id {id!r} is taken", f"first used at {first[id]}")
        first.setdefault(id, here)
