"""A gate that names neither labels nor entities: it covers nothing, whatever was meant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rules.document import Document
from rules.errors import Problem

ID = "covers-nothing"
SECTIONS = ("scope", "maintenance", "silences", "thresholds")


def find(documents: Sequence[Document]) -> Iterator[Problem]:
    """Gates with neither match nor entities."""
    for document in documents:
        for section in SECTIONS:
            for place, item in document.items("gates", section):
                if not item.get("match") and not item.get("entities"):
                    yield document.problem(place, ID, "covers nothing", "add entities: or match:")
