"""How many events a series of counts is worth, where they come in bunches and the series has memory.

The counts of intervals vary more than independent events would: by the dispersion D = Pearson's χ² / (n − 1), at least
1, times the inflation of the memory of its residuals. Events / D is what the exact and score intervals are given (the
"effective sample" of survey statistics: J. N. K. Rao and A. J. Scott, Biometrics 48 (1992) 577-585).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.recovery.autocorrelation import inflation, memory
from engine.recovery.window import Floats

TINY = 1e-12


def bunching(counts: Floats, expected: Floats, share: float = 0.0) -> float:
    """D of counts, given what was expected of each; ``share`` is that of bad events in a ratio, 0 for plain counts.

    >>> bunching(np.array([1.0, 0.0, 2.0, 1.0]), np.ones(4)), bunching(np.array([40.0, 0, 0, 0]), np.full(4, 10.0))
    (1.0, 40.0)
    """
    if len(counts) < 2:
        return 1.0
    variance = np.maximum(expected * (1 - share), TINY)
    return max(1.0, float(np.sum((counts - expected) ** 2 / variance)) / (len(counts) - 1))


def remembered(windows: Sequence[Sequence[Floats]]) -> tuple[float, list[float]]:
    """φ of groups of windows of residuals, and each group's inflation."""
    phi = memory(windows)
    return phi, [
        sum(len(one) * inflation(phi, len(one)) for one in group) / max(1, sum(map(len, group))) for group in windows
    ]
