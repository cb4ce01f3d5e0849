"""A maintenance window or silence that ends before it starts, never ends, or whose weekly schedule cannot be read."""

from __future__ import annotations

import re

from rules.errors import Flaw
from rules.gates.maintenance import Weekly

ID = "bad-window"
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
PATTERN = r"^\s*([a-z][a-z, -]*?)\s+(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})\s*$"
HINT = 'write it like "sat 02:00-04:00", "mon-fri 22:00-06:00" or "daily 03:00-03:30"'

_SCHEDULE = re.compile(PATTERN, re.ASCII | re.IGNORECASE)


def ordered(start: int | None, end: int | None) -> None:
    """Raises `Flaw` when the end is not after the start."""
    if start is not None and end is not None and end <= start:
        raise Flaw(ID, "until is not after from", "exchange them, or correct the date")


def bounded(*, has_end: bool, has_schedule: bool) -> None:
    """Raises `Flaw` for a window without until and without every."""
    if not has_end and not has_schedule:
        raise Flaw(ID, "the window never ends", "add until:, or every: for a weekly window; scope: leaves out for good")


def weekly(text: object) -> Weekly:
    """A weekly schedule, in UTC. Raises `Flaw`."""
    match = _SCHEDULE.match(text) if isinstance(text, str) else None
    if match is None or not isinstance(text, str):
        raise Flaw(ID, f"not a weekly schedule: {text!r}", HINT)
    start, end = _minutes(match[2], match[3], text), _minutes(match[4], match[5], text)
    if start == 24 * 60:
        raise Flaw(ID, f"24:00 can only be an end: {text!r}", HINT)
    return Weekly(_days(match[1].lower(), text), start, end)


def _days(words: str, text: str) -> tuple[int, ...]:
    if words == "daily":
        return tuple(range(7))
    found: set[int] = set()
    for part in words.split(","):
        first, dash, last = (word.strip()[:3] for word in part.partition("-"))
        if first not in DAYS or (dash and last not in DAYS):
            raise Flaw(ID, f"not a day of the week: {part.strip()!r} in {text!r}", f"days are {', '.join(DAYS)}")
        start = DAYS.index(first)
        length = (DAYS.index(last) - start) % 7 if dash else 0
        found.update((start + step) % 7 for step in range(length + 1))
    return tuple(sorted(found))


def _minutes(hours: str, minutes: str, text: str) -> int:
    total = int(hours) * 60 + int(minutes)
    if int(minutes) > 59 or total > 24 * 60:
        raise Flaw(ID, f"no such time of day: {hours}:{minutes} in {text!r}", HINT)
    return total
