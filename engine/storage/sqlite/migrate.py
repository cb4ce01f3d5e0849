"""Bringing a database file to this version's schema: `migrations/NNNN_name.sql`, each in one transaction."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path

import msgspec

from engine import failpoints
from engine.errors import StoreCorrupt
from engine.storage.sqlite.connection import APPLICATION_ID, transaction

_RECORD = (
    "CREATE TABLE IF NOT EXISTS migration (number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL)"
)


class Migration(msgspec.Struct, frozen=True):
    """One step; ``checksum`` is the SHA-256 of its text, which must never change once released."""

    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text, hexadecimal."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def shipped() -> list[Migration]:
    """The migrations of this version, in order."""
    folder = files(__package__).joinpath("migrations")
    found = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return [Migration(int(file.name[:4]), file.name, file.read_text("utf-8")) for file in found]


def migrate(connection: sqlite3.Connection, path: Path, steps: Sequence[Migration] | None = None) -> int:
    """Apply what is missing; returns the schema's number. Raises `StoreCorrupt` for a file that is not for us."""
    steps = shipped() if steps is None else steps
    _ours(connection, path)
    done = _done(connection)
    _known(done, steps, path)
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


def _known(done: dict[int, tuple[str, str]], steps: Sequence[Migration], path: Path) -> None:
    ours = {step.number: step for step in steps}
    newer = sorted(name for number, (name, _) in done.items() if number not in ours)
    if newer:
        raise StoreCorrupt(
            f"{path} was written by a newer version of Headwater ({', '.join(newer)} is not known here). "
            "Start that version, or restore the backup made before the upgrade."
        )
    changed = sorted(step.name for number, step in ours.items() if number in done and done[number][1] != step.checksum)
    if changed:
        raise StoreCorrupt(
            f"{path} was made with another text of {', '.join(changed)}. The file and the program do not belong "
            "together: install the release that the file comes from."
        )


def _apply(connection: sqlite3.Connection, path: Path, step: Migration) -> None:
    with transaction(connection, path):
        connection.execute(_RECORD)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        for statement in statements(step.sql):
            connection.execute(statement)
            failpoints.reach("migrate.mid_step")
        connection.execute("INSERT INTO migration VALUES (?, ?, ?)", (step.number, step.name, step.checksum))
        connection.execute(f"PRAGMA user_version = {step.number}")
