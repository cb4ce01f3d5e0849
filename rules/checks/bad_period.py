"""A deadline of a regime that cannot be read."""

from __future__ import annotations

import re

from rules.errors import Flaw
from rules.regimes.model import Period, Unit

ID = "bad-period"
HINT = 'write it like "aware + 24h", "determined + 4bd", "found + 60d", "sent + 1mo" or "year_end(found) + 60d"'
PATTERN = r"^(year_end\()?([a-z][a-z0-9_]*)(\))?\s*\+\s*(\d+)\s*(h|d|bd|mo)$"
UNITS: dict[str, Unit] = {"h": "hours", "d": "days", "bd": "business_days", "mo": "months"}
LONGEST = 100_000
_PERIOD = re.compile(PATTERN)


def period(value: object) -> Period:
    """A mark plus hours, calendar days, business days or months, or days after the end of its year. Raises `Flaw`."""
    found = _PERIOD.match(value.strip()) if isinstance(value, str) else None
    if not found or bool(found[1]) != bool(found[3]):
        raise Flaw(ID, f"not a deadline: {value!r}", HINT)
    amount, unit = int(found[4]), UNITS[found[5]]
    if amount > LONGEST:
        raise Flaw(ID, f"a deadline that far ahead cannot be kept: {value!r}", HINT)
    if not found[1]:
        return Period(found[2], amount, unit)
    if unit != "days":
        raise Flaw(ID, f"after the end of a year only days count: {value!r}", HINT)
    return Period(found[2], amount, "year_end_days")


MINUTE = r"^([01]?\d|2[0-4]):([0-5]\d)$"
_MINUTE = re.compile(MINUTE)


def minute(value: object) -> int:
    """The minute of a day at which a working day ends, or until which a deadline moves. Raises `Flaw`."""
    found = _MINUTE.match(value) if isinstance(value, str) else None
    at = int(found[1]) * 60 + int(found[2]) if found else 0
    if not found or at > 24 * 60:
        raise Flaw(ID, f"not a time of day: {value!r}", 'write it like "12:00"')
    return at
