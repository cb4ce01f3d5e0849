"""The publisher's side of the outbox. Every transition is one UPDATE that names the epoch of its claim.

Any number of publishers may claim at once. A claim locks all that is unfinished of the incidents that it is about to
take, passes over those of which another one holds anything, and looks again once it has the locks: so the order within
an incident holds among publishers, too.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby

import msgspec
from psycopg import Connection, Cursor

from engine.outcomes import Publication
from engine.overtaking import Queued, carried, heirs
from engine.sending import Depth, Link, OutboxRow, Receipt
from engine.signals import Millis
from engine.storage.codec import json, pack, unpack
from engine.storage.postgres.address import Address
from engine.storage.postgres.connection import Row, Session
from engine.storage.postgres.failures import meaning
from engine.storage.postgres.queries import SQL

_publication = msgspec.json.Decoder(Publication)
_LINK = Link.__struct_fields__


class PostgresOutbox:
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
            rows = _lock(cursor, sink, now, limit)
            if not rows:
                return []
            epoch = _only(cursor.execute(SQL["next_epoch"]).fetchone())
            grant = {"ids": [row[0] for row in rows], "epoch": epoch, "lease": now + lease, "now": now, "sent": sent}
            cursor.execute(SQL["claim"], grant)
            return self._rows(cursor, sink, epoch, rows)

    def sent(self, row: OutboxRow, now: Millis) -> bool:
        """The attempt is durable before the call is made; False when the lease ran out or went to another."""
        return self._change("outbox_sent", id=row.id, epoch=row.epoch, now=now)

    def renew(self, row: OutboxRow, now: Millis, until: Millis) -> bool:
        """Keep the lease until then; False when it ran out or went to another."""
        return self._change("outbox_renew", id=row.id, epoch=row.epoch, now=now, until=until)

    def release(self, row: OutboxRow, due: Millis, error: str) -> bool:
        """Give it back as it was claimed; due at ``due``."""
        return self._change(
            "outbox_release", id=row.id, epoch=row.epoch, due=due, error=error, ambiguous=row.ambiguous,
            attempts=row.attempts, probes=row.probes,
        )  # fmt: skip

    def confirmed(self, row: OutboxRow, now: Millis, receipt: Receipt, *, doubtful: Millis = 0) -> bool:
        """The sink has it, under the receipt's id; also without `sent`, when a probe found it there."""
        values = {"id": row.id, "epoch": row.epoch, "now": now, "remote": receipt.remote}
        with self._altering() as cursor:
            if cursor.execute(SQL["outbox_confirmed"], values).rowcount != 1:
                return False
            if receipt.keeps:
                cursor.execute(SQL["tie_link"], _tied(row, now, receipt, doubtful))
        return True

    def retry(self, row: OutboxRow, due: Millis, error: str, *, ambiguous: bool, probes: int = 0) -> bool:
        """Try again at ``due``; ambiguous when the sink may have it already, after ``probes`` looks for it."""
        values = {"due": due, "error": error, "ambiguous": ambiguous, "probes": probes}
        return self._change("outbox_retry", id=row.id, epoch=row.epoch, **values)

    def dead(self, row: OutboxRow, now: Millis, error: str) -> bool:
        """Give up; visible and re-drivable."""
        return self._change("outbox_dead", id=row.id, epoch=row.epoch, now=now, error=error)

    def redrive(self, id: int, now: Millis) -> bool:
        """Bring a dead row back to new, due now, with its attempts counted afresh."""
        return self._change("outbox_redrive", id=id, now=now)

    def links(self, *, sink: str = "", incident: str = "", state: str = "") -> list[Link]:
        """What sinks keep, in the order in which it was made."""
        return self._links("links_of_state" if state else "links", sink=sink, incident=incident, state=state)

    def link(self, sink: str, remote: str) -> Link | None:
        """What a sink keeps under this id."""
        return next(iter(self._links("link", sink=sink, remote=remote)), None)

    def keep(self, link: Link) -> None:
        """Store a link, instead of the one with its sink and remote id if there is one."""
        self._change("keep_link", **msgspec.structs.asdict(link))

    def saw(self, link: Link, seen: str) -> bool:
        """Remember what was read there; False when somebody else noted something since ``link`` was given out."""
        return self._change("link_saw", sink=link.sink, remote=link.remote, seen=link.seen, now_seen=seen)

    def unsettled(self, sink: str, since: Millis) -> list[Link]:
        """Links that may have duplicates: open ones, doubtful ones, and those that changed since then to closed."""
        return self._links("links_unsettled", sink=sink, since=since)

    def doubt(self, sink: str, incident: str, until: Millis) -> None:
        """A second one may turn up until then, besides whatever the sink keeps of the incident."""
        self._change("link_doubt", sink=sink, incident=incident, until=until)

    def settled(self, link: Link) -> None:
        """No second one turned up; a doubt that arose since ``link`` was given out stays."""
        self._change("link_settled", sink=link.sink, remote=link.remote, doubtful=link.doubtful)

    def depth(self) -> list[Depth]:
        """What is unfinished or dead, by sink and state."""
        with self._asking() as cursor:
            rows = cursor.execute(SQL["outbox_depth"]).fetchall()
        return [
            Depth(sink, state, count, _publication.decode(unpack(doc)).not_before) for sink, state, count, doc in rows
        ]

    def _rows(self, cursor: Cursor[Row], sink: str, epoch: int, rows: list[Row]) -> list[OutboxRow]:
        told = [_publication.decode(unpack(row[1])) for row in rows]
        incidents = list({one for publication in told for one in (publication.incident, *publication.related)})
        found = cursor.execute(SQL["links_in_use"], {"sink": sink, "incidents": incidents}).fetchall()
        links = {link.incident: link for link in map(_link, found)}
        return [
            OutboxRow(
                id=id, publication=publication, sink=sink, attempts=attempts, epoch=epoch, ambiguous=ambiguous,
                link=links.get(publication.incident), probes=probes,
                related=tuple(links[one] for one in publication.related if one in links),
            )
            for (id, _, attempts, ambiguous, probes, _), publication in zip(rows, told, strict=True)
        ]  # fmt: skip

    def _links(self, query: str, **values: object) -> list[Link]:
        with self._asking() as cursor:
            return [_link(row) for row in cursor.execute(SQL[query], values).fetchall()]

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

    def _close_outbox(self) -> None:
        with self._outbox_lock:
            self._outbox.close()


def _lock(cursor: Cursor[Row], sink: str, now: Millis, limit: int) -> list[Row]:
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
        _collapse(cursor, list(rows), now)
    query["incidents"] = [incident for incident in heads if incident not in foreign]
    return cursor.execute(SQL["claimable"], query).fetchall()


def _collapse(cursor: Cursor[Row], rows: list[Row], now: Millis) -> None:
    """Let updates of an incident give way, and their heirs carry their news."""
    if len(rows) < 2:
        return
    queued = [
        Queued(
            id=id, publication=_publication.decode(unpack(doc)), state=state, ambiguous=ambiguous, epoch=epoch, due=due
        )
        for id, doc, state, ambiguous, epoch, due, _ in rows
    ]  # fmt: skip
    found = heirs(queued, now)
    for heir in {one.id: one for one in found.values()}.values():
        told = carried([one for one in queued if one.id in found and found[one.id].id == heir.id], heir)
        if told is not heir.publication:
            cursor.execute(SQL["inherit"], {"id": heir.id, "doc": pack(json(told))})
    if found:
        cursor.execute(SQL["supersede"], {"ids": list(found), "now": now})


def _link(row: Row) -> Link:
    return msgspec.convert(dict(zip(_LINK, row, strict=True)), Link)


def _only(row: Row | None) -> int:
    return int(row[0]) if row else 0


def _tied(row: OutboxRow, now: Millis, receipt: Receipt, doubtful: Millis) -> dict[str, object]:
    publication = row.publication
    return {
        "sink": row.sink, "incident": publication.incident, "generation": publication.generation,
        "remote": receipt.remote, "url": receipt.url, "state": receipt.keeps, "seen": receipt.seen, "now": now,
        "doubtful": doubtful,
    }  # fmt: skip
