"""Pages of a list that is held in memory.

Cursors are keys of rows: what comes and goes between two pages neither repeats a row nor hides one.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable
from typing import TypeVar

Row = TypeVar("Row")

MOST = 500
"""Rows of one page, at most."""
LAST = 10**15 - 1
"""Milliseconds, later than all there will be."""


def page(rows: Iterable[Row], key: Callable[[Row], str], cursor: str, limit: int) -> tuple[list[Row], str]:
    """The rows whose key lies behind ``cursor`` in order of their keys, at most ``limit``, and the cursor of the next
    page, empty at the end. Keys differ from row to row."""
    ordered = sorted(rows, key=key)
    start = bisect.bisect_right(ordered, cursor, key=key) if cursor else 0
    found = ordered[start : start + limit]
    return found, key(found[-1]) if start + limit < len(ordered) else ""


def newest_first(at: int, id: str) -> str:
    """The key of a row that stands before all that are older; ``at`` in milliseconds."""
    return f"{LAST - at:015d}.{id}"
