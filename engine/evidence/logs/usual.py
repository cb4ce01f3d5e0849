"""What is usual for a count, and how far a window is from it.

Failures come in bursts: their counts per minute vary more than Poisson's, and a test that ignores this fires up to
eighty times too often. The variance is therefore dispersion × mean (quasi-Poisson), with the dispersion estimated from
the history's minutes and drawn towards `PRIOR` where these say little; to it comes the uncertainty of the mean itself,
so that a short history makes the test careful instead of forbidding it. With dispersion 1 this is the exact predictive
distribution of a Poisson count after a gamma posterior (Jeffreys' prior: half an event).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from math import erfc, log, sqrt

import msgspec

from engine.evidence.logs.counts import Counts
from engine.evidence.logs.tails import lower, upper

PRIOR = 2.0
"""Dispersion that is assumed where there is no history of events: two per burst."""
PRIOR_WEIGHT = 10
"""Events that the prior counts for."""
HALF = 0.5

Gaps = Sequence[tuple[int, int]]


class Span(msgspec.Struct, frozen=True):
    """Minutes ``low … high``, of which ``known`` are known."""

    low: int
    high: int
    known: int


class Compared(msgspec.Struct, frozen=True):
    """A count against what is usual for as many minutes (and as much other traffic)."""

    seen: int
    usual: float
    variance: float
    dispersion: float

    @property
    def above(self) -> float:
        """Probability of so many or more, were nothing unusual."""
        return upper(self.seen, self.usual, self.variance)

    @property
    def below(self) -> float:
        """Probability of so few or fewer, were nothing unusual."""
        return lower(self.seen, self.usual, self.variance)

    @property
    def signed_root(self) -> float:
        """Signed root of the G statistic over the dispersion, about normal: the test of many groups at once."""
        seen, usual = self.seen, self.usual
        half = seen * log(seen / usual) - (seen - usual) if seen else usual
        scale = self.variance / usual
        return (1 if seen > usual else -1) * sqrt(2 * max(0.0, half) / scale)

    @property
    def root_above(self) -> float:
        """One-sided probability of the signed root."""
        return 0.5 * erfc(self.signed_root / sqrt(2))


def span(low: int, high: int, gaps: Gaps, lines: Counts) -> Span:
    """Minutes without those in which the engine was down and from which no line came later.

    >>> span(10, 19, [(12, 13), (13, 14), (30, 40)], Counts()).known
    7
    """
    unknown: set[int] = set()
    for first, last in gaps:
        if first <= high and last >= low:
            unknown.update(range(max(first, low), min(last, high) + 1))
    known = high - low + 1 - len(unknown)
    if unknown:
        known += len(unknown.intersection(lines.minutes))
    return Span(low, high, max(0, known))


def compared(counts: Counts, window: Span, history: Span, traffic: float = 1.0) -> Compared | None:
    """A window against the history; ``traffic`` is how much more else happened per minute in the window.

    None where either has no known minute. Less traffic does not lower what is usual: a rise must be one in number, too.
    """
    if not window.known or not history.known:
        return None
    values = counts.counts[bisect_left(counts.minutes, history.low) : bisect_left(counts.minutes, history.high + 1)]
    events, minutes = sum(values), history.known
    mean = (events + HALF) / minutes * window.known * max(1.0, traffic)
    spread = dispersion(values, minutes)
    variance = spread * (mean + mean * mean / (events + HALF))
    return Compared(counts.between(window.low, window.high), mean, variance, spread)


def dispersion(values: Sequence[int], minutes: int) -> float:
    """Variance over mean of counts per minute, those without any included; at least 1."""
    events = sum(values)
    if minutes < 2 or not events:
        return PRIOR
    mean = events / minutes
    found = (sum(value * value for value in values) - events * mean) / (minutes - 1) / mean
    weight = min(minutes, events)
    return max(1.0, (PRIOR * PRIOR_WEIGHT + found * weight) / (PRIOR_WEIGHT + weight))
