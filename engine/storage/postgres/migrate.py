"""Bringing a database to this version's schema; any number of processes may start at once."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import Connection, sql

from engine.errors import StoreCorrupt, StoreUnavailable
from engine.storage import migrations
from engine.storage.migrations import Migration
from engine.storage.postgres.address import Address
from engine.storage.postgres.connection import SCHEMA, Row
from engine.storage.postgres.failures import meaning

_TURN = 0x48445752  # "HDWR": the advisory lock under which schemas are changed
_DONE = sql.SQL("SELECT number, name, checksum FROM {}").format(sql.Identifier(SCHEMA, "migration"))
_RECORD = "CREATE TABLE migration (number integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL)"


def shipped() -> list[Migration]:
    """The migrations of this version, in order."""
    return migrations.of(__package__)


def migrate(connection: Connection[Row], address: Address, steps: Sequence[Migration] | None = None) -> int:
    """Apply what is missing; returns the schema's number. Raises `StoreCorrupt`, `StoreUnavailable`.

    Each step is one transaction with its record. Who comes second waits and then finds it done.
    """
    steps = shipped() if steps is None else steps
    with meaning(address):
        _suits(connection, address)
        if _missing(connection, address, steps):
            for step in steps:
                with connection.transaction():
                    connection.execute("SET LOCAL lock_timeout = 0")
                    connection.execute("SELECT pg_advisory_xact_lock(%s)", (_TURN,))
                    if step in _missing(connection, address, steps):
                        _apply(connection, step)
    return max((step.number for step in steps), default=0)


def _suits(connection: Connection[Row], address: Address) -> None:
    encoding, version = connection.info.parameter_status("server_encoding"), connection.info.server_version
    if encoding != "UTF8":
        raise StoreUnavailable(f"{address} is encoded in {encoding}; make a database with ENCODING 'UTF8'.")
    if version < 140_000:
        raise StoreUnavailable(f"{address} runs PostgreSQL {version // 10_000}; Headwater needs 14 or later.")


def _missing(connection: Connection[Row], address: Address, steps: Sequence[Migration]) -> list[Migration]:
    if _one(connection, f"SELECT to_regclass('{SCHEMA}.migration')") is None:
        tables = _one(connection, "SELECT count(*) FROM pg_tables WHERE schemaname = %s", SCHEMA)
        if tables:
            raise StoreCorrupt(f"{address} has a schema {SCHEMA} of another program; give Headwater its own database.")
        return list(steps)
    rows = connection.execute(_DONE).fetchall()
    done = {int(str(number)): (str(name), str(checksum)) for number, name, checksum in rows}
    migrations.known(done, steps, str(address))
    return [step for step in steps if step.number not in done]


def _apply(connection: Connection[Row], step: Migration) -> None:
    if _one(connection, f"SELECT to_regclass('{SCHEMA}.migration')") is None:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
        connection.execute(_RECORD)
    connection.execute(step.sql.encode(), prepare=False)
    connection.execute("INSERT INTO migration VALUES (%s, %s, %s)", (step.number, step.name, step.checksum))


def _one(connection: Connection[Row], query: str, *values: object) -> object:
    row = connection.execute(query.encode(), values).fetchone()
    return row[0] if row else None
