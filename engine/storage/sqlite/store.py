"""The embedded default: everything in one SQLite file, one writer, readers that never wait."""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Mapping
from pathlib import Path

from engine import failpoints
from engine.errors import StoreCorrupt, StoreUnavailable
from engine.ports import Commit, Resume
from engine.signals import Millis
from engine.storage.sqlite import alerts, snapshots
from engine.storage.sqlite.connection import connect, meaning, transaction, tune_writer
from engine.storage.sqlite.lock import Lock
from engine.storage.sqlite.migrate import migrate
from engine.storage.sqlite.outbox import SqliteOutbox
from engine.storage.sqlite.queries import SQL
from engine.storage.sqlite.reader import SqliteReader
from engine.storage.sqlite.wal import refuse_damage, unreadable
from engine.storage.sqlite.writer import load, write

log = logging.getLogger(__name__)

SWEEP_BLOCKS = 2000  # alert blocks written before `prune` looks for unused ones


class SqliteStore(SqliteReader, SqliteOutbox):
    """Implements `engine.ports.Store`, `Reader` and `Outbox` and `engine.chain.Audit`.

    ``sinks`` says which audiences each sink serves: a publication gets one outbox row per sink that serves its
    audience. The file is made when absent. Raises `StoreUnavailable` when another engine has it open or it cannot
    be written, `StoreCorrupt` when it is not a database of this version.
    """

    def __init__(self, path: Path, sinks: Mapping[str, Collection[str]]) -> None:
        self.path = path
        self._sinks = {sink: frozenset(audiences) for sink, audiences in sinks.items()}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreUnavailable(f"{path.parent}: {error.strerror}.") from error
        self._file_lock = Lock(path)
        try:
            self._writer = connect(path, create=True)
            with meaning(path):
                tune_writer(self._writer)
                lost = unreadable(self._writer, path)
                refuse_damage(self._writer, lost, path)
                if lost:
                    log.critical("%s: the last transaction was cut off, as a power cut does; it is not there", path)
                migrate(self._writer, path)
                self._progress, _ = load(self._writer)
            SqliteReader.__init__(self, path)
            SqliteOutbox.__init__(self, path)
        except BaseException:
            self._file_lock.release()
            raise
        self._writing = threading.Lock()
        self._unswept = SWEEP_BLOCKS

    def resume(self) -> Resume:
        """Where the last commit left off.

        A damaged snapshot is passed over for the one before. Raises `StoreCorrupt` when none can be read and the
        input log no longer reaches back to the beginning.
        """
        with self._writing, meaning(self.path):
            progress, alive = load(self._writer)
            newest = next(snapshots.readable(self._writer), None)
            if newest is None and snapshots.kept(self._writer):
                (first,) = self._writer.execute(SQL["first_input"]).fetchone()
                if first != 1:
                    raise StoreCorrupt(
                        f"{self.path}: no snapshot can be read, and the input log starts at {first}. Restore the file "
                        "from a backup (docs/storage.md)."
                    )
        return Resume(
            newest, progress.position, progress.ticked, progress.arrival, max(alive, progress.arrival),
            dict(progress.positions), dict(progress.counts),
        )  # fmt: skip

    def commit(self, commit: Commit) -> None:
        """Make all of it durable in one transaction; returns after it is on disk.

        Raises `StoreUnavailable` (disk full, I/O error, a lock held for seconds), `StoreCorrupt` for something that
        was stored before. After any exception nothing of it is stored, and the store can be used again.
        """
        with self._writing:
            with transaction(self._writer, self.path) as connection:
                progress, blocks = write(connection, commit, self._progress, self._sinks)
                failpoints.reach("store.mid_commit")
            self._progress = progress
            self._unswept += blocks

    def alive(self, at: Millis) -> None:
        """Note that the engine was running at this time."""
        with self._writing, transaction(self._writer, self.path) as connection:
            connection.execute(SQL["set_alive"], (at,))

    def prune(self, before: Millis, limit: int) -> int:
        """Forget at most ``limit`` input log entries that arrived before, up to the older of the two snapshots."""
        with self._writing, transaction(self._writer, self.path) as connection:
            kept = snapshots.kept(connection)
            upto = kept[-1][1] if len(kept) > 1 else 0
            values = {"upto": upto, "before": before, "limit": limit}
            pruned = connection.execute(SQL["prune_input"], values).rowcount
            swept = self._unswept >= SWEEP_BLOCKS
            if swept:
                alerts.sweep(connection)
        if swept:
            self._unswept = 0
        return pruned

    def compact(self) -> None:
        """Give the room of the write-ahead log back; what was deleted in the file is used again before it grows."""
        with self._writing, meaning(self.path):
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def erase(self, domain: str, position: int) -> int:
        """Forget payload and salt of the domain's records at this input position; how many that were.

        The bytes are overwritten in the file and leave the write-ahead log. The input itself stays until `prune`.
        """
        with self._writing, meaning(self.path):
            self._writer.execute("PRAGMA secure_delete = ON")
            try:
                with transaction(self._writer, self.path) as connection:
                    values = {"domain": domain, "position": position}
                    erased = connection.execute(SQL["erase"], values).rowcount
                self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            finally:
                self._writer.execute("PRAGMA secure_delete = OFF")
        return erased

    def settle_dead_letter(self, id: int, state: str) -> bool:
        """Mark an open dead letter as `redriven` or `dropped`; False when it is not open."""
        if state not in ("redriven", "dropped"):
            raise ValueError(f"a dead letter is settled as redriven or dropped, not {state!r}")
        with self._writing, transaction(self._writer, self.path) as connection:
            return connection.execute(SQL["settle_dead_letter"], {"id": id, "state": state}).rowcount == 1

    def close(self) -> None:
        """Close the file and let another engine have it."""
        SqliteReader.close(self)
        self._close_outbox()
        with self._writing, meaning(self.path):
            self._writer.close()
        self._file_lock.release()
