"""Cursors, limits and ids, as every store reads them. Cursors are numbers that only ever grow with new items."""

from __future__ import annotations

from typing import Literal

MAX_LIMIT = 500
"""Longest page."""

NEWEST = 2**63 - 1
"""The cursor of a first page: lists run from the newest item downwards."""

WHOLE = {"behind": -1, "before": NEWEST, "limit": NEWEST}
"""The limits of a list that is read as a whole."""

_MAX_DIGITS = 18
_FINGERPRINT = 32


def before(cursor: str) -> int:
    """The number below which a page starts. Raises ValueError for what is no cursor of ours."""
    if not cursor:
        return NEWEST
    if not _number(cursor):
        raise ValueError(f"{cursor!r} is not a cursor; use the `next` of the page before")
    return int(cursor)


def behind(cursor: str) -> int:
    """The number behind which a page of a list from the oldest item upwards starts. Raises ValueError."""
    return before(cursor) if cursor else -1


def upwards(cursor: str, limit: int) -> dict[str, int]:
    """The limits of a page, and one more row, of a list from the oldest item upwards. Raises ValueError."""
    return {"behind": behind(cursor), "limit": size(limit) + 1}


def size(limit: int) -> int:
    """The number of items of a page, 1 … `MAX_LIMIT`."""
    return max(1, min(limit, MAX_LIMIT))


def event(id: str) -> tuple[int, int] | None:
    """(position, index) of an alert event's id, None when it is none."""
    position, dash, index = id.partition("-")
    return (int(position), int(index)) if dash and _number(position) and _number(index) else None


def alert(id: str) -> tuple[Literal["event", "fingerprint", "number"], str]:
    """Which kind of id a person gave for an alert."""
    if event(id):
        return "event", id
    if _number(id):
        return "number", id
    return "fingerprint", id.lower() if len(id) == _FINGERPRINT else ""


def _number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS
