"""By how much levels are shifted: Hodges and Lehmann's estimate, with an interval that knows the series' memory.

The estimate is the median of all differences between a sample after and a sample before (Ann. Math. Stat. 34 (1963)
598-611). The interval holds the shifts that the normal-scores test does not reject: the samples after are moved back by
a shift, and the mean normal score of their ranks among all must not lie too far from that of the others (B. L. van der
Waerden, Indag. Math. 14 (1952) 453-458; never less efficient than the test of means, and more so where tails are heavy:
H. Chernoff and I. R. Savage, Ann. Math. Stat. 29 (1958) 972-994). The variance of each side's mean score is multiplied
by its inflation (`autocorrelation`), windows that differ from each other by more than their memory explains add how
much they do, and the normal quantile becomes Student's with the degrees of freedom of such a sum (F. E. Satterthwaite,
Biometrics Bulletin 2 (1946) 110-114). Few independent samples thus give wide intervals, or infinite ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf, sqrt

import numpy as np

from engine.recovery.autocorrelation import centred, inflation, memory, worth
from engine.recovery.difference import Difference
from engine.recovery.quantiles import chi_squared_above, normal, student, student_above
from engine.recovery.window import Floats

CONFIDENCE = 0.96
"""One-sided. A little more than is claimed (0.95), as memory and spread are themselves estimated."""
MOST = 240
"""Samples of a side from which differences are formed; more are stood for by so many of their quantiles."""
UNLIKE = 0.01
"""Windows that are so unlikely alike count as different from each other."""
KNOWN = 1e9
"""Degrees of freedom of a variance that is known: that of ranks of independent samples."""
NEXT = 1e-9
"""Of the range of the samples: what is nearer to each other is equal."""


def shift(before: Sequence[Floats], after: Floats, tolerated: float = 0.0) -> Difference:
    """Samples after against those of several windows before, all without NaN and in order of time. Where a margin is
    the share ``tolerated`` of the level before, that level's doubt counts in the interval by so much more.

    >>> usual, later = np.arange(40.0) % 7, np.arange(40.0) % 7 + 2
    >>> found = shift([usual], later)
    >>> found.estimate, found.low, found.high, found.p_higher < 0.05
    (2.0, 1.0, 3.0, True)
    """
    past, seen = np.sort(np.concatenate(before)), np.sort(after)
    phi = memory([before, [after]])
    deviation, freedom = _deviation(before, after, phi)
    reach = student(CONFIDENCE, freedom) * _deviation(before, after, phi, (1 + tolerated) ** 2)[0]
    standing = _Standing(past, seen)
    score = standing.at(0.0) / deviation
    low, middle, high = _interval(standing, reach)
    return Difference(
        method="hodges_lehmann",
        usual=float(np.median(past)),
        seen=float(np.median(after)),
        estimate=middle,
        low=low,
        high=high,
        p_higher=student_above(score, freedom),
        p_lower=student_above(-score, freedom),
        worth_before=sum(worth(phi, len(window)) for window in before),
        worth_after=worth(phi, len(after)),
        memory=phi,
        effect=2 * _share_above(past, seen) - 1,
    )


class _Standing:
    """How far the samples after stand above those before, both sorted: the difference of mean normal scores, in units
    of the scores' standard deviation."""

    def __init__(self, past: Floats, after: Floats) -> None:
        self.past, self.after = past, after
        self.next = NEXT * float(max(past[-1], after[-1]) - min(past[0], after[0]))
        count = len(past) + len(after)
        below = np.searchsorted(after, after - self.next, "left")
        self._own = (below + np.searchsorted(after, after + self.next, "right") + 1) / 2
        every = normal(np.arange(1, count + 1) / (count + 1))
        self._unit = count / (len(past) * len(after)) / sqrt(float(every @ every) / (count - 1))

    def at(self, moved: float) -> float:
        """With the samples after moved back by so much; equal ones share their ranks."""
        least = np.searchsorted(self.past, self.after - (moved + self.next), "left")
        most = np.searchsorted(self.past, self.after - (moved - self.next), "right")
        return self._scored((least + most) / 2)

    def beyond(self, moved: float) -> float:
        """Moved back by a trace more."""
        return self._scored(np.searchsorted(self.past, self.after - (moved + self.next), "left").astype(np.float64))

    def short(self, moved: float) -> float:
        """Moved back by a trace less."""
        return self._scored(np.searchsorted(self.past, self.after - (moved - self.next), "right").astype(np.float64))

    def _scored(self, below: Floats) -> float:
        ranks = self._own + below
        return float(normal(ranks / (len(self.past) + len(self.after) + 1)).sum()) * self._unit


def _deviation(before: Sequence[Floats], after: Floats, phi: float, weight: float = 1.0) -> tuple[float, float]:
    """Standard deviation of the difference of mean scores where nothing is shifted, and its degrees of freedom;
    ``weight`` of the variance that comes from before."""
    m, n = sum(map(len, before)), len(after)
    past = sum(len(window) * inflation(phi, len(window)) for window in before) / m
    variance = weight * past / m + inflation(phi, n) / n
    free = max(1.0, m / past + worth(phi, n) - 2) if phi > 0 else KNOWN
    between = _between(before, phi) * (1 + weight / len(before))
    if between > 0:
        free = (variance + between) ** 2 / (variance**2 / free + between**2 / (len(before) - 1))
    return sqrt(variance + between), free


def _between(windows: Sequence[Floats], phi: float) -> float:
    """The variance of windows' mean scores beyond what memory explains; 0 where it may be chance (R. DerSimonian and N.
    Laird, Controlled Clinical Trials 7 (1986) 177-188)."""
    if len(windows) < 3:
        return 0.0
    places = centred(np.concatenate(windows))
    scores = normal(places * len(places) / (len(places) + 1) + 0.5)
    scores /= max(float(scores.std()), NEXT)
    ends = np.cumsum([len(window) for window in windows])[:-1]
    means = np.array([part.mean() for part in np.split(scores, ends)])
    weights = np.array([worth(phi, len(window)) for window in windows])
    spread = float(weights @ (means - weights @ means / weights.sum()) ** 2)
    free = len(windows) - 1
    if chi_squared_above(spread, free) >= UNLIKE:
        return 0.0
    return (spread - free) / float(weights.sum() - (weights @ weights) / weights.sum())


def _share_above(past: Floats, after: Floats) -> float:
    """P(after > before), equal ones counted half."""
    below = np.searchsorted(past, after, "left") + np.searchsorted(past, after, "right")
    return float(below.sum()) / (2 * len(past) * len(after))


def _interval(standing: _Standing, reach: float) -> tuple[float, float, float]:
    """The least difference of two samples by which those after may be moved back without standing out, the median of
    all differences, and the largest one; infinite where they never stand out."""
    every = np.subtract.outer(_thinned(standing.after), _thinned(standing.past)).ravel()
    every.sort()
    count = len(every)
    low = -inf
    if standing.short(every[0]) > reach:
        first = _first(count, lambda place: standing.beyond(every[place]) <= reach)
        low = float(every[min(first, count - 1)])
    high = inf
    if standing.beyond(every[-1]) < -reach:
        first = _first(count, lambda place: standing.short(every[place]) < -reach)
        high = float(every[max(first - 1, 0)])
    middle = float((every[(count - 1) // 2] + every[count // 2]) / 2)
    return low, middle, high


def _first(count: int, holds: Callable[[int], bool]) -> int:
    """The first place at which something holds that holds ever after; ``count`` where it never does."""
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


def _thinned(values: Floats) -> Floats:
    if len(values) <= MOST:
        return values
    found: Floats = np.quantile(values, (np.arange(MOST) + 0.5) / MOST)
    return found
