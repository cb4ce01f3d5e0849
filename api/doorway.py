"""Where the event loop hands records to the service's thread and waits until they are durable.

One `Source` for all that arises in this process: HTTP requests and the engine's own records (commands, versions).
Requests are never kept waiting by the look for own records; those are looked for every `GLANCE` seconds.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Mapping, Sequence
from functools import partial

from engine import own
from engine.ports import Record
from engine.submissions import Submissions, Submitted
from ingest.inbox import HttpInbox

GLANCE = 0.05

_Waiting = asyncio.Future[None]


class Doorway:
    """Both inboxes behind one `Source`, and the way for coroutines to wait. ``wait`` is in seconds."""

    name = "http"

    def __init__(self, inbox: HttpInbox, submissions: Submissions, wait: float) -> None:
        self._inbox, self._submissions, self._wait = inbox, submissions, wait
        self._finished: deque[tuple[_Waiting, Exception | None]] = deque()
        self._scheduled = False

    async def accept(self, record: Record) -> None:
        """Returns when the record is durable.

        Raises TimeoutError after ``wait`` seconds (it may still become durable), `ingest.errors.Overloaded` and
        `engine.errors.StoreUnavailable`.
        """
        if record.format == own.FORMAT:
            async with asyncio.timeout(self._wait):
                await asyncio.wrap_future(self._submissions.submit(record))
            return
        loop = asyncio.get_running_loop()
        waiting = loop.create_future()
        self._inbox.offer(record, partial(self._done, loop, waiting))
        async with asyncio.timeout(self._wait):
            await waiting

    def _done(self, loop: asyncio.AbstractEventLoop, waiting: _Waiting, error: Exception | None) -> None:
        """From the service's thread. A group's many records wake the loop once."""
        self._finished.append((waiting, error))
        if not self._scheduled:
            self._scheduled = True
            try:
                loop.call_soon_threadsafe(self._settle)
            except RuntimeError:
                self._finished.clear()  # the loop has ended: nobody waits any more

    def _settle(self) -> None:
        self._scheduled = False
        finished = self._finished
        while finished:
            waiting, error = finished.popleft()
            if waiting.done():
                continue
            if error is None:
                waiting.set_result(None)
            else:
                waiting.set_exception(error)

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


def _parted(records: Sequence[Record]) -> tuple[list[Record], list[Record]]:
    """Own records and requests."""
    mine = [record for record in records if isinstance(record.token, Submitted)]
    return mine, [record for record in records if not isinstance(record.token, Submitted)]
