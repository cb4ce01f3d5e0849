"""Does a series scatter more than it used to? The ratio of median absolute deviations, and how sure it is.

Each window's samples are taken from its own median, so that weeks at different levels do not count as scatter. The
logarithm of the deviation of n independent samples varies by about 1.36 / n (the deviation is worth 37 % of the
standard deviation's samples: F. R. Hampel, J. Am. Stat. Assoc. 69 (1974) 383-393); memory φ counts as φ², the memory of
squares.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log, sqrt

import msgspec
import numpy as np

from engine.evidence.baselines.scale import TINY
from engine.recovery.autocorrelation import worth
from engine.recovery.window import Floats

VARIANCE = 1.36
SURE = 2.326
"""One-sided 1 %: how sure it must be that there is more scatter at all."""
TO_SIGMA = 1.4826


class Spread(msgspec.Struct, frozen=True):
    """Robust standard deviations before and after, their ratio, and the least that the ratio is (one-sided 99 %)."""

    before: float
    after: float
    ratio: float
    least: float


def spread(before: Sequence[Floats], after: Floats, phi: float) -> Spread:
    """Scatter after against that within the windows before.

    >>> found = spread([np.array([1.0, 2, 3, 4] * 10)], np.array([1.0, 9, 2, 10] * 10), 0.0)
    >>> found.ratio, round(found.least, 2)
    (4.0, 2.18)
    """
    past = np.concatenate([np.abs(window - np.median(window)) for window in before])
    usual = TO_SIGMA * float(np.median(past))
    seen = TO_SIGMA * float(np.median(np.abs(after - np.median(after))))
    ratio = seen / max(usual, TINY) if seen > 0 else 0.0
    doubt = sqrt(VARIANCE / worth(phi * phi, len(past)) + VARIANCE / worth(phi * phi, len(after)))
    return Spread(usual, seen, ratio, exp(log(ratio) - SURE * doubt) if ratio > 0 else 0.0)
