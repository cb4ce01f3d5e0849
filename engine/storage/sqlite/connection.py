"""Connections to the database file, transactions, and what SQLite's errors mean to the engine."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from engine.errors import StoreCorrupt, StoreUnavailable

PAGE_SIZE = 4096
CHECKPOINT_PAGES = 4000  # 16 MiB of write-ahead log
BUSY_MS = 5000  # how long a write waits for another one to end
APPLICATION_ID = 0x48445752  # "HDWR", in the file's header: see file(1) and PRAGMA application_id

_MENDS = {
    sqlite3.SQLITE_FULL: "The disk is full; free some space, the engine goes on by itself.",
    sqlite3.SQLITE_IOERR: "The disk reports an error; see the system's log.",
    sqlite3.SQLITE_BUSY: "Another process writes to the file for seconds; is a backup or a shell open on it?",
    sqlite3.SQLITE_READONLY: "The file or its folder is read-only for this user.",
    sqlite3.SQLITE_CANTOPEN: "The file cannot be opened; does it exist, and may this user read and write it?",
}


def connect(path: Path, *, create: bool = False) -> sqlite3.Connection:
    """A connection in autocommit mode that may be used from any one thread at a time."""
    with meaning(path):
        mode = "rwc" if create else "rw"
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None, check_same_thread=False,
            timeout=BUSY_MS / 1000, cached_statements=256,
        )  # fmt: skip
    return connection


def tune_writer(connection: sqlite3.Connection) -> None:
    """Durable at every commit; what is deleted is overwritten only where `erase` asks for it."""
    for setting in (
        f"page_size = {PAGE_SIZE}",  # before the first page is written; later without effect
        "journal_mode = WAL",
        "synchronous = FULL",
        f"wal_autocheckpoint = {CHECKPOINT_PAGES}",
        "cache_size = -8192",
        "secure_delete = OFF",
    ):
        connection.execute(f"PRAGMA {setting}")


def tune_reader(connection: sqlite3.Connection) -> None:
    """Reads only; opened for writing because a reader of a write-ahead log must be able to recover it."""
    connection.execute("PRAGMA query_only = ON")


@contextmanager
def transaction(connection: sqlite3.Connection, path: Path) -> Iterator[sqlite3.Connection]:
    """A write transaction: durable when the block ends, without a trace when it raises."""
    with meaning(path):
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                with suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
            raise


@contextmanager
def meaning(path: Path) -> Iterator[None]:
    """SQLite's errors as the engine's, with what to do; a wrong value in a parameter is the caller's and stays."""
    try:
        yield
    except (sqlite3.ProgrammingError, sqlite3.InterfaceError) as error:
        if "closed database" in str(error):
            raise StoreUnavailable(f"{path} was closed.") from error
        raise
    except sqlite3.IntegrityError as error:
        raise StoreCorrupt(f"{path}: what was to be stored is there already, or in part ({error}).") from error
    except sqlite3.DatabaseError as error:
        code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise StoreCorrupt(f"{path}: {error}. Restore it from a backup (docs/storage.md).") from error
        raise StoreUnavailable(f"{path}: {error}. {_MENDS.get(code, '')}".strip()) from error
