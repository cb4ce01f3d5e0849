"""The ledger in numbers and lines, as every database keeps it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from engine.outcomes import LedgerEntry
from engine.reasons import Disposition
from engine.signals import Millis

ORDER = tuple(disposition.value for disposition in Disposition)
"""The columns of table `ledger`, in their order."""
_PLACE = {disposition: place for place, disposition in enumerate(Disposition)}


class Count(msgspec.Struct):
    """The ledger counted up to and including a position and a change."""

    position: int = 0
    change: int = 0
    counts: dict[str, int] = {}


def tally(entries: Sequence[LedgerEntry]) -> list[int]:
    """How many of each disposition, in `ORDER`."""
    found = [0] * len(ORDER)
    for entry in entries:
        found[_PLACE[entry.disposition]] += 1
    return found


def line(
    id: str, alert: int, at: Millis | None, disposition: str, reason: str, incident: str, rule: str,
    enforced: str | None,
) -> dict[str, object]:  # fmt: skip
    """One disposition as `Reader.why` gives it. ``enforced`` equals the disposition unless a rule is in shadow mode."""
    return {
        "event": id,
        "alert": alert,
        "at": at,
        "disposition": str(disposition),
        "reason": str(reason),
        "incident": incident,
        "rule": rule,
        "enforced": str(enforced or disposition),
    }
