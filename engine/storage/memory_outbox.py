"""The outbox in memory: the same states and rules as the SQL, row by row."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import msgspec

from engine.outcomes import Publication
from engine.overtaking import Queued, before, carried, heirs
from engine.ports import Standing
from engine.sending import Depth, Link, OutboxRow, Receipt
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
    probes: int = 0
    epoch: int = 0
    lease: Millis = 0
    remote: str = ""
    error: str = ""

    def shown(self) -> dict[str, object]:
        """As `Reader.outbox` gives it."""
        hidden = ("publication", "probes", "epoch", "lease")
        own = {name: getattr(self, name) for name in self.__struct_fields__ if name not in hidden}
        return own | plain(self.publication)


class MemoryOutbox:
    """Implements `engine.sending.Outbox`; ``_guard`` is the store's own lock."""

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

    @contextmanager
    def together(self) -> Iterator[None]:
        """Nobody else writes meanwhile."""
        with self._guard:
            yield

    def claim(self, sink: str, now: Millis, lease: Millis, limit: int, *, sent: bool = False) -> list[OutboxRow]:
        """Lease due rows until ``now + lease``, one per incident, the oldest unfinished, under a fresh epoch."""
        with self._guard:
            heads = [self._head(list(rows.values()), now) for rows in self._unfinished.get(sink, {}).values()]
            ready = sorted((row for row in heads if row is not None), key=lambda row: row.id)
            due = [self._collapsed(row, now) for row in ready if _due(row) <= now][:limit]
            self._epoch += bool(due)
            return [self._granted(row, now, now + lease, sent) for row in due]

    def _granted(self, row: Row, now: Millis, until: Millis, sent: bool) -> OutboxRow:
        row.ambiguous = row.ambiguous or row.state == "sent"
        granted = OutboxRow(
            id=row.id, publication=row.publication, sink=row.sink, attempts=row.attempts, epoch=self._epoch,
            ambiguous=row.ambiguous, link=self._in_use(row.sink, row.publication.incident),
            related=self._related(row.sink, row.publication.related), probes=row.probes,
        )  # fmt: skip
        row.state, row.attempts = "sent" if sent else "claimed", row.attempts + sent
        row.epoch, row.lease, row.changed_at = self._epoch, until, now
        return granted

    def sent(self, row: OutboxRow, now: Millis) -> bool:
        """The attempt is noted before the call is made; False when the lease ran out or went to another."""
        with self._guard:
            own = self._own(row, "claimed")
            if own is None or own.lease <= now:
                return False
            own.state, own.attempts, own.probes, own.changed_at = "sent", own.attempts + 1, 0, now
            return True

    def renew(self, row: OutboxRow, now: Millis, until: Millis) -> bool:
        """Keep the lease until then; False when it ran out or went to another."""
        with self._guard:
            own = self._own(row, "claimed", "sent")
            if own is None or own.lease <= now:
                return False
            own.lease = until
            return True

    def release(self, row: OutboxRow, due: Millis, error: str) -> bool:
        """Give it back as it was claimed; due at ``due``."""
        with self._guard:
            own = self._own(row, "claimed", "sent")
            if own is not None:
                own.state, own.ambiguous = "ambiguous" if row.ambiguous else "new", row.ambiguous
                own.attempts, own.probes, own.due, own.error = row.attempts, row.probes, due, error
            return own is not None

    def confirmed(self, row: OutboxRow, now: Millis, receipt: Receipt, *, doubtful: Millis = 0) -> bool:
        """The sink has it, under the receipt's id; also without `sent`, when a probe found it there."""
        with self._guard:
            own = self._own(row, "claimed", "sent")
            if own is not None:
                own.ambiguous, own.remote, own.error = False, receipt.remote, ""
                if receipt.keeps:
                    self._tie(row, now, receipt, doubtful)
                self._finish(own, "confirmed", now)
            return own is not None

    def retry(self, row: OutboxRow, due: Millis, error: str, *, ambiguous: bool, probes: int = 0) -> bool:
        """Try again at ``due``; ambiguous when the sink may have it already, after ``probes`` looks for it."""
        with self._guard:
            own = self._own(row, "claimed", "sent")
            if own is not None:
                own.state, own.ambiguous = "ambiguous" if ambiguous else "new", ambiguous
                own.probes, own.due, own.error = probes, due, error
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
            row.state, row.attempts, row.probes, row.due, row.changed_at = "new", 0, 0, now, now
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

    def link(self, sink: str, remote: str) -> Link | None:
        """What a sink keeps under this id."""
        with self._guard:
            link = self._links.get((sink, remote))
            return None if link is None else msgspec.structs.replace(link)

    def keep(self, link: Link) -> None:
        """Store a link, instead of the one with its sink and remote id if there is one."""
        with self._guard:
            self._links[link.sink, link.remote] = msgspec.structs.replace(link)

    def standings(self) -> list[Standing]:
        """How each sink fares that anything was ever put out for, by name."""
        with self._guard:
            rows = list(self._rows.values())
        return [
            _standing(sink, [row for row in rows if row.sink == sink]) for sink in sorted({row.sink for row in rows})
        ]

    def saw(self, link: Link, seen: str) -> bool:
        """Remember what was read there; False when somebody else noted something since ``link`` was given out."""
        with self._guard:
            own = self._links.get((link.sink, link.remote))
            if own is None or own.seen != link.seen:
                return False
            own.seen = seen
            return True

    def unsettled(self, sink: str, since: Millis) -> list[Link]:
        """Links that may have duplicates: open ones, doubtful ones, and those that changed since then to closed."""
        return [
            link
            for link in self.links(sink=sink)
            if link.state == "open" or (link.state == "closed" and (link.doubtful > 0 or link.changed_at >= since))
        ]

    def doubt(self, sink: str, incident: str, until: Millis) -> None:
        """A second one may turn up until then, besides whatever the sink keeps of the incident."""
        with self._guard:
            for link in self._links.values():
                if (link.sink, link.incident) == (sink, incident) and link.state != "duplicate":
                    link.doubtful = max(link.doubtful, until)

    def settled(self, link: Link) -> None:
        """No second one turned up; a doubt that arose since ``link`` was given out stays."""
        with self._guard:
            own = self._links.get((link.sink, link.remote))
            if own is not None and own.doubtful == link.doubtful:
                own.doubtful = 0

    def depth(self) -> list[Depth]:
        """What is unfinished or dead, by sink and state."""
        with self._guard:
            found: dict[tuple[str, str], list[Row]] = {}
            for row in self._rows.values():
                if row.state in _UNFINISHED or row.state == "dead":
                    found.setdefault((row.sink, row.state), []).append(row)
        return [Depth(*place, len(rows), rows[0].publication.not_before) for place, rows in sorted(found.items())]

    def _tie(self, row: OutboxRow, now: Millis, receipt: Receipt, doubtful: Millis) -> None:
        before = self._links.get((row.sink, receipt.remote))
        publication = row.publication
        self._links[row.sink, receipt.remote] = Link(
            sink=row.sink, incident=publication.incident, generation=publication.generation, remote=receipt.remote,
            url=receipt.url or (before.url if before else ""), state=receipt.keeps,
            seen=receipt.seen or (before.seen if before else ""),
            created_at=before.created_at if before else now, changed_at=now,
            doubtful=max(doubtful, before.doubtful if before else 0),
        )  # fmt: skip

    def _in_use(self, sink: str, incident: str) -> Link | None:
        """The one in use: of the latest generation, the first that is no duplicate."""
        found = [link for link in self.links(sink=sink, incident=incident) if link.state != "duplicate"]
        return max(found, key=lambda link: link.generation, default=None)

    def _related(self, sink: str, incidents: Iterable[str]) -> tuple[Link, ...]:
        found = (self._in_use(sink, incident) for incident in incidents)
        return tuple(link for link in found if link is not None)

    def _head(self, rows: list[Row], now: Millis) -> Row | None:
        """The row of an incident that is next."""
        queued = [_queued(row) for row in rows]
        free = (
            one for one in queued if not one.waits(now) and not any(before(other, one, now) for other in queued)
        )  # fmt: skip
        return next((self._rows[one.id] for one in free), None)

    def _collapsed(self, row: Row, now: Millis) -> Row:
        """What is claimed in the place of ``row`` when updates have given way, each heir with the news of its own."""
        waiting = self._unfinished[row.sink][row.publication.incident]
        queued = [_queued(waiting[id]) for id in sorted(waiting)]
        found = heirs(queued, now)
        for heir in {one.id: one for one in found.values()}.values():
            own = [one for one in queued if one.id in found and found[one.id].id == heir.id]
            self._rows[heir.id].publication = carried(own, heir)
        for id in found:
            self._finish(self._rows[id], "superseded", now)
        return self._rows[found[row.id].id] if row.id in found else row

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


def _standing(sink: str, rows: list[Row]) -> Standing:
    failed = max((row for row in rows if row.error), key=lambda row: (row.changed_at, row.id), default=None)
    return Standing(
        sink=sink, waiting=sum(row.state in _UNFINISHED for row in rows),
        dead=sum(row.state == "dead" for row in rows),
        last_success=max((row.changed_at for row in rows if row.state == "confirmed"), default=None),
        last_failure=failed.changed_at if failed else None, error=failed.error if failed else "",
    )  # fmt: skip


def _queued(row: Row) -> Queued:
    return Queued(
        id=row.id, publication=row.publication, state=row.state, ambiguous=row.ambiguous, epoch=row.epoch, due=row.due
    )  # fmt: skip


def _due(row: Row) -> Millis:
    return row.due if row.state in ("new", "ambiguous") else row.lease


def plain(value: msgspec.Struct) -> dict[str, object]:
    """The value as JSON's own types, as a store on disk gives it back."""
    return msgspec.json.decode(msgspec.json.encode(value), type=dict[str, object])
