"""Two rules with one id: a decision that names the id would not say which of them spoke."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rules.document import Document, Place
from rules.errors import Problem

ID = "duplicate-id"
GATES = (
    ("gates", "scope"),
    ("gates", "maintenance"),
    ("gates", "silences"),
    ("gates", "thresholds"),
    ("gates", "inhibitions"),
)
"""All gates share one space of ids, as `modes` names them by id alone."""
SPACES = (
    GATES,
    (("heartbeats",),),
    (("severity", "rules"),),
    (("escalation", "rules"),),
    (("exposure",),),
    (("routes",),),
    (("tickets", "rules"),),
    (("probes",), ("data_checks",)),
    (("recovery", "indicators"),),
    (("obligations",),),
)


def find(documents: Sequence[Document]) -> Iterator[Problem]:
    """The second and later uses of an id, each naming the first."""
    for space in SPACES:
        first: dict[str, str] = {}
        for document, place, id in ids(documents, space):
            here = f"{document.file}:{document.line(place)}"
            if id in first:
                yield document.problem((*place, "id"), ID, f"id {id!r} is taken", f"first used at {first[id]}")
            first.setdefault(id, here)


def ids(documents: Sequence[Document], sections: Sequence[tuple[str, ...]]) -> Iterator[tuple[Document, Place, str]]:
    """The ids that are declared in some sections, also those of entries with other mistakes."""
    for document in documents:
        for section in sections:
            for place, item in document.items(*section):
                if isinstance(id := item.get("id"), str):
                    yield document, place, id
