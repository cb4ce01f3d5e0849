"""How single values are written in catalogue files. All raise ValueError with a message for the operator."""

from __future__ import annotations

import binascii
import math
import re
from datetime import date

from topology.regions import region

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"(\d{1,10})([smhdw]?)")
_TIME = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h)?")
_MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_NAME = re.compile(r"[^\s\x00-\x1f\x7f](?:[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?")
_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}

LONGEST_NAME = 200
LONGEST_DURATION = 100 * 366 * 86400
LARGEST_COUNT = 10**10
LARGEST_WEIGHT = 10**6
LARGEST_TIER = 100
LARGEST_PRIORITY = 1000
LONGEST_TIMEOUT = 86_400_000
LONGEST_SKETCH = 1_000_000


def duration(text: str) -> int:
    """Seconds of ``30s``, ``5m``, ``4h``, ``1d``, ``2w`` or a plain number of seconds."""
    found = _DURATION.fullmatch(text)
    seconds = int(found[1]) * _UNITS[found[2] or "s"] if found else -1
    if not 0 <= seconds <= LONGEST_DURATION:
        raise ValueError(f"{text[:40]!r} is not a duration such as 30s, 5m, 4h, 1d or a number of seconds")
    return seconds


def milliseconds(text: str) -> int:
    """Milliseconds of ``500ms``, ``2s``, ``1.5s``, ``1m`` or a plain number of seconds; up to a day."""
    found = _TIME.fullmatch(text)
    time = round(float(found[1]) * _MILLISECONDS[found[2] or "s"]) if found else 0
    if not 0 < time <= LONGEST_TIMEOUT:
        raise ValueError(f"{text[:40]!r} is not a timeout such as 500ms, 2s, 1m or a number of seconds, up to a day")
    return time


def day(text: str) -> str:
    """A date of ISO 8601, as it is."""
    try:
        if _DATE.fullmatch(text):
            date.fromisoformat(text)
            return text
    except ValueError:
        pass
    raise ValueError(f"{text[:40]!r} is not a date such as 2026-03-31")


def name(text: str) -> str:
    """An id or another name: one line, no blanks around it, at most 200 characters."""
    if len(text) > LONGEST_NAME:
        raise ValueError(f"{text[:40]!r}… is longer than {LONGEST_NAME} characters")
    if not _NAME.fullmatch(text):
        raise ValueError(f"{text!r} is not a name: it must be one line without blanks around it")
    return text


def whole(text: str) -> int:
    """A number of users, members, …"""
    if not (text.isascii() and text.isdecimal() and len(text) <= 11 and int(text) <= LARGEST_COUNT):
        raise ValueError(f"{text[:40]!r} is not a whole number from 0 to {LARGEST_COUNT}")
    return int(text)


def tier(text: str) -> int:
    """0 is the most critical."""
    if (number := whole(text)) > LARGEST_TIER:
        raise ValueError(f"{text!r} is not a tier from 0 to {LARGEST_TIER}")
    return number


def priority(text: str) -> int:
    """1 is restored first."""
    if not 1 <= (number := whole(text)) <= LARGEST_PRIORITY:
        raise ValueError(f"{text!r} is not a priority from 1 to {LARGEST_PRIORITY}")
    return number


def need(text: str) -> int:
    """How many members a group needs."""
    if (number := whole(text)) < 1:
        raise ValueError("a group needs at least 1 member")
    return number


def truth(text: str) -> bool:
    """true, yes, 1 or false, no, 0."""
    if text.lower() not in _TRUTHS:
        raise ValueError(f"{text[:40]!r} is neither true nor false")
    return _TRUTHS[text.lower()]


def words(text: str) -> tuple[str, ...]:
    """Names between semicolons."""
    return tuple(name(word.strip()) for word in text.split(";") if word.strip())


def regions(text: str) -> tuple[str, ...]:
    """Country codes between semicolons."""
    return tuple(region(word) for word in words(text))


def sketch(text: str) -> str:
    """A theta sketch, base64 without blanks, as it is."""
    if len(text) > LONGEST_SKETCH:
        raise ValueError(f"a sketch of more than {LONGEST_SKETCH} characters")
    # half of what a small command takes to start, and few catalogues have sketches
    from datasketches import compact_theta_sketch  # noqa: PLC0415

    try:
        compact_theta_sketch.deserialize(binascii.a2b_base64(text, strict_mode=True))
    except (ValueError, IndexError) as error:
        raise ValueError(f"not a theta sketch in base64: {error}") from None
    return text


def probability(text: str) -> int:
    """0 … 1 in parts per million."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    return millionths(number)


def millionths(number: float) -> int:
    """A probability in parts per million."""
    millionth = round(number * 1_000_000) if 0 <= number <= 1 else -1
    if millionth < 0 or (number and not millionth):
        raise ValueError(f"{number:g} is not a probability: 0, or from 0.000001 to 1")
    return millionth


def factor(text: str) -> int:
    """0 … 1 in thousandths."""
    return _thousandths(text, 0, 1)


def weight(text: str) -> int:
    """A member's share, in thousandths."""
    return _thousandths(text, 0, LARGEST_WEIGHT)


def capacity(text: str) -> int:
    """A required capacity, in thousandths."""
    return _thousandths(text, 0.001, LARGEST_COUNT)


def _thousandths(text: str, low: float, high: float) -> int:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not low <= number <= high:
        raise ValueError(f"{text[:40]!r} is not a number from {low} to {high}")
    return thousandths(number)


def thousandths(number: float) -> int:
    """The nearest integer number of thousandths."""
    return round(number * 1000)
