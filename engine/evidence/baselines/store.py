"""The columns of all series: their points, names, ends, and what is usual at an hour of the week.

A series is a row of one of two tables: counters by name keep 64-bit values (rates are differences), all others 32-bit
ones. Rows are given to series as they come, up to a limit; then only a series that has been silent for an hour, and
whose entity no open incident touches, makes room. Samples are collected and taken together when somebody asks; what is
kept of a series depends on its own samples in their order alone, so the moments of taking them change nothing.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.evidence.baselines.counters import is_counter, rates
from engine.evidence.baselines.rings import NEVER, Ints, Rings
from engine.evidence.baselines.scale import middle
from engine.evidence.baselines.seasons import DAY, HOUR, Seasons
from engine.signals import Millis

PENDING = 8192
IDLE: Millis = HOUR
SPARE_NAMES = 1024
NARROW, WIDE = 0, 1
Samples = tuple[Ints, Ints, NDArray[np.float64]]


class Table:
    """The rows of one kind of series."""

    def __init__(self, seasons: Seasons, *, wide: bool) -> None:
        self.rings = Rings(np.dtype(np.float64 if wide else np.float32), self._hour_over)
        self.seasons = seasons
        self.wide = wide
        self.count = 0
        self.entity = np.empty(0, np.int32)
        self.metric = np.empty(0, np.int32)
        self.season = np.empty(0, np.int32)
        self.since = np.empty(0, np.int32)
        self.keys: list[str] = []
        self.marks: NDArray[np.uint8] = np.empty(0, np.uint8)
        """What a caller notes of its rows; no part of a snapshot, 0 for what is new."""

    def grow(self, rows: int) -> None:
        """Room for so many rows."""
        self.rings.grow(rows)
        for name, empty in (("entity", -1), ("metric", -1), ("season", -1), ("since", -1), ("marks", 0)):
            column = getattr(self, name)
            wider = np.full(rows, empty, column.dtype)
            wider[: len(column)] = column
            setattr(self, name, wider)

    def new(self, key: str, entity: int, metric: int) -> int:
        """A row for a series."""
        if self.count == self.rings.rows:
            self.grow(max(256, self.count + self.count // 2))
        row = self.count
        self.count += 1
        self.keys.append(key)
        self.entity[row], self.metric[row] = entity, metric
        return row

    def reuse(self, row: int, key: str, entity: int, metric: int) -> None:
        """Give a row to another series."""
        self.rings.clear(row)
        if self.season[row] >= 0:
            self.seasons.release(int(self.season[row]))
        self.season[row] = self.since[row] = -1
        self.marks[row] = 0
        self.keys[row] = key
        self.entity[row], self.metric[row] = entity, metric

    def points(self, rows: Ints) -> tuple[Ints, NDArray[np.float64]]:
        """Times and values of rows, counters as rates; shape (rows, points), oldest first, NaN for none."""
        times, values = self.rings.points(rows)
        return times, rates(times, values) if self.wide else values

    def _hour_over(self, rows: Ints, newest: Ints) -> None:
        """Hours that the coarse points of these rows are about to leave: learn what they have shown."""
        hours = newest // HOUR
        times, values = self.rings.coarse.points(rows)
        numbers = values.astype(np.float64)
        if self.wide:
            numbers = rates(times, numbers)
        centre, spread = middle(np.where(times // HOUR == hours[:, None], numbers, np.nan))
        told = np.isfinite(centre)
        rows, hours, centre, spread = rows[told], hours[told], centre[told], spread[told]
        self.since[rows] = np.where(self.since[rows] < 0, hours, self.since[rows])
        due = (self.season[rows] < 0) & (hours - self.since[rows] >= DAY)
        if due.any():
            self.season[rows[due]] = self.seasons.allot(centre[due], spread[due])
        known = self.season[rows] >= 0
        if known.any():
            self.seasons.learn(self.season[rows[known]].astype(np.int64), hours[known], centre[known], spread[known])


class Store:
    """Series by key. A *reference* is what a series is called inside: its row, twice, plus 1 for a wide one."""

    def __init__(self) -> None:
        self.seasons = Seasons()
        self.tables = (Table(self.seasons, wide=False), Table(self.seasons, wide=True))
        self.by_key: dict[str, int] = {}
        self.names: list[str] = []
        self.number: dict[str, int] = {}
        self.ended: dict[int, Millis] = {}
        self.evicted = 0
        self.scan_at: Millis = NEVER
        self._refs, self._times, self._values = array("q"), array("q"), array("d")

    def key(self, ref: int) -> str:
        """The key of a series."""
        return self.tables[ref & 1].keys[ref >> 1]

    @property
    def count(self) -> int:
        """Series kept."""
        return len(self.by_key)

    def name(self, text: str) -> int:
        """The number of a name."""
        found = self.number.get(text)
        if found is None:
            found = self.number[text] = len(self.names)
            self.names.append(text)
        return found

    def new(self, key: str, entity: str, metric: str) -> int:
        """The reference of a new series."""
        wide = is_counter(metric)
        table = self.tables[wide]
        found = self.by_key[key] = 2 * table.new(key, self.name(entity), self.name(metric)) + wide
        return found

    def replace(self, key: str, entity: str, metric: str, at: Millis, kept: Callable[[str], bool]) -> tuple[int, str]:
        """(reference, entity that had it) of the row that another series leaves; (-1, ""): there is none.

        It is the one that has been silent for longest, at least `IDLE` before ``at``; ``kept`` entities lose none.
        """
        wide = is_counter(metric)
        table = self.tables[wide]
        if at < self.scan_at or not table.count:
            return -1, ""
        self.flush()
        newest = table.rings.fine.newest[: table.count]
        for row in np.argsort(newest, kind="stable"):
            if newest[row] > at - IDLE:
                break
            before = int(table.entity[row])
            if kept(self.names[before]):
                continue
            had = self.names[before]
            del self.by_key[table.keys[row]]
            table.reuse(int(row), key, self.name(entity), self.name(metric))
            found = self.by_key[key] = 2 * int(row) + wide
            self.ended.pop(found, None)
            self.evicted += 1
            self._forget_names()
            return found, had
        self.scan_at = at + IDLE // 10
        return -1, ""

    def _forget_names(self) -> None:
        """Drop the names that no series has any more, once they are the most."""
        if len(self.names) <= 2 * 2 * self.count + SPARE_NAMES:
            return
        columns = [(table, name) for table in self.tables for name in ("entity", "metric")]
        used = np.unique(np.concatenate([getattr(table, name)[: table.count] for table, name in columns]))
        for table, name in columns:
            column = getattr(table, name)
            column[: table.count] = np.searchsorted(used, column[: table.count])
        self.names = [self.names[number] for number in used]
        self.number = {text: number for number, text in enumerate(self.names)}

    def add(self, ref: int, at: Millis, value: float) -> bool:
        """Collect one sample; True when it is time to `flush`."""
        self._refs.append(ref)
        self._times.append(at)
        self._values.append(value)
        return len(self._refs) >= PENDING

    def extend(self, refs: Ints, times: Ints, values: NDArray[np.float64]) -> None:
        """Collect samples of many series, as `add` does, and flush when it is time to."""
        if self.ended:
            for ref in self.ended.keys() & set(refs.tolist()):
                del self.ended[ref]
        self._refs.frombytes(refs.tobytes())
        self._times.frombytes(times.tobytes())
        self._values.frombytes(values.tobytes())
        if len(self._refs) >= PENDING:
            self.flush()

    def speaks(self, ref: int) -> None:
        """It has not ended."""
        if self.ended:
            self.ended.pop(ref, None)

    def ends(self, ref: int, at: Millis) -> None:
        """Its sender says that there is no more of it."""
        self.ended[ref] = at

    def flush(self) -> Samples:
        """Take what was collected; returns it."""
        refs = np.array(self._refs, np.int64)
        times, values = np.array(self._times, np.int64), np.array(self._values)
        if len(refs):
            self._refs, self._times, self._values = array("q"), array("q"), array("d")
            self.take(refs, times, values)
        return refs, times, values

    def take(self, refs: Ints, times: Ints, values: NDArray[np.float64]) -> None:
        """Samples of many series at once, each series' in the order given."""
        wide = (refs & 1).astype(np.bool_)
        for table, of_table in zip(self.tables, (~wide, wide), strict=True):
            if of_table.all():
                table.rings.take(refs >> 1, times, values)
            elif of_table.any():
                table.rings.take(refs[of_table] >> 1, times[of_table], values[of_table])

    def points(self, refs: Ints) -> tuple[Ints, NDArray[np.float64]]:
        """Times and values of series, shape (series, points), oldest first; NaN for none."""
        wide = (refs & 1).astype(np.bool_)
        if not wide.any():
            return self.tables[NARROW].points(refs >> 1)
        times, values = self.tables[WIDE].points(refs >> 1 if wide.all() else np.where(wide, refs >> 1, 0))
        if not wide.all():
            times[~wide], values[~wide] = self.tables[NARROW].points(refs[~wide] >> 1)
        return times, values

    def at_hour(self, refs: Ints, hours: Ints) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(median, spread) usual at an hour of the week, NaN where that is not known."""
        centre, spread = np.full(len(refs), np.nan), np.full(len(refs), np.nan)
        season = self.column("season", refs)
        known = season >= 0
        if known.any():
            centre[known], spread[known] = self.seasons.usual(season[known].astype(np.int64), hours[known])
        return centre, spread

    def column(self, name: str, refs: Ints) -> NDArray[np.int64]:
        """A column of both tables for series."""
        wide = (refs & 1).astype(np.bool_)
        found = np.empty(len(refs), np.int64)
        for table, of_table in zip(self.tables, (~wide, wide), strict=True):
            if of_table.any():
                found[of_table] = getattr(table, name)[refs[of_table] >> 1]
        return found

    def bytes_held(self) -> int:
        """Bytes of all columns that are in use."""
        rows = sum(
            table.count * sum(c.nbytes // max(1, len(c)) for c in columns_of(table).values()) for table in self.tables
        )
        pool = self.seasons
        return rows + pool.count * sum(c.nbytes // max(1, len(c)) for c in seasons_of(pool).values())


def columns_of(table: Table) -> dict[str, NDArray[Any]]:
    """All columns of a table, by name."""
    found = {name: getattr(table, name) for name in ("entity", "metric", "season", "since")}
    for name in ("fine", "coarse"):
        ring = getattr(table.rings, name)
        found |= {f"{name}.{column}": getattr(ring, column) for column in ("newest", "head", "times", "values")}
    return found


def seasons_of(seasons: Seasons) -> dict[str, NDArray[Any]]:
    """All columns of the seasons, by name."""
    return {name: getattr(seasons, name) for name in ("centre", "scale", "medians", "spreads")}
