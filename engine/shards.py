"""Shards: which owner decides a domain, and which positions, alert numbers and incident ids are whose.

The number of shards is fixed when a cluster is made. Positions of shard s run in s·2⁴⁰ + 1 … (s+1)·2⁴⁰ - 1, so that
everything named for one is unique in the cluster, and says where it began.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import xxhash

BITS = 40
MOST = 1 << 12
"""Shards of a cluster at most: ids stay below 2⁵³, which JSON readers keep exactly."""


class Shard(NamedTuple):
    """One of ``total`` shards. The only one there is, unless somebody says otherwise."""

    number: int = 0
    total: int = 1

    def owns(self, domain: str) -> bool:
        """Is this domain decided here?"""
        return self.total == 1 or shard_of(domain, self.total) == self.number

    @property
    def base(self) -> int:
        """The position before its first one."""
        return self.number << BITS

    @property
    def end(self) -> int:
        """The position behind its last one."""
        return (self.number + 1) << BITS


ALONE = Shard()


class Shared(msgspec.Struct):
    """What a core remembers as one of several shards. ``activated`` is the number of the latest activation, ``handed``
    that of the latest handover it gave, ``taken`` by shard that of the latest it took; ``parts`` are those of which
    the end has not come, ``ahead`` whole ones that were made at a later activation than its own. ``moved`` says for
    what is no longer here (incidents by id, alerts by number and event) to which domain it went."""

    activated: int = 0
    handed: int = 0
    taken: dict[int, int] = {}
    parts: dict[int, bytes] = {}
    ahead: list[tuple[int, bytes]] = []
    moved: dict[str, str] = {}


def shard_of(domain: str, shards: int) -> int:
    """The shard that decides a domain: 64-bit xxh3 of its name, modulo their number.

    >>> [shard_of(name, 16) for name in ("shop", "unmapped", "")]
    [9, 9, 2]
    """
    return xxhash.xxh3_64_intdigest(domain.encode()) % shards


def base_of(position: int) -> int:
    """The position before the first one of the shard that a position belongs to.

    >>> base_of(5), base_of((3 << 40) + 7) == 3 << 40
    (0, True)
    """
    return position >> BITS << BITS


def shard_at(target: str, shards: int) -> int:
    """The shard in which an incident, an alert (by number) or an alert event began; 0 for what is none of these.

    >>> shard_at(f"INC-{(3 << 40) + 7}-2", 16), shard_at(str((2 << 40) + 1), 16), shard_at("rule", 16)
    (3, 2, 0)
    """
    digits = target.removeprefix("INC-").split("-")[0]
    number = int(digits) >> BITS if digits.isdecimal() and len(digits) <= len(str(1 << 62)) else 0
    return number if number < shards else 0
