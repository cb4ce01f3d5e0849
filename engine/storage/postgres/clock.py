"""The database's clock: the one that all publishers share, whatever their own clocks say."""

from __future__ import annotations

import time
from threading import Lock

from engine.errors import StoreUnavailable
from engine.signals import Millis
from engine.storage.postgres.address import Address
from engine.storage.postgres.pool import ReadPool
from engine.storage.postgres.queries import SQL

REFRESH = 60.0
"""Seconds for which an answer of the database is carried on by the own monotonic clock."""


class DatabaseClock:
    """An `engine.ports.Clock` for leases. While the database is away it goes on from the last answer; it never runs
    backwards. Raises `StoreUnavailable` when there was none yet."""

    def __init__(self, dsn: str) -> None:
        self._pool = ReadPool(Address(dsn), most=1)
        self._lock = Lock()
        self._asked, self._answer, self._last = 0.0, 0, 0

    def __call__(self) -> Millis:
        """Milliseconds since 1970, as the database says."""
        with self._lock:
            now = time.monotonic()
            if not self._answer or now - self._asked > REFRESH:
                self._ask(now)
            self._last = max(self._last, self._answer + round((time.monotonic() - self._asked) * 1000))
            return self._last

    def close(self) -> None:
        """Close the connection."""
        self._pool.close()

    def _ask(self, now: float) -> None:
        try:
            with self._pool.reading() as cursor:
                row = cursor.execute(SQL["clock"]).fetchone()
        except StoreUnavailable:
            if not self._answer:
                raise
            self._answer += round((now - self._asked) * 1000)
            self._asked = now
        else:
            self._asked, self._answer = time.monotonic(), row[0] if row else self._last
