"""The engine's own records on their way into the input log: commands, activations, re-driven dead letters."""

from __future__ import annotations

import queue
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from threading import Event

from engine import own
from engine.errors import StoreUnavailable
from engine.ports import Record, Version
from engine.signals import Command


class Submitted:
    """What rides with a submitted record: the promise of its durability, and the version it brings, if any."""

    def __init__(self, version: Version | None = None) -> None:
        self.durable: Future[None] = Future()
        self.version = version


class Submissions:
    """A `Source` that other threads put records into; each gets a future that is done when it is durable."""

    name = "self"

    def __init__(self, bound: int = 10_000) -> None:
        self._queue: queue.Queue[Record | None] = queue.Queue(bound)
        self._closed = False
        self._wake = Event()

    def wake_by(self, event: Event) -> None:
        """Set the event whenever there is something to poll, and when closed."""
        self._wake = event

    def submit(self, record: Record, version: Version | None = None) -> Future[None]:
        """Put a record into the input log. Raises `StoreUnavailable` when too many wait, or after `close`."""
        submitted = Submitted(version)
        record.token = submitted
        if self._closed:
            raise StoreUnavailable("the engine is stopping")
        try:
            self._queue.put_nowait(record)
        except queue.Full:
            raise StoreUnavailable("too many commands wait") from None
        self._wake.set()
        return submitted.durable

    def command(self, command: Command) -> Future[None]:
        """A person's command, permitted already."""
        return self.submit(own.command(command))

    def activate(self, version: Version) -> Future[None]:
        """Store a version of the operator's files and bring it into force, in one transaction."""
        return self.submit(own.activation(version.kind, version.id), version)

    def resume(self, positions: Mapping[tuple[str, int], int]) -> None:
        """Nothing to seek: what was not durable was refused or never answered."""

    def poll(self, limit: int, timeout: float) -> Sequence[Record]:
        """Up to ``limit`` records, waiting at most ``timeout`` seconds for the first."""
        taken: list[Record] = []
        try:
            record = self._queue.get(timeout=timeout) if timeout > 0 else self._queue.get_nowait()
            while True:
                if record is not None:
                    taken.append(record)
                if record is None or len(taken) == limit:
                    return taken
                record = self._queue.get_nowait()
        except queue.Empty:
            return taken

    def committed(self, records: Sequence[Record]) -> None:
        """Keep the promises."""
        for durable in _waiting(records):
            durable.set_result(None)

    def failed(self, records: Sequence[Record], error: Exception) -> None:
        """Break the promises: whoever waits may try again."""
        for durable in _waiting(records):
            durable.set_exception(error)

    def close(self) -> None:
        """Refuse further records and wake a waiting poll; what waits already is still delivered."""
        self._closed = True
        try:
            self._queue.put_nowait(None)
        except queue.Full:
            return  # a full queue keeps no poll waiting
        finally:
            self._wake.set()


def _waiting(records: Sequence[Record]) -> Iterator[Future[None]]:
    """The promises that somebody still waits for."""
    for record in records:
        if isinstance(record.token, Submitted) and record.token.durable.set_running_or_notify_cancel():
            yield record.token.durable
