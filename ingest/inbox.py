"""The inbox between HTTP handlers and the service: bounded lanes behind the `Source` port.

Handlers offer a record and wait to be told that it is durable; the service polls, commits, and says so. Records wait
in four lanes (`ingest.overload`), so that a heartbeat need not wait behind a day of old samples; admission is by age,
size and disk space. What is refused was never taken, so that the sender's retry is no repeat.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from engine.ports import Record
from ingest.errors import Overloaded
from ingest.overload.classify import Urgent, urgent_alerts
from ingest.overload.lanes import LaneQueues
from ingest.overload.policy import Lane, Limits, Load, Space, Why, refusal

log = logging.getLogger(__name__)

Done = Callable[[Exception | None], None]
"""Told once, from the service's thread: None when the record is durable, else why it is not."""

_SIBLINGS = 4
_LINGER = 0.001
"""With so many requests under way, a poll waits so many seconds for them to be together: one write to disk for all."""

_OVERHEAD = 512
"""Bytes that a queued record costs beside its body."""

CROWD = 512
"""With fewer records under way all are in the next group, so that nobody need ask which alerts are urgent."""


class _Ticket(NamedTuple):
    done: Done
    size: int
    lane: Lane


def _alerts(_: Record) -> Lane:
    return Lane.ALERTS


class HttpInbox:
    """A `Source`. `offer` may be called from any thread, the other methods from the service's.

    ``limits`` bound what is offered and not yet durable; ages are measured by ``monotonic``. ``classify`` says which
    lane a record belongs to; ``urgent`` looks closer at alerts when there is a crowd. ``space`` is the disk's.
    """

    def __init__(
        self,
        name: str = "http",
        *,
        limits: Limits | None = None,
        classify: Callable[[Record], Lane] = _alerts,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.limits = limits or Limits()
        self.space = Space.AMPLE
        self.urgent: Urgent = lambda _: False
        self.shed: Counter[tuple[Lane, Why]] = Counter()
        self._classify, self._monotonic = classify, monotonic
        self._queue = LaneQueues()
        self._ready = threading.Condition()
        self._wanted = 0  # how many queued records a waiting poll is woken for; 0: none waits
        self._busy = 0  # how many have lately been under way at once
        self._closed = False
        self._bytes, self._records = 0, 0
        # by lane, when each record was offered that is not done, oldest first
        self._offered: tuple[deque[float], ...] = tuple(deque() for _ in Lane)
        self._wake = threading.Event()

    def wake_by(self, event: threading.Event) -> None:
        """Set the event whenever there is something to poll, and when closed."""
        self._wake = event

    def offer(self, record: Record, done: Done) -> None:
        """Queue a record; ``done`` is told when it is durable or failed. Raises `Overloaded`: nothing was queued."""
        size, lane = len(record.body) + _OVERHEAD, self._classify(record)
        with self._ready:
            why = self._refusal(lane, size)
            crowded = self._records >= CROWD or why is not None
            if lane is Lane.ALERTS and crowded and urgent_alerts(record, self.urgent):
                lane = Lane.URGENT
                why = self._refusal(lane, size)
            if why is not None:
                self.shed[lane, why] += 1
                raise Overloaded(self._words(lane, why), self._retry_after(), busy=why in _BUSY)
            self._offered[lane].append(self._monotonic())
            self._bytes += size
            self._records += 1
            record.token = _Ticket(done, size, lane)
            self._queue.push(lane, record, size)
            if 0 < self._wanted <= len(self._queue):
                self._ready.notify()
        if not self._wake.is_set():
            self._wake.set()

    def _refusal(self, lane: Lane, size: int) -> Why | None:
        if self._closed:
            return Why.STOPPING
        if self.space is Space.AMPLE and self._calm(size):
            return None
        return refusal(lane, self._load(), self.limits, size)

    def _calm(self, size: int) -> bool:
        """Whether the policy refuses nothing, found without asking it: all is young, and half the queue is free."""
        limits = self.limits
        share = limits.shares[-1]
        if self._records and (self._records >= share * limits.records or self._bytes + size > share * limits.bytes):
            return False
        since = self._monotonic() - limits.ages[-1]
        urgent, alerts, telemetry, backfill = self._offered
        return not (
            (alerts and alerts[0] < since)
            or (telemetry and telemetry[0] < since)
            or (urgent and urgent[0] < since)
            or (backfill and backfill[0] < since)
        )

    def _load(self) -> Load:
        now = self._monotonic()
        ages = [now - offered[0] if offered else 0.0 for offered in self._offered]
        return Load(ages, self._records, self._bytes, self.space)

    def _words(self, lane: Lane, why: Why) -> str:
        """For the sender."""
        match why:
            case Why.STOPPING:
                return "the engine is stopping"
            case Why.DISK_LOW | Why.DISK_FULL:
                return f"the disk is {'full' if why is Why.DISK_FULL else 'nearly full'}, no room for {_NAMES[lane]}"
            case Why.QUEUE_AGE:
                age = self.limits.ages[lane]
                return f"an input has been waiting to be stored for more than {age:g} s, no time for {_NAMES[lane]}"
            case _:
                waiting = f"{self._records} requests ({self._bytes} bytes) wait to be stored"
                return f"{waiting}, no room for more {_NAMES[lane]}"

    def _retry_after(self) -> float:
        """Between 5 and 30 s, a different one for each, so that refused senders do not come back together."""
        return 5.0 + (self.refused * 7) % 26

    @property
    def refused(self) -> int:
        """How many offers were refused."""
        return self.shed.total()

    def load(self) -> Load:
        """What is offered and not yet durable, for those who watch."""
        with self._ready:
            return self._load()

    def waiting(self) -> list[int]:
        """How many records are offered and not yet durable, by lane."""
        with self._ready:
            return [len(offered) for offered in self._offered]

    def depth(self) -> tuple[int, int, float]:
        """(records, bytes, age of the oldest in seconds) that are not yet durable."""
        load = self.load()
        return load.records, load.bytes, max(load.ages)

    def resume(self, positions: Mapping[tuple[str, int], int]) -> None:
        """HTTP senders repeat what was not acknowledged: there is no position."""

    def poll(self, limit: int, timeout: float) -> Sequence[Record]:
        """Up to ``limit`` records, lanes by weight and each in the order of its offers; waits at most ``timeout``
        seconds for the first.

        Senders that wait for their answers send again at about the same time: while several are under way, those
        there are wait a moment for the others.
        """
        queue = self._queue
        with self._ready:
            if not queue and timeout > 0:
                self._wait(1, timeout)
            if queue:
                taken = self._records - len(queue)
                expected = min(self._busy - taken, limit)
                if self._busy >= _SIBLINGS and len(queue) < expected:
                    self._wait(expected, _LINGER)
                self._busy = max(self._records, self._busy * 7 // 8)
            return queue.take(limit)

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
        size, done = 0, [0] * len(Lane)
        for record in records:
            ticket = record.token
            if not isinstance(ticket, _Ticket):
                continue
            record.token = None
            size += ticket.size
            done[ticket.lane] += 1
            try:
                ticket.done(error)
            except Exception:  # a handler that has gone away must not stop the service
                log.exception("a sender could not be told what became of its request")
        with self._ready:
            self._bytes -= size
            self._records -= sum(done)
            for offered, count in zip(self._offered, done, strict=True):
                for _ in range(count):  # within a lane the service stores in the order in which it polls
                    offered.popleft()

    def close(self) -> None:
        """Refuse new records, wake a waiting poll, and tell the senders of all queued ones to try again."""
        with self._ready:
            self._closed = True
            left = self._queue.clear()
            self._ready.notify_all()
        self._wake.set()
        if left:
            self._finish(left, Overloaded("the engine is stopping", 5.0))


_BUSY = (Why.QUEUE_AGE, Why.QUEUE_FULL)
_NAMES = ("urgent inputs", "alerts", "telemetry", "old telemetry")
