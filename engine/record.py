"""The record of decisions: one canonical payload per domain for everything decided at one position or timer."""

from __future__ import annotations

import msgspec

from engine.outcomes import Decision, IncidentView, LedgerChange, LedgerEntry, Publication, TimelineEntry
from engine.reasons import Disposition, Reason
from engine.shards import Shard
from engine.signals import Millis


class _Part(msgspec.Struct, omit_defaults=True):
    ledger: list[LedgerEntry] = []
    changes: list[LedgerChange] = []
    incidents: list[tuple[str, int, str]] = []  # (id, revision, digest)
    timeline: list[TimelineEntry] = []
    outbox: list[str] = []  # keys


class _Payload(msgspec.Struct, omit_defaults=True):
    position: int
    at: Millis
    versions: dict[str, str]
    decided: _Part


_encoder = msgspec.json.Encoder(order="deterministic")


class _Repeats(msgspec.Struct, omit_defaults=True):
    position: int
    at: Millis
    repeats: dict[str, list[tuple[int, int]]]


REPEATS = "(repeats)"
"""The chain of what was only counted: nothing was decided in any domain. Each shard has one of its own."""


def counted_in(shard: Shard) -> str:
    """The name of that chain.

    >>> counted_in(Shard()), counted_in(Shard(3, 16))
    ('(repeats)', '(repeats 3)')
    """
    return REPEATS if shard.total == 1 else f"(repeats {shard.number})"


class Recorder:
    """Collects what one signal batch or one timer decided, by domain. Events that were only counted have a chain of
    their own, as (index, alert) by reason: they are nearly all there is, and no domain's decision. ``row`` are those
    with the latest ``reason``."""

    __slots__ = ("_counted", "_parts", "_repeats", "reason", "row")

    def __init__(self, counted: str = REPEATS) -> None:
        self._counted = counted
        self._parts: dict[str, _Part] = {}
        self._repeats: dict[str, list[tuple[int, int]]] = {}
        self.reason: Reason | None = None
        self.row: list[tuple[int, int]] = []

    def _part(self, domain: str) -> _Part:
        part = self._parts.get(domain)
        if part is None:
            part = self._parts[domain] = _Part([], [], [], [], [])
        return part

    def ledger(self, domain: str, entry: LedgerEntry) -> None:
        """A first disposition."""
        if entry.disposition is Disposition.DUPLICATE:
            self.repeat(entry.index, entry.alert, entry.reason)
        else:
            self._part(domain).ledger.append(entry)

    def repeat(self, index: int, alert: int, reason: Reason) -> None:
        """An event that was only counted. The hot path: enums are hashed only when the reason changes."""
        if reason is not self.reason:
            self.reason = reason
            self.row = self._repeats.setdefault(reason, [])
        self.row.append((index, alert))

    def change(self, domain: str, change: LedgerChange) -> None:
        """A later disposition."""
        self._part(domain).changes.append(change)

    def incident(self, view: IncidentView, digest: str) -> None:
        """A revision, by the digest of its content; the revision itself is stored beside the record."""
        self._part(view.domain).incidents.append((view.id, view.revision, digest))

    def timeline(self, domain: str, entry: TimelineEntry) -> None:
        """A timeline entry."""
        self._part(domain).timeline.append(entry)

    def publication(self, domain: str, publication: Publication) -> None:
        """Something to tell."""
        self._part(domain).outbox.append(publication.key)

    def take(self, position: int, at: Millis, versions: dict[str, str]) -> list[Decision]:
        """The decisions so far, by domain; the recorder is empty afterwards."""
        decisions = []
        if self._parts:
            decisions = [
                Decision(domain, position, at, _encoder.encode(_Payload(position, at, versions, part)))
                for domain, part in sorted(self._parts.items())
            ]
            self._parts = {}
        if self._repeats:
            payload = _encoder.encode(_Repeats(position, at, self._repeats))
            decisions.append(Decision(self._counted, position, at, payload))
            self._repeats, self.reason = {}, None
        return decisions
