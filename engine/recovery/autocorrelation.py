"""How many independent samples a series is worth.

A series with memory says the same thing several times. The memory is taken as that of an AR(1) process, estimated
from ranks, which no wild value can move: the rank correlation of neighbours is turned into Pearson's (r = 2 sin(πρ /
6), exact for normal pairs), freed of its bias of −(1 + 3φ) / n by group (M. G. Kendall, Biometrika 41 (1954) 403-404;
F. H. C. Marriott and J. A. Pope, same volume, 390-402), taken for nothing where it is not significant, and else raised
by part of its standard error, because too small a memory makes false claims and too large a one only costs time. A mean
of n samples, or of their normal scores, then varies as that of n / F independent ones:

    F = 1 + 2 Σ (1 − k/n) φᵏ        (Bayley and Hammersley, J. R. Stat. Soc. Suppl. 8 (1946) 184-197)
"""

from __future__ import annotations

from collections.abc import Sequence
from math import pi, sin, sqrt

import numpy as np

from engine.recovery.window import Floats

LARGEST = 0.98
SIGNIFICANT = 1.645
"""Standard errors of a series without memory (one-sided 5 %)."""
CAUTION = 0.55
"""Share of its standard error that is added to a memory of 1, and proportionally less to a smaller one."""
FORGOTTEN = 1e-4


def memory(groups: Sequence[Sequence[Floats]]) -> float:
    """φ of series that have it in common. Each group of windows is ranked by itself, so that a shift between groups
    does not count as memory; neighbours are only looked for within a window.

    >>> memory([[np.arange(20.0)]]) > 0.8, memory([[np.array([1.0, 2.0] * 10)]])
    (True, 0.0)
    """
    product = square = 0.0
    pairs = count = 0
    for windows in groups:
        places = centred(np.concatenate(windows))
        count += len(places)
        begin, near, steps = 0, 0.0, 0
        for window in windows:
            part = places[begin : begin + len(window)]
            near += float(part[1:] @ part[:-1])
            steps += max(0, len(part) - 1)
            begin += len(window)
        product += near
        pairs += steps
        square += steps * float(places @ places) / max(1, len(places))
    if square <= 0 or pairs < 3:
        return 0.0
    found = 2 * sin(pi * max(-1.0, min(1.0, product / square)) / 6)
    found += len(groups) * (1 + 3 * found) / count
    if found * sqrt(count) < SIGNIFICANT:
        return 0.0
    return min(LARGEST, found * (1 + CAUTION * sqrt(max(0.0, 1 - found * found) / count)))


def centred(values: Floats) -> Floats:
    """Ranks (those of equal values averaged) between −½ and ½."""
    _, place, many = np.unique(values, return_inverse=True, return_counts=True)
    ranks = np.cumsum(many) - (many - 1) / 2
    found: Floats = (ranks[place] - (len(values) + 1) / 2) / len(values)
    return found


def inflation(phi: float, count: int) -> float:
    """F: how much more the mean of ``count`` successive samples varies than that of independent ones.

    >>> inflation(0.0, 60), round(inflation(0.6, 60), 2)
    (1.0, 3.87)
    """
    if phi <= 0 or count < 2:
        return 1.0
    lags = np.arange(1, min(count, int(np.log(FORGOTTEN) / np.log(phi)) + 2))
    return float(1 + 2 * np.sum((1 - lags / count) * phi**lags))


def worth(phi: float, count: int) -> float:
    """The number of independent samples that ``count`` successive ones are worth."""
    return count / inflation(phi, count)
