"""Bringing a database file to this version's schema: `migrations/NNNN_name.sql`, each in one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from engine import failpoints
from engine.errors import StoreCorrupt
from engine.storage import migrations
from engine.storage.migrations import Migration
from engine.storage.sqlite.connection import APPLICATION_ID, transaction

_RECORD = (
    "CREATE TABLE IF NOT EXISTS migration (number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL)"
)


def shipped() -> list[Migration]:
    """The migrations of this version, in order."""
    return migrations.of(__package__)


def migrate(connection: sqlite3.Connection, path: Path, steps: Sequence[Migration] | None = None) -> int:
    """Apply what is missing; returns the schema's number. Raises `StoreCorrupt` for a file that is not for us."""
    steps = shipped() if steps is None else steps
    _ours(connection, path)
    done = _done(connection)
    migrations.known(done, steps, str(path))
    for step in steps:
        if step.number not in done:
            _apply(connection, path, step)
    return max((step.number for step in steps), default=0)


def statements(sql: str) -> Iterator[str]:
    """The statements of a script, triggers whole."""
    pending = ""
    for line in sql.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""
    if any(line.strip() and not line.strip().startswith("--") for line in pending.splitlines()):
        raise ValueError(f"a migration ends inside a statement: {pending.strip()}")


def _ours(connection: sqlite3.Connection, path: Path) -> None:
    (mark,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if tables and mark != APPLICATION_ID:
        raise StoreCorrupt(f"{path} is a database of another program; name a file of Headwater's own.")


def _done(connection: sqlite3.Connection) -> dict[int, tuple[str, str]]:
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'migration'").fetchone():
        return {}
    return {number: (name, sum_) for number, name, sum_ in connection.execute("SELECT * FROM migration")}


def _apply(connection: sqlite3.Connection, path: Path, step: Migration) -> None:
    with transaction(connection, path):
        connection.execute(_RECORD)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        for statement in statements(step.sql):
            connection.execute(statement)
            failpoints.reach("migrate.mid_step")
        connection.execute("INSERT INTO migration VALUES (?, ?, ?)", (step.number, step.name, step.checksum))
        connection.execute(f"PRAGMA user_version = {step.number}")
