"""What every outbox in tables has in common: each transition is one UPDATE that names the epoch of its claim.

The statements have the same names and the same parameters in all of them (`queries.sql` beside each).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import msgspec

from engine.outcomes import Publication
from engine.overtaking import Queued, carried, heirs
from engine.sending import Depth, Link, OutboxRow, Receipt
from engine.signals import Millis
from engine.storage.codec import json, pack, unpack

Row = tuple[Any, ...]

_publication = msgspec.json.Decoder(Publication)
_LINK = Link.__struct_fields__


class TableOutbox(ABC):
    """`engine.sending.Outbox` but for `claim`, over a connection that only the one who derives knows."""

    @abstractmethod
    def together(self) -> AbstractContextManager[object]:
        """What this thread changes inside is one transaction."""

    @abstractmethod
    def _change(self, query: str, **values: object) -> bool:
        """Run the statement of this name; True when it changed exactly one row."""

    @abstractmethod
    def _found(self, query: str, **values: object) -> Sequence[Row]:
        """The rows of the statement of this name; inside `together` it sees what was changed there."""

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
        with self.together():
            if not self._change("outbox_confirmed", id=row.id, epoch=row.epoch, now=now, remote=receipt.remote):
                return False
            if receipt.keeps:
                self._change(
                    "tie_link", sink=row.sink, incident=row.publication.incident, remote=receipt.remote,
                    generation=row.publication.generation, url=receipt.url, state=receipt.keeps, seen=receipt.seen,
                    now=now, doubtful=doubtful,
                )  # fmt: skip
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
        return [
            Depth(sink, state, count, publication(doc).not_before)
            for sink, state, count, doc in self._found("outbox_depth")
        ]

    def _links(self, query: str, **values: object) -> list[Link]:
        return [msgspec.convert(dict(zip(_LINK, row, strict=True)), Link) for row in self._found(query, **values)]

    def _give_way(self, rows: Sequence[Row], now: Millis) -> list[int]:
        """The ids of queued updates of one incident that nobody needs any longer; their heirs carry their news.

        ``rows`` are (id, doc, state, ambiguous, epoch, due, …).
        """
        if len(rows) < 2:
            return []
        queued = [
            Queued(
                id=id, publication=publication(doc), state=state, ambiguous=bool(ambiguous), epoch=epoch, due=due
            )
            for id, doc, state, ambiguous, epoch, due, *_ in rows
        ]  # fmt: skip
        found = heirs(queued, now)
        for heir in {one.id: one for one in found.values()}.values():
            told = carried([one for one in queued if one.id in found and found[one.id].id == heir.id], heir)
            if told is not heir.publication:
                self._change("inherit", id=heir.id, doc=pack(json(told)))
        return list(found)


def publication(doc: bytes) -> Publication:
    """As it is stored. Raises `StoreCorrupt`."""
    return _publication.decode(unpack(doc))
