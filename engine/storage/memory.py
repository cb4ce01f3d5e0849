"""The store in memory: the same contract as SQLite, nothing durable. Used by replay, what-if and tests."""

from __future__ import annotations

import secrets
import threading
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence

import msgspec

from engine.chain import SALT_BYTES, ChainRow, Head, extend
from engine.drills import of_drill
from engine.errors import StoreCorrupt, StoreUnavailable
from engine.outcomes import AlertView, Decision, IncidentView, LedgerChange, LedgerEntry, TimelineEntry
from engine.ports import Commit, DeadLetter, Entry, Page, Resume, Snapshot, Version
from engine.shards import ALONE, Shard
from engine.signals import Handover, Millis
from engine.storage import listed, paging
from engine.storage.memory_outbox import MemoryOutbox, plain
from engine.storage.search import clock_due, entities
from engine.storage.search import text as search_text
from engine.storage.totals import totals


class _Line(msgspec.Struct, frozen=True, gc=False):
    """One disposition of an alert event."""

    alert: int
    at: Millis | None
    disposition: str
    reason: str
    incident: str
    rule: str
    enforced: str | None


class MemoryStore(MemoryOutbox):
    """Implements `engine.ports.Store`, `Reader` and `Outbox` and `engine.chain.Audit`; safe from any thread.

    ``sinks`` says which audiences each sink serves, ``shard`` whose positions these are. Values are kept as they were
    given: do not change them afterwards.
    """

    def __init__(self, sinks: Mapping[str, Collection[str]], shard: Shard = ALONE) -> None:
        super().__init__({sink: frozenset(audiences) for sink, audiences in sinks.items()}, threading.RLock())
        self._closed = False
        self._entries: dict[int, Entry] = {}  # in the order of positions
        self._position = shard.base
        self._handovers: list[tuple[int, Handover]] = []
        self._ticked = self._arrival = self._alive = 0
        self._positions: dict[tuple[str, int], int] = {}
        self._counts: dict[str, int] = {}
        self._ledger: dict[int, tuple[Millis | None, list[LedgerEntry]]] = {}
        self._changes: dict[str, list[LedgerChange]] = {}
        self._counted: Counter[str] = Counter()
        self._alerts: dict[int, AlertView] = {}
        self._fingerprints: dict[str, int] = {}
        self._incidents: dict[str, list[IncidentView]] = {}  # revisions, in the order in which incidents appeared
        self._timeline: dict[str, list[TimelineEntry]] = {}
        self._feed: list[tuple[str, IncidentView | TimelineEntry]] = []
        self._chain: dict[str, list[ChainRow]] = {}
        self._heads: dict[str, Head] = {}
        self._decisions: list[tuple[str, int]] = []  # (domain, place in its chain), as they were made
        self._dead: dict[int, DeadLetter] = {}
        self._versions: dict[tuple[str, str], Version] = {}
        self._snapshots: list[Snapshot] = []

    def resume(self) -> Resume:
        """Where the last commit left off."""
        with self._guard:
            return Resume(
                self._snapshots[-1] if self._snapshots else None, self._position, self._ticked, self._arrival,
                max(self._alive, self._arrival), dict(self._positions), dict(self._counts),
            )  # fmt: skip

    def commit(self, commit: Commit) -> None:
        """All of it or none of it: everything that can be wrong is found before anything is changed."""
        with self._guard:
            if self._closed:
                raise StoreUnavailable("It was closed.")
            self._check(commit)
            heads, rows = self._linked(commit.decisions)
            self._store_input(commit)
            self._store_views(commit)
            self._put(commit.outbox)
            self._handovers += commit.handovers
            for row in rows:
                chain = self._chain.setdefault(row.domain, [])
                self._decisions.append((row.domain, len(chain)))
                chain.append(row)
            self._heads.update(heads)
            for letter in commit.dead:
                id = len(self._dead) + 1
                self._dead[id] = msgspec.structs.replace(letter, id=id)
            for version in commit.versions:
                self._versions.setdefault((version.kind, version.id), version)
            if commit.snapshot is not None:
                self._snapshots = [*self._snapshots[-1:], commit.snapshot]

    def _check(self, commit: Commit) -> None:
        last = self._position
        for entry in commit.entries:
            if entry.position <= last:
                raise StoreCorrupt(f"Input {entry.position} is to be stored behind {last}: it was handled already.")
            last = entry.position
        positions = [position for position, _ in commit.ledger]
        revisions = [(view.id, view.revision) for view in commit.incidents]
        known = any(position in self._ledger for position in positions) or any(
            stored.revision == revision for id, revision in revisions for stored in self._incidents.get(id, ())
        )
        if known or len(set(positions)) < len(positions) or len(set(revisions)) < len(revisions):
            raise StoreCorrupt("What was to be stored is there already, or in part.")

    def _linked(self, decisions: Sequence[Decision]) -> tuple[dict[str, Head], list[ChainRow]]:
        heads: dict[str, Head] = {}
        rows = []
        for decision in decisions:
            domain = decision.domain
            head = heads.get(domain) or self._heads.get(domain) or Head(domain)
            heads[domain], row = extend(head, decision, secrets.token_bytes(SALT_BYTES))
            rows.append(row)
        return heads, rows

    def _store_input(self, commit: Commit) -> None:
        for entry in commit.entries:
            self._entries[entry.position] = entry
            self._position, self._arrival = entry.position, entry.arrival
        self._ticked = max(self._ticked, commit.ticked)
        self._positions = commit.positions_after(self._positions)
        self._counts = commit.counts or self._counts
        for position, entries in commit.ledger:
            stored = self._entries.get(position)
            self._ledger[position] = (stored.arrival if stored else None, entries)
            self._counted.update([entry.disposition.value for entry in entries])
        for change in commit.changes:
            self._changes.setdefault(change.event, []).append(change)
            self._counted.subtract([change.before.value])
            self._counted.update([change.disposition.value])

    def _store_views(self, commit: Commit) -> None:
        for alert in commit.alerts:
            self._alerts[alert.no] = alert
            self._fingerprints[alert.fingerprint] = alert.no
        for view in commit.incidents:
            self._incidents.setdefault(view.id, []).append(view)
            self._feed.append(("incident", view))
        for entry in commit.timeline:
            self._timeline.setdefault(entry.incident, []).append(entry)
            self._feed.append(("timeline", entry))

    def entries(self, after: int, until: int | None = None) -> Iterator[Entry]:
        """The input log behind ``after``, in order, up to and including ``until``."""
        with self._guard:
            last = self._position if until is None else until
            found = [entry for position, entry in self._entries.items() if after < position <= last]
        yield from found

    def decisions(self, after: int) -> Iterator[Decision]:
        """The decisions at positions > ``after``, as they were made; erased ones with an empty payload."""
        with self._guard:
            rows = [self._chain[domain][place] for domain, place in self._decisions]
        for row in rows:
            if row.position > after:
                yield Decision(row.domain, row.position, row.at, row.payload or b"")

    def handovers(self, limit: int = 100) -> list[tuple[int, Handover]]:
        """What is to be sent to other shards and was not noted as sent."""
        with self._guard:
            return self._handovers[:limit]

    def handed(self, through: int) -> None:
        """The handovers up to this number are with their shards."""
        with self._guard:
            self._handovers = [row for row in self._handovers if row[1].number > through]

    def alive(self, at: Millis) -> None:
        """Note that the engine was running at this time."""
        with self._guard:
            self._alive = max(self._alive, at)

    def version(self, kind: str, id: str) -> Version | None:
        """One version of the operator's files."""
        with self._guard:
            return self._versions.get((kind, id))

    def prune(self, before: Millis, limit: int) -> int:
        """Forget at most ``limit`` input log entries that arrived before, up to the older of the two snapshots."""
        with self._guard:
            upto = self._snapshots[0].position if len(self._snapshots) > 1 else 0
            gone = [place for place, entry in self._entries.items() if place <= upto and entry.arrival < before][:limit]
            for position in gone:
                del self._entries[position]
            return len(gone)

    def domains(self) -> list[str]:
        """All domains that have a chain, sorted."""
        with self._guard:
            return sorted(self._chain)

    def chain(self, domain: str) -> Iterator[ChainRow]:
        """The records of a domain, in their order."""
        with self._guard:
            rows = list(self._chain.get(domain, ()))
        yield from rows

    def heads(self) -> list[Head]:
        """The stored end of every chain, by domain."""
        with self._guard:
            return [self._heads[domain] for domain in sorted(self._heads)]

    def erase(self, domain: str, position: int) -> int:
        """Forget payload and salt of the domain's records at this input position; how many that were."""
        with self._guard:
            rows = self._chain.get(domain, [])
            places = [i for i, row in enumerate(rows) if row.position == position and row.payload is not None]
            for place in places:
                rows[place] = msgspec.structs.replace(rows[place], salt=None, payload=None)
            return len(places)

    def incidents(  # noqa: PLR0913 - one parameter per filter
        self, *, state: Sequence[str] = (), severity: Sequence[str] = (), entity: str = "", domain: str = "",
        text: str = "", since: Millis | None = None, clocks: bool = False, drill: bool | None = None,
        cursor: str = "", limit: int = 50,
    ) -> Page:  # fmt: skip
        """Latest revisions, newest first; ``since`` looks at the last update, ``entity`` at members and cause,
        ``clocks`` takes those with a deadline that nobody has ended, ``drill`` those of drills or real ones."""
        with self._guard:
            latest = [revisions[-1] for revisions in self._incidents.values()]

        def wanted(view: IncidentView) -> bool:
            return (
                (not state or view.state in state)
                and (not severity or view.severity.level in severity)
                and (not domain or view.domain == domain)
                and (since is None or view.updated_at >= since)
                and (not clocks or clock_due(view) is not None)
                and (drill is None or drill is of_drill(view.id))
                and (not entity or entity in entities(view))
                and (not text or text.casefold() in search_text(view))
            )

        return _page([(no, view) for no, view in enumerate(latest, 1) if wanted(view)], cursor, limit)

    def incident(self, id: str) -> IncidentView | None:
        """The latest revision."""
        with self._guard:
            revisions = self._incidents.get(id)
            return revisions[-1] if revisions else None

    def revisions(self, id: str) -> list[IncidentView]:
        """All revisions, oldest first."""
        with self._guard:
            return list(self._incidents.get(id, ()))

    def timeline(self, id: str) -> list[TimelineEntry]:
        """Oldest first."""
        with self._guard:
            return list(self._timeline.get(id, ()))

    def revisions_page(self, id: str, cursor: str = "", limit: int = 50) -> Page:
        """As `revisions`, page by page."""
        return _page_upwards([(view.revision, view) for view in self.revisions(id)], cursor, limit)

    def timeline_page(self, id: str, cursor: str = "", limit: int = 50) -> Page:
        """As `timeline`, page by page."""
        return _page_upwards(list(enumerate(self.timeline(id), 1)), cursor, limit)

    def alerts(
        self, *, disposition: Sequence[str] = (), state: Sequence[str] = (), entity: str = "", incident: str = "",
        verdict: Sequence[str] = (), name: str = "", cursor: str = "", limit: int = 50,
    ) -> Page:  # fmt: skip
        """Current alerts, newest first."""

        def wanted(view: AlertView) -> bool:
            return (
                (not disposition or view.disposition in disposition)
                and (not state or view.state in state)
                and (not verdict or view.verdict in verdict)
                and (not entity or view.entity == entity)
                and (not incident or view.incident == incident)
                and (not name or view.name == name)
            )

        with self._guard:
            found = [(no, view) for no, view in sorted(self._alerts.items()) if wanted(view)]
        return _page(found, cursor, limit)

    def alert(self, id: str) -> AlertView | None:
        """By number, fingerprint, or the id of one of its events (``position-index``)."""
        kind, key = paging.alert(id)
        with self._guard:
            if kind == "event":
                lines = self._lines(key)
                no = lines[0].alert if lines else 0
            else:
                no = int(key) if kind == "number" else self._fingerprints.get(key, 0)
            return self._alerts.get(no)

    def why(self, event: str) -> list[dict[str, object]]:
        """The dispositions of one alert event, oldest first, the last is current; empty if unknown.

        Keys: event, alert (number), at, disposition, reason, incident, rule, enforced.
        """
        with self._guard:
            lines = self._lines(event)
        return [{"event": event} | msgspec.to_builtins(line) for line in lines]

    def _lines(self, id: str) -> list[_Line]:
        place = paging.event(id)
        at, entries = self._ledger.get(place[0], (None, [])) if place else (None, [])
        first = next((entry for entry in entries if place and entry.index == place[1]), None)
        if first is None:
            return []
        return [_line(first, at), *(_line(change, change.at) for change in self._changes.get(id, ()))]

    def outbox(self, incident: str = "", state: Sequence[str] = (), cursor: str = "", limit: int = 50) -> Page:
        """Publications with their state, newest first, one item per sink; see `SqliteReader.outbox`."""
        with self._guard:
            found = [
                (row.id, row.shown())
                for row in self._rows.values()
                if (not incident or row.publication.incident == incident) and (not state or row.state in state)
            ]
        return _page(found, cursor, limit)

    def dead_letters(self, state: str = "open", cursor: str = "", limit: int = 50) -> Page:
        """Newest first; an empty state means all."""
        with self._guard:
            found = [(id, letter) for id, letter in self._dead.items() if not state or letter.state == state]
        return _page(found, cursor, limit)

    def dead_letter(self, id: int) -> DeadLetter | None:
        """One dead letter."""
        with self._guard:
            return self._dead.get(id)

    def settle_dead_letter(self, id: int, state: str) -> bool:
        """Mark an open dead letter as `redriven` or `dropped`; False when it is not open."""
        if state not in ("redriven", "dropped"):
            raise ValueError(f"a dead letter is settled as redriven or dropped, not {state!r}")
        with self._guard:
            letter = self._dead.get(id)
            if letter is None or letter.state != "open":
                return False
            self._dead[id] = msgspec.structs.replace(letter, state=state)
            return True

    def versions(self, kind: str = "") -> list[Version]:
        """Newest first, without content."""
        with self._guard:
            found = [version for version in self._versions.values() if not kind or version.kind == kind]
        return [msgspec.structs.replace(version, content=b"") for version in reversed(found)]

    def versions_page(self, kind: str = "", cursor: str = "", limit: int = 50) -> Page:
        """As `versions`, page by page."""
        with self._guard:
            found = list(enumerate(self._versions.values(), 1))
        bare = [(no, msgspec.structs.replace(one, content=b"")) for no, one in found if not kind or one.kind == kind]
        return _page(bare, cursor, limit)

    def feed(self, after: int, limit: int = 500) -> list[tuple[int, str, dict[str, object]]]:
        """Revisions (``incident``) and timeline entries (``timeline``) behind sequence number ``after``."""
        with self._guard:
            start = max(0, after)
            found = self._feed[start : start + paging.size(limit)]
        return [(seq, event, plain(data)) for seq, (event, data) in enumerate(found, start + 1)]

    def totals(self) -> dict[str, int]:
        """``received`` by the core, each disposition as counted in the ledger, and ``unaccounted`` between them."""
        with self._guard:
            return totals(self._counts.get("received", 0), self._counted)

    def close(self) -> None:
        """Refuse further commits; what is stored stays readable."""
        with self._guard:
            self._closed = True


def _line(entry: LedgerEntry | LedgerChange, at: Millis | None) -> _Line:
    enforced = entry.enforced or entry.disposition
    return _Line(
        entry.alert, at, entry.disposition.value, entry.reason.value, entry.incident, entry.rule, enforced.value
    )


def _page(numbered: Sequence[tuple[int, object]], cursor: str, limit: int) -> Page:
    below = paging.before(cursor)
    return listed.page([(no, item) for no, item in reversed(numbered) if no < below], limit)


def _page_upwards(numbered: Sequence[tuple[int, object]], cursor: str, limit: int) -> Page:
    behind = paging.behind(cursor)
    return listed.page([(no, item) for no, item in numbered if no > behind], limit)
