"""Is what comes after restoration one steady state? Scatter, changes of level, excursions, restarts, holes.

Each finding must be surely more than the series did before, and matter beside the margin: a latency that scatters by
0.3 % instead of 0.1 % is steady.
"""

from __future__ import annotations

from math import sqrt

import msgspec
import numpy as np

from engine.recovery.baseline import Baseline, levels
from engine.recovery.change_points import change_points
from engine.recovery.excursions import Excursions, excursions
from engine.recovery.indicator import Measure
from engine.recovery.samples import Samples
from engine.recovery.spread import TO_SIGMA, Spread, spread
from engine.recovery.window import Floats
from engine.recovery.words import Why

LEVELS = frozenset({Measure.GAUGE, Measure.COUNTER})
WIDER = 2.0
"""Times the scatter before."""
CHANGES = 2
RESTARTS = 2
GAPS = 2
MATTERS = 0.5
"""Share of the margin below which scatter does not matter."""


class Stability(msgspec.Struct, frozen=True, kw_only=True):
    """What was looked at; ``against`` holds what speaks against a steady state."""

    spread: Spread
    levels: tuple[float, ...]
    excursions: Excursions
    restarts: int
    gaps: int
    against: tuple[Why, ...] = ()


def stability(
    measure: Measure, past: Baseline, after: Samples, phi: float, margin: float, places: list[int]
) -> Stability:
    """Look at samples after restoration, whose level changes at ``places``, against the windows before. Counts scatter
    with their number; that they come in bunches is in what they are worth."""
    values = levels(after)
    scatter = spread(past.values, values, phi)
    means = stretches(values, places)
    gone = excursions(past.values, values, max(past.sigma, scatter.before, scatter.after), margin)
    resets = max((one.resets for one in past.windows), default=0)
    found = {
        Why.SPREAD: measure in LEVELS and _wider(scatter, margin, _growth(past, values)),
        Why.CHANGE_POINTS: len(places) >= CHANGES and max(means) - min(means) > margin,
        Why.FLAPPING: gone.flapping,
        Why.RESTARTS: after.resets >= RESTARTS + resets,
        Why.GAPS: after.gaps >= GAPS,
    }
    return Stability(
        spread=scatter,
        levels=means,
        excursions=gone,
        restarts=after.resets,
        gaps=after.gaps,
        against=tuple(why for why, holds in found.items() if holds),
    )


def _wider(scatter: Spread, margin: float, growth: float) -> bool:
    return scatter.ratio > WIDER * growth and scatter.least > growth and scatter.after > MATTERS * margin


def _growth(past: Baseline, values: Floats) -> float:
    """A higher level scatters more."""
    usual = abs(float(np.median(np.concatenate(past.values))))
    return max(1.0, abs(float(np.median(values))) / usual) if usual > 0 else 1.0


def stretches(values: Floats, places: list[int]) -> tuple[float, ...]:
    """The median of each stretch between changes of level."""
    return tuple(float(np.median(part)) for part in np.split(values, places))


def level_changes(past: Baseline, after: Samples, phi: float) -> list[int]:
    """Where the level changes after restoration, seen against the scatter before and from sample to sample now."""
    values = levels(after)
    steps = TO_SIGMA * float(np.median(np.abs(np.diff(values)))) / sqrt(2 * (1 - phi))
    return change_points(values, max(past.sigma, steps), phi)
