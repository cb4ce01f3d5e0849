"""A unit that has changed is neither degradation nor recovery: level and scatter are multiplied by one of the factors
that senders change (powers of ten from a hundred on, powers of 1024), as near as two medians can show it."""

from __future__ import annotations

from math import sqrt

import numpy as np

from engine.evidence.baselines.units import FACTORS, LOOSEST
from engine.recovery.autocorrelation import worth
from engine.recovery.window import Floats

WITHIN = 0.02
DOUBT = 3.0
"""Standard errors of the medians' ratio."""
ALIKE = 3.0
"""Times that the scatter, in the old unit, may differ."""
MEDIAN = 1.2533
"""Standard error of a median, that of a mean being 1."""


def other_unit(past: Floats, after: Floats, phi: float) -> float | None:
    """The factor by which ``after`` is the past in another unit; None if it is not.

    >>> usual = np.array([9.0, 10, 11, 10] * 10)
    >>> other_unit(usual, 1024 * usual, 0.0), other_unit(usual, 30 * usual, 0.0)
    (1024.0, None)
    """
    usual, seen = float(np.median(past)), float(np.median(after))
    if usual == 0 or seen == 0:
        return None
    old, new = _scatter(past, usual), _scatter(after, seen)
    if not 0 < old <= LOOSEST or not 1 / ALIKE <= new / old <= ALIKE:
        return None
    reach = WITHIN + DOUBT * MEDIAN * old * sqrt(1 / worth(phi, len(past)) + 1 / worth(phi, len(after)))
    apart = {factor: abs(seen / usual / factor - 1) for factor in FACTORS}
    nearest = min(apart, key=lambda factor: apart[factor])
    return nearest if apart[nearest] <= reach else None


def _scatter(values: Floats, centre: float) -> float:
    """Robust, as a share of the level."""
    return 1.4826 * float(np.median(np.abs(values - centre))) / abs(centre)
