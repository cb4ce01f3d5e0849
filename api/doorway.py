"""Where the event loop hands records to the service's thread and waits until they are durable.

One `Source` for all that arises in this process: HTTP requests and the engine's own records (commands, versions).
Both wake the service's thread; where it waits in `Doorway.poll` instead, own records are looked for every `GLANCE`
seconds.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from threading import Event

from engine import own
from engine.ports import Record
from engine.submissions import Submissions, Submitted
from ingest.inbox import HttpInbox

GLANCE = 0.05

Done = Callable[[Exception | None], None]
"""Told once, on the event loop: None when the record is durable, else why it is not (yet)."""


class _Waiting:
    """Somebody who waits for a record; ``done`` is None once told."""

    __slots__ = ("done", "since")

    def __init__(self, done: Done, since: float) -> None:
        self.done: Done | None = done
        self.since = since

    def tell(self, error: Exception | None) -> None:
        done, self.done = self.done, None
        if done is not None:
            done(error)


class Doorway:
    """Both inboxes behind one `Source`, and the way for coroutines and callbacks to wait. ``wait`` is in seconds."""

    name = "http"

    def __init__(self, inbox: HttpInbox, submissions: Submissions, wait: float) -> None:
        self._inbox, self._submissions, self._wait = inbox, submissions, wait
        self._waiting: deque[_Waiting] = deque()  # the longest first
        self._finished: deque[tuple[_Waiting, Exception | None]] = deque()
        self._scheduled = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sweep: asyncio.TimerHandle | None = None

    async def accept(self, record: Record) -> None:
        """Returns when the record is durable.

        Raises TimeoutError after ``wait`` seconds (it may still become durable), `ingest.errors.Overloaded` and
        `engine.errors.StoreUnavailable`.
        """
        if record.format == own.FORMAT:
            async with asyncio.timeout(self._wait):
                await asyncio.wrap_future(self._submissions.submit(record))
            return
        durable: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def done(error: Exception | None) -> None:
            if durable.done():
                return  # whoever waited has gone
            if error is None:
                durable.set_result(None)
            else:
                durable.set_exception(error)

        self.offer(record, done)
        await durable

    def offer(self, record: Record, done: Done) -> None:
        """Queue a record; ``done`` hears what `accept` returns or raises. To be called on the event loop.

        Raises `ingest.errors.Overloaded`: nothing was queued, and ``done`` hears nothing.
        """
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        if self._sweep is None:
            self._sweep = self._loop.call_later(self._wait, self._expire, self._loop)
        waiting = _Waiting(done, self._loop.time())
        self._inbox.offer(record, lambda error: self._done(waiting, error))
        self._waiting.append(waiting)

    def _done(self, waiting: _Waiting, error: Exception | None) -> None:
        """From the service's thread. A group's many records wake the loop once."""
        self._finished.append((waiting, error))
        if not self._scheduled and self._loop is not None:
            self._scheduled = True
            try:
                self._loop.call_soon_threadsafe(self._settle)
            except RuntimeError:
                self._finished.clear()  # the loop has ended: nobody waits any more

    def _settle(self) -> None:
        self._scheduled = False
        finished = self._finished
        while finished:
            waiting, error = finished.popleft()
            waiting.tell(error)
        while self._waiting and self._waiting[0].done is None:
            self._waiting.popleft()

    def _expire(self, loop: asyncio.AbstractEventLoop) -> None:
        """One timer for all who wait: tell those who have waited too long, and come back for the next."""
        self._sweep = None
        now = loop.time()
        while self._waiting and (self._waiting[0].done is None or self._waiting[0].since + self._wait <= now):
            self._waiting.popleft().tell(TimeoutError())
        if self._waiting:
            self._sweep = loop.call_at(self._waiting[0].since + self._wait, self._expire, loop)

    def wake_by(self, event: Event) -> None:
        """Set the event whenever there is something to poll, and when closed."""
        self._inbox.wake_by(event)
        self._submissions.wake_by(event)

    def resume(self, positions: Mapping[tuple[str, int], int]) -> None:
        """Nothing to seek: what was not durable is sent again."""

    def poll(self, limit: int, timeout: float) -> Sequence[Record]:
        """Own records first, then requests, waiting at most ``timeout`` seconds for the first."""
        deadline = time.monotonic() + timeout
        while True:
            taken = list(self._submissions.poll(limit, 0))
            left = deadline - time.monotonic()
            if len(taken) < limit:
                taken += self._inbox.poll(limit - len(taken), 0.0 if taken else max(0.0, min(left, GLANCE)))
            if taken or left <= GLANCE:
                return taken

    def committed(self, records: Sequence[Record]) -> None:
        """Tell whoever waits."""
        mine, theirs = _parted(records)
        if mine:
            self._submissions.committed(mine)
        self._inbox.committed(theirs)

    def failed(self, records: Sequence[Record], error: Exception) -> None:
        """Tell whoever waits to try again."""
        mine, theirs = _parted(records)
        self._submissions.failed(mine, error)
        self._inbox.failed(theirs, error)

    def close(self) -> None:
        """Take nothing more."""
        self._submissions.close()
        self._inbox.close()


def _parted(records: Sequence[Record]) -> tuple[Sequence[Record], Sequence[Record]]:
    """Own records and requests."""
    mine = [record for record in records if type(record.token) is Submitted]
    if not mine:
        return mine, records
    return mine, [record for record in records if type(record.token) is not Submitted]
