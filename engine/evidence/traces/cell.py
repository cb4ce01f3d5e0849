"""The minutes of one operation or edge: recent ones each by itself, older ones in blocks, the oldest forgotten.

``latest`` is always the youngest minute of all spans, so that what is kept does not depend on the order of arrival: a
span of an old minute that comes late is counted where its minute has gone.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from engine.evidence.traces.tally import Tally
from engine.signals import Millis

MINUTE: Millis = 60_000
RECENT = 30
"""Minutes that are kept one by one; a window lies in them."""
BLOCK = 30
"""Minutes of a block."""
BLOCKS = 4
"""Blocks kept: usual is what was seen in these two hours, and in the recent minutes before the window."""


class Cell(msgspec.Struct, array_like=True):
    """Tallies by minute since 1970 and by block."""

    minutes: dict[int, Tally] = {}
    blocks: dict[int, Tally] = {}

    def tally(self, minute: int, latest: int) -> Tally | None:
        """The tally that a minute is counted in; None when it is too old to be kept."""
        if minute > latest - RECENT:
            found = self.minutes.get(minute)
            if found is None:
                found = self.minutes[minute] = Tally()
                if len(self.minutes) > RECENT:
                    self.fold(latest)
            return found
        block = minute // BLOCK
        if block <= _last(latest):
            return None
        found = self.blocks.get(block)
        if found is None:
            found = self.blocks[block] = Tally()
        return found

    def tidy(self, minute: int, latest: int) -> None:
        """Forget the tally of a minute from which everything was taken back."""
        table, key = (self.minutes, minute) if minute > latest - RECENT else (self.blocks, minute // BLOCK)
        tally = table.get(key)
        if tally is not None and not tally.spans and not tally.bins:
            del table[key]

    def fold(self, latest: int) -> bool:
        """Move minutes into blocks and forget old blocks; False when nothing is left."""
        edge = latest - RECENT
        for minute in [minute for minute in self.minutes if minute <= edge]:
            tally = self.minutes.pop(minute)
            found = self.blocks.setdefault(minute // BLOCK, tally)
            if found is not tally:
                found.merge(tally)
        last = _last(latest)
        for block in [block for block in self.blocks if block <= last]:
            del self.blocks[block]
        return bool(self.minutes or self.blocks)

    def merge(self, other: Cell, latest: int) -> None:
        """Add another cell."""
        for minute, tally in other.minutes.items():
            self.minutes.setdefault(minute, Tally()).merge(tally)
        for block, tally in other.blocks.items():
            self.blocks.setdefault(block, Tally()).merge(tally)
        self.fold(latest)

    def within(self, low: int, high: int) -> Iterator[tuple[int, Tally]]:
        """The minutes ``low … high`` that are kept one by one."""
        return ((minute, tally) for minute, tally in self.minutes.items() if low <= minute <= high)

    def before(self, low: int) -> Iterator[tuple[int, Tally]]:
        """What was kept before a minute: minute by minute, and block by block (by the block's first minute)."""
        for minute, tally in self.minutes.items():
            if minute < low:
                yield minute, tally
        for block, tally in self.blocks.items():
            if (block + 1) * BLOCK <= low:
                yield block * BLOCK, tally


def _last(latest: int) -> int:
    """The youngest block that is forgotten."""
    return (latest - RECENT) // BLOCK - BLOCKS
