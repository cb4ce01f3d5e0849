"""Read-only connections, one per thread, closed with their thread or with the store."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from weakref import WeakSet

from engine.errors import StoreUnavailable
from engine.storage.sqlite.connection import connect, meaning, tune_reader


class _Own:
    """A thread's connection; the lock keeps `ReadPool.close` from closing it under a running statement."""

    def __init__(self, path: Path) -> None:
        self.lock = threading.RLock()
        self.connection = connect(path)
        with meaning(path):
            tune_reader(self.connection)

    def close(self) -> None:
        with self.lock:
            self.connection.close()

    def __del__(self) -> None:
        if hasattr(self, "connection"):
            self.connection.close()


class ReadPool:
    """Hands every thread its own connection, so that readers wait neither for each other nor for the writer."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self._all: WeakSet[_Own] = WeakSet()
        self._lock = threading.Lock()
        self._closed = False

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """This thread's connection. Raises `StoreUnavailable` and `StoreCorrupt` in SQLite's stead."""
        own: _Own = getattr(self._local, "own", None) or self._open()
        with own.lock, meaning(self.path):
            if self._closed:
                raise StoreUnavailable(f"{self.path} was closed.")
            yield own.connection

    @contextmanager
    def at_one_moment(self) -> Iterator[sqlite3.Connection]:
        """As `reading`; all statements see the same state."""
        with self.reading() as connection:
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.execute("ROLLBACK")

    def close(self) -> None:
        """Close all connections; later reads raise `StoreUnavailable`."""
        with self._lock:
            self._closed = True
            for own in list(self._all):
                own.close()

    def _open(self) -> _Own:
        with self._lock:
            if self._closed:
                raise StoreUnavailable(f"{self.path} was closed.")
            own = _Own(self.path)
            self._all.add(own)
            self._local.own = own
            return own
