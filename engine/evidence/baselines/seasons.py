"""What is usual at an hour of the week: median and spread for each hour of working days and of weekends (UTC).

An hour is looked at when it is over and cannot be late any more: its median, and the spread around it, move the
bucket's by a quarter (less than three spreads at a time, so that one bad hour does not become the rule). A bucket says
something from its second visit on. Series get buckets when they have a day of history; there are `MOST` of them.

A bucket takes 3 bytes: its median as a 16-bit float, in the series' own spreads from its own centre at the time it was
given buckets; its spread as a power of two in sixteenths. https://en.wikipedia.org/wiki/Half-precision_floating-point
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.signals import Millis

HOUR: Millis = 3_600_000
BUCKETS = 48
DAY = 24
WEIGHT = 0.25
CLIP = 3.0
TINY = 1e-9
FARTHEST, WIDEST = 3e4, 200.0
"""In its own spreads: a series that goes beyond has become another one, and begins anew."""
STEPS, MIDDLE, UNKNOWN = 16, 128, 0
_FIRST_DAY = 3  # 1970-01-01 was a Thursday: day 3 of a week that begins on Monday
_WEEKEND = 5
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def bucket(hours: Ints) -> Ints:
    """0 … 47 of hours since the epoch: hour of a working day, or 24 + hour of a weekend's.

    >>> bucket(np.array([0, 48])).tolist()
    [0, 24]
    """
    return hours % DAY + DAY * ((hours // DAY + _FIRST_DAY) % 7 >= _WEEKEND)


class Seasons:
    """Buckets by row of a pool that grows with the series that have them."""

    def __init__(self) -> None:
        self.count = 0
        self.centre = np.empty(0, np.float32)
        self.scale = np.empty(0, np.float32)
        self.medians = np.empty((0, BUCKETS), np.float16)
        self.spreads = np.empty((0, BUCKETS), np.uint8)
        self.free: list[int] = []

    def allot(self, centres: Floats, scales: Floats) -> Ints:
        """New rows for series of these centres and spreads."""
        rows = np.array([self.free.pop() if self.free else self._next() for _ in centres], np.int64)
        self._begin(rows, centres, scales)
        return rows

    def release(self, row: int) -> None:
        """The series is gone."""
        self.free.append(row)

    def learn(self, rows: Ints, hours: Ints, medians: Floats, spreads: Floats) -> None:
        """Take what an hour that is over has shown; one hour per row."""
        at = bucket(hours)
        centre, scale = self.centre[rows].astype(float), self.scale[rows].astype(float)
        seen = (medians - centre) / scale
        wide = spreads / scale
        lost = (np.abs(seen) > FARTHEST) | (wide > WIDEST)
        if lost.any():
            self._begin(rows[lost], medians[lost], spreads[lost])
            self.learn(rows, hours, medians, spreads)
            return
        known = self.medians[rows, at].astype(float)
        spread = self._decoded(self.spreads[rows, at])
        first, second = np.isnan(known), np.isnan(spread)
        moved = np.nan_to_num(seen - known)
        spread = np.where(second, np.maximum(wide, np.abs(moved)), spread)
        reach = CLIP * np.maximum(spread, wide)
        step = np.where(second, 0.5 * moved, WEIGHT * np.clip(moved, -reach, reach))
        target = np.minimum(np.maximum(wide, np.abs(moved)), reach)
        spread = spread + np.where(second, 0.0, WEIGHT * (target - spread))
        self.medians[rows, at] = np.where(first, seen, known + step)
        self.spreads[rows, at] = np.where(first, UNKNOWN, self._encoded(spread))

    def usual(self, rows: Ints, hours: Ints) -> tuple[Floats, Floats]:
        """(median, spread) usual at an hour, NaN where too little is known."""
        at = bucket(hours)
        centre, scale = self.centre[rows].astype(float), self.scale[rows].astype(float)
        spread = self._decoded(self.spreads[rows, at])
        median = np.where(np.isnan(spread), np.nan, self.medians[rows, at].astype(float))
        return centre + median * scale, spread * scale

    def _begin(self, rows: Ints, centres: Floats, scales: Floats) -> None:
        self.centre[rows], self.scale[rows] = centres, np.maximum(scales, TINY)
        self.medians[rows], self.spreads[rows] = np.nan, UNKNOWN

    def _next(self) -> int:
        if self.count == len(self.centre):
            room = max(64, self.count + self.count // 2)
            for name in ("centre", "scale", "medians", "spreads"):
                column = getattr(self, name)
                wider = np.zeros((room, *column.shape[1:]), column.dtype)
                wider[: self.count] = column[: self.count]
                setattr(self, name, wider)
        self.count += 1
        return self.count - 1

    @staticmethod
    def _encoded(spread: Floats) -> NDArray[np.uint8]:
        power = np.round(STEPS * np.log2(np.maximum(spread, 1e-9))) + MIDDLE
        code: NDArray[np.uint8] = np.clip(power, 1, 255).astype(np.uint8)
        return code

    @staticmethod
    def _decoded(code: NDArray[np.uint8]) -> Floats:
        return np.where(code == UNKNOWN, np.nan, 2.0 ** ((code.astype(float) - MIDDLE) / STEPS))
