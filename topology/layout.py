"""How bulk work reads a compiled topology: entities in the order of their levels, so that a level is one slice.

Positions number the entities by (level, cyclic, component, needs nothing, number). Providers stand on lower levels,
except those of the same cyclic component, which is one slice of its level. A buffered asynchronous dependency reads
not its provider but a *slot* behind the last entity: what has come through the buffer so far.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from topology.columns import stable_order
from topology.compiled import ASYNC, INFO, NONE, SOFT, Compiled
from topology.groups import UP

Places = NDArray[np.integer[Any]]
Ints = NDArray[np.int32]
MOST_LEVELS = 2000
"""More are not tabled by which feeds which."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Dependencies outside of groups by consumer's position: those of p read ``source[start[p] : start[p + 1]]``.

    ``at`` are the positions that have any, ``begin`` where theirs begin (and, last, the end); ``level`` is where a
    level begins in ``at``.
    """

    start: Ints
    source: NDArray[np.int64]
    at: Ints
    begin: NDArray[np.int64]
    level: Sequence[int]
    factor: Ints


@dataclass(frozen=True, slots=True)
class Bucket:
    """Groups of one level with equal size, need and kind, one of each consumer: ``source`` is a table
    of (member, group). If ``limited``, so are ``weight`` and ``ring``, who lies on one cycle with the consumer (None:
    nobody), and ``required`` is the capacity. Its groups are numbered from ``first`` on, through all buckets.
    """

    first: int
    consumer: Places
    group: Places
    need: int
    factor: Ints
    source: NDArray[np.int64]
    weight: NDArray[np.int64]
    limited: bool
    required: NDArray[np.int64]
    ring: NDArray[np.bool_] | None
    softens: bool


@dataclass(frozen=True, slots=True)
class Layout:
    """``position`` of each number and ``number`` at each position; ``level`` of each position and where each begins.

    ``hard`` also holds soft dependencies with factor 1000; those with factor 0 are left out. Groups of position p are
    ``of[of_start[p] : of_start[p + 1]]``: (bucket, column). Consumers that read p are
    ``reader[reader_start[p] : reader_start[p + 1]]``; slots that p feeds are ``slot_start[p] : slot_start[p + 1]``,
    with delays ``delays[slot_delay]`` in milliseconds.
    """

    size: int
    position: Ints
    number: Ints
    level: Ints
    level_begin: Sequence[int]
    cyclic_begin: Sequence[int]
    component: Ints
    hard: Rows
    soft: Rows
    buckets: Sequence[Bucket]
    bucket_level: Sequence[int]
    of_start: Ints
    of_bucket: Ints
    of_column: Ints
    reader_start: Ints
    reader: Ints
    slots: int
    slot_start: Ints
    slot_edge: Places
    slot_source: Ints
    slot_consumer: Ints
    slot_delay: Ints
    delays: NDArray[np.int64]
    feeds: NDArray[np.bool_] | None


_KNOWN: WeakKeyDictionary[Compiled, Layout] = WeakKeyDictionary()
_CERTAIN: WeakKeyDictionary[Compiled, Layout] = WeakKeyDictionary()


def layout(compiled: Compiled, doubtful: bool = True) -> Layout:
    """The layout of a compiled topology; made once for each. Without ``doubtful`` dependencies it has the same
    positions, levels and groups, and reads fewer providers."""
    doubtful = doubtful or compiled.doubtful is None
    known = _KNOWN if doubtful else _CERTAIN
    found = known.get(compiled)
    if found is None:
        found = known[compiled] = _Maker(compiled, doubtful).layout()
    return found


def number_of(names: Sequence[str], entity: str) -> int:
    """The number of an entity in sorted names; -1 when it is none of them."""
    place = bisect_left(names, entity)
    return place if place < len(names) and names[place] == entity else NONE


def ranges(start: Places, at: Places) -> tuple[Places, Places]:
    """The places ``start[p] : start[p + 1]`` of all ``at``, one after another, and how many each has."""
    first = start[at].astype(np.int64, copy=False)
    lengths = start[at + 1] - first
    return spans(first, lengths), lengths


def spans(first: Places, lengths: Places) -> Places:
    """So many places from each first one on, one after another."""
    if len(first) == 1:  # on the way around a long cycle
        return np.arange(first[0], first[0] + lengths[0])
    ends = lengths.cumsum()
    total = int(ends[-1]) if len(ends) else 0
    return np.repeat(first - ends + lengths, lengths) + np.arange(total)


def _starts(at: Places, count: int) -> Ints:
    return np.concatenate([[0], np.cumsum(np.bincount(at, minlength=count))]).astype(np.int32)


def _ordered(*keys: NDArray[Any]) -> Places:
    """As `numpy.lexsort` (the last key counts first) of numbers >= 0, but in linear time."""
    order = stable_order(keys[0].astype(np.int32))
    for key in keys[1:]:
        order = order[stable_order(key[order].astype(np.int32))]
    return order.astype(np.int64)


class _Maker:
    def __init__(self, compiled: Compiled, doubtful: bool) -> None:
        self.c = compiled
        self.size = len(compiled.names)
        self.factor = np.where(compiled.semantics == SOFT, compiled.factor, UP).astype(np.int32)
        self.felt = compiled.semantics != INFO
        self.single = self.felt & (compiled.group == NONE)
        self.number = self._order().astype(np.int32)
        self.position = np.empty(self.size, np.int32)
        self.position[self.number] = np.arange(self.size, dtype=np.int32)
        self.level = compiled.level[self.number]
        depth = int(self.level[-1]) + 1 if self.size else 0
        self.level_begin = np.searchsorted(self.level, np.arange(depth + 1))
        self.consumer = self.position[compiled.consumer]
        self.provider = self.position[compiled.provider]
        if not doubtful and compiled.doubtful is not None:  # only now: the order is the same
            self.felt = self.felt & ~compiled.doubtful
            self.single = self.single & ~compiled.doubtful

    def _order(self) -> Places:
        """Within a level those with hard dependencies first: their results then are one slice."""
        c = self.c
        bare = np.bincount(c.consumer[self.single & (self.factor >= UP)], minlength=self.size) == 0
        ring = np.where(c.cyclic, c.component + 1, 0)
        return _ordered(bare, ring, c.level)

    def layout(self) -> Layout:
        c = self.c
        buffered = np.flatnonzero(self.felt & (c.semantics == ASYNC) & (c.buffer > 0))
        slot_edge = buffered[_ordered(self.provider[buffered])]
        self.source = self.provider.astype(np.int64)
        self.source[slot_edge] = self.size + np.arange(len(slot_edge))
        delays, kinds = np.unique(c.buffer[slot_edge], return_inverse=True)
        buckets, bucket_level, of = self._buckets()
        direct = self.felt.copy()
        direct[slot_edge] = False
        reading = c.in_edge[ranges(c.in_start, self.number)[0]]
        reading = reading[direct[reading]]
        cyclic = c.cyclic[self.number]
        first_cyclic = self.level_begin[:-1] + [
            int(np.count_nonzero(~cyclic[a:b])) for a, b in zip(self.level_begin, self.level_begin[1:], strict=False)
        ]
        return Layout(
            size=self.size,
            position=self.position,
            number=self.number,
            level=self.level,
            level_begin=self.level_begin.tolist(),
            cyclic_begin=first_cyclic.tolist(),
            component=np.where(cyclic, c.component[self.number], NONE).astype(np.int32),
            hard=self._rows(self.single & (self.factor >= UP)),
            soft=self._rows(self.single & (self.factor > 0) & (self.factor < UP)),
            buckets=buckets,
            bucket_level=bucket_level,
            of_start=_starts(of[0], self.size),
            of_bucket=of[1].astype(np.int32),
            of_column=of[2].astype(np.int32),
            reader_start=_starts(self.provider[reading], self.size),
            reader=self.consumer[reading],
            slots=len(slot_edge),
            slot_start=_starts(self.provider[slot_edge], self.size),
            slot_edge=slot_edge,
            slot_source=self.provider[slot_edge],
            slot_consumer=self.consumer[slot_edge],
            slot_delay=kinds.astype(np.int32),
            delays=1000 * delays.astype(np.int64),
            feeds=self._feeds(),
        )

    def _feeds(self) -> NDArray[np.bool_] | None:
        depth = len(self.level_begin) - 1
        if depth > MOST_LEVELS:
            return None
        feeds = np.zeros((depth, depth), np.bool_)
        feeds[self.c.level[self.c.provider[self.felt]], self.c.level[self.c.consumer[self.felt]]] = True
        return feeds

    def _rows(self, chosen: NDArray[np.bool_]) -> Rows:
        edges = ranges(self.c.out_start, self.number)[0]
        edges = edges[chosen[edges]]
        start = _starts(self.consumer[edges], self.size)
        at = np.flatnonzero(np.diff(start)).astype(np.int32)
        begin = np.append(start[at], len(edges)).astype(np.int64)
        level = np.searchsorted(at, self.level_begin).tolist()
        factor = self.factor[edges]
        return Rows(start, self.source[edges], at, begin, level, factor if (factor < UP).any() else factor[:0])

    def _buckets(self) -> tuple[list[Bucket], list[int], tuple[Places, Places, Places]]:
        """Buckets by level, where each level's begin, and (position, bucket, column) of every group by position."""
        c = self.c
        edges = np.flatnonzero(self.felt & (c.group != NONE))
        edges = edges[_ordered(c.group[edges])]
        begins = _starts(c.group[edges], len(c.need))
        groups = np.flatnonzero(np.diff(begins))
        first, sizes = begins[groups], begins[groups + 1] - begins[groups]
        consumer = self.position[c.group_consumer[groups]]
        need = np.clip(c.need[groups], 1, sizes)
        limited = c.capacity[groups] != NONE
        owners = c.group_consumer[groups]
        ordinal = np.arange(len(groups)) - np.searchsorted(owners, owners)
        order = _ordered(consumer, ordinal, limited, need, sizes, self.level[consumer])
        keys = np.stack([self.level[consumer], sizes, need, limited, ordinal])[:, order]
        cuts = np.flatnonzero(np.any(keys[:, 1:] != keys[:, :-1], axis=0)) + 1 if len(groups) else np.zeros(0, np.int64)
        bounds = np.concatenate([[0], cuts, [len(groups)]]) if len(groups) else np.zeros(1, np.int64)
        factor = np.maximum.reduceat(self.factor[edges], first) if len(groups) else np.zeros(0, np.int32)
        buckets = []
        for a, b in zip(bounds.tolist(), bounds[1:].tolist(), strict=False):
            chosen = order[a:b]
            table = edges[first[chosen] + np.arange(sizes[chosen[0]])[:, None]]
            at_least = int(need[chosen[0]])
            buckets.append(self._bucket(a, groups[chosen], consumer[chosen], at_least, factor[chosen], table))
        of_bucket = np.empty(len(groups), np.int32)
        of_bucket[order] = np.repeat(np.arange(len(buckets)), np.diff(bounds))
        of_column = np.empty(len(groups), np.int32)
        of_column[order] = np.arange(len(groups)) - np.repeat(bounds[:-1], np.diff(bounds))
        by = _ordered(consumer)
        levels = self.level[consumer[order[bounds[:-1]]]]
        begins = np.searchsorted(levels, np.arange(len(self.level_begin))).tolist()
        return buckets, begins, (consumer[by], of_bucket[by], of_column[by])

    def _bucket(self, first: int, groups: Places, consumer: Places, need: int, factor: Ints, table: Places) -> Bucket:
        c = self.c
        limited = bool(c.capacity[groups[0]] != NONE)
        weight = c.weight[table if limited else table[:0]].astype(np.int64)
        ring = c.cyclic[c.consumer[table]] & (c.component[c.consumer[table]] == c.component[c.provider[table]])
        return Bucket(
            first=first,
            consumer=consumer,
            group=groups,
            need=need,
            factor=factor,
            source=self.source[table],
            weight=weight,
            limited=limited,
            required=np.minimum(c.capacity[groups], weight.sum(axis=0)),
            ring=ring if limited and ring.any() else None,
            softens=bool((factor < UP).any()),
        )
