"""When a series began to deviate: the first point of the run that leads into a deviation.

The run goes back from the point that is farthest out, as long as points stay on the same side by more than `LEAVE`
spreads; one point in between that does not is no end of it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.signals import Millis

HIT = 5.0
LEAVE = 3.0
ALLOWED = 1


def onset(times: NDArray[np.int64], scores: NDArray[np.float64]) -> Millis | None:
    """The beginning of the latest run that reaches `HIT`; ``scores`` are signed deviations, oldest first.

    None where nothing deviates, and where the run reaches back to the first point there is: then it began before.

    >>> onset(np.arange(6), np.array([0.1, 0.0, 4.0, 9.0, 8.0, 9.0]))
    2
    """
    strong = np.flatnonzero(np.abs(scores) >= HIT)
    if not len(strong):
        return None
    side = np.sign(scores[strong[-1]])
    first, missed = int(strong[-1]), 0
    for place in range(int(strong[-1]) - 1, -1, -1):
        if scores[place] * side > LEAVE:
            first, missed = place, 0
        else:
            missed += 1
            if missed > ALLOWED:
                break
    else:
        if first == 0:
            return None
    return int(times[first])
