"""Anomalies of one series as it comes in: causal, with little memory, the same parameters for every series.

A point begins an anomaly when it is more than `HIT` robust standard deviations from the median of the last `WINDOW`
points, *and* `BEYOND` times as far from it as anything in the last `MEMORY` hours: what happens every day, or every
few minutes, is usual however far from the median. The spread is max(1.4826 · median absolute deviation, 5 % of
|median|, 1.5 times the resolution of the series, 1e-9). The anomaly goes on while points are more than `LEAVE` of the
spreads that it began with from the median that it began with; `JOIN` points in between do not end it. After `LONGEST`
what is seen is the new usual. Below `WARM` points a series says nothing: it is *warming*.

Parameters: chosen together over labelled hourly, five-minute and one-minute series of three domains (counts of crashes
and purchases, data rates) and of cloud hosts, from the middle of a range in which the result hardly changes, and the
same on either half of the series; docs/evidence.md has the figures.
"""

from __future__ import annotations

from bisect import bisect_left, insort

import msgspec
import numpy as np

from engine.signals import Millis

WINDOW = 96
WARM = 20
HIT = 7.0
LEAVE = 3.0
BEYOND = 1.2
MEMORY = 25
HOUR: Millis = 3_600_000
LONGEST: Millis = 24 * HOUR
JOIN = 12
SHARE = 0.05
STEPS = 1.5
TINY = 1e-9
MAD_TO_SIGMA = 1.4826
KEPT = 100
"""Latest anomalies kept per series."""


class Anomaly(msgspec.Struct, array_like=True):
    """A stretch of time in which a series was not as usual; ``usual`` and ``spread`` are those it began with."""

    start: Millis
    end: Millis
    usual: float
    spread: float
    peak: float

    @property
    def direction(self) -> str:
        """``up`` or ``down``."""
        return "up" if self.peak > self.usual else "down"


class Detector(msgspec.Struct):
    """The state for one series: its last points, the extremes of each of the last hours, the anomalies found."""

    points: list[float] = []
    hours: list[tuple[int, float, float]] = []
    high: float = -np.inf
    low: float = np.inf
    step: float = 0.0
    quiet: int = 0
    lasting: bool = False
    found: list[Anomaly] = []

    @property
    def warming(self) -> bool:
        """Is there too little history to say anything?"""
        return len(self.points) < WARM

    def add(self, at: Millis, value: float) -> None:
        """The next point; points come in order of time."""
        if not self.warming:
            self._judge(at, value)
        self._remember(at, value)

    def copy(self) -> Detector:
        """Another one that goes on from here."""
        found = [msgspec.structs.replace(one) for one in self.found]
        return msgspec.structs.replace(self, points=list(self.points), hours=list(self.hours), found=found)

    def _judge(self, at: Millis, value: float) -> None:
        if self.lasting:
            now = self.found[-1]
            if abs(value - now.usual) > LEAVE * now.spread:
                self.quiet, now.end = 0, at
                now.peak = max(now.peak, value, key=lambda one: abs(one - now.usual))
            else:
                self.quiet += 1
            self.lasting = self.quiet < JOIN and at - now.start <= LONGEST
        elif value > self.high or value < self.low:
            self._begin(at, value)

    def _begin(self, at: Millis, value: float) -> None:
        window = np.sort(np.array(self.points))
        centre = float(np.median(window))
        apart = float(np.median(np.abs(window - centre)))
        spread = max(MAD_TO_SIGMA * apart, SHARE * abs(centre), STEPS * self.step, TINY)
        most = self.high - centre if value > centre else centre - self.low
        away = abs(value - centre)
        if away > HIT * spread and away > BEYOND * most:
            self.found.append(Anomaly(at, at, centre, spread, value))
            del self.found[:-KEPT]
            self.lasting, self.quiet = True, 0

    def _remember(self, at: Millis, value: float) -> None:
        if self.points and value != self.points[-1]:
            step = abs(value - self.points[-1])
            self.step = min(self.step or step, step)
        self.points.append(value)
        del self.points[:-WINDOW]
        hour = at // HOUR
        if self.hours and self.hours[-1][0] == hour:
            _, low, high = self.hours[-1]
            self.hours[-1] = (hour, min(low, value), max(high, value))
            self.low, self.high = min(self.low, value), max(self.high, value)
        else:
            self.hours = [one for one in self.hours if one[0] > hour - MEMORY] + [(hour, value, value)]
            self.low = min(low for _, low, _ in self.hours)
            self.high = max(high for _, _, high in self.hours)


class Watched(msgspec.Struct):
    """A detector behind the watermark: a point waits until one that is newer by the lateness has been seen, so that
    late and reordered ones (within it) lead to the same. ``late`` counts those that came after that, and repeated ones.
    """

    counter: bool = False
    detector: Detector = msgspec.field(default_factory=Detector)
    waiting: list[tuple[Millis, float]] = []
    before: tuple[Millis, float] | None = None
    late: int = 0

    def add(self, at: Millis, value: float, lateness: Millis) -> None:
        """A point, in any order within the lateness. Of two values of one moment the larger holds."""
        if self.before is not None and at <= self.before[0]:
            self.late += 1
            return
        place = bisect_left(self.waiting, (at, value))
        if place < len(self.waiting) and self.waiting[place][0] == at:
            return
        insort(self.waiting, (at, value))
        if place and self.waiting[place - 1][0] == at:
            del self.waiting[place - 1]
        final = self.waiting[-1][0] - lateness
        taken = bisect_left(self.waiting, (final + 1,))
        self.before = self._feed(self.detector, self.waiting[:taken])
        del self.waiting[:taken]

    def anomalies(self) -> tuple[list[Anomaly], int]:
        """(all anomalies, how many of them are final): the others also rest on points that may still be revised."""
        ahead = self.detector.copy()
        final = len(self.detector.found) - self.detector.lasting
        self._feed(ahead, self.waiting)
        return ahead.found, final

    def _feed(self, detector: Detector, points: list[tuple[Millis, float]]) -> tuple[Millis, float] | None:
        """Points in their order, of a counter as rates; returns the last one there was."""
        before = self.before
        for at, value in points:
            if not self.counter:
                detector.add(at, value)
            elif before is not None:
                grown = value if value < before[1] else value - before[1]
                detector.add(at, grown * 1000.0 / (at - before[0]))
            before = (at, value)
        return before
