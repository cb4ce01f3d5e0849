"""The seams of publishing: the outbox, the links to what receivers keep, and the sinks behind them.

Every implementation passes the same contract tests (`tests/contracts`). A publication becomes one row per sink. A sink
that keeps something per incident (a ticket, a message that is edited) says so in its receipt; the store keeps that
as a `Link`, in the transaction that confirms the row, and hands it to the sink with every later row.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol, runtime_checkable

import msgspec

from engine.outcomes import Publication
from engine.signals import Millis, TicketEvent


class Link(msgspec.Struct, kw_only=True):
    """What a sink keeps of an incident, under the receiver's own id ``remote``.

    ``state`` is ``open``, ``closed`` or ``duplicate``. ``seen`` is what the sink last read there, in the sink's own
    words; the store does not look into it. ``doubtful``: until when a second one of the same incident may turn up at
    the receiver; 0 when there is no reason to think so.
    """

    sink: str
    incident: str
    generation: int
    remote: str
    url: str = ""
    state: str = "open"
    seen: str = ""
    created_at: Millis = 0
    changed_at: Millis = 0
    doubtful: Millis = 0


class Receipt(msgspec.Struct, frozen=True):
    """What came of a publication: the receiver's id of it. ``keeps``: ``open`` or ``closed`` where ``remote`` is
    something the receiver keeps for the incident; empty: nothing is kept."""

    remote: str
    url: str = ""
    keeps: str = ""
    seen: str = ""


class OutboxRow(msgspec.Struct, kw_only=True):
    """A claimed publication for one sink; ``ambiguous`` when an earlier attempt may have reached it.

    ``attempts`` were made before this claim, and ``probes`` looks for it since the last of them. ``link`` is what the
    sink keeps of the incident, if anything; ``related`` what it keeps of the incidents that the publication names as
    related.
    """

    id: int
    publication: Publication
    sink: str
    attempts: int
    epoch: int
    ambiguous: bool = False
    link: Link | None = None
    related: tuple[Link, ...] = ()
    probes: int = 0


class Depth(msgspec.Struct, frozen=True):
    """How many rows of a sink are in a state, unfinished or dead, and when the oldest was due first."""

    sink: str
    state: str
    rows: int
    oldest: Millis


class Outbox(Protocol):
    """The publisher's view of the outbox: new -> claimed -> sent -> confirmed | ambiguous | dead.

    Any number of publishers may share it: a claim is a lease under an epoch, and who lost it can change nothing.
    """

    def together(self) -> AbstractContextManager[None]:
        """What this thread changes inside becomes durable in one transaction, at the end. Nobody else can write
        meanwhile: no call to a sink belongs in here."""

    def claim(self, sink: str, now: Millis, lease: Millis, limit: int, *, sent: bool = False) -> list[OutboxRow]:
        """Lease due rows, the first unfinished one per incident only (FIFO), under a fresh epoch; ``sent``: note
        the attempt as well, in the same transaction. Updates give way as `engine.overtaking` says."""

    def sent(self, row: OutboxRow, now: Millis) -> bool:
        """The attempt is durable before the call is made; False when the lease was lost."""

    def renew(self, row: OutboxRow, now: Millis, until: Millis) -> bool:
        """Keep the lease until then; False when it was lost."""

    def release(self, row: OutboxRow, due: Millis, error: str) -> bool:
        """Give it back as it was claimed, for the call was not made or does not count; due at ``due``."""

    def confirmed(self, row: OutboxRow, now: Millis, receipt: Receipt, *, doubtful: Millis = 0) -> bool:
        """The sink has it, and keeps what the receipt says; False when the lease was lost."""

    def retry(self, row: OutboxRow, due: Millis, error: str, *, ambiguous: bool, probes: int = 0) -> bool:
        """Try again at ``due``; ambiguous when the sink may have it already, after ``probes`` looks for it."""

    def dead(self, row: OutboxRow, now: Millis, error: str) -> bool:
        """Give up; visible and re-drivable."""

    def redrive(self, id: int, now: Millis) -> bool:
        """Bring a dead row back to new."""

    def links(self, *, sink: str = "", incident: str = "", state: str = "") -> list[Link]:
        """What sinks keep, in the order in which it was made; an empty filter lets all through."""

    def link(self, sink: str, remote: str) -> Link | None:
        """What a sink keeps under this id."""

    def keep(self, link: Link) -> None:
        """Store a link, instead of the one with its sink and remote id if there is one."""

    def saw(self, link: Link, seen: str) -> bool:
        """Remember what was read there; False when somebody else noted something since ``link`` was given out."""

    def unsettled(self, sink: str, since: Millis) -> list[Link]:
        """Links that may have duplicates: open ones, doubtful ones, and those that changed since then to closed."""

    def doubt(self, sink: str, incident: str, until: Millis) -> None:
        """A second one may turn up until then, besides whatever the sink keeps of the incident."""

    def settled(self, link: Link) -> None:
        """No second one turned up; a doubt that arose since ``link`` was given out stays."""

    def depth(self) -> list[Depth]:
        """What is unfinished or dead, by sink and state."""


class Sink(Protocol):
    """Where publications go. ``idempotent`` sinks deduplicate by key and may be retried freely."""

    name: str
    idempotent: bool
    audiences: frozenset[str]

    def send(self, row: OutboxRow) -> Receipt:
        """Deliver. Raises `engine.errors.SinkError` (permanent, transient or ambiguous)."""


@runtime_checkable
class Shown(Protocol):
    """A sink that can say what it would send."""

    def show(self, row: OutboxRow) -> str:
        """The exact text, for a person; nothing is sent."""


@runtime_checkable
class Finder(Protocol):
    """A sink without deduplication that can look for a publication it may have."""

    def find(self, row: OutboxRow) -> Receipt | None:
        """What came of the publication, or None. Raises `SinkError` when the receiver cannot say."""


class Look(msgspec.Struct, frozen=True):
    """What people did at the receiver since the last look, oldest first, and what to remember of this look."""

    events: tuple[TicketEvent, ...]
    seen: str


@runtime_checkable
class Watched(Protocol):
    """A sink whose receiver people work in: what they change there flows back."""

    def look(self, link: Link) -> Look:
        """Read what a link leads to. The same changes give the same events. Raises `SinkError`."""

    def hint(self, body: bytes) -> str:
        """The remote id that a web hook of the receiver speaks of; empty when it names none. Only a reason to look."""


@runtime_checkable
class Reconciled(Protocol):
    """A sink whose receiver may hold an incident twice, for no key of ours keeps it from that."""

    def reconcile(self, link: Link) -> Sequence[Link]:
        """Close and link what stands there besides ``link`` for the same incident; returns what is closed as its
        duplicate, which may have been so before. Raises `SinkError`."""
