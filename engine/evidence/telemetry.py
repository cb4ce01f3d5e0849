"""Trailing samples per series, and the robust deviation of an entity's series around a moment.

Deviation = |median of the window − median of the history| / max(interquartile range / 1.349, 1 % of |median|): the
robust z-score with floors, so that constant series do not explode. The history ends some time before the window, as an
alert fires some time after its trouble began. Points are kept in event-time order, so late and reordered samples
(within the allowed lateness) give the same answer; older ones are thinned out.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from statistics import median, quantiles

import msgspec

from engine.signals import Millis

KEPT = 32
"""Latest points kept per series …"""
THIN: Millis = 300_000
"""… and of those before them the first in every so many milliseconds …"""
KEPT_THIN = 24
"""… as far back as so many."""
LEAD: Millis = 900_000
"""What is taken for usual ends so long before the window, where there is that much history."""
LATEST = 5
"""Points whose median is what a series shows now."""
MOST_SERIES = 20_000
"""Series kept; further ones are counted and not kept, so that memory is bounded whatever is sent."""
HISTORY_NEEDED = 8
"""Points before the window without which a series says nothing."""
IQR_TO_SIGMA = 1.349


class Series(msgspec.Struct, array_like=True):
    """The trailing points of one series, oldest first, in arrays (16 bytes a point); before them the thinned ones."""

    metric: str
    times: array  # type: ignore[type-arg]  # of int; not subscriptable before Python 3.12
    values: array  # type: ignore[type-arg]  # of float
    ended: Millis | None = None
    old_times: array = msgspec.field(default_factory=lambda: array("q"))  # type: ignore[type-arg]
    old_values: array = msgspec.field(default_factory=lambda: array("d"))  # type: ignore[type-arg]

    def add(self, at: Millis, value: float) -> None:
        """Keep a point; a repeated one changes nothing, the oldest fall out."""
        times, values = self.times, self.values
        if not times or at > times[-1]:
            times.append(at)
            values.append(value)
        else:
            place = bisect_left(times, at)
            while place < len(times) and times[place] == at and values[place] < value:
                place += 1
            if place < len(times) and (times[place], values[place]) == (at, value):
                return
            times.insert(place, at)
            values.insert(place, value)
        if len(times) > KEPT:
            self._retire(times.pop(0), values.pop(0))

    def _retire(self, at: Millis, value: float) -> None:
        """Keep a point that fell out, if it is the first of its interval."""
        if not self.old_times or at // THIN > self.old_times[-1] // THIN:
            self.old_times.append(at)
            self.old_values.append(value)
            if len(self.old_times) > KEPT_THIN:
                del self.old_times[0], self.old_values[0]

    def before(self, at: Millis) -> list[float]:
        """What was usual before a moment: the points until `LEAD` before it, or all before it if those are few."""
        for until in (at - LEAD, at):
            history = [
                *self.old_values[: bisect_left(self.old_times, until)],
                *self.values[: bisect_left(self.times, until)],
            ]
            if len(history) >= HISTORY_NEEDED:
                break
        return history


class Deviation(msgspec.Struct, frozen=True):
    """How far a series was from its history around a moment, in robust standard deviations."""

    metric: str
    score: float
    usual: float
    seen: float
    samples: int


class Telemetry(msgspec.Struct):
    """Series by entity and label set; ``count`` of them, and how many samples came for series beyond the limit."""

    series: dict[str, dict[str, Series]] = {}
    count: int = 0
    ignored: int = 0

    def add(
        self, entity: str, fingerprint: str, metric: str, times: tuple[Millis, ...], values: tuple[float, ...]
    ) -> None:
        """Samples of one series."""
        of_entity = self.series.setdefault(entity, {})
        series = of_entity.get(fingerprint)
        if series is None:
            if self.count >= MOST_SERIES:
                self.ignored += len(times)
                return
            self.count += 1
            series = of_entity[fingerprint] = Series(metric, array("q"), array("d"))
        series.ended = None
        for at, value in zip(times, values, strict=True):
            series.add(at, value)

    def stale(self, entity: str, fingerprint: str, at: Millis) -> None:
        """The series has ended: its absence from now on proves nothing."""
        series = self.series.get(entity, {}).get(fingerprint)
        if series is not None:
            series.ended = at

    def deviations(self, entity: str, since: Millis, until: Millis, but: str = "") -> Iterator[Deviation]:
        """Deviations of the entity's series in ``since … until`` from what was before, without the metric ``but``."""
        for series in self.series.get(entity, {}).values():
            if series.metric != but:
                found = deviation(series, since, until)
                if found is not None:
                    yield found


def deviation(series: Series, since: Millis, until: Millis) -> Deviation | None:
    """None where there is too little history, or nothing in the window.

    >>> s = Series("m", array("q", range(11)), array("d", [10.0 + i % 2 for i in range(10)] + [30.0]))
    >>> round(deviation(s, 10, 10).score, 1)
    26.3
    """
    low = bisect_left(series.times, since)
    high = bisect_left(series.times, until + 1)
    return _against(series, since, series.values[low:high])


def latest(series: Series, since: Millis) -> Deviation | None:
    """How far the latest points since a moment are from what was usual before it."""
    low = bisect_left(series.times, since)
    return _against(series, since, series.values[low:][-LATEST:])


def _against(series: Series, since: Millis, window: Sequence[float]) -> Deviation | None:
    history = series.before(since)
    if len(history) < HISTORY_NEEDED or not window:
        return None
    seen = median(window)
    usual = median(history)
    quarter = quantiles(history, n=4)
    scale = max((quarter[2] - quarter[0]) / IQR_TO_SIGMA, 0.01 * abs(usual), 1e-9)
    return Deviation(series.metric, abs(seen - usual) / scale, usual, seen, len(window))
