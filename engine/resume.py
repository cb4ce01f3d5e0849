"""Bringing the core back: the latest snapshot, then the input log through the same code that first handled it.

The core's state is not written with every commit; it is a function of the input log (law 3). So every restart
is also a proof: the decisions derived again are compared with those that were stored, and none is stored twice.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import Any, Protocol

import msgspec

from engine import failpoints
from engine.errors import StoreCorrupt, UnknownVersion
from engine.group import Cursor, Views
from engine.library import Library
from engine.outcomes import Decision, Outcomes
from engine.ports import Decode, Resume, Snapshot, Store, Version
from engine.shards import base_of
from engine.signals import Millis, Signal
from rules.ruleset import RuleSet
from topology.model import Topology

log = logging.getLogger(__name__)

SHOWN = 3  # differing decisions that are logged one by one


class Engine(Views, Protocol):
    """The core as the service uses it; `engine.core.Core` is one."""

    def handle(self, position: int, signals: Sequence[Signal], now: Millis) -> Outcomes:
        """Fire all timers due by ``now``, then handle the signals of one record."""

    def tick(self, now: Millis) -> Outcomes:
        """Fire the timers due by ``now``."""

    def due(self) -> Millis | None:
        """When the next timer is due."""

    def snapshot(self) -> bytes:
        """The whole state."""

    def gauges(self) -> dict[str, float]:
        """Numbers for the metrics."""


class EngineType(Protocol):
    """The class of a core."""

    SCHEMA: int

    def __call__(self, library: Any, /) -> Engine:
        """A core that has seen nothing."""

    def restore(self, state: bytes, library: Any, /) -> Engine:
        """A core with the state of a snapshot."""


class Machine(msgspec.Struct, frozen=True):
    """All that decisions depend on beside the input log: the core, what its versions contain, the decoders.

    ``version`` is the engine's own: the promise of equal decisions holds within one.
    """

    engine: EngineType
    library: object
    decode: Decode
    version: str


class Versions(Protocol):
    """Where versions of the operator's files are kept."""

    def version(self, kind: str, id: str) -> Version | None:
        """One version of the operator's files."""


class StoredLibrary(Library):
    """A library that looks versions up in the store when it does not hold them yet."""

    def __init__(self, store: Versions) -> None:
        super().__init__()
        self._store = store

    def topology(self, version: str) -> Topology:
        """The topology of a version, from memory or the store."""
        try:
            return super().topology(version)
        except UnknownVersion:
            self.add_topology(Topology.decode(self._content("topology", version)))
        return super().topology(version)

    def rules(self, version: str) -> RuleSet:
        """The rules of a version, from memory or the store."""
        try:
            return super().rules(version)
        except UnknownVersion:
            self.add_rules(RuleSet.decode(self._content("rules", version)))
        return super().rules(version)

    def _content(self, kind: str, id: str) -> bytes:
        stored = self._store.version(kind, id)
        if stored is None:
            raise UnknownVersion(f"{kind} {id}")
        return stored.content


class Revived(msgspec.Struct):
    """A core that stands where the last commit left it.

    ``differing`` counts decisions that came out otherwise than they are stored, ``engine`` is the version that the
    snapshot was made with (empty when there is none): with an equal version such a difference is a violation of
    determinism, with another one it only says that the new version decides otherwise.
    """

    core: Engine
    cursor: Cursor
    alive: Millis
    replayed: int
    differing: int
    engine: str

    @property
    def fresh(self) -> bool:
        """Whether a stored snapshot already holds exactly this state."""
        return bool(self.engine) and self.replayed == 0 and self.differing == 0


def revive(machine: Machine, store: Store) -> Revived:
    """The core of a store. Raises `StoreUnavailable`, and `StoreCorrupt` when the log has a hole."""
    resume = store.resume()
    snapshot = _usable(resume.snapshot, machine.engine.SCHEMA)
    if snapshot is None:
        core, after, ticked = machine.engine(machine.library), base_of(resume.position), -1
    else:
        core, after, ticked = (
            machine.engine.restore(snapshot.state, machine.library),
            snapshot.position,
            snapshot.ticked,
        )
    failpoints.reach("resume.after_snapshot")
    derived = _replay(core, store, machine.decode, after, resume)
    differing = _compare(derived, _behind(store.decisions(after - 1), after, ticked))
    if resume.position > base_of(resume.position) and dict(core.counts) != resume.counts:
        log.error("the core accounts for %s, the store for %s", core.counts, resume.counts)
        differing += 1
    return Revived(
        core=core,
        cursor=Cursor(resume.position, resume.arrival, resume.ticked, dict(resume.positions)),
        alive=resume.alive,
        replayed=resume.position - after,
        differing=differing,
        engine=snapshot.engine if snapshot else "",
    )


def _usable(snapshot: Snapshot | None, schema: int) -> Snapshot | None:
    """A snapshot of another schema is left alone; the input log is then replayed from its beginning."""
    if snapshot is not None and snapshot.schema != schema:
        log.warning(
            "the snapshot has schema %d, this engine reads %d: replaying the whole input log", snapshot.schema, schema
        )
        return None
    return snapshot


def _replay(core: Engine, store: Store, decode: Decode, after: int, resume: Resume) -> Iterator[Decision]:
    """Handle the log behind ``after`` again; yields what is decided."""
    position = after
    for entry in store.entries(after):
        failpoints.reach("resume.mid_replay")
        if entry.position != position + 1:
            raise StoreCorrupt(
                f"input {position + 1} is missing from the log (the next is {entry.position}): restore a backup, or "
                "start the version that wrote the latest snapshot"
            )
        position = entry.position
        signals = () if entry.poison else decode(entry.format, entry.body).signals
        yield from core.handle(position, signals, entry.arrival).decisions
    if position != resume.position:
        raise StoreCorrupt(f"the input log ends at {position}, but {resume.position} was committed: restore a backup")
    yield from core.tick(resume.ticked).decisions


def _behind(stored: Iterable[Decision], position: int, ticked: Millis) -> Iterator[Decision]:
    """Decisions made after a snapshot: at later positions, or by timers that fired at its position but later."""
    return (one for one in stored if one.position > position or one.at > ticked)


def _compare(derived: Iterator[Decision], stored: Iterator[Decision]) -> int:
    differing = 0
    for now, then in zip_longest(derived, stored):
        if _same(now, then):
            continue
        differing += 1
        if differing <= SHOWN:
            log.error("a decision came out otherwise: stored %s, derived again %s", _brief(then), _brief(now))
    return differing


def _same(derived: Decision | None, stored: Decision | None) -> bool:
    """An erased payload is not held against the stored decision."""
    if derived is None or stored is None:
        return False
    if stored.payload and stored.payload != derived.payload:
        return False
    return (derived.domain, derived.position, derived.at) == (stored.domain, stored.position, stored.at)


def _brief(decision: Decision | None) -> str:
    if decision is None:
        return "none"
    return f"{decision.domain}@{decision.position} t={decision.at} {decision.payload[:200]!r}"
