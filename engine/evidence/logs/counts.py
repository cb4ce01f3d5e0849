"""Counts per minute of event time, sparse and bounded."""

from __future__ import annotations

from array import array
from bisect import bisect_left

import msgspec

from engine.signals import Millis

MINUTE: Millis = 60_000
KEPT = 240
"""Minutes kept before the newest one; what is older is forgotten."""


class Counts(msgspec.Struct, array_like=True):
    """Minutes (since 1970) with anything in them, ascending, and how much: 8 bytes a minute."""

    minutes: array = msgspec.field(default_factory=lambda: array("I"))  # type: ignore[type-arg]  # of int
    counts: array = msgspec.field(default_factory=lambda: array("I"))  # type: ignore[type-arg]  # of int

    def add(self, minute: int) -> None:
        """One more in a minute, in any order; one that is too old changes nothing."""
        minutes = self.minutes
        if minutes and minutes[-1] == minute:
            self.counts[-1] += 1
        elif not minutes or minute > minutes[-1]:
            minutes.append(minute)
            self.counts.append(1)
            old = bisect_left(minutes, minute - KEPT)
            if old:
                del minutes[:old], self.counts[:old]
        elif minute >= minutes[-1] - KEPT:
            place = bisect_left(minutes, minute)
            if minutes[place] == minute:
                self.counts[place] += 1
            else:
                minutes.insert(place, minute)
                self.counts.insert(place, 1)

    def between(self, low: int, high: int) -> int:
        """All in the minutes ``low … high``."""
        minutes = self.minutes
        return sum(self.counts[bisect_left(minutes, low) : bisect_left(minutes, high + 1)])

    def at(self, minute: int) -> int:
        """All in one minute."""
        place = bisect_left(self.minutes, minute)
        return self.counts[place] if place < len(self.minutes) and self.minutes[place] == minute else 0

    @property
    def total(self) -> int:
        """All that is kept."""
        return sum(self.counts)

    @property
    def last(self) -> int:
        """The newest minute; 0 when there is none."""
        return self.minutes[-1] if self.minutes else 0

    @property
    def first(self) -> int:
        """The oldest minute kept; 0 when there is none."""
        return self.minutes[0] if self.minutes else 0
