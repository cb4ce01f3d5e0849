"""A threshold on a value without a clear line: a value that wavers around it makes the alert come and go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rules.document import Document
from rules.errors import Problem

ID = "threshold-without-clear"
PAIRS = (("above", "clear_below"), ("below", "clear_above"))


def find(documents: Sequence[Document]) -> Iterator[Problem]:
    """Thresholds with neither a clear line nor a time to clear (a warning)."""
    for document in documents:
        for place, item in document.items("gates", "thresholds"):
            for line, clear in PAIRS:
                if line in item and clear not in item and "clear_for" not in item:
                    hint = f"add {clear}: with some distance to {item[line]}, or clear_for:"
                    yield document.problem((*place, line), ID, f"{line} without {clear}", hint, warning=True)
