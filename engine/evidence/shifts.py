"""The shifts of many series at once, in columns: exactly what `engine.evidence.shift` says of each.

A row's history and window are chosen as for one series: the window begins some of the series' own sampling intervals
before the onset; the history is what `baselines.reading.history` says was before.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.evidence.baselines.reading import history
from engine.evidence.baselines.rings import COARSE_SLOTS, Ints
from engine.evidence.kinds import Kind
from engine.evidence.shift import (
    FLOOR,
    HISTORY_NEEDED,
    IQR_TO_SIGMA,
    NEARLY,
    SUCCESS_FLOOR,
    WORST,
    Shift,
    harm_of,
    unit,
)
from engine.signals import Millis

Floats = NDArray[np.float64]


class Split(msgspec.Struct):
    """Histories and windows, NaN where a point belongs to neither, and the sampling intervals (0: unknown)."""

    history: Floats
    window: Floats
    every: Ints


def split(times: Ints, values: Floats, start: Ints, until: Ints, *, lead: Millis, steps: float, recent: int) -> Split:
    """Points (series, time; oldest first, NaN for none) around each row's ``start … until``.

    A window begins ``steps`` sampling intervals, at least ``lead``, before the start; an interval is the mean one of
    the last ``recent`` fine points.
    """
    there = np.isfinite(values)
    fine = there.copy()
    fine[:, :COARSE_SLOTS] = False
    last = fine & (np.cumsum(fine[:, ::-1], axis=1)[:, ::-1] <= recent)
    count = last.sum(axis=1)
    newest = np.where(last, times, -(1 << 62)).max(axis=1)
    oldest = np.where(last, times, 1 << 62).min(axis=1)
    every = np.where(count > 1, newest - oldest, 0) // np.maximum(count - 1, 1)
    since = start - np.maximum(lead, (steps * every).astype(np.int64))
    inside = fine & (times >= since[:, None]) & (times <= until[:, None])
    return Split(history(times, values, since[:, None]), np.where(inside, values, np.nan), every)


def shifts(metrics: Sequence[str], kinds: Sequence[Kind], parts: Split) -> list[Shift | None]:
    """A shift per row; None where there is too little to say anything."""
    past, length = _packed(parts.history)
    inside = np.isfinite(parts.window)
    points = inside.sum(axis=1)
    told = np.flatnonzero((length >= HISTORY_NEEDED) & (points > 0))
    found: list[Shift | None] = [None] * len(metrics)
    if not len(told):
        return found
    past, length, points, inside = past[told], length[told], points[told], inside[told]
    success = np.array([kinds[row] is Kind.SUCCESS for row in told.tolist()])
    harm = np.array([harm_of(kinds[row]) for row in told.tolist()])[:, None]
    ordered = np.sort(past, axis=1)
    usual = _at(ordered, length, 0.5)
    spread = (_at(ordered, length, 0.75) - _at(ordered, length, 0.25)) / IQR_TO_SIGMA
    scale = np.maximum(np.maximum(spread, np.where(success, SUCCESS_FLOOR, FLOOR) * np.abs(usual)), 1e-9)
    bad = np.where(inside, _badness(harm, parts.window[told] - usual[:, None]), -np.inf)
    top = np.sort(bad, axis=1)[:, -WORST:]
    worst = top[:, -1]
    level = np.where(points > WORST, top.sum(axis=1) / WORST, worst)
    seen = np.where(bad == worst[:, None], parts.window[told], -np.inf).max(axis=1)
    before = _episodes(past, harm, usual, level)
    units = [unit(metrics[row], kinds[row], here) for row, here in zip(told.tolist(), usual.tolist(), strict=True)]
    columns = (level / scale, worst / scale, level * units, usual, seen, before, points)
    for row, *numbers in zip(told.tolist(), *(column.tolist() for column in columns), strict=True):
        found[row] = Shift(metrics[row], kinds[row], *numbers)
    return found


def _packed(values: Floats) -> tuple[Floats, Ints]:
    """The points of each row without gaps, NaN behind them, and how many there are."""
    there = np.isfinite(values)
    order = np.argsort(~there, axis=1, kind="stable")
    return np.take_along_axis(np.where(there, values, np.nan), order, axis=1), there.sum(axis=1)


def _at(ordered: Floats, length: Ints, share: float) -> Floats:
    """A quantile of each row, interpolated linearly."""
    place = share * (length - 1)
    low = place.astype(np.int64)
    high = np.minimum(low + 1, length - 1)
    rows = np.arange(len(ordered))
    below = ordered[rows, low]
    return np.asarray(below + (ordered[rows, high] - below) * (place - low))


def _episodes(past: Floats, harm: Ints, usual: Floats, level: Floats) -> Ints:
    """Runs of points that were nearly as bad."""
    with np.errstate(invalid="ignore"):
        bad = (level <= 0)[:, None] | (_badness(harm, past - usual[:, None]) >= NEARLY * level[:, None])
    bad &= np.isfinite(past)
    begins = bad.copy()
    begins[:, 1:] &= ~bad[:, :-1]
    return np.asarray(begins.sum(axis=1))


def _badness(harm: Ints, moved: Floats) -> Floats:
    return np.where(harm == 0, np.abs(moved), harm * moved)
