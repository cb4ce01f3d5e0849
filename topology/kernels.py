"""What providers and groups leave their consumers, for whole columns at once, in two representations of the algebra.

A value is what an entity has lost, so that the worse of two is the larger: `Losses` holds 1000 − health, one world a
column; `Downs` one bit a world, set where the entity is down (64 worlds a word).
"""

from __future__ import annotations

from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from topology.groups import UP
from topology.layout import Bucket, Places

Values = NDArray[Any]
ALL = slice(None)
MOST_STEPS = 512
"""Members × losses up to which bits are counted by logic, not by unpacking them."""
LARGEST_CAPACITY = 9 * 10**12
"""Above, a factor times a share of it needs more than 64 bits."""


class Kernel(Protocol):
    """One representation: ``join`` is the worse of two; ``soft`` says whether soft dependencies reach anything."""

    join: ClassVar[np.ufunc]
    soft: ClassVar[bool]

    def soften(self, values: Values, factor: NDArray[np.int32]) -> Values:
        """What is lost through soft dependencies."""

    def group(self, bucket: Bucket, values: Values, columns: Places | slice) -> Values:
        """What these groups of a bucket lose their consumers."""


class Losses:
    """1000 − health as int16."""

    join: ClassVar[np.ufunc] = np.maximum
    soft: ClassVar[bool] = True

    def soften(self, values: Values, factor: NDArray[np.int32]) -> Values:
        """⌊f · loss / 1000⌋."""
        lost: Values = values * _beside(factor, values) // UP
        return lost.astype(np.int16)

    def group(self, bucket: Bucket, values: Values, columns: Places | slice) -> Values:
        """See `topology.groups.group_health`."""
        seen = values.take(bucket.source[:, columns], axis=0)
        if bucket.limited:
            return capacity_loss(bucket, seen, columns)
        left = nth(seen, bucket.need)
        return self.soften(left, bucket.factor[columns]) if bucket.softens else left


class Downs:
    """A bit for each world, in words of 64."""

    join: ClassVar[np.ufunc] = np.bitwise_or
    soft: ClassVar[bool] = False

    def soften(self, values: Values, factor: NDArray[np.int32]) -> Values:
        """A factor below 1000 always leaves something."""
        return np.zeros_like(values)

    def group(self, bucket: Bucket, values: Values, columns: Places | slice) -> Values:
        """Down where fewer than ``need`` members are left, or, of a required capacity, nothing."""
        seen = values.take(bucket.source[:, columns], axis=0)
        left = at_least(seen, len(seen) - bucket.need + 1)
        if bucket.limited:
            weight = bucket.weight[:, columns]
            idle = np.where(_beside(weight > 0, seen), seen, ~np.uint64(0))
            left |= np.where(_beside(bucket.required[columns] > 0, left), np.bitwise_and.reduce(idle, axis=0), 0)
        return np.where(_beside(bucket.factor[columns] >= UP, left), left, 0) if bucket.softens else left


def nth(seen: Values, need: int) -> Values:
    """The ``need``-th smallest along the first axis."""
    if need in (1, len(seen)):
        return np.asarray(seen.min(axis=0) if need == 1 else seen.max(axis=0))
    return np.asarray(np.partition(seen, need - 1, axis=0)[need - 1])


def at_least(seen: Values, count: int) -> Values:
    """The bits that are set in at least ``count`` of the words along the first axis."""
    if count in (1, len(seen)):
        return np.asarray((np.bitwise_or if count == 1 else np.bitwise_and).reduce(seen, axis=0))
    if count * len(seen) > MOST_STEPS:
        return _counted(seen, count)
    reached = np.zeros((count, *seen.shape[1:]), np.uint64)  # reached[i]: more than i so far
    for word in seen:
        for i in range(count - 1, 0, -1):
            reached[i] |= reached[i - 1] & word
        reached[0] |= word
    return np.asarray(reached[-1])


def _counted(seen: Values, count: int) -> Values:
    total = np.zeros((*seen.shape[1:-1], 64 * seen.shape[-1]), np.int32)
    for word in seen:
        total += np.unpackbits(np.ascontiguousarray(word).view(np.uint8), axis=-1)
    return np.packbits(total >= count, axis=-1).view(np.uint64)


def shares(bucket: Bucket, seen: Values, columns: Places | slice) -> tuple[Values, Values]:
    """(health, weight × health) of each member; on a cycle a member counts by state."""
    if bucket.ring is not None:
        by_state = np.where(seen >= UP, seen.dtype.type(UP), seen.dtype.type(0))
        seen = np.where(_beside(bucket.ring[:, columns], seen), by_state, seen)
    health = UP - seen.astype(np.int64)
    return health, _beside(bucket.weight[:, columns], health) * health


def capacity_loss(bucket: Bucket, seen: Values, columns: Places | slice) -> Values:
    """What groups with a required capacity lose their consumers."""
    health, share = shares(bucket, seen, columns)
    return delivered_loss(bucket, share.sum(axis=0), (health > 0).sum(axis=0), columns)


def delivered_loss(bucket: Bucket, delivered: Values, working: Values, columns: Places | slice) -> Values:
    """⌊f · (1000·R − Σ wᵢ·cᵢ) / (1000·R)⌋, and f where too few work."""
    required: Values = bucket.required[columns]
    factor: Values = bucket.factor[columns].astype(np.int64)
    if len(required) and required.max() > LARGEST_CAPACITY:
        required, factor, delivered = required.astype(object), factor.astype(object), delivered.astype(object)
    required, factor = _beside(required, delivered), _beside(factor, delivered)
    most = np.maximum(UP * required, 1)
    lost = factor * (most - np.minimum(most, delivered)) // most
    lost = np.where(required > 0, lost, 0)
    return np.where(working < bucket.need, factor, lost).astype(np.int16)


def _beside(column: NDArray[Any], values: Values) -> NDArray[Any]:
    """A column shaped to be combined with values of one or more worlds."""
    return column.reshape(column.shape + (1,) * (values.ndim - column.ndim))
