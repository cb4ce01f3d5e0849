"""How many new alerts a minute are usual at this hour of the week, and from how many on it is a storm.

The counts of four weeks are kept by hour of the week, as sums and sums of squares (at most 168 · 5 rows). The line is a
quantile of a negative binomial fitted by moments to the minutes of that hour; the busiest week is left out, so that one
storm does not make the next one usual. With fewer than two weeks of an hour nothing is known of it, and the rules'
``storm_threshold`` alone decides.
"""

from __future__ import annotations

from math import exp, lgamma, log, sqrt

import msgspec

from engine.signals import Millis

MINUTE: Millis = 60_000
HOUR: Millis = 60 * MINUTE
WEEK_HOURS = 168
WEEKS = 4
"""Weeks that are looked back on."""
LEAST_WEEKS = 2
LEAST_MINUTES = 30
"""An hour that was seen for less says nothing."""
ENTER, LEAVE = 0.999, 0.99
MOST_SUMMED = 100_000.0
"""A mean from which the quantile is that of the normal distribution."""
NORMAL = {ENTER: 3.0902, LEAVE: 2.3263}


class Hour(msgspec.Struct, array_like=True):
    """New alerts of one hour: which week, minutes seen, their sum, their sum of squares."""

    week: int
    minutes: int = 0
    total: int = 0
    squares: int = 0


class Lines(msgspec.Struct, array_like=True, frozen=True):
    """New alerts in a minute above which a storm begins, and up to which a minute is calm; from how many weeks."""

    enter: int
    leave: int
    weeks: int


class Arrivals(msgspec.Struct):
    """Counts by minute and, of what is past, by hour of the week. ``minute`` is the beginning of the one under way."""

    minute: Millis = 0
    count: int = 0
    hours: dict[int, list[Hour]] = {}
    last: int = 0
    last_minute: Millis = 0
    asleep: list[tuple[Millis, Millis]] = []
    known: tuple[int, int, Lines] | None = None

    def add(self, now: Millis) -> None:
        """One new alert; the minutes that have passed since the last one are counted, also the empty ones."""
        if not self.minute or now >= self.minute + MINUTE:
            self.pass_to(now)
        self.count += 1

    def pass_to(self, now: Millis) -> None:
        """Close the minutes that are over."""
        minute = now // MINUTE * MINUTE
        if not self.minute:
            self.minute = minute
        if minute <= self.minute:
            return
        self._close(self.minute, self.count)
        self.last, self.last_minute = self.count, self.minute
        at = max(self.minute + MINUTE, minute - WEEKS * WEEK_HOURS * HOUR)
        while at < minute:  # minutes without any, an hour at a time
            until = min(minute, at // HOUR * HOUR + HOUR)
            self._of(at).minutes += (until - at - self._slept(at, until)) // MINUTE
            at = until
        self.asleep = [gap for gap in self.asleep if gap[1] > minute]
        self.minute, self.count = minute, 0

    def sleep(self, since: Millis, until: Millis) -> None:
        """The engine was down: its empty minutes are not counted."""
        self.asleep.append((since, until))

    def in_minute(self, minute: Millis) -> int:
        """New alerts of a minute, the one under way or the one before it; others had none."""
        if minute == self.minute:
            return self.count
        return self.last if minute == self.last_minute else 0

    def lines(self, now: Millis, floor: int) -> Lines:
        """The lines of the hour under way; never below the ``floor``. They stay the same for the hour."""
        if self.known is None or self.known[:2] != (now // HOUR, floor):
            self.known = (now // HOUR, floor, self._lines(now, floor))
        return self.known[2]

    def _lines(self, now: Millis, floor: int) -> Lines:
        week = now // HOUR // WEEK_HOURS
        known = [h for h in self.hours.get(now // HOUR % WEEK_HOURS, ()) if week - WEEKS <= h.week < week]
        known = [hour for hour in known if hour.minutes >= LEAST_MINUTES]
        if len(known) < LEAST_WEEKS:
            return Lines(floor, floor, len(known))
        used = sorted(known, key=lambda hour: (hour.total / hour.minutes, hour.week))[:-1]
        minutes = sum(hour.minutes for hour in used)
        mean = sum(hour.total for hour in used) / minutes
        variance = sum(hour.squares for hour in used) / minutes - mean * mean
        enter, leave = (quantile(mean, variance, share) for share in (ENTER, LEAVE))
        return Lines(max(floor, enter), max(floor, leave), len(known))

    def _of(self, at: Millis) -> Hour:
        week, place = divmod(at // HOUR, WEEK_HOURS)
        rows = self.hours.setdefault(place, [])
        if not rows or rows[-1].week != week:
            rows.append(Hour(week))
            del rows[: -WEEKS - 1]
        return rows[-1]

    def _close(self, minute: Millis, count: int) -> None:
        hour = self._of(minute)
        hour.minutes += 1
        hour.total += count
        hour.squares += count * count

    def _slept(self, since: Millis, until: Millis) -> Millis:
        return sum(max(0, min(until, b) - max(since, a)) for a, b in self.asleep)


def quantile(mean: float, variance: float, share: float) -> int:
    """The least k with P(X ≤ k) ≥ share, of a negative binomial with these moments (Poisson where it is not wider).

    >>> quantile(4.0, 4.0, 0.999), quantile(4.0, 20.0, 0.999), quantile(0.0, 0.0, 0.999)
    (11, 30, 0)
    """
    if mean <= 0:
        return 0
    if mean > MOST_SUMMED:
        return round(mean + NORMAL[share] * sqrt(max(mean, variance)))
    wide = variance > mean * (1 + 1e-9)
    size = mean * mean / (variance - mean) if wide else 0.0
    total, k = 0.0, 0
    while True:
        if wide:
            chance = lgamma(k + size) - lgamma(size) - lgamma(k + 1)
            chance += size * log(size / (size + mean)) + k * log(mean / (size + mean))
        else:
            chance = k * log(mean) - mean - lgamma(k + 1)
        total += exp(chance)
        if total >= share or k > mean + 60 * sqrt(max(mean, variance)) + 60:
            return k
        k += 1
