"""Counters: series that only rise, until their process starts again. What matters is their rate.

By the names that Prometheus and OpenMetrics give them: ``_total``, ``_count``, ``_sum``, ``_bucket``
(https://prometheus.io/docs/practices/naming/). A series of another name that has never fallen except to near nothing
is taken for one where its history shows it. A value below the one before is a reset: the counter began at 0 again, as
in Prometheus' ``rate()``; it is no anomaly.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SUFFIXES = ("_total", "_count", "_sum", "_bucket")
LEAST = 24
"""Points that a history without a fall must have to be taken for a counter's."""
RISING = 0.9
"""Share of its steps that rise."""
FRESH = 0.1
"""A reset leads to below this share of the value before."""
Matrix = NDArray[np.float64]


def is_counter(metric: str) -> bool:
    """By its name."""
    return metric.endswith(SUFFIXES)


def rises_only(points: Matrix) -> NDArray[np.bool_]:
    """Which rows (series, time; NaN, no point, only first) look like counters: whole numbers that
    rise at most steps, and fall once at most, to near nothing.

    >>> rises_only(np.array([np.arange(30.0), [1.0, 2.0] * 15])).tolist()
    [True, False]
    """
    with np.errstate(invalid="ignore"):
        before, after = points[:, :-1], points[:, 1:]
        known = np.isfinite(before) & np.isfinite(after)
        falls = known & (after < before)
        resets = falls & (after < FRESH * before)
        rising = (after > before).sum(axis=1) >= RISING * np.maximum(known.sum(axis=1), 1)
        whole = ((np.floor(points) == points) & (points >= 0) | np.isnan(points)).all(axis=1)
    found: NDArray[np.bool_] = rising & whole & (falls == resets).all(axis=1)
    found &= (falls.sum(axis=1) <= 1) & (np.isfinite(points).sum(axis=1) >= LEAST)
    return found


def rates(times: NDArray[np.int64], points: Matrix) -> Matrix:
    """Rates per second of rows of a counter's points (NaN, no point, only first), each at the later of its two points.

    >>> rates(np.array([[0, 1000, 2000]]), np.array([[5.0, 9.0, 2.0]])).tolist()
    [[nan, 4.0, 2.0]]
    """
    found = np.full(points.shape, np.nan)
    before, after = points[:, :-1], points[:, 1:]
    with np.errstate(invalid="ignore"):
        grown = np.where(after < before, after, after - before)
    found[:, 1:] = grown * 1000.0 / np.maximum(np.diff(times, axis=1), 1)
    return found
