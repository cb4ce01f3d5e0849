"""Where a series changes its level: the partition of least cost, exactly (optimal partitioning).

The cost of a stretch is its sum of squares about its mean, each stretch costs a penalty more (B. Jackson et al., IEEE
Signal Processing Letters 12 (2005) 105-108; with pruning it is PELT: R. Killick et al., J. Am. Stat. Assoc. 107 (2012)
1590-1598). A series with memory wanders by itself, so the penalty grows with its inflation; wild values are drawn in
first, so that one of them is no stretch of its own.
"""

from __future__ import annotations

from math import log

import numpy as np

from engine.recovery.autocorrelation import inflation
from engine.recovery.window import Floats

PENALTY = 4.0
"""Times variance, inflation and log n."""
SHORTEST = 4
"""Samples of a stretch."""
MOST = 120
"""Samples that are looked at; more are averaged."""
WILD = 4.0
"""Standard deviations from the median beyond which values are drawn in."""


def change_points(values: Floats, sigma: float, phi: float) -> list[int]:
    """Places at which a new level begins, of samples with robust standard deviation ``sigma`` and memory ``phi``.

    >>> change_points(np.array([0.0, 0.1] * 10 + [3.0, 3.1] * 10 + [0.0, 0.1] * 10), 0.1, 0.0)
    [20, 40]
    """
    step = -(-len(values) // MOST)
    if len(values) < 2 * SHORTEST * step or sigma <= 0:
        return []
    reach = WILD * max(sigma, 1.4826 * float(np.median(np.abs(values - np.median(values)))))
    drawn = np.clip(values, np.median(values) - reach, np.median(values) + reach)
    whole = len(drawn) // step * step
    coarse = drawn[:whole].reshape(-1, step).mean(axis=1)
    penalty = PENALTY * sigma * sigma * inflation(phi, len(values)) * log(len(coarse)) / step
    return [step * place for place in _partition(coarse, penalty)]


def _partition(values: Floats, penalty: float) -> list[int]:
    count = len(values)
    sums, squares = np.zeros(count + 1), np.zeros(count + 1)
    centred = values - values.mean()
    np.cumsum(centred, out=sums[1:])
    np.cumsum(centred * centred, out=squares[1:])
    if _one_level(sums, squares, penalty):
        return []
    best = np.full(count + 1, np.inf)
    best[0] = -penalty
    last = np.zeros(count + 1, np.int64)
    for end in range(SHORTEST, count + 1):
        begin = np.arange(end - SHORTEST + 1)
        sum_, square = sums[end] - sums[begin], squares[end] - squares[begin]
        costs = best[begin] + square - sum_ * sum_ / (end - begin) + penalty
        last[end] = int(np.argmin(costs))
        best[end] = costs[last[end]]
    found: list[int] = []
    place = int(last[count])
    while place:
        found.append(place)
        place = int(last[place])
    return found[::-1]


def _one_level(sums: Floats, squares: Floats, penalty: float) -> bool:
    """Can no partition be cheaper? Not if even all of the squares are worth less than one penalty."""
    return float(squares[-1]) <= penalty
