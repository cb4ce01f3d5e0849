"""The outbox in memory: the same states and rules as the SQL, row by row."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping

import msgspec

from engine.outcomes import Publication
from engine.sending import Link, OutboxRow, Receipt
from engine.signals import Millis

_UNFINISHED = frozenset({"new", "claimed", "sent", "ambiguous"})


class Row(msgspec.Struct, kw_only=True):
    """One publication for one sink."""

    id: int
    publication: Publication
    sink: str
    due: Millis
    changed_at: Millis
    state: str = "new"
    ambiguous: bool = False
    attempts: int = 0
    epoch: int = 0
    lease: Millis = 0
    remote: str = ""
    error: str = ""

    def shown(self) -> dict[str, object]:
        """As `Reader.outbox` gives it."""
        hidden = ("publication", "epoch", "lease")
        own = {name: getattr(self, name) for name in self.__struct_fields__ if name not in hidden}
        return own | plain(self.publication)


class MemoryOutbox:
    """Implements `engine.ports.Outbox`; ``_guard`` is the store's own lock."""

    def __init__(self, sinks: Mapping[str, frozenset[str]], guard: threading.RLock) -> None:
        self._sinks = sinks
        self._guard = guard
        self._rows: dict[int, Row] = {}
        self._keys: set[tuple[str, str]] = set()
        self._unfinished: dict[str, dict[str, dict[int, Row]]] = {}  # sink, incident -> rows by id
        self._links: dict[tuple[str, str], Link] = {}  # sink, remote
        self._epoch = 0

    def _put(self, publications: Iterable[Publication]) -> None:
        for publication in publications:
            for sink, audiences in self._sinks.items():
                if publication.serves(sink, audiences) and (publication.key, sink) not in self._keys:
                    self._keys.add((publication.key, sink))
                    row = Row(
                        id=len(self._rows) + 1, publication=publication, sink=sink, due=publication.not_before,
                        changed_at=publication.created_at,
                    )  # fmt: skip
                    self._rows[row.id] = row
                    self._open(row)

    def claim(self, sink: str, now: Millis, lease: Millis, limit: int) -> list[OutboxRow]:
        """Lease due rows until ``now + lease``, one per incident, the oldest unfinished, under a fresh epoch."""
        with self._guard:
            waiting = self._unfinished.get(sink, {})
            for incident in list(waiting):
                self._supersede(list(waiting[incident].values()), now)
            heads = sorted(min(rows) for rows in waiting.values() if rows)
            due = [self._rows[id] for id in heads if _due(self._rows[id]) <= now][:limit]
            self._epoch += bool(due)
            for row in due:
                row.ambiguous = row.ambiguous or row.state == "sent"
                row.state, row.epoch, row.lease, row.changed_at = "claimed", self._epoch, now + lease, now
            return [
                OutboxRow(
                    id=row.id, publication=row.publication, sink=sink, attempts=row.attempts, epoch=row.epoch,
                    ambiguous=row.ambiguous, link=self._link(sink, row.publication.incident),
                    related=self._related(sink, row.publication.related),
                )
                for row in due
            ]  # fmt: skip

    def sent(self, row: OutboxRow, now: Millis) -> bool:
        """The attempt is noted before the call is made; False when the lease ran out or went to another."""
        with self._guard:
            own = self._own(row, "claimed")
            if own is None or own.lease <= now:
                return False
            own.state, own.attempts, own.changed_at = "sent", own.attempts + 1, now
            return True

    def confirmed(self, row: OutboxRow, now: Millis, receipt: Receipt) -> bool:
        """The sink has it, under the receipt's id; also without `sent`, when a probe found it there."""
        with self._guard:
            own = self._own(row, "claimed", "sent")
            if own is not None:
                own.ambiguous, own.remote, own.error = False, receipt.remote, ""
                if receipt.keeps:
                    self._tie(row, now, receipt)
                self._finish(own, "confirmed", now)
            return own is not None

    def retry(self, row: OutboxRow, due: Millis, error: str, *, ambiguous: bool) -> bool:
        """Try again at ``due``; ambiguous when the sink may have it already."""
        with self._guard:
            own = self._own(row, "claimed", "sent")
            if own is not None:
                own.state, own.ambiguous = "ambiguous" if ambiguous else "new", ambiguous
                own.due, own.error = due, error
            return own is not None

    def dead(self, row: OutboxRow, now: Millis, error: str) -> bool:
        """Give up; visible and re-drivable."""
        with self._guard:
            own = self._own(row, "claimed", "sent")
            if own is not None:
                own.error = error
                self._finish(own, "dead", now)
            return own is not None

    def redrive(self, id: int, now: Millis) -> bool:
        """Bring a dead row back to new, due now, with its attempts counted afresh."""
        with self._guard:
            row = self._rows.get(id)
            if row is None or row.state != "dead":
                return False
            row.state, row.attempts, row.due, row.changed_at = "new", 0, now, now
            self._open(row)
            return True

    def links(self, *, sink: str = "", incident: str = "", state: str = "") -> list[Link]:
        """What sinks keep, in the order in which it was made."""
        with self._guard:
            return [
                msgspec.structs.replace(link)
                for link in self._links.values()
                if sink in ("", link.sink) and incident in ("", link.incident) and state in ("", link.state)
            ]

    def keep(self, link: Link) -> None:
        """Store a link, instead of the one with its sink and remote id if there is one."""
        with self._guard:
            self._links[link.sink, link.remote] = msgspec.structs.replace(link)

    def _tie(self, row: OutboxRow, now: Millis, receipt: Receipt) -> None:
        before = self._links.get((row.sink, receipt.remote))
        publication = row.publication
        self._links[row.sink, receipt.remote] = Link(
            sink=row.sink, incident=publication.incident, generation=publication.generation, remote=receipt.remote,
            url=receipt.url or (before.url if before else ""), state=receipt.keeps,
            seen=receipt.seen or (before.seen if before else ""),
            created_at=before.created_at if before else now, changed_at=now,
        )  # fmt: skip

    def _link(self, sink: str, incident: str) -> Link | None:
        """The one in use: of the latest generation, the first that is no duplicate."""
        found = [link for link in self.links(sink=sink, incident=incident) if link.state != "duplicate"]
        return max(found, key=lambda link: link.generation, default=None)

    def _related(self, sink: str, incidents: Iterable[str]) -> tuple[Link, ...]:
        found = (self._link(sink, incident) for incident in incidents)
        return tuple(link for link in found if link is not None)

    def _supersede(self, rows: list[Row], now: Millis) -> None:
        """Updates nobody has seen give way to a later one that is due, with nothing but updates between them."""
        newest: set[str] = set()  # audiences with a due update behind the row in hand
        for row in sorted(rows, key=lambda row: row.id, reverse=True):
            if row.publication.action != "update":
                newest = set()
            elif row.state == "new":
                if row.publication.audience in newest and not row.ambiguous:
                    self._finish(row, "superseded", now)
                elif row.due <= now:
                    newest.add(row.publication.audience)

    def _own(self, row: OutboxRow, *states: str) -> Row | None:
        own = self._rows.get(row.id)
        return own if own is not None and own.epoch == row.epoch and own.state in states else None

    def _open(self, row: Row) -> None:
        self._unfinished.setdefault(row.sink, {}).setdefault(row.publication.incident, {})[row.id] = row

    def _finish(self, row: Row, state: str, now: Millis) -> None:
        row.state, row.changed_at = state, now
        waiting = self._unfinished[row.sink]
        waiting[row.publication.incident].pop(row.id, None)
        if not waiting[row.publication.incident]:
            del waiting[row.publication.incident]


def _due(row: Row) -> Millis:
    return row.due if row.state in ("new", "ambiguous") else row.lease


def plain(value: msgspec.Struct) -> dict[str, object]:
    """The value as JSON's own types, as a store on disk gives it back."""
    return msgspec.json.decode(msgspec.json.encode(value), type=dict[str, object])
