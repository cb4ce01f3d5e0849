"""What the API says of its load."""

from __future__ import annotations

import msgspec


class LaneLoad(msgspec.Struct, kw_only=True):
    """One lane: inputs that wait to be stored, the age of the oldest in seconds, why new ones are refused now (empty:
    they are taken), and how many were refused so far, by reason."""

    lane: str
    waiting: int
    oldest: float
    refused: str = ""
    shed: dict[str, int] = {}


class DiskLoad(msgspec.Struct, kw_only=True):
    """The disk that the data lies on, in bytes; ``state`` is ample, low or full."""

    state: str
    total: int
    free: int
    ballast: bool


class Load(msgspec.Struct, kw_only=True):
    """How loaded Headwater is: the degraded modes it is in, its lanes, most urgent first, and its disk."""

    degraded: list[str]
    lanes: list[LaneLoad]
    bytes: int
    disk: DiskLoad
