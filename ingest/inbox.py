"""The inbox between HTTP handlers and the service: a bounded queue behind the `Source` port.

Handlers offer a record and wait to be told that it is durable; the service polls, commits, and says so. Admission is by
count, bytes and *age*: when the oldest record has not become durable within ``max_age``, more would only wait longer
than their senders do. What is refused was never taken, so that the sender's retry is no repeat.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from engine.ports import Record
from ingest.errors import Overloaded
from ingest.limits import MIB

log = logging.getLogger(__name__)

Done = Callable[[Exception | None], None]
"""Told once, from the service's thread: None when the record is durable, else why it is not."""

_SIBLINGS = 4
_LINGER = 0.001
"""With so many requests under way, a poll waits so many seconds for them to be together: one write to disk for all."""

_OVERHEAD = 512
"""Bytes that a queued record costs beside its body."""


class _Ticket(NamedTuple):
    done: Done
    size: int


class HttpInbox:
    """A `Source`. `offer` may be called from any thread, the other methods from the service's.

    ``max_records`` and ``max_bytes`` bound what is offered and not yet durable; ``max_age`` is in seconds, measured by
    ``monotonic``.
    """

    def __init__(
        self,
        name: str = "http",
        *,
        max_records: int = 20_000,
        max_bytes: int = 256 * MIB,
        max_age: float = 15.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._limits = (max_records, max_bytes, max_age)
        self._monotonic = monotonic
        self._queue: deque[Record] = deque()
        self._ready = threading.Condition()
        self._wanted = 0  # how many queued records a waiting poll is woken for; 0: none waits
        self._busy = 0  # how many have lately been under way at once
        self._closed = False
        self._bytes = 0
        self._offered: deque[float] = deque()  # when each record was offered that is not done, oldest first
        self._refused = 0
        self._wake = threading.Event()

    def wake_by(self, event: threading.Event) -> None:
        """Set the event whenever there is something to poll, and when closed."""
        self._wake = event

    def offer(self, record: Record, done: Done) -> None:
        """Queue a record; ``done`` is told when it is durable or failed. Raises `Overloaded`: nothing was queued."""
        size = len(record.body) + _OVERHEAD
        with self._ready:
            why = self._full(size)
            if why:
                self._refused += 1
                raise Overloaded(why, self._retry_after())
            self._offered.append(self._monotonic())
            self._bytes += size
            record.token = _Ticket(done, size)
            self._queue.append(record)
            if 0 < self._wanted <= len(self._queue):
                self._ready.notify()
        if not self._wake.is_set():
            self._wake.set()

    def _full(self, size: int) -> str:
        most, most_bytes, max_age = self._limits
        if self._closed:
            return "the engine is stopping"
        if len(self._offered) >= most:
            return f"{len(self._offered)} requests are waiting to be stored"
        if self._bytes + size > most_bytes and self._offered:
            return f"{self._bytes} bytes are waiting to be stored"
        if self._offered and self._monotonic() - self._offered[0] > max_age:
            return f"a request has been waiting to be stored for more than {max_age:g} s"
        return ""

    def _retry_after(self) -> float:
        """Between 5 and 30 s, a different one for each, so that refused senders do not come back together."""
        return 5.0 + (self._refused * 7) % 26

    @property
    def refused(self) -> int:
        """How many offers were refused."""
        return self._refused

    def depth(self) -> tuple[int, int, float]:
        """(records, bytes, age of the oldest in seconds) that are not yet durable."""
        with self._ready:
            age = self._monotonic() - self._offered[0] if self._offered else 0.0
            return len(self._offered), self._bytes, age

    def resume(self, positions: Mapping[tuple[str, int], int]) -> None:
        """HTTP senders repeat what was not acknowledged: there is no position."""

    def poll(self, limit: int, timeout: float) -> Sequence[Record]:
        """Up to ``limit`` records in the order of their offers, waiting at most ``timeout`` seconds for the first.

        Senders that wait for their answers send again at about the same time: while several are under way, those
        there are wait a moment for the others.
        """
        queue = self._queue
        with self._ready:
            if not queue and timeout > 0:
                self._wait(1, timeout)
            if queue:
                taken = len(self._offered) - len(queue)
                expected = min(self._busy - taken, limit)
                if self._busy >= _SIBLINGS and len(queue) < expected:
                    self._wait(expected, _LINGER)
                self._busy = max(len(self._offered), self._busy * 7 // 8)
            return [queue.popleft() for _ in range(min(limit, len(queue)))]

    def _wait(self, wanted: int, timeout: float) -> None:
        if not self._closed:
            self._wanted = wanted
            self._ready.wait(timeout)
            self._wanted = 0

    def committed(self, records: Sequence[Record]) -> None:
        """Tell the senders of these records that they are durable."""
        self._finish(records, None)

    def failed(self, records: Sequence[Record], error: Exception) -> None:
        """Tell the senders of these records that they are not stored."""
        self._finish(records, error)

    def _finish(self, records: Sequence[Record], error: Exception | None) -> None:
        size = count = 0
        for record in records:
            ticket = record.token
            if not isinstance(ticket, _Ticket):
                continue
            record.token = None
            size += ticket.size
            count += 1
            try:
                ticket.done(error)
            except Exception:  # a handler that has gone away must not stop the service
                log.exception("a sender could not be told what became of its request")
        with self._ready:
            self._bytes -= size
            for _ in range(count):  # the service stores in the order in which it polls
                self._offered.popleft()

    def close(self) -> None:
        """Refuse new records, wake a waiting poll, and tell the senders of all queued ones to try again."""
        with self._ready:
            self._closed = True
            left = list(self._queue)
            self._queue.clear()
            self._ready.notify_all()
        self._wake.set()
        if left:
            self._finish(left, Overloaded("the engine is stopping", 5.0))
