"""The store of access in the engine's PostgreSQL: what one process makes or revokes holds in all processes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.pq import TransactionStatus

from api.auth.tables import Row, Tables, prepared
from engine.errors import StoreUnavailable
from engine.storage.postgres.address import Address, with_password
from engine.storage.postgres.connection import Session
from engine.storage.postgres.failures import meaning
from engine.storage.postgres.migrate import migrate

BUSY = 5.0
"""Seconds that a caller waits for the connection, while another one waits for a server that is away."""

_TURN = 0x48445758
"""The advisory lock that transactions hold: one at a time over all processes, as in a file."""

_SQL = {name: text.encode() for name, text in prepared("%(name)s").items()}


class PostgresAccess(Tables):
    """`api.auth.store.Store` in the database at ``dsn``, which is reached when something is first asked of it. Safe to
    call from any thread. Raises `StoreUnavailable` at once for no address."""

    remote = True

    def __init__(self, dsn: str, password: str = "") -> None:
        self._address = Address(with_password(dsn, password))
        self._session = Session(self._address)
        self._lock = threading.RLock()
        self._migrated = False

    def close(self) -> None:
        """No more is asked."""
        self._session.close()

    @contextmanager
    def _connected(self) -> Iterator[Connection[Any]]:
        """The connection, for one thread at a time."""
        if not self._lock.acquire(timeout=BUSY):
            raise StoreUnavailable(f"{self._address} does not answer.")
        try:
            with meaning(self._address):
                yield self._usable()
        finally:
            self._lock.release()

    def _usable(self) -> Connection[Any]:
        inside = self._session.connection
        if inside is not None and inside.info.transaction_status == TransactionStatus.INTRANS:
            return inside
        connection = self._session.use()
        if not self._migrated:
            migrate(connection, self._address)
            self._migrated = True
        return connection

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, one at a time over all processes; inside another one it is part of that."""
        with self._connected() as connection:
            if connection.info.transaction_status == TransactionStatus.INTRANS:
                yield
                return
            connection.execute("BEGIN")
            try:
                connection.execute("SELECT pg_advisory_xact_lock(%s)", (_TURN,))
                yield
                connection.execute("COMMIT")
            except BaseException:
                with suppress(psycopg.Error):
                    connection.execute("ROLLBACK")
                raise

    def _rows(self, name: str, /, **values: object) -> list[Row]:
        with self._connected() as connection:
            return connection.execute(_SQL[name], values).fetchall()

    def _change(self, name: str, /, **values: object) -> int:
        with self._connected() as connection:
            return connection.execute(_SQL[name], values).rowcount
