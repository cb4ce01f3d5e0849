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

MEMORY = 64 * 2**20
"""Bytes that the values of one pass over many worlds may take."""


def healths(compiled: Compiled, own: NDArray[np.int16], felt: bool = True) -> NDArray[np.int16]:
    """Health (0 … 1000) of every entity, for own healths of shape (N,) or (N, W), a world a column, by number.

    With ``felt`` all buffers are spent, without nothing has come through any. Raises ValueError for other shapes and
    healths.
    """
    if own.ndim not in (1, 2) or len(own) != len(compiled.names):
        raise ValueError(f"own healths are of shape ({len(compiled.names)},) or with worlds behind, not {own.shape}")
    if own.size and (own.min() < 0 or own.max() > UP):
        raise ValueError(f"healths must be within 0 … {UP}")
    plan = layout(compiled)
    found = np.empty(own.shape, np.int16)
    width = own.shape[1] if own.ndim == 2 else 1
    step = max(1, MEMORY // (2 * max(1, plan.size + plan.slots)))
    for first in range(0, width, step):
        part = ... if own.ndim == 1 else (ALL, slice(first, first + step))
        worlds = Worlds(plan, Losses(), (UP - own[part])[plan.number].astype(np.int16), felt)
        worlds.sweep()
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
        worlds.sweep()
        bits = np.unpackbits(worlds.values[: plan.size].view(np.uint8), axis=1, count=part.shape[1])
        found[:, first : first + 64 * words] = bits[plan.position]
    return found


class Touched:
    """Which positions were looked at, and what they lost before."""

    def __init__(self) -> None:
        self._rows: list[Places] = []
        self._old: list[Values] = []

    def note(self, rows: Places, old: Values) -> None:
        """These are about to be written."""
        self._rows.append(rows)
        self._old.append(old)

    def first(self) -> tuple[Places, Values]:
        """Positions, sorted, and what each lost before all. For one world."""
        if not self._rows:
            return np.zeros(0, np.int64), np.zeros(0, np.int16)
        rows, first = np.unique(np.concatenate(self._rows), return_index=True)
        return rows, np.concatenate(self._old)[first]

    def changed(self, values: Values) -> Places:
        """Those that are not what they were, sorted. For one world."""
        rows, old = self.first()
        return rows[np.flatnonzero(old != values[rows])]


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
        self.values[: plan.size] = own

    def sweep(self, front: Places | None = None) -> None:
        """Bring all up to date, from own losses; from these positions on if given. For failures that get worse."""
        plan, values = self.plan, self.values
        depth = len(plan.level_begin) - 1
        fed = np.zeros(depth, np.bool_)
        if front is not None:
            fed[plan.level[front]] = True
        for level in range(int(fed.argmax()) if front is not None else 0, depth):
            begin, end = plan.level_begin[level], plan.level_begin[level + 1]
            if fed[level]:
                self._pass(level)
            if not values[begin:end].any():
                continue
            if plan.cyclic_begin[level] < end:
                self._turn(plan.cyclic_begin[level], end)
            if plan.feeds is None:
                fed[level + 1 :] = True
            else:
                fed |= plan.feeds[level]
            if self.spent:
                first, last = plan.slot_start[begin], plan.slot_start[end]
                values[plan.size + first : plan.size + last] = values[plan.slot_source[first:last]]

    def settle(
        self, front: Places, end: int | None = None, most: int | None = None, heals: bool = False
    ) -> tuple[Touched, Places]:
        """Bring these positions (sorted) and all that read them up to date, level by level; work is proportional to
        what changes. ``heals`` unless all gets worse only.

        Stops before position ``end`` if given, and when more than ``most`` positions would have to be seen. Returns
        what was seen, and what is left to do.
        """
        plan, touched, seen = self.plan, Touched(), 0
        lifted: set[int] = set()
        while len(front) and (most is None or seen + len(front) <= most):
            last = plan.level_begin[plan.level[front[0]] + 1]
            cut = int(np.searchsorted(front, last))
            rows, front = front[:cut], front[cut:]
            seen += cut
            rows, readers = self._lift(rows, touched, lifted) if heals else (rows, rows[:0])
            new, old = self.pull(rows), self.values[rows]
            touched.note(rows, old)
            self.values[rows] = new
            changed = new != old if new.ndim == 1 else (new != old).any(axis=1)
            readers = np.concatenate([readers, self.readers(rows[changed])])
            if end is not None:
                readers = readers[readers < end]
            if len(readers):
                front = np.unique(np.concatenate([front, readers]) if len(front) else readers)
        return touched, front

    def pull(self, rows: Places) -> Values:
        """What own losses, dependencies and groups make of these positions now."""
        plan, kernel = self.plan, self.kernel
        new = self.own[rows]
        self._single(plan.hard, rows, new)
        if kernel.soft:
            self._single(plan.soft, rows, new)
        places, lengths = ranges(plan.of_start, rows)
        if len(places):
            owner = np.repeat(np.arange(len(rows)), lengths)
            of = plan.of_bucket[places]
            for number in np.unique(of).tolist():
                chosen = of == number
                left = kernel.group(plan.buckets[number], self.values, plan.of_column[places[chosen]])
                new[owner[chosen]] = kernel.join(new[owner[chosen]], left)
        return new

    def readers(self, rows: Places) -> Places:
        """Who reads these positions; fills their slots where buffers are spent."""
        plan = self.plan
        readers = plan.reader[ranges(plan.reader_start, rows)[0]]
        if self.spent and plan.slots:
            slots, lengths = ranges(plan.slot_start, rows)
            self.values[plan.size + slots] = np.repeat(self.values[rows], lengths, axis=0)
            readers = np.concatenate([readers, plan.slot_consumer[slots]])
        return readers

    def _lift(self, rows: Places, touched: Touched, lifted: set[int]) -> tuple[Places, Places]:
        """Take the cycles that these positions of one level lie on for up, so that none holds itself down.

        What they read from below is known by now. Returns with whom to begin instead, and who reads what was lifted.
        """
        plan, hit = self.plan, [rows]
        begin, end = plan.cyclic_begin[plan.level[rows[0]]], plan.level_begin[plan.level[rows[0]] + 1]
        for component in np.unique(plan.component[rows[rows >= begin]]).tolist():
            if component not in lifted:
                lifted.add(component)
                first, last = np.searchsorted(plan.component[begin:end], [component, component + 1]) + begin
                hit.append(first + np.flatnonzero(self.values[first:last]))
        if len(hit) == 1:
            return rows, rows[:0]
        lift = np.concatenate(hit[1:])
        touched.note(lift, self.values[lift])
        self.values[lift] = 0
        return np.unique(np.concatenate(hit)), self.readers(lift)

    def _single(self, rows: Rows, at: Places, new: Values) -> None:
        places, lengths = ranges(rows.start, at)
        if not len(places):
            return
        seen = self.values.take(rows.source[places], axis=0)
        if rows is self.plan.soft:
            seen = self.kernel.soften(seen, rows.factor[places])
        having = np.flatnonzero(lengths)
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

    def _turn(self, begin: int, end: int) -> None:
        """The cycles of a level, after what comes from below is in."""
        lost = self.values[begin:end]
        hit = np.flatnonzero(lost if lost.ndim == 1 else lost.any(axis=1)) + begin
        readers = self.readers(hit)
        self.settle(np.unique(readers[(readers >= begin) & (readers < end)]), end)
