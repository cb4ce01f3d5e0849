"""Time zones of the IANA database, from the pinned `tzdata` package and never from the machine.

Two machines with different system databases would otherwise decide differently about the same input log.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo


@cache
def names() -> frozenset[str]:
    """All zone names."""
    return frozenset((files("tzdata") / "zones").read_text(encoding="ascii").split())


@cache
def zone(name: str) -> ZoneInfo:
    """The zone of this name. Raises KeyError if there is none; a name is never used as a path before that check."""
    if name not in names():
        raise KeyError(name)
    with (files("tzdata") / "zoneinfo").joinpath(*name.split("/")).open("rb") as data:
        return ZoneInfo.from_file(data, key=name)
