"""Watches the disk that the data lies on: keeps a ballast, and gives it up when nothing else is left."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Protocol

from ingest.overload.policy import Room, Space, space
from ingest.turning import Turning

log = logging.getLogger(__name__)

EVERY = 2.0
"""Seconds between two looks."""


class Usage(NamedTuple):
    """Bytes of a file system."""

    total: int
    free: int


class Reserve(Protocol):
    """A file that takes up room until it is given up."""

    size: int

    @property
    def held(self) -> bool:
        """Whether it is there."""

    def take(self) -> bool:
        """Allocate it; False when that cannot be done."""

    def give_up(self) -> None:
        """Let others have the room."""


def usage(folder: Path) -> Usage:
    """Of the file system that holds the folder. Raises OSError."""
    found = shutil.disk_usage(folder)
    return Usage(found.total, found.free)


def ballast_size(asked: int, folder: Path) -> int:
    """Bytes of the ballast: what was asked for, but at most a twentieth of the file system."""
    try:
        return min(asked, usage(folder).total // 20)
    except OSError:
        return 0


class Disk:
    """``look`` decides; ``tell`` hears of every change of state, ``compact`` makes room when it becomes low.

    One thread between `start` and `stop`, or call `look` by hand.
    """

    def __init__(
        self,
        measure: Callable[[], Usage],
        reserve: Reserve,
        room: Room,
        tell: Callable[[Space], None],
        compact: Callable[[], None],
    ) -> None:
        self._measure, self._reserve, self._room = measure, reserve, room
        self._tell, self._compact = tell, compact
        self.state = Space.AMPLE
        self.usage = Usage(0, 0)
        self.loop = Turning("disk", self._run)

    def start(self) -> None:
        """Look, and go on looking."""
        self.look()
        self.loop.start()

    def stop(self) -> None:
        """End the thread. The ballast stays: the next start finds it."""
        self.loop.end()
        self.loop.join(EVERY)

    @property
    def ballast(self) -> bool:
        """Whether the ballast is there."""
        return self._reserve.held

    def look(self) -> Space:
        """Measure, and act on it."""
        try:
            self.usage = self._measure()
        except OSError as error:
            log.error("the disk cannot be measured: %s", error)
            return self.state
        before = self.state
        self.state = space(self._without_ballast(), self.usage.total, before, self._room)
        if self.state is not before:
            self._changed(before)
        if self.state is Space.FULL:
            self._reserve.give_up()
        elif not self._reserve.held and self.usage.free - self._reserve.size > self._room.floor + self._room.margin:
            self._reserve.take()
        return self.state

    def _without_ballast(self) -> int:
        """Free bytes as if the ballast were there: given up, it is for what must be written, not for all."""
        return self.usage.free - (0 if self._reserve.held or self.state is not Space.FULL else self._reserve.size)

    def _changed(self, before: Space) -> None:
        free = self.usage.free // (1024 * 1024)
        if self.state is Space.FULL:
            log.critical("the disk is full (%d MiB free): the ballast is given up, only what is urgent is taken", free)
        elif self.state is Space.LOW:
            log.error("the disk is nearly full (%d MiB free): telemetry is refused", free)
        else:
            log.warning("the disk has room again (%d MiB free): everything is taken", free)
        self._tell(self.state)
        if before is Space.AMPLE:
            try:
                self._compact()
            except Exception:
                log.exception("no room could be made")

    def _run(self) -> None:
        while not self.loop.ended:
            self.loop.turn()
            try:
                self.look()
            except Exception:
                log.exception("what the disk asks for could not be done; trying again")
            self.loop.pause(EVERY)
