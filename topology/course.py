"""The greatest fixpoint in time over all entities at once: the counterpart of `topology.sweep` for large reach.

Time moves from moment to moment (own failures set in, buffers are spent). Each moment costs what it changes;
their number is that of the different sums of onsets and buffers, in seconds.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from topology.bulk import Worlds
from topology.columns import stable_order
from topology.groups import UP
from topology.kernels import Losses, Values, delivered_loss, nth, shares
from topology.layout import Bucket, Layout, Places, ranges

NEVER = np.iinfo(np.int64).max

Lost = NDArray[np.int16]


class Moment(NamedTuple):
    """What changed at ``at`` (milliseconds): positions and slots, with what they have lost since."""

    at: int
    rows: Places
    lost: Lost
    slots: Places
    slots_lost: Lost
    own: Places
    own_lost: Lost


class Margins(Losses):
    """Also notes since when a group, numbered through all buckets, has been without its margin."""

    def __init__(self, groups: int) -> None:
        self.now = 0
        self.since = np.full(groups, NEVER, np.int64)

    def group(self, bucket: Bucket, values: Values, columns: Places | slice) -> Values:
        """See `topology.groups.margin_lost`."""
        seen = values.take(bucket.source[:, columns], axis=0)
        if bucket.limited:
            left, spare = _limited(bucket, seen, columns)
        else:
            ordered = np.sort(seen, axis=0) if len(seen) > 2 else seen
            left, spare = nth(ordered, bucket.need), None
            if bucket.need < len(seen):
                spare = nth(ordered, bucket.need + 1)
            if bucket.softens:
                left = self.soften(left, bucket.factor[columns])
                spare = None if spare is None else self.soften(spare, bucket.factor[columns])
        if spare is not None:
            since = self.since[bucket.first : bucket.first + bucket.source.shape[1]]
            since[columns] = np.where((left == 0) & (spare > 0), np.minimum(since[columns], self.now), NEVER)
        return left


def _limited(bucket: Bucket, seen: Values, columns: Places | slice) -> tuple[Values, Values | None]:
    """What groups with a capacity lose, and what they would without their best member (0 where they always would)."""
    health, share = shares(bucket, seen, columns)
    every = np.arange(seen.shape[1])
    delivered, working = share.sum(axis=0), (health > 0).sum(axis=0)
    best = share.argmax(axis=0)
    without = working - (health[best, every] > 0)
    spare = delivered_loss(bucket, delivered - share[best, every], without, columns)
    weight = UP * bucket.weight[:, columns]
    always = delivered_loss(
        bucket, weight.sum(axis=0) - weight.max(axis=0), np.full(len(every), len(seen) - 1), columns
    )
    return delivered_loss(bucket, delivered, working, columns), np.where(always > 0, 0, spare)


class Course(Worlds):
    """One world over time. ``first`` is when each position first lost anything."""

    kernel: Losses

    def __init__(self, plan: Layout, onsets: dict[int, tuple[Places, Lost]]) -> None:
        self.margins = Margins(len(plan.of_bucket))
        super().__init__(plan, self.margins, np.zeros(plan.size, np.int16), spent=False)
        self.first = np.full(plan.size, NEVER, np.int64)
        self.moments: list[Moment] = []
        self._onsets = onsets
        self._events: dict[int, list[tuple[Places, Lost]]] = {at: [] for at in onsets}
        self._times = sorted(onsets)

    def due(self) -> int | None:
        """When something changes next."""
        return self._times[0] if self._times else None

    def until(self, at: int) -> None:
        """Let all happen that is due by then."""
        while self._times and self._times[0] <= at:
            self.step()

    def forget_margins(self) -> None:
        """From now on nobody asks for margins."""
        self.kernel = Losses()

    def step(self) -> None:
        """One moment."""
        size, values = self.plan.size, self.values
        self.margins.now = now = heappop(self._times)
        own, own_lost = self._onsets.get(now, (_NO_PLACES, _NO_LOSSES))
        own_lost = np.maximum(own_lost, self.own[own])
        self.own[own] = own_lost
        fronts, spent = [own], self._events.pop(now)
        for slots, lost in spent:
            values[size + slots] = np.maximum(values[size + slots], lost)
            fronts.append(self.plan.slot_consumer[slots])
        changed, _ = self.settle(np.concatenate(fronts))
        lost = values[changed]
        self.first[changed] = np.minimum(self.first[changed], now)
        slots = np.concatenate([slots for slots, _ in spent]) if spent else _NO_PLACES
        self.moments.append(Moment(now, changed, lost, slots, values[size + slots], own, own_lost))
        self._buffer(now, changed, lost)

    def _buffer(self, now: int, changed: Places, lost: Lost) -> None:
        """What changed comes through its buffers later."""
        if not self.plan.slots:
            return
        slots, lengths = ranges(self.plan.slot_start, changed)
        if not len(slots):
            return
        lost = np.repeat(lost, lengths)
        kind = self.plan.slot_delay[slots]
        order = stable_order(kind)
        kinds = np.flatnonzero(np.bincount(kind))
        for time, chosen in zip(
            (now + self.plan.delays[kinds]).tolist(),
            np.split(order, np.searchsorted(kind[order], kinds[1:])),
            strict=True,
        ):
            if time not in self._events:
                self._events[time] = []
                heappush(self._times, time)
            self._events[time].append((slots[chosen], lost[chosen]))


_NO_PLACES = np.zeros(0, np.int64)
_NO_LOSSES = np.zeros(0, np.int16)
