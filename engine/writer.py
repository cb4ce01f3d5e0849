"""Writing to the store: one transaction per group, and now and then a snapshot of the core inside it."""

from __future__ import annotations

import logging

import msgspec

from engine import failpoints
from engine.group import Cursor, Group
from engine.metrics import EngineMetrics
from engine.ports import Commit, Snapshot, Store
from engine.resume import Engine
from engine.signals import Millis

log = logging.getLogger(__name__)


class SnapshotRhythm(msgspec.Struct, frozen=True, kw_only=True):
    """A snapshot after so many milliseconds or entries, whichever comes first, if anything happened.

    A snapshot of 100,000 alerts costs as much as handling 20,000 small records, a restart handles those since the last
    one again: ``entries`` bounds that to seconds without snapshots becoming the larger part of the work.
    """

    every: Millis = 60_000
    entries: int = 200_000


class Writer:
    """The service's way to its store. ``version`` is the engine's, ``schema`` that of the core's snapshots."""

    def __init__(
        self, store: Store, metrics: EngineMetrics, rhythm: SnapshotRhythm, *, version: str, schema: int
    ) -> None:
        self._store, self._metrics, self._rhythm = store, metrics, rhythm
        self._version, self._schema = version, schema
        self.position = 0  # of the latest stored snapshot
        self.at: Millis = 0  # when the latest snapshot was taken, or tried

    def write(self, group: Group, core: Engine, now: Millis) -> None:
        """Make a group durable. When this raises, nothing of it is known to be, and the core has run ahead."""
        if not group.leaves_trace:
            return
        if self._due(group.cursor, now):
            group.commit.snapshot = self._snapshot(core, group.cursor, now)
        failpoints.reach("ingest.before_commit")
        self._commit(group.commit)

    def snapshot(self, core: Engine, cursor: Cursor, now: Millis) -> None:
        """A transaction that holds nothing but a snapshot of the core at the cursor."""
        snapshot = self._snapshot(core, cursor, now)
        if snapshot is not None:
            self._commit(Commit(ticked=snapshot.ticked, counts=dict(core.counts), snapshot=snapshot))

    def _commit(self, commit: Commit) -> None:
        try:
            with self._metrics.commit_seconds.time():
                self._store.commit(commit)
        except Exception:
            self._metrics.commit_failures.inc()
            raise
        if commit.snapshot is not None:
            failpoints.reach("snapshot.after")
            self.position = commit.snapshot.position

    def _due(self, cursor: Cursor, now: Millis) -> bool:
        behind = cursor.position - self.position
        return behind >= self._rhythm.entries or (behind > 0 and now - self.at >= self._rhythm.every)

    def _snapshot(self, core: Engine, cursor: Cursor, now: Millis) -> Snapshot | None:
        """A core that cannot be written down is no reason to refuse inputs: they are in the log."""
        failpoints.reach("snapshot.before")
        self.at = now
        try:
            state = core.snapshot()
        except Exception:
            log.exception("no snapshot; a restart replays the input log from position %d", self.position)
            return None
        return Snapshot(cursor.position, cursor.ticked, self._schema, self._version, state)
