"""The publisher's side of the outbox."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.sending import Link, OutboxRow
from engine.signals import Millis
from engine.storage.outbox import Row, TableOutbox, publication
from engine.storage.sqlite.connection import connect, meaning, transaction, tune_writer
from engine.storage.sqlite.queries import SQL


class SqliteOutbox(TableOutbox):
    """Implements `engine.sending.Outbox` on a connection of its own; safe to call from any thread."""

    def __init__(self, path: Path) -> None:
        self._outbox_path = path
        self._outbox_lock = threading.RLock()
        self._outbox = connect(path)
        with meaning(path):
            tune_writer(self._outbox)

    @contextmanager
    def together(self) -> Iterator[None]:
        """What this thread changes inside is one transaction."""
        with self._altering():
            yield

    def claim(self, sink: str, now: Millis, lease: Millis, limit: int, *, sent: bool = False) -> list[OutboxRow]:
        """Lease due rows until ``now + lease``, one per incident, the oldest unfinished, under a fresh epoch.

        Updates that nobody has seen give way to what tells the same (state ``superseded``). Rows whose lease ran out
        are leased again; if they had been sent they come back as ambiguous. Dead rows hold nothing up.
        """
        query = {"sink": sink, "now": now, "limit": limit}
        with self._outbox_lock, meaning(self._outbox_path):
            if not self._outbox.execute(SQL["claimable"], query | {"limit": 1}).fetchone():
                return []  # without taking the write lock: this is asked many times a second
            with self._altering() as connection:
                rows = connection.execute(SQL["claimable"], query).fetchall()
                queued = (connection.execute(SQL["queued"], {"sink": sink, "incident": row[5]}) for row in rows)
                yielding = [id for one in queued for id in self._give_way(one.fetchall(), now)]
                if yielding:
                    connection.executemany(SQL["supersede"], [{"id": id, "now": now} for id in yielding])
                    rows = connection.execute(SQL["claimable"], query).fetchall()
                connection.execute(SQL["next_epoch"])
                (epoch,) = connection.execute(SQL["epoch"]).fetchone()
                grant = {"epoch": epoch, "lease": now + lease, "now": now, "sent": sent}
                connection.executemany(SQL["claim"], [{"id": row[0], "ambiguous": row[3], **grant} for row in rows])
            return [self._row(sink, epoch, row) for row in rows]

    def _row(self, sink: str, epoch: int, found: tuple[int, bytes, int, int, int, str]) -> OutboxRow:
        id, doc, attempts, ambiguous, probes, incident = found
        told = publication(doc)
        related = (self._in_use(sink, other) for other in told.related)
        return OutboxRow(
            id=id, publication=told, sink=sink, attempts=attempts, epoch=epoch, ambiguous=bool(ambiguous),
            link=self._in_use(sink, incident), related=tuple(link for link in related if link is not None),
            probes=probes,
        )  # fmt: skip

    def _in_use(self, sink: str, incident: str) -> Link | None:
        return next(iter(self._links("link_in_use", sink=sink, incident=incident)), None)

    @contextmanager
    def _altering(self) -> Iterator[sqlite3.Connection]:
        """A transaction of its own, or the one that this thread is in already."""
        with self._outbox_lock:
            if self._outbox.in_transaction:
                yield self._outbox
            else:
                with transaction(self._outbox, self._outbox_path) as connection:
                    yield connection

    def _change(self, query: str, **values: object) -> bool:
        with self._altering() as connection:
            return connection.execute(SQL[query], values).rowcount == 1

    def _found(self, query: str, **values: object) -> list[Row]:
        with self._outbox_lock, meaning(self._outbox_path):
            return self._outbox.execute(SQL[query], values).fetchall()

    def _close_outbox(self) -> None:
        with self._outbox_lock, meaning(self._outbox_path):
            self._outbox.close()
