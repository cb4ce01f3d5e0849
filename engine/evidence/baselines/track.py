"""The last hour and more of some series, point by point: what a recovery is compared with.

Per series the first point of each of the last `SLOTS` slots of 30 s in which there was one, raw as it was sent. "The
first point of a slot" depends on the points alone, so any order of arrival leads to the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.evidence.baselines.rings import SLOT, Ints, Ring, Values
from engine.signals import Millis

SLOTS = 200
"""At least a hundred minutes."""
GROWTH = 64


class Tracks:
    """Rings of the series that were opened, by their references.

    >>> tracks = Tracks()
    >>> tracks.open(7)
    >>> for at, value in ((60_000, 2.0), (0, 1.0), (70_000, 9.0)):
    ...     tracks.add(7, at, value)
    >>> [part.tolist() for part in tracks.between(7, 0, 90_000)]
    [[0, 60000], [1.0, 2.0]]
    """

    def __init__(self) -> None:
        self.rows: dict[int, int] = {}
        self._free: list[int] = []
        self._ring = Ring(SLOTS, SLOT, np.dtype(np.float64))

    def open(self, ref: int) -> None:
        """Keep the points of this series from now on."""
        if not self._free:
            held = len(self._ring.newest)
            self._ring.grow(held + GROWTH)
            self._free = list(range(held + GROWTH - 1, held - 1, -1))
        self.rows[ref] = self._free.pop()

    def drop(self, ref: int) -> None:
        """Forget a series."""
        row = self.rows.pop(ref, None)
        if row is not None:
            self._ring.clear(np.array([row]))
            self._free.append(row)

    def add(self, ref: int, at: Millis, value: float) -> None:
        """A point, in any order."""
        row = self.rows[ref]
        newest = int(self._ring.newest[row])
        if at // SLOT > newest // SLOT:
            self._ring.push(np.array([row]), np.array([at]), np.array([value]))
        elif newest - at < SLOTS * SLOT:
            self._ring.insert(row, at, value)

    def between(self, ref: int, since: Millis, until: Millis) -> tuple[Ints, Values]:
        """Times and values of a series in ``since … until``, oldest first; empty where it is not kept."""
        row = self.rows.get(ref)
        if row is None:
            return np.empty(0, np.int64), np.empty(0)
        times, values = self._ring.points(np.array([row]))
        there = np.isfinite(values[0]) & (times[0] >= since) & (times[0] <= until)
        return times[0][there], values[0][there]

    def packed(self) -> dict[str, Any]:
        """Plain data for a snapshot."""
        rows = np.array(list(self.rows.values()), np.int64)
        ring = self._ring
        columns = {name: getattr(ring, name)[rows].tobytes() for name in ("newest", "head", "times", "values")}
        return {"refs": list(self.rows), "columns": columns}

    @classmethod
    def unpacked(cls, content: dict[str, Any]) -> Tracks:
        """What `packed` gave."""
        found = cls()
        for ref in content["refs"]:
            found.open(ref)
        rows = np.array(list(found.rows.values()), np.int64)
        for name, column in content["columns"].items():
            into = getattr(found._ring, name)
            into[rows] = np.frombuffer(column, into.dtype).reshape((len(rows), *into.shape[1:]))
        return found
