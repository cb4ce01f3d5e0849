"""Taking records from all sources fairly, and giving each source word of what became of its records."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from threading import Event
from typing import NamedTuple, Protocol, runtime_checkable

from engine.ports import Record, Source

CHUNK = 64  # records taken from one source before the next has its turn
SLICE = 0.02  # seconds between looks at a source that cannot say when it has something

log = logging.getLogger(__name__)


class Delivery(NamedTuple):
    """A record and the source that waits for word of it."""

    source: Source
    record: Record


@runtime_checkable
class Waking(Protocol):
    """A source that can say at once when it has something, so that it never waits for another one."""

    def wake_by(self, event: Event) -> None:
        """Set the event whenever there is something to poll, and when closed."""


class Feed:
    """Several sources read as one. Not thread-safe: it belongs to the service's thread."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = deque(sources)
        self._wake = Event()
        waking = [source for source in sources if isinstance(source, Waking)]
        for source in waking:
            source.wake_by(self._wake)
        self._woken = len(waking)

    def resume(self, positions: Mapping[tuple[str, int], int]) -> None:
        """Tell every source where to continue."""
        for source in self._sources:
            source.resume(positions)

    def poll(self, limit: int, size: int, timeout: float) -> list[Delivery]:
        """Up to ``limit`` records and ``size`` bytes (at most a chunk more); waits ``timeout`` s for the first."""
        deadline = time.monotonic() + timeout
        self._wake.clear()  # before the look: what comes after it is not missed
        taken = self._sweep(limit, size)
        if not self._woken:
            return taken or self._one_by_one(limit, size, deadline)
        while not taken and (left := deadline - time.monotonic()) > 0:
            self._wake.wait(left if self._woken == len(self._sources) else min(left, SLICE))
            self._wake.clear()
            taken = self._sweep(limit, size)
        return taken

    def _one_by_one(self, limit: int, size: int, deadline: float) -> list[Delivery]:
        """Wait in the sources themselves: none of them can wake us."""
        taken: list[Delivery] = []
        while not taken and (left := deadline - time.monotonic()) > 0:
            self._sources.rotate(-1)
            source = self._sources[0]
            wait = left if len(self._sources) == 1 else min(left, SLICE)
            taken = [Delivery(source, record) for record in source.poll(min(CHUNK, limit), wait)]
            if not taken or len(taken) == CHUNK:
                taken += self._sweep(limit - len(taken), size)
        return taken

    def _sweep(self, limit: int, size: int) -> list[Delivery]:
        """What is there now, one chunk of each source in turn until all are empty or the group is full."""
        taken: list[Delivery] = []
        idle = 0
        while limit > 0 and size > 0 and idle < len(self._sources):
            source = self._sources[0]
            self._sources.rotate(-1)
            records = source.poll(min(CHUNK, limit), 0)
            idle = 0 if records else idle + 1
            taken += [Delivery(source, record) for record in records]
            limit -= len(records)
            size -= sum(len(record.body) for record in records)
        return taken

    def close(self) -> None:
        """Stop all sources delivering."""
        for source in self._sources:
            source.close()


def tell_committed(deliveries: Sequence[Delivery]) -> None:
    """Each source hears once that its records are durable."""
    _tell(deliveries, lambda source, records: source.committed(records))


def tell_failed(deliveries: Sequence[Delivery], error: Exception) -> None:
    """Each source hears once that its records were not stored."""
    _tell(deliveries, lambda source, records: source.failed(records, error))


def _tell(deliveries: Sequence[Delivery], word: Callable[[Source, list[Record]], None]) -> None:
    """A source that fails to listen does not keep the others from hearing."""
    by_source: dict[int, tuple[Source, list[Record]]] = {}
    for source, record in deliveries:
        by_source.setdefault(id(source), (source, []))[1].append(record)
    for source, records in by_source.values():
        try:
            word(source, records)
        except Exception:
            log.exception("source %s could not take word of %d records", source.name, len(records))
