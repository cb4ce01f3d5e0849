"""A point in time that cannot be read, or that does not say its zone. Times are RFC 3339."""

from __future__ import annotations

import re
from datetime import datetime

from rules.errors import Flaw

ID = "bad-time"
PATTERN = r"^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$"
DAY = r"^\d{4}-\d{2}-\d{2}$"
HINT = "write it like 2026-03-01T22:00:00Z or 2026-03-01T22:00:00+01:00"

_RFC3339 = re.compile(PATTERN, re.ASCII)
_DAY = re.compile(DAY, re.ASCII)


def instant(value: object) -> int:
    """Milliseconds since the epoch. Raises `Flaw`."""
    if not isinstance(value, str) or not _RFC3339.match(value):
        raise Flaw(ID, f"not a time: {value!r}", HINT)
    try:
        moment = datetime.fromisoformat(value.upper())
    except ValueError as error:
        raise Flaw(ID, f"not a time: {value!r}: {error}", HINT) from None
    return round(moment.timestamp() * 1000)


def day(value: object) -> str:
    """A date as it is, or nothing. Raises `Flaw`."""
    if not isinstance(value, str) or (value and not _DAY.match(value)):
        raise Flaw(ID, f"not a date: {value!r}", "write it like 2026-03-01")
    return value
