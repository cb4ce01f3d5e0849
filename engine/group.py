"""One group: the records that share a transaction, what the core decided of them, and the `Commit` made of both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Protocol

import msgspec

from engine.outcomes import AlertView, Outcomes
from engine.ports import Commit, DeadLetter, Decoded, Entry, Origin, Record
from engine.signals import Millis, Samples, SampleTable, Signal
from engine.submissions import Submitted

ACTIVATIONS = 4
"""Under so many activations positions of one partition are kept."""


class Cursor(msgspec.Struct):
    """How far the durable state reaches: the last position and arrival, the timers, each source's own position."""

    position: int = 0
    arrival: Millis = 0
    ticked: Millis = 0
    positions: dict[tuple[str, int], int] = {}


class Views(Protocol):
    """What a commit reads from the core after its group."""

    @property
    def counts(self) -> dict[str, int]:
        """Alert events received, and by current disposition."""

    def alert_view(self, no: int, /) -> AlertView:
        """The current state of an alert; KeyError when its life is over."""


class Group:
    """Gathers a transaction record by record, ahead of the durable ``cursor``, which it leaves alone."""

    def __init__(self, cursor: Cursor) -> None:
        self.cursor = Cursor(cursor.position, cursor.arrival, cursor.ticked, dict(cursor.positions))
        self.commit = Commit()
        self.events: dict[str, int] = {}
        self.rejects: dict[str, int] = {}
        self._signals: list[Sequence[Signal]] = []
        self._origins: dict[int, Origin] = {}
        self._changed: dict[int, None] = {}
        self._views: dict[int, AlertView] = {}

    @property
    def kinds(self) -> Counter[type[Signal]]:
        """How many signals of each kind the records held; a table counts as the samples of each of its series."""
        found: Counter[type[Signal]] = Counter(map(type, chain.from_iterable(self._signals)))
        if found.pop(SampleTable, 0):
            tables = (one for one in chain.from_iterable(self._signals) if isinstance(one, SampleTable))
            found[Samples] += sum(len(table.labels) for table in tables)
        return found

    @property
    def leaves_trace(self) -> bool:
        """Whether there is anything to make durable: a tick that decided nothing leaves no trace."""
        commit = self.commit
        return bool(
            commit.entries
            or commit.decisions
            or commit.changes
            or commit.timeline
            or commit.outbox
            or commit.incidents
            or commit.handovers
            or self._changed
            or self._views
        )

    def repeats(self, record: Record) -> bool:
        """Whether the record is a redelivery: at or below its source's committed position."""
        if record.offset is None and record.origin is None:
            return False
        known = self.cursor.positions
        return any(at <= known.get(source, -1) for source, at in _places(record))

    def stamp(self, now: Millis, record: Record) -> Millis:
        """The arrival: the record's own or now, but never before the last arrival or a timer that has fired."""
        arrival = now if record.arrival is None else record.arrival
        return max(arrival, self.cursor.arrival, self.cursor.ticked)

    def enter(self, record: Record, arrival: Millis, *, poison: bool = False) -> Entry:
        """Give the record its position in the input log."""
        cursor = self.cursor
        cursor.position += 1
        cursor.arrival = arrival
        if record.offset is not None or record.origin is not None:
            for place, at in _places(record):
                cursor.positions[place] = self.commit.positions[place] = at
        if record.origin is not None:
            self._origins[cursor.position] = record.origin
            self._forget(record.origin)
        if isinstance(record.token, Submitted) and record.token.version is not None:
            self.commit.versions.append(record.token.version)
        entry = Entry(
            cursor.position, record.source, record.partition, record.offset, record.format, arrival, record.body, poison
        )
        self.commit.entries.append(entry)
        return entry

    def _forget(self, origin: Origin) -> None:
        """Of a source's partition the positions under the latest activations are enough: stage 1 hears of another one
        within seconds, and what it sent before is not sent again for longer than that."""
        if not origin.since:
            return
        known = [
            (int(since), (source, partition))
            for source, partition in self.cursor.positions
            if partition == origin.partition and source.startswith(f"{origin.source}@")
            and (since := source.removeprefix(f"{origin.source}@")).isdecimal()
        ]  # fmt: skip
        for _, place in sorted(known)[:-ACTIVATIONS]:
            del self.cursor.positions[place]
            self.commit.positions.pop(place, None)
            self.commit.forgotten.append(place)

    def decided(self, entry: Entry, decoded: Decoded, outcomes: Outcomes) -> None:
        """What the core said of an entry, and what its decoder rejected."""
        self.cursor.ticked = max(self.cursor.ticked, entry.arrival)
        if outcomes.ledger:
            self.commit.ledger.append((entry.position, outcomes.ledger))
            self.events[entry.format] = self.events.get(entry.format, 0) + len(outcomes.ledger)
        self._signals.append(decoded.signals)
        if decoded.rejects:
            self.rejects[entry.format] = self.rejects.get(entry.format, 0) + len(decoded.rejects)
            for reject in decoded.rejects:
                self._bury(entry, reject.pointer, reject.reason, reject.raw or entry.body)
        self._merge(outcomes)

    def ticked(self, now: Millis, outcomes: Outcomes) -> None:
        """What the timers due by ``now`` decided."""
        self.cursor.ticked = max(self.cursor.ticked, now)
        self._merge(outcomes)

    def poisoned(self, entry: Entry, error: Exception, outcomes: Outcomes) -> None:
        """The core fails on this entry: it is kept, taken as empty by every replay, and shown to a person."""
        self.ticked(entry.arrival, outcomes)
        self._bury(entry, "", f"the engine failed on this input: {type(error).__name__}: {error}", entry.body)

    def _bury(self, entry: Entry, pointer: str, reason: str, raw: bytes) -> None:
        origin = self._origins.get(entry.position)
        self.commit.dead.append(
            DeadLetter(
                at=entry.arrival,
                source=origin.source if origin else entry.source,
                format=origin.format if origin and raw is not entry.body else entry.format,
                pointer=pointer,
                reason=reason,
                raw=raw,
                position=entry.position,
            )
        )

    def _merge(self, outcomes: Outcomes) -> None:
        commit = self.commit
        commit.decisions += outcomes.decisions
        if outcomes.changes:
            commit.changes += outcomes.changes
        if outcomes.incidents:
            commit.incidents += outcomes.incidents
        if outcomes.timeline:
            commit.timeline += outcomes.timeline
        if outcomes.outbox:
            commit.outbox += outcomes.outbox
        if outcomes.handovers:
            commit.handovers += outcomes.handovers
        if outcomes.alerts:
            self._changed.update(dict.fromkeys(outcomes.alerts))
        for view in outcomes.departed:
            self._changed.pop(view.no, None)
            self._views[view.no] = view

    def look(self, core: Views) -> None:
        """Keep the alerts that changed as they are now: the timers that fire next may end an alert's life."""
        if self._changed:
            self._views.update({no: core.alert_view(no) for no in self._changed})
            self._changed = {}

    def seal(self, core: Views) -> Commit:
        """The transaction: entries, ledger, decisions, views, outbox, positions and totals, all or nothing.

        An alert that changed several times in the group is written once, as it is at the end.
        """
        self.look(core)
        commit = self.commit
        commit.alerts = list(self._views.values())
        commit.positions = dict(sorted(commit.positions.items()))
        commit.ticked = self.cursor.ticked
        commit.counts = dict(core.counts)
        return commit


def _places(record: Record) -> Iterator[tuple[tuple[str, int], int]]:
    """Where a record lies in its source, and where stage 1 had it from."""
    if record.offset is not None:
        yield (record.source, record.partition), record.offset
    origin = record.origin
    if origin is not None and origin.offset is not None:
        source = f"{origin.source}@{origin.since}" if origin.since else origin.source
        yield (source, origin.partition), origin.offset
