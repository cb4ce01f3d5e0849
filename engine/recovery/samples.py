"""What a window holds in order: counters as rates, what is no number left out, gaps and resets counted."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.evidence.baselines.counters import rates
from engine.recovery.indicator import Measure
from engine.recovery.window import Floats, Ints, Window

GAP = 3
"""From so many missing samples on a hole is a gap."""


class Samples(msgspec.Struct, frozen=True):
    """The usable samples of a window in order of time; of several at one time the last. ``totals`` is empty but for
    ratios. ``gaps`` counts holes of more than `GAP` intervals, those at the ends included."""

    times: Ints
    values: Floats
    totals: Floats
    coverage: float
    gaps: int
    resets: int

    def __len__(self) -> int:
        return len(self.values)

    def since(self, first: int) -> Samples:
        """Without the samples before the one at this place."""
        totals = self.totals[first:] if len(self.totals) else self.totals
        return msgspec.structs.replace(self, times=self.times[first:], values=self.values[first:], totals=totals)


def samples(window: Window, measure: Measure) -> Samples:
    """Put a window in order. Samples outside of it are left out."""
    order = np.argsort(window.times, kind="stable")
    times = window.times[order].astype(np.int64)
    values = window.values[order].astype(np.float64)
    totals = window.totals[order].astype(np.float64) if window.totals is not None else np.empty(0)
    keep = np.isfinite(values) & (times >= window.start) & (times <= window.end)
    if measure is Measure.RATIO:
        keep &= _countable(values, totals) if len(totals) else np.zeros(len(values), np.bool_)
    keep[:-1] &= ~((times[1:] == times[:-1]) & keep[1:])
    times, values, totals = times[keep], values[keep], totals[keep] if len(totals) else totals
    resets = 0
    if measure is Measure.COUNTER:
        times, values, resets = _rates(times, values)
    coverage = min(1.0, len(values) / window.expected)
    return Samples(times, values, totals, coverage, _gaps(window, times), resets)


def _countable(values: Floats, totals: Floats) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):
        found: NDArray[np.bool_] = np.isfinite(totals) & (values >= 0) & (totals > 0) & (values <= totals)
    return found


def _rates(times: Ints, values: Floats) -> tuple[Ints, Floats, int]:
    """Rates per second; what was counted while a counter began anew is unknown, and left out."""
    if len(values) < 2:
        return times[:0], values[:0], 0
    rising = np.diff(values) >= 0
    found = rates(times[None, :], values[None, :])[0][1:]
    return times[1:][rising], found[rising], int((~rising).sum())


def _gaps(window: Window, times: Ints) -> int:
    edges = np.concatenate([[window.start], times, [window.end]])
    return int((np.diff(edges) > (GAP + 1) * window.interval).sum())
