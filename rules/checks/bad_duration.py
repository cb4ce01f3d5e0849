"""A duration that cannot be read. Durations are written as in Prometheus: 30s, 5m, 1h30m, 500ms, 7d."""

from __future__ import annotations

import re

from rules.errors import Flaw

ID = "bad-duration"
UNITS = {"y": 31_536_000_000, "w": 604_800_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
PATTERN = r"^(0|([0-9]{1,9}y)?([0-9]{1,9}w)?([0-9]{1,9}d)?([0-9]{1,9}h)?([0-9]{1,9}m)?([0-9]{1,9}s)?([0-9]{1,9}ms)?)$"
NEVER = "never"
LONGEST = 10 * UNITS["y"]

_WHOLE = re.compile(PATTERN)
_PIECE = re.compile(r"([0-9]+)(ms|[ywdhms])")


def milliseconds(value: object) -> int:
    """The duration in milliseconds. Raises `Flaw`."""
    text = value.strip() if isinstance(value, str) else ""
    if not text or not _WHOLE.match(text):
        raise Flaw(ID, f"not a duration: {value!r}", "write it like 30s, 5m or 1h30m")
    total = sum(int(count) * UNITS[unit] for count, unit in _PIECE.findall(text))
    if total > LONGEST:
        raise Flaw(ID, f"longer than ten years: {text}")
    return total


def or_never(value: object) -> int | None:
    """The duration, None for ``never``. Raises `Flaw` for one of less than a minute too."""
    if value == NEVER:
        return None
    found = milliseconds(value)
    if found < UNITS["m"]:
        raise Flaw(ID, f"less than a minute: {value}", "write it like 30m, or never")
    return found
