"""Windows of samples: what an indicator showed on some occasion, as arrays that were pinned when the incident began."""

from __future__ import annotations

from enum import StrEnum

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.signals import Millis

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
WEEK: Millis = 7 * 86_400_000


class Occasion(StrEnum):
    """What a window is: the same hour of a week in the past, the time just before onset, or after restoration."""

    PAST_WEEK = "past_week"
    BEFORE_ONSET = "before_onset"
    AFTER = "after"


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """Samples from ``start`` to ``end``: ``times`` (milliseconds, any order), ``values`` (NaN: none), ``totals`` for
    ratios, all of one length. ``interval``: the expected distance of samples. The offsets are those of the clock on the
    wall from UTC at start and end, so that weeks are compared by the hour that people live in. ``tainted`` says why the
    window is known not to be clean (an incident, a maintenance)."""

    occasion: Occasion
    start: Millis
    end: Millis
    interval: Millis
    times: Ints
    values: Floats
    totals: Floats | None = None
    offset_start: Millis = 0
    offset_end: Millis = 0
    tainted: str = ""

    @property
    def expected(self) -> int:
        """How many samples a complete window has."""
        return max(1, int((self.end - self.start) // max(self.interval, 1)))

    @property
    def clock_changed(self) -> bool:
        """Did daylight saving begin or end in it?"""
        return self.offset_start != self.offset_end


def hours_apart(one: Window, other: Window) -> float:
    """How far two windows lie from each other in the week of the clock on the wall, in hours; 0 where they overlap.

    >>> week = Window(occasion=Occasion.PAST_WEEK, start=0, end=3_600_000, interval=60_000,
    ...               times=np.arange(0), values=np.arange(0.0))
    >>> after = msgspec.structs.replace(week, start=WEEK + 5_400_000, end=WEEK + 7_200_000)
    >>> hours_apart(week, after), hours_apart(week, msgspec.structs.replace(after, offset_start=-3_600_000))
    (0.5, 0.0)
    """
    ahead = (other.start + other.offset_start - one.start - one.offset_start) % WEEK
    behind = WEEK - ahead
    apart = min(max(0, ahead - (one.end - one.start)), max(0, behind - (other.end - other.start)))
    return apart / 3_600_000
