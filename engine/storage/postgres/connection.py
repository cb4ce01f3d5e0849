"""Connections: how they are set up, and one that mends itself."""

from __future__ import annotations

import select
from contextlib import suppress
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.pq import TransactionStatus

from engine.errors import StoreUnavailable
from engine.storage.postgres import arrays, texts
from engine.storage.postgres.address import Address
from engine.storage.postgres.failures import meaning

SCHEMA = "headwater"
"""The schema that holds all tables, so that they can live in a database with others."""

Row = tuple[Any, ...]

LOCK_SECONDS = 5.0
"""How long a statement waits for a lock."""

COMMIT_SECONDS = 15.0
"""How long a commit's statements may be under way. A process that stands still in the middle of sending them holds its
shard fast, and is not idle to the server, which waits for the rest. PostgreSQL 17 and later end it."""
_TIMED = 170_000

_EVERY = f"SET search_path = {SCHEMA}"
_WRITER = (
    "SET idle_in_transaction_session_timeout = '15s'; SET plan_cache_mode = force_generic_plan; "
    # durable means on disk here, whatever the server's default; where it is stricter (standbys), that stays
    "SELECT set_config('synchronous_commit', 'on', false) "
    "WHERE current_setting('synchronous_commit') IN ('off', 'local')"
)
_READER = (
    "SET default_transaction_read_only = on; SET statement_timeout = '60s'; SET plan_cache_mode = force_custom_plan"
)


def connect(address: Address, *, writes: bool) -> Connection[Row]:
    """A connection in autocommit mode. Raises `StoreUnavailable`."""
    with meaning(address, connecting=True):
        connection: Connection[Row] = psycopg.connect(address.conninfo, autocommit=True, prepare_threshold=0)
        try:
            texts.adapt(connection)
            arrays.adapt(connection)
            waits = f"SET lock_timeout = {round(LOCK_SECONDS * 1000)}"
            connection.execute(f"{_EVERY}; {waits}; {_WRITER if writes else _READER}".encode(), prepare=False)
        except BaseException:
            connection.close()
            raise
    return connection


def limited(connection: Connection[Row]) -> None:
    """End the transaction that has begun, and with it the session, unless it comes to its commit in time."""
    if connection.info.server_version >= _TIMED:
        connection.execute(f"SET LOCAL transaction_timeout = {round(COMMIT_SECONDS * 1000)}".encode())


def stale(connection: Connection[Row]) -> bool:
    """Whether it cannot be used any more; an idle one that has something to say was ended by the server."""
    if connection.closed or connection.broken or connection.info.transaction_status != TransactionStatus.IDLE:
        return True
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN | select.POLLERR | select.POLLHUP)
    return bool(poll.poll(0))


class Session:
    """A writing connection for one thread at a time, made when it is needed and made again when it was lost."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._connection: Connection[Row] | None = None
        self._closed = False

    @property
    def connection(self) -> Connection[Row] | None:
        """As it is, usable or not; for what goes on inside a transaction."""
        return self._connection

    @property
    def open(self) -> bool:
        """Whether it can be used as it is, so that what was read through it still stands."""
        return self._connection is not None and not stale(self._connection)

    def use(self) -> Connection[Row]:
        """The connection. Raises `StoreUnavailable`."""
        if self._closed:
            raise StoreUnavailable(f"{self.address} was closed.")
        if self._connection is None or stale(self._connection):
            self.drop()
            self._connection = connect(self.address, writes=True)
        return self._connection

    def drop(self) -> None:
        """Give the connection up; the server undoes what it had not committed."""
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.close()
        self._connection = None

    def close(self) -> None:
        """For good."""
        self._closed = True
        self.drop()
