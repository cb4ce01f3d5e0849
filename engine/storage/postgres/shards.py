"""The numbers of a shard: positions and all that is counted with them lie in (shard << 40, (shard + 1) << 40)."""

from __future__ import annotations

SHARD_BITS = 40


def base(shard: int) -> int:
    """The number before a shard's first one."""
    return shard << SHARD_BITS


def end(shard: int) -> int:
    """The number behind a shard's last one."""
    return (shard + 1) << SHARD_BITS


def of(number: int) -> int:
    """The shard that a position belongs to."""
    return number >> SHARD_BITS
