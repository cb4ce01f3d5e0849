"""The store of access in a SQLite file of its own, beside the engine's: durable at every commit, one connection."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.resources import files
from pathlib import Path

from api.auth.tables import SQL, Row, Tables
from engine.errors import StoreCorrupt, StoreUnavailable
from engine.signals import Millis

DATABASE = "access.db"
BUSY = 5.0
"""Seconds that a write waits for another process's."""


class SqliteAccess(Tables):
    """`api.auth.store.Store` in ``folder``; the file is made when it is not there, for its owner only."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / DATABASE
        self._lock = threading.RLock()
        with self._meaning():
            folder.mkdir(parents=True, exist_ok=True)
            self.path.touch(mode=0o600)
            self._connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=BUSY)
            for setting in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON"):
                self._connection.execute(f"PRAGMA {setting}")
            self._connection.executescript(files(__package__).joinpath("sqlite.sql").read_text("utf-8"))

    def close(self) -> None:
        """No more is asked."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def _meaning(self) -> Iterator[None]:
        """SQLite's errors as the engine's."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            kind = StoreCorrupt if "malformed" in str(error) or "not a database" in str(error) else StoreUnavailable
            raise kind(f"{self.path}: {error}.") from error
        except OSError as error:
            raise StoreUnavailable(f"{self.path}: {error.strerror}.") from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; inside another one it is part of that."""
        with self._lock, self._meaning():
            if self._connection.in_transaction:
                yield
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise

    def _rows(self, name: str, /, **values: object) -> list[Row]:
        with self._lock, self._meaning():
            return self._connection.execute(SQL[name], values).fetchall()

    def _change(self, name: str, /, **values: object) -> int:
        with self._lock, self._meaning():
            return self._connection.execute(SQL[name], values).rowcount

    def erase_records(self, *, who: str = "", before: Millis = 0) -> int:
        """Salt and payload go, from the write-ahead log too."""
        erased = super().erase_records(who=who, before=before)
        with self._lock, self._meaning():
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return erased
