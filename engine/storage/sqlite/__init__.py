"""The SQLite store: write-ahead log, `synchronous=FULL`, one transaction per commit. See docs/storage.md."""

from engine.storage.sqlite.reader import SqliteReader
from engine.storage.sqlite.store import SqliteStore

__all__ = ["SqliteReader", "SqliteStore"]
