"""The seams between the core's shell and the world: sources, the store, readers, sinks, the clock.

Every implementation passes the same contract tests (`tests/contracts`). Only `api.bootstrap` names one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec

from engine.outcomes import (
    AlertView,
    Decision,
    IncidentView,
    LedgerChange,
    LedgerEntry,
    Publication,
    TimelineEntry,
)
from engine.signals import Handover, Millis, Signal

Clock = Callable[[], Millis]
"""Wall-clock time; must not run backwards within a process."""


class Reject(msgspec.Struct, frozen=True):
    """One part of an input that could not be decoded: where (JSON pointer or byte offset) and why."""

    pointer: str
    reason: str
    raw: bytes = b""


class Decoded(msgspec.Struct, frozen=True):
    """What a decoder made of a body: good signals in order, and what was bad beside them."""

    signals: tuple[Signal, ...]
    rejects: tuple[Reject, ...] = ()


Decode = Callable[[str, bytes], Decoded]
"""(format, body) -> Decoded. Pure: the same bytes give the same signals on every replay. Never raises."""


class Origin(NamedTuple):
    """Where stage 1 had an input from. ``offset`` is None where the source has none. ``since``: the activation by which
    it was divided among the shards; with another one the same input is divided otherwise, and is another one."""

    source: str
    partition: int = 0
    offset: int | None = None
    format: str = ""
    since: int = 0


class Record(msgspec.Struct):
    """One input as a source delivers it: a request body, a Kafka record, a command, the engine's own signal.

    ``offset`` is the position in the source (None where the source has none, as HTTP has not).
    ``decoded`` saves decoding twice; it equals ``decode(format, body)``. ``arrival`` is set only where the time of
    arrival is part of the record (replay); else the service stamps it. ``token`` belongs to the source, ``trace`` to
    whoever traces; neither has a part in decisions.
    """

    source: str
    format: str
    body: bytes
    partition: int = 0
    offset: int | None = None
    decoded: Decoded | None = None
    arrival: Millis | None = None
    token: object = None
    origin: Origin | None = None
    trace: object = None


class Source(Protocol):
    """Where inputs come from. HTTP inbox, Kafka consumer, the engine itself: all equal behind this port."""

    name: str

    def resume(self, positions: Mapping[tuple[str, int], int]) -> None:
        """Continue after these durable positions ((source, partition) -> last offset committed)."""

    def poll(self, limit: int, timeout: float) -> Sequence[Record]:
        """Up to ``limit`` records, waiting at most ``timeout`` seconds for the first."""

    def committed(self, records: Sequence[Record]) -> None:
        """These records, delivered by this source, are durable: acknowledge them."""

    def failed(self, records: Sequence[Record], error: Exception) -> None:
        """These records could not be stored: tell the sender to try again."""

    def close(self) -> None:
        """Stop delivering; wake a waiting poll."""


class Entry(msgspec.Struct):
    """One entry of the input log, as stored. ``poison`` entries are skipped by replay."""

    position: int
    source: str
    partition: int
    offset: int | None
    format: str
    arrival: Millis
    body: bytes
    poison: bool = False


class DeadLetter(msgspec.Struct, kw_only=True):
    """Input that could not be used: kept with its reason and raw bytes until a person re-drives or drops it."""

    id: int = 0
    at: Millis
    source: str
    format: str
    pointer: str
    reason: str
    raw: bytes
    position: int | None = None
    state: str = "open"  # open, redriven, dropped


class Snapshot(msgspec.Struct):
    """The whole state of the core after ``position`` and all timers up to ``ticked``."""

    position: int
    ticked: Millis
    schema: int
    engine: str
    state: bytes


class Version(msgspec.Struct):
    """One version of an operator's files: ``kind`` is topology or rules, ``id`` a hash of its content."""

    kind: str
    id: str
    at: Millis
    content: bytes
    note: str = ""


class Commit(msgspec.Struct, kw_only=True):
    """One store transaction. Either all of it becomes durable or none of it."""

    entries: list[Entry] = []
    ledger: list[tuple[int, list[LedgerEntry]]] = []  # (position, entries)
    changes: list[LedgerChange] = []
    alerts: list[AlertView] = []
    incidents: list[IncidentView] = []
    timeline: list[TimelineEntry] = []
    outbox: list[Publication] = []
    decisions: list[Decision] = []
    dead: list[DeadLetter] = []
    versions: list[Version] = []
    positions: dict[tuple[str, int], int] = {}
    forgotten: list[tuple[str, int]] = []  # positions that are not kept any longer
    ticked: Millis = 0
    counts: dict[str, int] = {}  # totals so far: "received" and one per disposition
    snapshot: Snapshot | None = None
    handovers: list[tuple[int, Handover]] = []  # with the shard that is to have it

    def positions_after(self, before: dict[tuple[str, int], int]) -> dict[tuple[str, int], int]:
        """Where all sources are with this commit, given where they were."""
        if not self.positions and not self.forgotten:
            return before
        gone = set(self.forgotten)
        return {place: at for place, at in (before | self.positions).items() if place not in gone}


class Resume(msgspec.Struct):
    """Where a restarted engine continues."""

    snapshot: Snapshot | None
    position: int
    ticked: Millis
    arrival: Millis
    alive: Millis
    positions: dict[tuple[str, int], int]
    counts: dict[str, int]


class Store(Protocol):
    """Durable state; one writer. Raises `engine.errors.StoreUnavailable` when it cannot write."""

    def resume(self) -> Resume:
        """Where the last commit left off."""

    def commit(self, commit: Commit) -> None:
        """Make all of it durable in one transaction; returns after it is on disk."""

    def entries(self, after: int, until: int | None = None) -> Iterable[Entry]:
        """The input log behind ``after``, in order, up to and including ``until``."""

    def decisions(self, after: int) -> Iterable[Decision]:
        """The decisions that were stored for positions > ``after`` (erased ones with an empty payload)."""

    def alive(self, at: Millis) -> None:
        """Note that the engine was running at this time."""

    def version(self, kind: str, id: str) -> Version | None:
        """One version of the operator's files."""

    def prune(self, before: Millis, limit: int) -> int:
        """Forget at most ``limit`` input log entries that arrived before, up to the latest snapshot."""

    def close(self) -> None:
        """Release the files or connections."""


class ShardStore(Store, Protocol):
    """The part of a store that one owner of a shard writes. After another has acquired the shard every call that writes
    raises `engine.errors.Fenced`, and nothing is written."""

    def acquire(self) -> int:
        """Become the owner: raises the shard's epoch, and returns it."""

    def handovers(self, limit: int = 100) -> list[tuple[int, Handover]]:
        """What is to be sent to other shards and was not noted as sent, in order, each with its shard."""

    def handed(self, through: int) -> None:
        """The handovers up to this number are with their shards."""


class StoredLog(Protocol):
    """The input log, to be read only; safe to call from any thread."""

    def reach(self) -> tuple[int, int, Millis]:
        """The first and the last position (1 and 0: it is empty), and until when timers have fired."""

    def entries(self, after: int, until: int | None = None) -> Iterable[Entry]:
        """The entries behind ``after``, in order, up to and including ``until``."""


class Page(msgspec.Struct):
    """One page of a list. ``next`` is the cursor of the following page, empty at the end."""

    items: list[object]
    next: str = ""
    total: int | None = None


class Standing(msgspec.Struct, kw_only=True):
    """How a sink fares: publications that wait or were given up, when the last one was taken and when the last one
    failed that has not been taken since, with the error."""

    sink: str
    waiting: int = 0
    dead: int = 0
    last_success: Millis | None = None
    last_failure: Millis | None = None
    error: str = ""


class Reader(Protocol):
    """What the API reads; safe to call from any thread."""

    def incidents(  # noqa: PLR0913 - one parameter per filter
        self,
        *,
        state: Sequence[str] = (),
        severity: Sequence[str] = (),
        entity: str = "",
        domain: str = "",
        text: str = "",
        since: Millis | None = None,
        clocks: bool = False,
        drill: bool | None = None,
        cursor: str = "",
        limit: int = 50,
    ) -> Page:
        """Latest revisions, newest first; ``clocks``: with a regulatory deadline that nobody has ended; ``drill``: only
        those of drills, or only real ones."""

    def incident(self, id: str) -> IncidentView | None:
        """The latest revision."""

    def revisions(self, id: str) -> list[IncidentView]:
        """All revisions, oldest first."""

    def timeline(self, id: str) -> list[TimelineEntry]:
        """Oldest first."""

    def revisions_page(self, id: str, cursor: str = "", limit: int = 50) -> Page:
        """As `revisions`, page by page."""

    def timeline_page(self, id: str, cursor: str = "", limit: int = 50) -> Page:
        """As `timeline`, page by page."""

    def alerts(
        self,
        *,
        disposition: Sequence[str] = (),
        state: Sequence[str] = (),
        entity: str = "",
        incident: str = "",
        verdict: Sequence[str] = (),
        name: str = "",
        cursor: str = "",
        limit: int = 50,
    ) -> Page:
        """Current alerts, newest first."""

    def alert(self, id: str) -> AlertView | None:
        """By number, fingerprint, or the id of one of its events (``position-index``)."""

    def why(self, event: str) -> list[dict[str, object]]:
        """The dispositions of one alert event, oldest first, the last is current; empty if unknown."""

    def outbox(self, incident: str = "", state: Sequence[str] = (), cursor: str = "", limit: int = 50) -> Page:
        """Publications with their state."""

    def standings(self) -> list[Standing]:
        """How each sink fares that anything was ever put out for."""

    def dead_letters(self, state: str = "open", cursor: str = "", limit: int = 50) -> Page:
        """Newest first."""

    def versions(self, kind: str = "") -> list[Version]:
        """Newest first, without content."""

    def versions_page(self, kind: str = "", cursor: str = "", limit: int = 50) -> Page:
        """As `versions`, page by page."""

    def feed(self, after: int, limit: int = 500) -> list[tuple[int, str, dict[str, object]]]:
        """The live stream behind ``after``: (sequence number, event name, data)."""

    def totals(self) -> dict[str, int]:
        """Counts: received, each disposition, and `unaccounted` (0 by law 1)."""
