"""Databases by their DB-API driver (PEP 249): one query, read-only, within its time, and a bounded answer."""

from __future__ import annotations

import importlib
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import quote

import msgspec

from ingest.probes.found import Unmakeable, harmless
from ingest.probes.network import Database, Deadline, Unreachable, World

MOST_ROWS = 1000
STEPS = 1000
"""SQLite's virtual machine looks at the clock every so many of its instructions."""
LONGEST_VALUE = 1 << 20
INTERRUPTED = "interrupted"


class Answered(msgspec.Struct, frozen=True):
    """The first `MOST_ROWS` rows; ``more``: there were more."""

    rows: tuple[tuple[Any, ...], ...]
    more: bool = False

    @property
    def first(self) -> Any:
        """The first value of the first row; None without rows."""
        return self.rows[0][0] if self.rows and self.rows[0] else None


def ask(world: World, name: str, query: str, deadline: Deadline) -> Answered:
    """Raises `Unmakeable` (no such database, or driver), `Refused`, `Unreachable` (it does not answer, or refuses the
    query), TimeoutError."""
    known = world.databases.get(name)
    if known is None:
        raise Unmakeable(f"the settings have no database {name!r}")
    return DRIVERS[known.driver](known, query, deadline, world)


def _sqlite(known: Database, query: str, deadline: Deadline, world: World) -> Answered:
    if not Path(known.database).is_file():
        raise Unreachable("there is no such database file")
    connection = sqlite3.connect(f"file:{quote(known.database)}?mode=ro", uri=True, timeout=deadline.left())
    with closing(connection):
        connection.set_progress_handler(lambda: _over(deadline), STEPS)
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_VALUE)
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        try:
            connection.execute("PRAGMA query_only = ON")
            return _rows(connection.execute(query))
        except sqlite3.Error as error:
            if str(error) == INTERRUPTED:
                raise TimeoutError from None
            raise Unreachable(harmless(str(error))) from None


def _over(deadline: Deadline) -> int:
    try:
        deadline.left()
    except TimeoutError:
        return 1
    return 0


def _psycopg(known: Database, query: str, deadline: Deadline, world: World) -> Answered:
    """A prepared statement is one statement, so that no second one can leave the read-only transaction."""
    driver = _driver("psycopg")
    address = world.out.pin(known.host, known.port, allow_private=known.allow_private)
    limit = max(1, int(1000 * deadline.left()))
    try:
        with driver.connect(
            host=known.host,
            hostaddr=address,
            port=known.port,
            dbname=known.database,
            user=known.user,
            password=known.password,
            connect_timeout=max(2, int(deadline.left())),  # libpq takes no less
            application_name="headwater",
            options=f"-c default_transaction_read_only=on -c statement_timeout={limit}",
        ) as connection:
            return _rows(connection.execute(query, prepare=True))
    except driver.errors.QueryCanceled:
        raise TimeoutError from None
    except driver.Error as error:
        raise Unreachable(harmless(str(error))) from None


def _driver(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise Unmakeable(f"the driver {name} is not installed: install it beside Headwater") from None


def _rows(cursor: Any) -> Answered:
    rows: Sequence[Sequence[Any]] = cursor.fetchmany(MOST_ROWS + 1)
    return Answered(tuple(tuple(row) for row in rows[:MOST_ROWS]), len(rows) > MOST_ROWS)


DRIVERS: Mapping[str, Callable[[Database, str, Deadline, World], Answered]] = {
    "sqlite3": _sqlite,
    "psycopg": _psycopg,
}
"""Drivers that are known: each by its own way to be read-only and bounded in time."""


def number(value: Any) -> float:
    """What a database calls a number. `Unreachable` when it is none."""
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise Unreachable(f"not a number: {harmless(str(value), 60)!r}") from None
