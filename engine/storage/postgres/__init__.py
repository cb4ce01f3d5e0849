"""The PostgreSQL store: many engines, each with its shards, over one database. See docs/storage.md."""

from engine.storage.postgres.clock import DatabaseClock
from engine.storage.postgres.reader import PostgresReader
from engine.storage.postgres.store import PostgresStore

__all__ = ["DatabaseClock", "PostgresReader", "PostgresStore"]
