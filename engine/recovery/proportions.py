"""The difference of two shares (of bad events, say): Newcombe's hybrid score interval.

Wilson's interval of each share, combined (R. G. Newcombe, Statistics in Medicine 17 (1998) 873-890, method 10), each
side with the events it is worth (`events`). It holds where shares are near 0 and where nothing bad was seen at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np

from engine.evidence.model.intervals import wilson
from engine.recovery.difference import Difference
from engine.recovery.events import bunching, remembered
from engine.recovery.quantiles import student, student_above
from engine.recovery.shift import CONFIDENCE
from engine.recovery.window import Floats

Counted = tuple[Floats, Floats]
"""(bad events, all events) by sample."""


def proportions(before: Sequence[Counted], after: Counted) -> Difference:
    """Bad events among all, after against the windows before, in order of time; totals are above 0.

    >>> quiet = (np.array([1.0, 0, 2, 1, 0, 1, 0, 2, 1, 1]), np.full(10, 1000.0))
    >>> found = proportions([quiet, quiet], (np.full(10, 30.0), np.full(10, 1000.0)))
    >>> round(found.estimate, 4), found.low > 0.025, found.p_higher < 1e-9
    (0.0291, True, True)
    """
    bad, every = np.concatenate([one[0] for one in before]), np.concatenate([one[1] for one in before])
    usual, seen = _share(bad, every), _share(*after)
    phi, (past, now) = remembered([[_residuals(one, usual) for one in before], [_residuals(after, seen)]])
    worth_before = float(every.sum()) / (past * bunching(bad, usual * every, usual))
    worth_after = float(after[1].sum()) / (now * bunching(after[0], seen * after[1], seen))
    freedom = max(1.0, len(bad) / past + len(after[0]) / now - 2)
    z = student(CONFIDENCE, freedom)
    low_before, high_before = wilson(usual * worth_before, worth_before, z)
    low_after, high_after = wilson(seen * worth_after, worth_after, z)
    estimate = seen - usual
    score = _score(usual, worth_before, seen, worth_after)
    return Difference(
        method="newcombe",
        usual=usual,
        seen=seen,
        estimate=estimate,
        low=estimate - sqrt((seen - low_after) ** 2 + (high_before - usual) ** 2),
        high=estimate + sqrt((high_after - seen) ** 2 + (usual - low_before) ** 2),
        p_higher=student_above(score, freedom),
        p_lower=student_above(-score, freedom),
        worth_before=worth_before,
        worth_after=worth_after,
        memory=phi,
    )


def _share(bad: Floats, every: Floats) -> float:
    return float(bad.sum()) / float(every.sum())


def _residuals(counted: Counted, share: float) -> Floats:
    found: Floats = (counted[0] - share * counted[1]) / np.sqrt(counted[1])
    return found


def _score(usual: float, worth_before: float, seen: float, worth_after: float) -> float:
    """The difference over its standard deviation where both shares are the same."""
    pooled = (usual * worth_before + seen * worth_after) / (worth_before + worth_after)
    variance = pooled * (1 - pooled) * (1 / worth_before + 1 / worth_after)
    return (seen - usual) / sqrt(variance) if variance > 0 else 0.0
