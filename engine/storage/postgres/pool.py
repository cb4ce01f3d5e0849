"""Connections for reading: a few, lent to whoever reads, so that many threads do not mean many connections."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
from psycopg import Connection, Cursor

from engine.errors import StoreUnavailable
from engine.storage.postgres.address import Address
from engine.storage.postgres.connection import Row, connect, stale
from engine.storage.postgres.failures import meaning

MOST = 8
"""Connections of one process for reading."""
PATIENCE = 30.0
"""Seconds that a reader waits for one."""


class ReadPool:
    """Lends read-only connections; a lost one is replaced when the next reader comes."""

    def __init__(self, address: Address, most: int = MOST) -> None:
        self.address = address
        self._free = threading.BoundedSemaphore(most)
        self._idle: list[Connection[Row]] = []
        self._lock = threading.Lock()
        self._closed = False

    @contextmanager
    def reading(self) -> Iterator[Cursor[Row]]:
        """A cursor of one's own. Raises `StoreUnavailable` and `StoreCorrupt` in PostgreSQL's stead."""
        if not self._free.acquire(timeout=PATIENCE):
            raise StoreUnavailable(f"{self.address}: all connections for reading are busy.")
        try:
            connection = self._take()
            try:
                with meaning(self.address), connection.cursor(binary=True) as cursor:
                    yield cursor
            finally:
                self._give(connection)
        finally:
            self._free.release()

    @contextmanager
    def at_one_moment(self) -> Iterator[Cursor[Row]]:
        """As `reading`; all statements see the same state."""
        with self.reading() as cursor:
            cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            try:
                yield cursor
            finally:
                with suppress(psycopg.OperationalError):
                    cursor.execute("ROLLBACK")

    def close(self) -> None:
        """Close all connections; later reads raise `StoreUnavailable`."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _take(self) -> Connection[Row]:
        while True:
            with self._lock:
                if self._closed:
                    raise StoreUnavailable(f"{self.address} was closed.")
                connection = self._idle.pop() if self._idle else None
            if connection is None:
                return connect(self.address, writes=False)
            if not stale(connection):
                return connection
            connection.close()

    def _give(self, connection: Connection[Row]) -> None:
        with self._lock:
            if not self._closed and not stale(connection):
                self._idle.append(connection)
                return
        connection.close()
