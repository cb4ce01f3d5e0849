"""The publisher's side of the outbox.

Any number of publishers may claim at once. A claim locks all that is unfinished of the incidents that it is about to
take, passes over those of which another one holds anything, and looks again once it has the locks: so the order within
an incident holds among publishers, too.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby

from psycopg import Connection, Cursor

from engine.sending import OutboxRow
from engine.signals import Millis
from engine.storage.outbox import TableOutbox, publication
from engine.storage.postgres.address import Address
from engine.storage.postgres.connection import Row, Session
from engine.storage.postgres.failures import meaning
from engine.storage.postgres.queries import SQL


class PostgresOutbox(TableOutbox):
    """Implements `engine.sending.Outbox` on a connection of its own; safe to call from any thread."""

    def __init__(self, address: Address) -> None:
        self._outbox_address = address
        self._outbox_lock = threading.RLock()
        self._outbox = Session(address)
        self._outbox_inside: Connection[Row] | None = None

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
        with self._asking() as cursor:
            if cursor.execute(SQL["anything_due"], {"sink": sink, "now": now}).fetchone() is None:
                return []
        with self._altering() as cursor:
            rows = self._lock(cursor, sink, now, limit)
            if not rows:
                return []
            epoch = _only(cursor.execute(SQL["next_epoch"]).fetchone())
            grant = {"ids": [row[0] for row in rows], "epoch": epoch, "lease": now + lease, "now": now, "sent": sent}
            cursor.execute(SQL["claim"], grant)
            return self._leased(sink, epoch, rows)

    def _lock(self, cursor: Cursor[Row], sink: str, now: Millis, limit: int) -> list[Row]:
        """The rows to claim: (id, doc, attempts, ambiguous, probes, incident); nobody else can change their queues."""
        query: dict[str, object] = {"sink": sink, "now": now, "limit": limit}
        heads = [incident for (incident,) in cursor.execute(SQL["lock_claimable"], query).fetchall()]
        if not heads:
            return []
        query["incidents"] = heads
        locked = {id for (id,) in cursor.execute(SQL["lock_queued"], query).fetchall()}
        queued = cursor.execute(SQL["queued"], query).fetchall()
        foreign = {row[6] for row in queued if row[0] not in locked}
        own = [row for row in queued if row[6] not in foreign]
        for _, rows in groupby(sorted(own, key=lambda row: (row[6], row[0])), key=lambda row: row[6]):
            if yielding := self._give_way(list(rows), now):
                cursor.execute(SQL["supersede"], {"ids": yielding, "now": now})
        query["incidents"] = [incident for incident in heads if incident not in foreign]
        return cursor.execute(SQL["claimable"], query).fetchall()

    def _leased(self, sink: str, epoch: int, rows: list[Row]) -> list[OutboxRow]:
        told = [publication(row[1]) for row in rows]
        incidents = list({one for each in told for one in (each.incident, *each.related)})
        found = self._links("links_in_use", sink=sink, incidents=incidents)
        links = {link.incident: link for link in found}
        return [
            OutboxRow(
                id=id, publication=each, sink=sink, attempts=attempts, epoch=epoch, ambiguous=ambiguous,
                link=links.get(each.incident), probes=probes,
                related=tuple(links[one] for one in each.related if one in links),
            )
            for (id, _, attempts, ambiguous, probes, _), each in zip(rows, told, strict=True)
        ]  # fmt: skip

    @contextmanager
    def _asking(self) -> Iterator[Cursor[Row]]:
        """For a statement that changes nothing; inside `together` it sees what was changed there."""
        with self._outbox_lock, meaning(self._outbox_address):
            connection = self._outbox_inside or self._outbox.use()
            with connection.cursor(binary=True) as cursor:
                yield cursor

    @contextmanager
    def _altering(self) -> Iterator[Cursor[Row]]:
        """A transaction of its own, or the one that this thread is in already."""
        with self._outbox_lock:
            if self._outbox_inside is not None:
                with self._asking() as cursor:
                    yield cursor
                return
            with meaning(self._outbox_address):
                connection = self._outbox.use()
                with connection.transaction(), connection.cursor(binary=True) as cursor:
                    self._outbox_inside = connection
                    try:
                        yield cursor
                    finally:
                        self._outbox_inside = None

    def _change(self, query: str, **values: object) -> bool:
        with self._altering() as cursor:
            return cursor.execute(SQL[query], values).rowcount == 1

    def _found(self, query: str, **values: object) -> list[Row]:
        with self._asking() as cursor:
            return cursor.execute(SQL[query], values).fetchall()

    def _close_outbox(self) -> None:
        with self._outbox_lock:
            self._outbox.close()


def _only(row: Row | None) -> int:
    return int(row[0]) if row else 0
