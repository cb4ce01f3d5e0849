"""The impact algebra over all entities at once: a sweep over the topological levels of the compiled topology.

Each level is a few numpy calls over slices; levels that nothing affected feeds are skipped. Dependency cycles, each
within one level, are then iterated to their greatest fixpoint by a worklist. The values are those of `topology.sweep`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from topology.compiled import Compiled
from topology.groups import UP
from topology.kernels import ALL, Downs, Kernel, Losses, Values
from topology.layout import Layout, Places, Rows, layout, ranges

DENSE = 4
"""Of a level of which one position in so many is marked all are reckoned: slices cost less than choosing."""
SPREAD = 2
"""Of all levels above what was read so many times as they have positions, all positions are reckoned."""
MEMORY = 64 * 2**20
"""Bytes that the values of one pass over many worlds may take."""


def healths(compiled: Compiled, own: NDArray[np.int16], felt: bool = True, doubtful: bool = True) -> NDArray[np.int16]:
    """Health (0 … 1000) of every entity, for own healths of shape (N,) or (N, W), a world a column, by number.

    With ``felt`` all buffers are spent, without nothing has come through any; without ``doubtful`` nothing comes
    through dependencies that were only discovered. Raises ValueError for other shapes and healths.
    """
    if own.ndim not in (1, 2) or len(own) != len(compiled.names):
        raise ValueError(f"own healths are of shape ({len(compiled.names)},) or with worlds behind, not {own.shape}")
    if own.size and (own.min() < 0 or own.max() > UP):
        raise ValueError(f"healths must be within 0 … {UP}")
    plan = layout(compiled, doubtful)
    found = np.empty(own.shape, np.int16)
    width = own.shape[1] if own.ndim == 2 else 1
    step = max(1, MEMORY // (2 * max(1, plan.size + plan.slots)))
    for first in range(0, width, step):
        part = ... if own.ndim == 1 else (ALL, slice(first, first + step))
        worlds = Worlds(plan, Losses(), (UP - own[part])[plan.number].astype(np.int16), felt)
        worlds.begin()
        found[part] = UP - worlds.values[plan.position]
    return found


def fall(compiled: Compiled, down: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which entities are down (health 0) in worlds of basic failures; both of shape (N, W), by number.

    Who is not named down is up by itself; all buffers are spent. Degraded is not down: a missing share of a required
    capacity, or a soft dependency with a factor below 1000, takes nothing down. Raises ValueError for other shapes.
    """
    if down.ndim != 2 or len(down) != len(compiled.names):
        raise ValueError(f"worlds are of shape ({len(compiled.names)}, W), not {down.shape}")
    plan = layout(compiled)
    found = np.empty(down.shape, np.bool_)
    words = max(1, MEMORY // (8 * max(1, plan.size + plan.slots)))
    for first in range(0, down.shape[1], 64 * words):
        part = down[:, first : first + 64 * words]
        padded = np.zeros((plan.size, -(-part.shape[1] // 64) * 64), np.bool_)
        padded[plan.position, : part.shape[1]] = part
        worlds = Worlds(plan, Downs(), np.packbits(padded, axis=1).view(np.uint64), spent=True)
        worlds.begin()
        bits = np.unpackbits(worlds.values[: plan.size].view(np.uint8), axis=1, count=part.shape[1])
        found[:, first : first + 64 * words] = bits[plan.position]
    return found


class Worlds:
    """Values of all entities, by position, with the slots of buffered dependencies behind them.

    ``own`` are own losses, by position. With ``spent`` what a provider loses is in its slots at once, else slots only
    change from outside.
    """

    def __init__(self, plan: Layout, kernel: Kernel, own: Values, spent: bool) -> None:
        self.plan = plan
        self.kernel = kernel
        self.own = own
        self.spent = spent
        self.values = np.zeros((plan.size + plan.slots, *own.shape[1:]), own.dtype)
        self._marked = np.zeros(plan.size, np.bool_)

    def begin(self) -> None:
        """Bring all up to date that own losses reach."""
        self.settle(np.flatnonzero(_some(self.own)))

    def settle(self, front: Places, heals: bool = False) -> tuple[Places, Values]:
        """Bring these positions and all that read them up to date; returns whose values changed, sorted, and from
        what. ``heals`` unless all gets worse only.

        Work is proportional to what changes, and for much of a level that of a pass over it.
        """
        plan, depth = self.plan, len(self.plan.level_begin) - 1
        dirty, whole, read = np.zeros(depth, np.bool_), np.zeros(depth, np.bool_), 0
        self._marked[front] = True
        dirty[plan.level[front]] = True
        touched: list[tuple[Places, Values]] = []
        level = int(dirty.argmax()) if depth else 0
        while level < depth:
            if dirty[level] and len((change := self._level(level, bool(whole[level]), heals))[0]):
                touched.append(change)
                read += self._spread(level, change[0], dirty, whole, read)
            level += 1
        if not touched:
            return np.zeros(0, np.int64), self.values[:0]
        return np.concatenate([rows for rows, _ in touched]), np.concatenate([old for _, old in touched])

    def _level(self, level: int, whole: bool, heals: bool) -> tuple[Places, Values]:
        """Bring what is marked of a level up to date, or the whole of it; returns what changed, and from what."""
        plan, values = self.plan, self.values
        begin, end, ring = plan.level_begin[level], plan.level_begin[level + 1], plan.cyclic_begin[level]
        marked = self._marked[begin:end]
        rows = marked.nonzero()[0] + begin
        marked[rows - begin] = False
        if whole or DENSE * len(rows) > end - begin:
            rows = np.arange(begin, end)
        if not len(rows):
            return rows, values[:0]
        if ring < end:
            return self._around(level, rows, heals)
        if len(rows) < end - begin:
            old, new = values[rows], self.pull(rows)
            values[rows] = new
        else:
            old = values[begin:end].copy()
            values[begin:end] = self.own[begin:end]
            self._pass(level)
            new = values[begin:end]
        changed = _some(new != old).nonzero()[0]
        return rows[changed], old[changed]

    def _around(self, level: int, rows: Places, heals: bool) -> tuple[Places, Values]:
        """The same for a level with cycles, each iterated to its greatest fixpoint.

        A cycle could hold itself down: where anything heals it is taken for up first, and falls again as far as it
        must. What it reads from below is known by now.
        """
        plan, values = self.plan, self.values
        begin, end, ring = plan.level_begin[level], plan.level_begin[level + 1], plan.cyclic_begin[level]
        before = values[begin:end].copy()
        front = rows
        if heals:
            reached = np.unique(plan.component[rows[rows >= ring]])
            lift = ring + np.flatnonzero(np.isin(plan.component[ring:end], reached) & _some(values[ring:end]))
            values[lift] = 0
            self._fill(lift)
            front = np.union1d(rows, lift)
        while len(front):
            new = self.pull(front)
            changed = front[_some(new != values[front])]
            values[front] = new
            self._fill(changed)
            readers = self._readers(changed)
            front = np.unique(readers[(readers >= ring) & (readers < end)])
        changed = np.flatnonzero(_some(values[begin:end] != before))
        return changed + begin, before[changed]

    def _spread(self, level: int, rows: Places, dirty: NDArray[np.bool_], whole: NDArray[np.bool_], read: int) -> int:
        """Mark who reads these positions of a level, or, after ``read`` others, all levels above that do, when that is
        quicker. Returns how many dependencies read them."""
        plan = self.plan
        self._fill(rows)
        if plan.feeds is None:
            fed = np.arange(len(dirty)) > level
        else:
            fed = plan.feeds[level].copy()
            fed[level] = False
        dirty |= fed
        above = plan.level_begin[level + 1]
        reading = int((plan.reader_start[rows + 1] - plan.reader_start[rows]).sum())
        if plan.feeds is not None and SPREAD * (read + reading) > plan.size - above:
            whole |= fed
        elif not (whole | ~fed).all():
            readers = self._readers(rows)
            self._marked[readers if above == plan.cyclic_begin[level] else readers[readers >= above]] = True
        return reading

    def _fill(self, rows: Places) -> None:
        """What positions lose is in their slots, where buffers are spent."""
        if self.spent and self.plan.slots:
            slots, lengths = ranges(self.plan.slot_start, rows)
            self.values[self.plan.size + slots] = np.repeat(self.values[rows], lengths, axis=0)

    def _readers(self, rows: Places) -> Places:
        plan = self.plan
        readers = plan.reader[ranges(plan.reader_start, rows)[0]]
        if self.spent and plan.slots:
            readers = np.concatenate([readers, plan.slot_consumer[ranges(plan.slot_start, rows)[0]]])
        return readers

    def pull(self, rows: Places) -> Values:
        """What own losses, dependencies and groups make of these positions now."""
        plan, kernel = self.plan, self.kernel
        new = self.own[rows]
        self._single(plan.hard, rows, new)
        if kernel.soft:
            self._single(plan.soft, rows, new)
        places, lengths = ranges(plan.of_start, rows) if plan.buckets else (rows[:0], rows[:0])
        if len(places):
            owner = np.repeat(np.arange(len(rows)), lengths)
            of = plan.of_bucket[places]
            for number in np.unique(of).tolist():
                chosen = of == number
                left = kernel.group(plan.buckets[number], self.values, plan.of_column[places[chosen]])
                new[owner[chosen]] = kernel.join(new[owner[chosen]], left)
        return new

    def _single(self, rows: Rows, at: Places, new: Values) -> None:
        if not len(rows.source):
            return
        places, lengths = ranges(rows.start, at)
        if not len(places):
            return
        seen = self.values.take(rows.source[places], axis=0)
        if rows is self.plan.soft:
            seen = self.kernel.soften(seen, rows.factor[places])
        having = lengths.nonzero()[0]
        begin = (lengths.cumsum() - lengths)[having]
        new[having] = self.kernel.join(new[having], self.kernel.join.reduceat(seen, begin, axis=0))

    def _pass(self, level: int) -> None:
        """All dependencies and groups of a level, over slices."""
        plan, kernel = self.plan, self.kernel
        self._slices(plan.hard, level)
        if kernel.soft:
            self._slices(plan.soft, level)
        for bucket in plan.buckets[plan.bucket_level[level] : plan.bucket_level[level + 1]]:
            left = kernel.group(bucket, self.values, ALL)
            self.values[bucket.consumer] = kernel.join(self.values[bucket.consumer], left)

    def _slices(self, rows: Rows, level: int) -> None:
        first, last = rows.level[level], rows.level[level + 1]
        if first == last:
            return
        begin, end = int(rows.begin[first]), int(rows.begin[last])
        seen = self.values.take(rows.source[begin:end], axis=0)
        if rows is self.plan.soft:
            seen = self.kernel.soften(seen, rows.factor[begin:end])
        left = self.kernel.join.reduceat(seen, rows.begin[first:last] - begin, axis=0)
        at = rows.at[first:last]
        where = slice(int(at[0]), int(at[-1]) + 1) if at[-1] - at[0] + 1 == len(at) else at
        self.values[where] = self.kernel.join(self.values[where], left)


def _some(values: Values) -> NDArray[np.bool_]:
    """Where any world has a value."""
    flags: NDArray[np.bool_] = values.astype(np.bool_, copy=False)
    return flags if flags.ndim == 1 else np.asarray(flags.any(axis=1))
