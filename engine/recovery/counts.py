"""The change of a rate of events: the share that fell after restoration, given how long each side was looked at.

Of a + b events, a fell into the time after; were the rate the same, their share would be the share of the time.
Wilson's interval of that share gives one of the ratio of rates (the conditional test of two Poisson rates: J.
Przyborowski and H. Wilenski, Biometrika 31 (1940) 313-323), with the events that each side is worth where they come in
bunches (`events`).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, sqrt

import numpy as np

from engine.evidence.model.intervals import wilson
from engine.recovery.difference import Difference
from engine.recovery.events import bunching, remembered
from engine.recovery.quantiles import student, student_above
from engine.recovery.shift import CONFIDENCE
from engine.recovery.window import Floats


def counts(before: Sequence[Floats], after: Floats) -> Difference:
    """Events per sample, after against the windows before, in order of time.

    >>> found = counts([np.array([4.0, 6, 5, 5, 3, 7] * 5)], np.array([10.0, 9, 11, 12, 8, 10] * 3))
    >>> found.usual, found.seen, found.low > 3, found.p_higher < 1e-6
    (5.0, 10.0, True, True)
    """
    past = np.concatenate(before)
    usual, seen = float(past.mean()), float(after.mean())
    phi, (old, new) = remembered([before, [after]])
    thinned = old * bunching(past, np.full(len(past), usual))
    thinned_after = new * bunching(after, np.full(len(after), seen))
    design = max(1.0, (thinned * past.sum() + thinned_after * after.sum()) / max(1.0, past.sum() + after.sum()))
    earlier, later = float(past.sum()) / design, float(after.sum()) / design
    freedom = max(1.0, len(past) / old + len(after) / new - 2)
    time = len(after) / (len(past) + len(after))
    low, high, score = _share(earlier, later, time, student(CONFIDENCE, freedom))
    return Difference(
        method="conditional_counts",
        usual=usual,
        seen=seen,
        estimate=seen - usual,
        low=usual * _ratio(low, time) - usual,
        high=usual * _ratio(high, time) - usual if usual else inf,
        p_higher=student_above(score, freedom),
        p_lower=student_above(-score, freedom),
        worth_before=earlier,
        worth_after=later,
        memory=phi,
    )


def _share(earlier: float, later: float, time: float, z: float) -> tuple[float, float, float]:
    """Interval of the share of events after, and its distance from the share of time in standard deviations."""
    every = earlier + later
    if every <= 0:
        return 0.0, 1.0, 0.0
    low, high = wilson(later, every, z)
    return low, high, (later / every - time) / sqrt(time * (1 - time) / every)


def _ratio(share: float, time: float) -> float:
    """The ratio of rates that a share of events after stands for."""
    return share / (1 - share) * (1 - time) / time if share < 1 else inf
