"""One rendering for all who look at the same page at the same time.

A client says which event of the live stream it has seen last; it is given nothing older. While a page is asked for by
many, it is made at most every `TOGETHER` seconds, whatever the number of screens and of revisions.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import TypeVar, cast

T = TypeVar("T")

TOGETHER = 0.15
"""Seconds within which one rendering does for all."""
LASTS = 1.0
"""Seconds after which a page is made anew even if no event has come: not everything that it shows makes one."""
MOST = 256
"""Pages kept, and looks at everything."""


@dataclass(frozen=True)
class Rendered:
    """A page's content; ``seq`` is the last event before it was begun, ``at`` when that was (seconds)."""

    body: str
    tag: str
    seq: int
    at: float


@dataclass
class _Place:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    latest: Rendered | None = None


class Shared:
    """``position`` is the number of the last event that was broadcast."""

    def __init__(self, position: Callable[[], int], clock: Callable[[], float] = time.monotonic) -> None:
        self._position, self._clock = position, clock
        self._places: OrderedDict[Hashable, _Place] = OrderedDict()
        self._kept: OrderedDict[str, tuple[float, object]] = OrderedDict()

    def kept(self, name: str, seconds: float, make: Callable[[], T]) -> T:
        """What ``make`` gives, or gave at most so many seconds ago: for what takes a look at everything there is."""
        at, found = self._kept.get(name, (0.0, None))
        now = self._clock()
        if name not in self._kept or now - at >= seconds:
            found = make()
            self._kept[name] = now, found
            self._kept.move_to_end(name)
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)
        return cast("T", found)

    async def page(self, key: Hashable, seen: int, make: Callable[[], str]) -> Rendered:
        """What ``make`` gives, in a thread, or gave a moment ago."""
        place = self._places.setdefault(key, _Place())
        self._places.move_to_end(key)
        while len(self._places) > MOST:
            self._places.popitem(last=False)
        async with place.lock:
            latest = place.latest
            age = self._clock() - latest.at if latest else LASTS
            if latest is not None and latest.seq >= seen and age < LASTS:
                return latest
            if age < TOGETHER:
                await asyncio.sleep(TOGETHER - age)
            seq, at = self._position(), self._clock()
            body = await asyncio.to_thread(make)
            tag = hashlib.blake2b(body.encode(), digest_size=12).hexdigest()
            place.latest = Rendered(body, f'"{tag}"', seq, at)
            return place.latest
