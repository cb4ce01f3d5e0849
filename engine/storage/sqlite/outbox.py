"""The publisher's side of the outbox. Every transition is one UPDATE that names the epoch of its claim."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from engine.outcomes import Publication
from engine.overtaking import Queued, carried, heirs
from engine.sending import Depth, Link, OutboxRow, Receipt
from engine.signals import Millis
from engine.storage.codec import json, pack, unpack
from engine.storage.sqlite.connection import connect, meaning, transaction, tune_writer
from engine.storage.sqlite.queries import SQL

_publication = msgspec.json.Decoder(Publication)
_LINK = Link.__struct_fields__


class SqliteOutbox:
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
                collapsed = [_collapse(connection, sink, row[5], now) for row in rows]
                if any(collapsed):
                    rows = connection.execute(SQL["claimable"], query).fetchall()
                connection.execute(SQL["next_epoch"])
                (epoch,) = connection.execute(SQL["epoch"]).fetchone()
                grant = {"epoch": epoch, "lease": now + lease, "now": now, "sent": sent}
                connection.executemany(SQL["claim"], [{"id": row[0], "ambiguous": row[3], **grant} for row in rows])
            return [self._row(sink, epoch, row) for row in rows]

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
        with self._altering() as connection:
            if connection.execute(SQL["outbox_confirmed"], values).rowcount != 1:
                return False
            if receipt.keeps:
                connection.execute(SQL["tie_link"], _tied(row, now, receipt, doubtful))
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
        with self._outbox_lock, meaning(self._outbox_path):
            rows = self._outbox.execute(SQL["outbox_depth"]).fetchall()
        return [
            Depth(sink, state, count, _publication.decode(unpack(doc)).not_before) for sink, state, count, doc in rows
        ]

    def _row(self, sink: str, epoch: int, found: tuple[int, bytes, int, int, int, str]) -> OutboxRow:
        id, doc, attempts, ambiguous, probes, incident = found
        publication = _publication.decode(unpack(doc))
        related = (self._in_use(sink, other) for other in publication.related)
        return OutboxRow(
            id=id, publication=publication, sink=sink, attempts=attempts, epoch=epoch, ambiguous=bool(ambiguous),
            link=self._in_use(sink, incident), related=tuple(link for link in related if link is not None),
            probes=probes,
        )  # fmt: skip

    def _in_use(self, sink: str, incident: str) -> Link | None:
        return next(iter(self._links("link_in_use", sink=sink, incident=incident)), None)

    def _links(self, query: str, **values: object) -> list[Link]:
        with self._outbox_lock, meaning(self._outbox_path):
            rows = self._outbox.execute(SQL[query], values).fetchall()
        return [msgspec.convert(dict(zip(_LINK, row, strict=True)), Link) for row in rows]

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

    def _close_outbox(self) -> None:
        with self._outbox_lock, meaning(self._outbox_path):
            self._outbox.close()


def _collapse(connection: sqlite3.Connection, sink: str, incident: str, now: Millis) -> bool:
    """Let updates of an incident give way, and their heirs carry their news; False when none does."""
    rows = connection.execute(SQL["queued"], {"sink": sink, "incident": incident}).fetchall()
    if len(rows) < 2:
        return False
    queued = [
        Queued(
            id=id, publication=_publication.decode(unpack(doc)), state=state, ambiguous=bool(ambiguous), epoch=epoch,
            due=due,
        )
        for id, doc, state, ambiguous, epoch, due in rows
    ]  # fmt: skip
    found = heirs(queued, now)
    for heir in {one.id: one for one in found.values()}.values():
        told = carried([one for one in queued if one.id in found and found[one.id].id == heir.id], heir)
        if told is not heir.publication:
            connection.execute(SQL["inherit"], {"id": heir.id, "doc": pack(json(told))})
    connection.executemany(SQL["supersede"], [{"id": id, "now": now} for id in found])
    return bool(found)


def _tied(row: OutboxRow, now: Millis, receipt: Receipt, doubtful: Millis) -> dict[str, object]:
    publication = row.publication
    return {
        "sink": row.sink, "incident": publication.incident, "generation": publication.generation,
        "remote": receipt.remote, "url": receipt.url, "state": receipt.keeps, "seen": receipt.seen, "now": now,
        "doubtful": doubtful,
    }  # fmt: skip
