"""Keeps the leases of rows in hand while their calls run, so that a slow receiver is no reason to send twice.

A process that stands still or dies renews nothing: its leases run out, others take the rows, and it may not call
the sink for them any more (`Leases.hold`). A call that takes longer than `LONGEST` is given up on.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from engine.ports import Clock
from engine.sending import Outbox, OutboxRow
from engine.signals import Millis

LONGEST: Millis = 600_000
"""Milliseconds for which the rows of one claim are kept at most."""


class Leases:
    """The leases of this process, each for ``lease`` milliseconds at a time."""

    def __init__(self, outbox: Outbox, clock: Clock, lease: Millis) -> None:
        self._outbox, self._clock, self._lease = outbox, clock, lease
        self._lock = threading.Lock()
        self._rows: dict[tuple[int, int], tuple[OutboxRow, Millis]] = {}  # (id, epoch) -> row, last renewal allowed
        self._until: dict[tuple[int, int], Millis] = {}

    @contextmanager
    def kept(self, rows: Sequence[OutboxRow], claimed: Millis) -> Iterator[None]:
        """Renew them as long as this goes on."""
        with self._lock:
            for row in rows:
                self._rows[row.id, row.epoch] = row, claimed + LONGEST
                self._until[row.id, row.epoch] = claimed + self._lease
        try:
            yield
        finally:
            with self._lock:
                for row in rows:
                    self._forget(row)

    def hold(self, row: OutboxRow) -> bool:
        """Is the row still ours, as far as this process can know?"""
        return self._clock() < self._until.get((row.id, row.epoch), 0)

    def renew(self) -> bool:
        """To be called several times within a lease; returns False, for there is no more to do at once."""
        with self._lock:
            rows = list(self._rows.values())
        now = self._clock()
        if rows:
            with self._outbox.together():
                for row, end in rows:
                    if now < end and self._outbox.renew(row, now, now + self._lease):
                        self._renewed(row, now + self._lease)
        return False

    def _renewed(self, row: OutboxRow, until: Millis) -> None:
        with self._lock:
            if (row.id, row.epoch) in self._until:
                self._until[row.id, row.epoch] = until

    def _forget(self, row: OutboxRow) -> None:
        self._rows.pop((row.id, row.epoch), None)
        self._until.pop((row.id, row.epoch), None)
