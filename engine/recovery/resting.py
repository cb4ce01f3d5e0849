"""Series that lie at their best value: no errors at all, all requests answered.

They have no scatter to compare with. What can be said is how often they leave their best: of n samples after
restoration the largest share that may lie beyond a value is known with 95 % confidence (`at_most`, exact where none
does), so a distribution-free bound of what at least nine of ten samples keep to takes the place of the interval.
"""

from __future__ import annotations

import numpy as np

from engine.evidence.model.intervals import at_most
from engine.recovery.autocorrelation import memory, worth
from engine.recovery.difference import Difference
from engine.recovery.quantiles import binomial_at_least
from engine.recovery.window import Floats

SHARE = 0.1
"""Share of the samples that may lie beyond the bound: one needs 29 independent ones to say so."""
USUAL_SHARE = 0.01
"""Share of samples that may be off their best by chance."""


def resting(best: float, after: Floats, margin: float, sign: float, before: int) -> Difference:
    """Samples after against the value at which the series lay; ``sign`` is 1 where higher is worse, else −1. ``before``
    is the number of samples that lay there.

    >>> resting(0.0, np.zeros(30), 0.001, 1.0, 240).high
    0.0
    >>> resting(0.0, np.zeros(20), 0.001, 1.0, 240).high
    inf
    """
    worse = np.sort(sign * (after - best))
    phi = memory([[after]])
    thinned = len(after) / worth(phi, len(after))
    beyond = int((worse > margin).sum() / thinned)
    count = max(1, int(len(after) / thinned))
    probability = binomial_at_least(beyond, count, USUAL_SHARE)
    low, high = _bounds(worse, thinned)
    estimate = float(worse.mean())
    return Difference(
        method="exceedance",
        usual=best,
        seen=float(after.mean()),
        estimate=sign * estimate,
        low=low if sign > 0 else -high,
        high=high if sign > 0 else -low,
        p_higher=probability if sign > 0 else 1.0,
        p_lower=probability if sign < 0 else 1.0,
        worth_before=float(before),
        worth_after=count,
        memory=phi,
    )


def _bounds(worse: Floats, thinned: float) -> tuple[float, float]:
    """What the worst tenth at least reaches, and what nine tenths keep to; ``worse`` is sorted."""
    count = max(1, int(len(worse) / thinned))
    low, high = 0.0, np.inf
    for above in range(count):
        if at_most(above, count) > SHARE:
            break
        high = float(worse[len(worse) - 1 - int(above * thinned)])
    for below in range(count):
        if at_most(below, count) > 1 - SHARE:
            break
        low = max(low, float(worse[int(below * thinned)]))
    return low, high
