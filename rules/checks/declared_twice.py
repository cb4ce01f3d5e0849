"""A section of which there can be one only stands in two files; it would depend on file names which one counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rules.document import Document
from rules.errors import Problem

ID = "declared-twice"
SINGLE = (
    ("mapping",),
    ("correlation",),
    ("flapping",),
    ("evidence",),
    ("severity", "matrix"),
    ("severity", "users_total"),
    ("escalation", "levels"),
    ("escalation", "unacknowledged"),
    ("tickets", "owns"),
    ("tickets", "acknowledges"),
    ("updates",),
    ("recovery", "proof"),
    ("recovery", "settle"),
    ("recovery", "zone"),
    ("recovery", "margins"),
)


def find(documents: Sequence[Document]) -> Iterator[Problem]:
    """The later files, each naming the first."""
    for section in SINGLE:
        places = [(document, section) for document in documents if section in document.lines]
        for document, place in places[1:]:
            first = places[0][0]
            hint = f"first declared at {first.file}:{first.line(section)}; keep one"
            yield document.problem(place, ID, f"{'.'.join(section)} is declared in two files", hint)
