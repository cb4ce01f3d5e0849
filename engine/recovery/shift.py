"""By how much levels are shifted: Hodges and Lehmann's estimate, with an interval that knows the series' memory.

The estimate is the median of all differences between a sample after and a sample before (Ann. Math. Stat. 34 (1963)
598-611); the interval is what the Mann–Whitney test does not reject: quantiles of these differences. The test's
statistic U / mn has expectation ½ and, for independent samples, the variance (1/m + 1/n + 1/mn) / 12; here each side's
part is multiplied by its inflation (`autocorrelation`), windows that differ from each other by more than their
memory explains add how much they do, and the normal quantile becomes Student's with as many degrees of freedom as there
are independent samples. Few independent samples thus give wide intervals, or infinite ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, sqrt

import numpy as np

from engine.recovery.autocorrelation import centred, inflation, memory, worth
from engine.recovery.difference import Difference
from engine.recovery.quantiles import chi_squared_above, student, student_above
from engine.recovery.window import Floats

CONFIDENCE = 0.96
"""One-sided. A little more than is claimed (0.95), as memory and spread are themselves estimated."""
MOST = 240
"""Samples of a side from which differences are formed; more are stood for by so many of their quantiles."""
UNLIKE = 0.01
"""Windows that are so unlikely alike count as different from each other."""


def shift(before: Sequence[Floats], after: Floats, tolerated: float = 0.0) -> Difference:
    """Samples after against those of several windows before, all without NaN and in order of time. Where a margin is
    the share ``tolerated`` of the level before, that level's doubt counts in the interval by so much more.

    >>> usual, later = np.arange(40.0) % 7, np.arange(40.0) % 7 + 2
    >>> found = shift([usual], later)
    >>> found.estimate, found.low, found.high, found.p_higher < 0.05
    (2.0, 1.0, 3.0, True)
    """
    past = np.concatenate(before)
    phi = memory([before, [after]])
    deviation, freedom = _deviation(before, after, phi)
    above = _share_above(past, after)
    reach = student(CONFIDENCE, freedom) * _deviation(before, after, phi, (1 + tolerated) ** 2)[0]
    score = (above - 0.5) / deviation
    low, middle, high = _differences(past, after, reach)
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
        effect=2 * above - 1,
    )


def _deviation(before: Sequence[Floats], after: Floats, phi: float, weight: float = 1.0) -> tuple[float, float]:
    """Standard deviation of U / mn where nothing is shifted, and its degrees of freedom; ``weight`` of the variance
    that comes from before."""
    m, n = sum(map(len, before)), len(after)
    past = sum(len(window) * inflation(phi, len(window)) for window in before) / m
    variance = (weight * past / m + inflation(phi, n) / n + 1 / (m * n)) / 12
    free = m / past + worth(phi, n) - 2
    between = _between(before, phi)
    if between > 0:
        variance += between * (1 + weight / len(before))
        free = min(free, len(before) - 1)
    return sqrt(variance), max(1.0, free)


def _between(windows: Sequence[Floats], phi: float) -> float:
    """The variance of windows' mean ranks beyond what memory explains; 0 where it may be chance (R. DerSimonian and N.
    Laird, Controlled Clinical Trials 7 (1986) 177-188)."""
    if len(windows) < 3:
        return 0.0
    places = centred(np.concatenate(windows))
    ends = np.cumsum([len(window) for window in windows])[:-1]
    means = np.array([part.mean() for part in np.split(places, ends)])
    weights = np.array([12 * worth(phi, len(window)) for window in windows])
    spread = float(weights @ (means - weights @ means / weights.sum()) ** 2)
    free = len(windows) - 1
    if chi_squared_above(spread, free) >= UNLIKE:
        return 0.0
    return (spread - free) / float(weights.sum() - (weights @ weights) / weights.sum())


def _share_above(past: Floats, after: Floats) -> float:
    """P(after > before), equal ones counted half."""
    ordered = np.sort(past)
    below = np.searchsorted(ordered, after, "left") + np.searchsorted(ordered, after, "right")
    return float(below.sum()) / (2 * len(past) * len(after))


def _differences(past: Floats, after: Floats, reach: float) -> tuple[float, float, float]:
    """The quantiles ½ − reach, ½ and ½ + reach of all differences."""
    every = np.subtract.outer(_thinned(after), _thinned(past)).ravel()
    count = len(every)
    low, high = int(np.floor(count * (0.5 - reach))) - 1, int(np.ceil(count * (0.5 + reach)))
    middle = (count - 1) // 2
    places = {middle, count // 2, max(0, low), min(count - 1, high)}
    every.partition(sorted(places))
    centre = float((every[middle] + every[count // 2]) / 2)
    return (
        float(every[low]) if low >= 0 else -inf,
        centre,
        float(every[high]) if high < count else inf,
    )


def _thinned(values: Floats) -> Floats:
    if len(values) <= MOST:
        return values
    found: Floats = np.quantile(values, (np.arange(MOST) + 0.5) / MOST)
    return found
