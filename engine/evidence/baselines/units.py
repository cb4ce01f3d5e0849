"""A unit that has changed is no fault: all values are multiplied by 1000, 1024 or another power of ten, and stay so.

Told from a fault by three things together: the factor is met within 2 %, all points of at least `LASTING` share it
(their relative spread is that of the history), and it is at least a hundred. A factor of ten is within what faults do.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LASTING = 8
WITHIN = 0.02
LOOSEST = 0.25
"""The largest relative spread of a history in which a factor can be seen."""
_POWERS = (*(10.0**k for k in (2, 3, 4, 5, 6, 9)), *(1024.0**k for k in (1, 2, 3)))
FACTORS = (*_POWERS, *(1 / f for f in _POWERS))


def changed_unit(centre: float, spread: float, window: NDArray[np.float64]) -> float | None:
    """The factor by which all of ``window`` is the history (median, spread) in another unit; None if it is not.

    >>> changed_unit(5.0, 0.1, np.array([5000.0, 5100.0, 4950.0, 5050.0] * 2))
    1000.0
    """
    window = window[np.isfinite(window)]
    if len(window) < LASTING or centre == 0 or spread > LOOSEST * abs(centre):
        return None
    ratio = float(np.median(window)) / centre
    for factor in FACTORS:
        tolerance = WITHIN * factor + 0.0
        if abs(ratio - factor) <= tolerance and (np.abs(window / factor - centre) <= 5 * spread).all():
            return factor
    return None
