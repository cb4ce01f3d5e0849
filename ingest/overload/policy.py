"""The policy of overload: from ages, sizes and disk space to what is taken and what is refused. Pure.

Inputs wait in four lanes. A lane is refused when anything at least as urgent has waited longer than the lane may make
others wait, when the queue is filled up to the lane's share, or when the disk has no room for it. So whatever is
refused, everything less urgent is refused too, and the last to be refused is what must never be missed. Nothing is
remembered but the state of the disk (with hysteresis): what was refused is taken again once its reason is gone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import IntEnum, StrEnum

import msgspec

MIB = 1024 * 1024


class Lane(IntEnum):
    """Most urgent first."""

    URGENT = 0
    """Heartbeats, alerts of tier 0 and of security; with commands and the engine's own signals in a queue ahead."""
    ALERTS = 1
    """All other alerts, and changes."""
    TELEMETRY = 2
    """Samples, log records, spans."""
    BACKFILL = 3
    """Telemetry that is old already."""

    @property
    def word(self) -> str:
        """Its name in metrics and the API."""
        return self.name.lower()


class Why(StrEnum):
    """Why an input is refused."""

    QUEUE_AGE = "queue_age"
    QUEUE_FULL = "queue_full"
    DISK_LOW = "disk_low"
    DISK_FULL = "disk_full"
    STOPPING = "stopping"


class Space(StrEnum):
    """What room the disk has."""

    AMPLE = "ample"
    LOW = "low"
    FULL = "full"


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """By lane: ``ages`` in seconds, ``shares`` of the queue (``records``, ``bytes``) up to which it may fill it."""

    ages: tuple[float, float, float, float] = (30.0, 30.0, 15.0, 5.0)
    shares: tuple[float, float, float, float] = (1.0, 0.9, 0.75, 0.5)
    records: int = 20_000
    bytes: int = 256 * MIB


class Load(msgspec.Struct, frozen=True):
    """What is offered and not yet durable: by lane the age (seconds) of the oldest, 0 where none waits."""

    ages: Sequence[float] = (0.0, 0.0, 0.0, 0.0)
    records: int = 0
    bytes: int = 0
    space: Space = Space.AMPLE


def refusal(lane: Lane, load: Load, limits: Limits, size: int = 0) -> Why | None:
    """Why an input of ``size`` bytes is refused now; None when it is taken. An empty queue takes one of any size."""
    if load.space is Space.FULL and lane > Lane.URGENT:
        return Why.DISK_FULL
    if load.space is Space.LOW and lane >= Lane.TELEMETRY:
        return Why.DISK_LOW
    if max(load.ages[: lane + 1]) > limits.ages[lane]:
        return Why.QUEUE_AGE
    share = limits.shares[lane]
    if load.records and (load.records >= share * limits.records or load.bytes + size > share * limits.bytes):
        return Why.QUEUE_FULL
    return None


_MODES = {
    Lane.BACKFILL: "backfill_shed",
    Lane.TELEMETRY: "telemetry_shed",
    Lane.ALERTS: "alerts_refused",
    Lane.URGENT: "urgent_refused",
}
_SPACES = {Space.LOW: "disk_low", Space.FULL: "disk_full"}
READ_ONLY = "read_only"
MODES = (*_MODES.values(), *_SPACES.values(), READ_ONLY)
"""Every degraded mode: inputs of a lane are refused, the disk has little or no room, the store cannot be written."""


def modes(load: Load, limits: Limits) -> Iterator[str]:
    """The degraded modes that follow from a load, the mildest first."""
    for lane, mode in _MODES.items():
        if refusal(lane, load, limits) is not None:
            yield mode
    if load.space in _SPACES:
        yield _SPACES[load.space]


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """Limits on the disk. ``low``: as a share of the file system and, where that is less, in bytes. ``floor``: bytes
    below which the disk counts as full: what one transaction and its log may take. ``margin``: bytes that must be free
    beyond a limit before it counts as left."""

    low_share: float = 0.10
    low_bytes: int = 8192 * MIB
    floor: int = 48 * MIB
    margin: int = 32 * MIB

    def low(self, total: int) -> int:
        """Bytes below which room is low."""
        return max(self.floor, min(round(self.low_share * total), self.low_bytes))


def space(free: int, total: int, before: Space, room: Room) -> Space:
    """The state of a disk with so many bytes free (the ballast that is there already given up counts as taken)."""
    if free < room.floor + (room.margin if before is Space.FULL else 0):
        return Space.FULL
    if free < room.low(total) + (0 if before is Space.AMPLE else room.margin):
        return Space.LOW
    return Space.AMPLE
