"""Centre and spread that a few wild points cannot move, with floors that keep quiet series from exploding.

Spread = max(interquartile range / 1.349, resolution, 1 % of |median|, 1e-9). The resolution is the smallest step
between neighbouring points that are not equal: a counter of whole requests or a gauge in tenths is never known better
than that. A series with fewer than `STEPS` such steps does not show it. (A fixed spread of 1 where the interquartile
range is 0, as BARO has it, would depend on the unit.)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

IQR_TO_SIGMA = 1.349
SHARE = 0.01
TINY = 1e-9
STEPS = 4
Matrix = NDArray[np.float64]


def usual(points: Matrix) -> tuple[Matrix, Matrix]:
    """(median, spread) of each row of ``points`` (series, time), oldest first; NaN is no point. NaN for empty rows.

    >>> centre, spread = usual(np.array([[10.0, 11.0] * 5]))
    >>> float(centre[0]), round(float(spread[0]), 3)
    (10.5, 1.0)
    """
    centre, spread = middle(points)
    return centre, np.fmax(spread, resolution(points))


def middle(points: Matrix) -> tuple[Matrix, Matrix]:
    """The same without the resolution: for many rows at once."""
    ordered = np.sort(points, axis=1)  # NaN comes last
    counts = np.isfinite(ordered).sum(axis=1)
    low, centre, high = (_quantile(ordered, counts, share) for share in (0.25, 0.5, 0.75))
    return centre, np.maximum((high - low) / IQR_TO_SIGMA, np.maximum(SHARE * np.abs(centre), TINY))


def _quantile(ordered: Matrix, counts: NDArray[np.int64], share: float) -> Matrix:
    """Linear between the two nearest points."""
    if not ordered.size:
        return np.full(len(ordered), np.nan)
    place = share * np.maximum(counts - 1, 0)
    below = place.astype(np.int64)
    above = np.minimum(below + 1, np.maximum(counts - 1, 0))
    rows = np.arange(len(ordered))
    low, high = ordered[rows, below], ordered[rows, above]
    found: Matrix = low + (high - low) * (place - below)
    return found


def resolution(points: Matrix) -> Matrix:
    """The smallest step of each row, 0 where it does not show."""
    steps = np.abs(np.diff(points, axis=1))
    steps[~(steps > 0)] = np.inf
    found: Matrix = np.where(np.isfinite(steps).sum(axis=1) >= STEPS, steps.min(axis=1, initial=np.inf), 0.0)
    return found
