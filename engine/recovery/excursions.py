"""Does a series go and come back, more often than it used to?

An excursion goes farther from a window's own level than ever counts as usual (`FAR` robust standard deviations, and
more than the margin), and comes back to within half of that; a window that lies at another level all along has none.
How often that happens by chance is known from the windows before: with their rate, so many excursions must be less
likely than `UNLIKELY`.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from engine.recovery.quantiles import poisson_at_least
from engine.recovery.window import Floats

FAR = 4.0
FEWEST = 3
UNLIKELY = 0.001


class Excursions(msgspec.Struct, frozen=True):
    """How many there were, how many were to be expected, and whether the series flaps."""

    count: int
    usual: float
    flapping: bool


def excursions(before: Sequence[Floats], after: Floats, sigma: float, margin: float) -> Excursions:
    """Excursions after restoration against those in the windows before.

    >>> calm, restless = np.array([0.0, 1, 0, -1] * 15), np.array([0.0, 1, 0, 0, 30, 30] * 5 + [0.0])
    >>> excursions([calm], restless, 1.0, 2.0)
    Excursions(count=5, usual=0.258, flapping=True)
    """
    reach = max(FAR * sigma, margin)
    known = sum(_returned(window, reach) for window in before)
    rate = (known + 0.5) / sum(map(len, before))
    count = _returned(after, reach)
    usual = rate * len(after)
    return Excursions(count, round(usual, 3), count >= FEWEST and poisson_at_least(count, usual) < UNLIKELY)


def _returned(values: Floats, reach: float) -> int:
    """How often it was out and then back; what lies between is neither."""
    away = np.abs(values - np.median(values))
    state = np.where(away > reach, 1, np.where(away <= reach / 2, 0, -1))
    state = state[state >= 0]
    return int((np.diff(state) < 0).sum())
