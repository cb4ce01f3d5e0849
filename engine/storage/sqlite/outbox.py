"""The publisher's side of the outbox. Every transition is one UPDATE that names the epoch of its claim."""

from __future__ import annotations

import threading
from pathlib import Path

import msgspec

from engine.outcomes import Publication
from engine.sending import Link, OutboxRow, Receipt
from engine.signals import Millis
from engine.storage.sqlite.codec import unpack
from engine.storage.sqlite.connection import connect, meaning, transaction, tune_writer
from engine.storage.sqlite.queries import SQL

_publication = msgspec.json.Decoder(Publication)
_LINK = Link.__struct_fields__


class SqliteOutbox:
    """Implements `engine.ports.Outbox` on a connection of its own; safe to call from any thread."""

    def __init__(self, path: Path) -> None:
        self._outbox_path = path
        self._outbox_lock = threading.Lock()
        self._outbox = connect(path)
        with meaning(path):
            tune_writer(self._outbox)

    def claim(self, sink: str, now: Millis, lease: Millis, limit: int) -> list[OutboxRow]:
        """Lease due rows until ``now + lease``, one per incident, the oldest unfinished, under a fresh epoch.

        Updates that nobody has seen give way to a later one that is due too (state ``superseded``). Rows whose lease
        ran out are leased again; if they had been sent they come back as ambiguous. Dead rows hold nothing up.
        """
        query = {"sink": sink, "now": now, "limit": limit}
        with self._outbox_lock, meaning(self._outbox_path):
            if not self._outbox.execute(SQL["claimable"], query).fetchone():
                return []  # without taking the write lock: this is asked many times a second
            with transaction(self._outbox, self._outbox_path) as connection:
                connection.execute(SQL["supersede"], {"sink": sink, "now": now})
                rows = connection.execute(SQL["claimable"], query).fetchall()
                connection.execute(SQL["next_epoch"])
                (epoch,) = connection.execute(SQL["epoch"]).fetchone()
                grant = {"epoch": epoch, "lease": now + lease, "now": now}
                connection.executemany(
                    SQL["claim"], [{"id": id, "ambiguous": ambiguous, **grant} for id, _, _, ambiguous in rows]
                )
        return [self._row(sink, id, doc, attempts, epoch, ambiguous=bool(unsure)) for id, doc, attempts, unsure in rows]

    def sent(self, row: OutboxRow, now: Millis) -> bool:
        """The attempt is durable before the call is made; False when the lease ran out or went to another."""
        return self._change("outbox_sent", id=row.id, epoch=row.epoch, now=now)

    def confirmed(self, row: OutboxRow, now: Millis, receipt: Receipt) -> bool:
        """The sink has it, under the receipt's id; also without `sent`, when a probe found it there."""
        values = {"id": row.id, "epoch": row.epoch, "now": now, "remote": receipt.remote}
        with self._outbox_lock, transaction(self._outbox, self._outbox_path) as connection:
            if connection.execute(SQL["outbox_confirmed"], values).rowcount != 1:
                return False
            if receipt.keeps:
                connection.execute(SQL["tie_link"], _tied(row, now, receipt))
        return True

    def retry(self, row: OutboxRow, due: Millis, error: str, *, ambiguous: bool) -> bool:
        """Try again at ``due``; ambiguous when the sink may have it already."""
        return self._change("outbox_retry", id=row.id, epoch=row.epoch, due=due, error=error, ambiguous=ambiguous)

    def dead(self, row: OutboxRow, now: Millis, error: str) -> bool:
        """Give up; visible and re-drivable."""
        return self._change("outbox_dead", id=row.id, epoch=row.epoch, now=now, error=error)

    def redrive(self, id: int, now: Millis) -> bool:
        """Bring a dead row back to new, due now, with its attempts counted afresh."""
        return self._change("outbox_redrive", id=id, now=now)

    def links(self, *, sink: str = "", incident: str = "", state: str = "") -> list[Link]:
        """What sinks keep, in the order in which it was made."""
        with self._outbox_lock, meaning(self._outbox_path):
            rows = self._outbox.execute(SQL["links"], {"sink": sink, "incident": incident, "state": state}).fetchall()
        return [msgspec.convert(dict(zip(_LINK, row, strict=True)), Link) for row in rows]

    def keep(self, link: Link) -> None:
        """Store a link, instead of the one with its sink and remote id if there is one."""
        with self._outbox_lock, transaction(self._outbox, self._outbox_path) as connection:
            connection.execute(SQL["keep_link"], msgspec.structs.asdict(link))

    def _row(self, sink: str, id: int, doc: bytes, attempts: int, epoch: int, *, ambiguous: bool) -> OutboxRow:
        publication = _publication.decode(unpack(doc))
        related = (self._link(sink, incident) for incident in publication.related)
        return OutboxRow(
            id=id, publication=publication, sink=sink, attempts=attempts, epoch=epoch, ambiguous=ambiguous,
            link=self._link(sink, publication.incident), related=tuple(link for link in related if link is not None),
        )  # fmt: skip

    def _link(self, sink: str, incident: str) -> Link | None:
        """The one in use: of the latest generation, the first that is no duplicate."""
        found = [link for link in self.links(sink=sink, incident=incident) if link.state != "duplicate"]
        return max(found, key=lambda link: link.generation, default=None)

    def _change(self, query: str, **values: object) -> bool:
        with self._outbox_lock, transaction(self._outbox, self._outbox_path) as connection:
            return connection.execute(SQL[query], values).rowcount == 1

    def _close_outbox(self) -> None:
        with self._outbox_lock, meaning(self._outbox_path):
            self._outbox.close()


def _tied(row: OutboxRow, now: Millis, receipt: Receipt) -> dict[str, object]:
    publication = row.publication
    return {
        "sink": row.sink, "incident": publication.incident, "generation": publication.generation,
        "remote": receipt.remote, "url": receipt.url, "state": receipt.keeps, "seen": receipt.seen, "now": now,
    }  # fmt: skip
