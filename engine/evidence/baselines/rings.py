"""The recent points of many series, in columns.

Per series two rings. The *fine* one holds the first point of each of the last `SLOTS` slots of 30 s in which there was
one: at least ten minutes, and as many points where the series is slower. What falls out goes to the *coarse* one: the
first point of each of the last `COARSE_SLOTS` intervals of five minutes. "The first point of a slot" and "the latest
slots" depend on the points alone, so any order of arrival leads to the same rings. Of two values of one moment the
larger holds.

A time is kept in 32 bits, as milliseconds modulo 2³², and read back as an age against the row's newest point; a row
whose next point is 24 days away is begun anew. Whole ticks (one sample for each of many series) are taken at once.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.signals import Millis

Ints = NDArray[np.int64]
Values = NDArray[Any]
"""Of float32 or float64."""

SLOT: Millis = 30_000
SLOTS = 20
COARSE: Millis = 300_000
COARSE_SLOTS = 14
HOUR: Millis = 3_600_000
NEVER = -(1 << 62)
FAR: Millis = 1 << 31
"""A gap after which a row is begun anew: well within what 32 bits can tell apart."""


class Ring:
    """One ring per row: the first point of each of the last ``size`` slots of ``width`` milliseconds."""

    def __init__(self, size: int, width: Millis, kind: np.dtype[Any]) -> None:
        self.size, self.width = size, width
        self.newest: Ints = np.empty(0, np.int64)
        self.head: NDArray[np.uint8] = np.empty(0, np.uint8)
        self.times: NDArray[np.uint32] = np.empty((0, size), np.uint32)
        self.values: Values = np.empty((0, size), kind)

    def grow(self, rows: int) -> None:
        """Room for so many rows; new ones are empty."""
        held = len(self.newest)
        for name, empty in (("newest", NEVER), ("head", 0), ("times", 0), ("values", np.nan)):
            column = getattr(self, name)
            wider = np.full((rows, *column.shape[1:]), empty, column.dtype)
            wider[:held] = column
            setattr(self, name, wider)

    def clear(self, rows: Ints) -> None:
        """Forget these rows' points."""
        self.newest[rows] = NEVER
        self.values[rows] = np.nan

    def push(self, rows: Ints, times: Ints, values: Values) -> tuple[Ints, Ints, Values]:
        """Add a newer slot's point to each of these (different) rows; returns (rows, times, values) that fell out."""
        head = self.head[rows] + np.uint8(1)
        head[head == self.size] = 0
        flat = rows * self.size + head
        all_times, all_values = self.times.reshape(-1), self.values.reshape(-1)
        out_values = all_values[flat]
        there = out_values == out_values  # noqa: PLR0124 - what is no NaN is a point
        wrapped = times.astype(np.uint32)
        ages = wrapped - all_times[flat]
        all_times[flat] = wrapped
        all_values[flat] = values
        self.head[rows] = head
        self.newest[rows] = times
        if there.all():
            return rows, times - ages, out_values
        return rows[there], (times - ages)[there], out_values[there]

    def points(self, rows: Ints) -> tuple[Ints, Values]:
        """Times and values of rows, oldest first, shape (rows, size); empty places are NaN and come first."""
        order = (self.head[rows].astype(np.int64)[:, None] + 1 + np.arange(self.size)) % self.size
        flat = order + rows[:, None] * self.size
        values, wrapped = self.values.reshape(-1)[flat], self.times.reshape(-1)[flat]
        newest = self.newest[rows][:, None]
        return newest - (newest.astype(np.uint32) - wrapped), values

    def insert(self, row: int, at: Millis, value: float) -> tuple[Millis, float] | None:
        """Add one point wherever it belongs; returns the one that falls out, which may be itself."""
        times, values = self.points(np.array([row]))
        held = [(int(t), float(v)) for t, v in zip(times[0], values[0], strict=True) if v == v]  # noqa: PLR0124
        same = [point for point in held if point[0] // self.width == at // self.width]
        if same:
            (other,) = same
            if (at, -value) >= (other[0], -other[1]):
                return None
            held.remove(other)
        held = sorted([*held, (at, value)])
        fell = held.pop(0) if len(held) > self.size else None
        if fell != (at, value):
            self._write(row, held)
        return fell

    def _write(self, row: int, held: list[tuple[Millis, float]]) -> None:
        self.values[row] = np.nan
        self.values[row, : len(held)] = [value for _, value in held]
        self.times[row, : len(held)] = np.array([at for at, _ in held], np.int64).astype(np.uint32)
        self.head[row] = len(held) - 1
        self.newest[row] = held[-1][0]


class Rings:
    """The fine and the coarse ring of each row. ``kind`` is the type of a value: float64 where rates are made of them.
    ``on_hour`` hears of (rows, newest coarse time) whose coarse ring is about to go on to a later hour.

    >>> rings = Rings(np.dtype(np.float32))
    >>> rings.grow(1)
    >>> rings.take(np.array([0, 0]), np.array([60_000, 0]), np.array([2.0, 1.0]))
    >>> rings.points(np.array([0]))[1][0][-2:].tolist()
    [1.0, 2.0]
    """

    def __init__(self, kind: np.dtype[Any], on_hour: Callable[[Ints, Ints], None] | None = None) -> None:
        self.kind = kind
        self.on_hour = on_hour
        self.fine = Ring(SLOTS, SLOT, kind)
        self.coarse = Ring(COARSE_SLOTS, COARSE, kind)
        self.too_late = 0

    @property
    def rows(self) -> int:
        """Rows that there is room for."""
        return len(self.fine.newest)

    def grow(self, rows: int) -> None:
        """Room for so many rows."""
        self.fine.grow(rows)
        self.coarse.grow(rows)

    def clear(self, row: int) -> None:
        """Make a row empty, for another series."""
        rows = np.array([row])
        self.fine.clear(rows)
        self.coarse.clear(rows)

    def take(self, rows: Ints, times: Ints, values: NDArray[np.float64]) -> None:
        """Add samples, each row's in the order given."""
        if len(rows) > 1 and not (rows[1:] > rows[:-1]).all():
            order = np.argsort(rows, kind="stable")
            rows, times, values = rows[order], times[order], values[order]
            first = np.flatnonzero(np.concatenate(([True], rows[1:] != rows[:-1])))
            lengths = np.diff(np.append(first, len(rows)))
            turn = np.arange(len(rows)) - np.repeat(first, lengths)
            by_turn = np.argsort(turn, kind="stable")
            edges = np.searchsorted(turn[by_turn], np.arange(lengths.max() + 1))
            for begin, end in pairwise(edges):
                part = by_turn[begin:end]
                self._tick(rows[part], times[part], values[part])
        elif len(rows):
            self._tick(rows, times, values)

    def points(self, rows: Ints) -> tuple[Ints, NDArray[np.float64]]:
        """Times and values of rows, oldest first, shape (rows, `COARSE_SLOTS` + `SLOTS`); NaN where there is none."""
        old_times, old_values = self.coarse.points(rows)
        times, values = self.fine.points(rows)
        return np.concatenate((old_times, times), axis=1), np.concatenate((old_values, values), axis=1).astype(float)

    def _tick(self, rows: Ints, times: Ints, values: NDArray[np.float64]) -> None:
        """At most one sample per row."""
        fine = self.fine
        newest = fine.newest[rows]
        ahead = times - newest
        if ahead.min() < SLOT:
            fresh = times // SLOT > newest // SLOT
            for place in np.flatnonzero(times <= newest):
                self._late(int(rows[place]), int(times[place]), float(values[place]))
            rows, times, values, newest = rows[fresh], times[fresh], values[fresh], newest[fresh]
            ahead = times - newest
        if len(rows) and ahead.max() > FAR:
            far = (ahead > FAR) & (newest != NEVER)
            fine.clear(rows[far])
            self.coarse.clear(rows[far])
        fell, at, value = fine.push(rows, times, values.astype(self.kind))
        if len(fell):
            self._retire(fell, at, value)

    def _retire(self, rows: Ints, times: Ints, values: Values) -> None:
        """Points that the fine ring has no room for, newer than all of the coarse one."""
        coarse = self.coarse
        before = coarse.newest[rows]
        fresh = times // COARSE > before // COARSE
        rows, times, values, before = rows[fresh], times[fresh], values[fresh], before[fresh]
        if not len(rows):
            return
        if self.on_hour is not None:
            over = (times // HOUR > before // HOUR) & (before != NEVER)
            if over.any():
                self.on_hour(rows[over], before[over])
        coarse.push(rows, times, values)

    def _late(self, row: int, at: Millis, value: float) -> None:
        """A sample that is not the newest of its row."""
        if self.fine.newest[row] - at > FAR:
            self.too_late += 1
            return
        value = float(self.kind.type(value))
        fell = self.fine.insert(row, at, value)
        if fell is not None:
            out = self.coarse.insert(row, *fell)
            self.too_late += out == fell
