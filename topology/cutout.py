"""The part of a topology that matters to some entities, compiled, and its worlds: 64 in a machine word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from topology.bulk import Worlds
from topology.compiled import ASYNC, HARD, INFO, NONE, SOFT, Compiled, Ints
from topology.groups import UP
from topology.kernels import ALL, Downs, Values, at_least
from topology.layout import Bucket, Layout, Places, layout, ranges

Words = NDArray[np.uint64]
"""Entities (rows of a cutout) × words: one bit a world."""
WORD = 64
EVERY = np.uint64(0xFFFF_FFFF_FFFF_FFFF)


@dataclass(frozen=True, slots=True)
class Reads:
    """For every entity the providers it reads: those of v are ``provider[start[v] : start[v + 1]]``."""

    start: Places
    provider: Ints


def reads(compiled: Compiled, *, down: bool) -> Reads:
    """What can take an entity down (``down``), or else what can take any health from it.

    A soft dependency with a factor below 1000, and a group of nothing else, takes nothing down.
    """
    passing = compiled.semantics != INFO
    strength = np.where(compiled.semantics == SOFT, compiled.factor, UP)
    grouped = passing & (compiled.group != NONE)
    strongest = np.zeros(len(compiled.group_names), dtype=strength.dtype)
    np.maximum.at(strongest, compiled.group[grouped], strength[grouped])
    strength[grouped] = strongest[compiled.group[grouped]]
    passing &= strength >= (UP if down else 1)
    counts = np.bincount(compiled.consumer[passing], minlength=len(compiled.names))
    return Reads(np.concatenate([[0], np.cumsum(counts)]), compiled.provider[passing])


def cone(reads: Reads, entities: Sequence[int]) -> Ints:
    """The entities (numbers, ascending) that matter to the given ones, themselves included."""
    seen = np.zeros(len(reads.start) - 1, dtype=bool)
    layer = np.unique(np.array(entities, dtype=np.int64))
    seen[layer] = True
    while len(layer):
        found = np.unique(reads.provider[ranges(reads.start, layer)[0]])
        layer = found[~seen[found]].astype(np.int64)
        seen[layer] = True
    return np.flatnonzero(seen).astype(np.int32)


class Cutout:
    """The entities ``numbers`` (ascending; a cone) of a topology. Rows are places in it; ``row`` leads from a number to
    its row, -1 for those outside. Buffers are taken as spent."""

    def __init__(self, compiled: Compiled, numbers: Ints) -> None:
        self.numbers = numbers
        self.row: Ints = np.full(len(compiled.names), -1, dtype=np.int32)
        self.row[numbers] = np.arange(len(numbers), dtype=np.int32)
        self.compiled = _restricted(compiled, numbers, self.row)

    def __len__(self) -> int:
        return len(self.numbers)

    @cached_property
    def plan(self) -> Layout:
        """The layout of its sweeps."""
        return layout(self.compiled)

    def blank(self, worlds: int) -> Words:
        """Nothing is down."""
        return np.zeros((len(self), -(-worlds // WORD)), dtype=np.uint64)

    def settle(self, down: Words) -> Words:
        """Who is down when those fail (`topology.bulk.fall`, without unpacking)."""
        return self._swept(down, Downs())

    def loosened(self, down: Words, before: NDArray[np.bool_]) -> Words:
        """Per entity the worlds in which some redundancy group that matters to it has lost members (since ``before``,
        one boolean per row) but not its consumer: more losses may do then what these alone do not. ``down`` is settled.
        """
        position = self.plan.number
        state = down[position]
        lost = state & ~np.where(before[position], EVERY, np.uint64(0))[:, None]
        found = np.zeros_like(state)
        for bucket in self.plan.buckets:
            loose = Reached().group(bucket, lost, ALL)
            found[bucket.consumer] |= loose & ~state[bucket.consumer]
        back = np.empty_like(found)
        back[position] = found
        return self._swept(back, Reached())

    def _swept(self, own: Words, kernel: Downs) -> Words:
        worlds = Worlds(self.plan, kernel, own[self.plan.number], spent=True)
        worlds.begin()
        found: Words = worlds.values[self.plan.position]
        return found


class Reached(Downs):
    """Groups pass on what any member has: who may be reached, whatever the redundancy."""

    def group(self, bucket: Bucket, values: Values, columns: Places | slice) -> Values:
        """Any member; nothing through groups that take nothing down."""
        left = at_least(values.take(bucket.source[:, columns], axis=0), 1)
        left[bucket.factor[columns] < UP] = 0
        return left


def _restricted(compiled: Compiled, numbers: Ints, row: Ints) -> Compiled:
    inside = (row[compiled.consumer] >= 0) & (row[compiled.provider] >= 0) & (compiled.semantics != INFO)
    kept = np.unique(compiled.group[inside & (compiled.group != NONE)])
    renumbered = np.full(len(compiled.group_names) + 1, NONE, dtype=np.int32)  # the last place serves "no group"
    renumbered[kept] = np.arange(len(kept), dtype=np.int32)
    semantics = np.where(compiled.semantics == ASYNC, HARD, compiled.semantics)
    columns = (semantics, compiled.factor, renumbered[compiled.group], compiled.weight)
    edges = np.stack([row[compiled.consumer], row[compiled.provider], *columns])[:, inside].astype(np.int32)
    if compiled.cyclic[numbers].any():
        edges = _shortened(edges, len(numbers))
    consumer, provider, semantics, factor, group, weight = edges
    none = np.zeros(edges.shape[1], dtype=np.int32)
    return Compiled(
        names=[compiled.names[number] for number in numbers.tolist()],
        group_names=[compiled.group_names[number] for number in kept.tolist()],
        consumer=consumer,
        provider=provider,
        semantics=semantics.astype(np.int8),
        factor=factor,
        buffer=none,
        group=group,
        weight=weight,
        timeout=none,
        out_start=_starts(consumer, len(numbers)),
        in_start=_starts(provider, len(numbers)),
        in_edge=np.argsort(provider, kind="stable").astype(np.int32),
        group_consumer=row[compiled.group_consumer[kept]],
        need=compiled.need[kept],
        capacity=compiled.capacity[kept],
        component=compiled.component[numbers],
        cyclic=compiled.cyclic[numbers],
        level=compiled.level[numbers],
    )


def _shortened(edges: Ints, size: int) -> Ints:
    """Entities that need each other, all around, have one health. So let them need one of them, and that one them all:
    a failure then is around a cycle of thousands in two steps."""
    consumer, provider, semantics, factor, group, _ = edges
    hard = (group == NONE) & ((semantics == HARD) | ((semantics == SOFT) & (factor >= UP)))
    graph = csr_array((np.ones(hard.sum(), dtype=np.int8), (consumer[hard], provider[hard])), shape=(size, size))
    total, cycle = connected_components(graph, directed=True, connection="strong")
    long = np.bincount(cycle, minlength=total) > 2
    first = np.full(total, size)
    np.minimum.at(first, cycle, np.arange(size))
    others = np.flatnonzero(long[cycle] & (first[cycle] != np.arange(size)))
    spokes = np.zeros((len(edges), 2 * len(others)), dtype=np.int32)
    spokes[0] = np.concatenate([others, first[cycle[others]]])
    spokes[1] = np.concatenate([first[cycle[others]], others])
    spokes[2:] = np.array([HARD, UP, NONE, UP])[:, None]
    around = hard & (cycle[consumer] == cycle[provider]) & long[cycle[consumer]]
    edges = np.concatenate([edges[:, ~around], spokes], axis=1)
    return edges[:, np.lexsort((edges[4], edges[1], edges[0]))]


def _starts(rows: Ints, count: int) -> Ints:
    return np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=count))]).astype(np.int32)


def mark(down: Words, rows: NDArray[np.integer], worlds: NDArray[np.integer]) -> Words:
    """Take ``rows[i]`` down in ``worlds[i]``, for all i; in place."""
    place = rows.astype(np.int64) * down.shape[1] + (worlds >> 6)
    np.bitwise_or.at(down.reshape(-1), place, np.left_shift(np.uint64(1), (worlds & 63).astype(np.uint64)))
    return down


def bools(words: Words, worlds: int) -> NDArray[np.bool_]:
    """The last axis of words as one boolean per world."""
    octets = np.ascontiguousarray(words).astype("<u8", copy=False).view(np.uint8)
    return np.unpackbits(octets, axis=-1, bitorder="little", count=worlds).astype(np.bool_)
