"""One shard in PostgreSQL: its writer, fenced by an epoch, with all that can be read over all shards."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress

import psycopg
from psycopg import Connection, Cursor

from engine.errors import Fenced, StoreCorrupt
from engine.outcomes import Decision
from engine.ports import Commit, Entry, Resume, Version
from engine.shards import Shard
from engine.signals import Handover, Millis
from engine.storage.codec import pack, unpack
from engine.storage.postgres import alerts, partitions, snapshots
from engine.storage.postgres.address import Address
from engine.storage.postgres.connection import Row, Session, limited
from engine.storage.postgres.failures import meaning
from engine.storage.postgres.migrate import migrate
from engine.storage.postgres.outbox import PostgresOutbox
from engine.storage.postgres.queries import SQL, store
from engine.storage.postgres.reader import PostgresReader
from engine.storage.postgres.writer import Progress, fetch_heads, load, write

SWEEP_BLOCKS = 2000  # alert blocks written before `prune` looks for unused ones


class PostgresStore(PostgresReader, PostgresOutbox):
    """Implements `engine.ports.Store`, `Reader` and `Outbox` and `engine.chain.Audit`; safe to call from any thread.

    ``audiences`` says which audiences each sink serves: a publication gets one outbox row per sink that serves its
    audience. ``owner`` is a name for people. Tables are made when absent. Whoever wants to write calls `acquire`
    first; reading and the outbox need no epoch. Raises `StoreUnavailable` when the database cannot be reached or
    used, `StoreCorrupt` when it is not of this version.
    """

    def __init__(self, dsn: str, audiences: Mapping[str, Collection[str]], shard: int = 0, owner: str = "") -> None:
        self.address, self.shard, self.owner = Address(dsn), shard, owner
        self._sinks = {sink: frozenset(served) for sink, served in audiences.items()}
        self._epoch: int | None = None
        self._writer = Session(self.address)
        self._writing = threading.RLock()
        self._progress: Progress | None = None
        self._partitions: set[partitions.Place] = set()
        self._unswept = SWEEP_BLOCKS
        try:
            migrate(self._writer.use(), self.address)
        except BaseException:
            self._writer.close()
            raise
        PostgresReader.__init__(self, dsn)
        PostgresOutbox.__init__(self, self.address)

    def acquire(self) -> int:
        """Take the shard over: from now on only this store writes to it. Returns the new epoch.

        Waits for what its owner has under way; what that one tries afterwards raises `Fenced` there.
        """
        values = {"shard": self.shard, "owner": self.owner, "base": Shard(self.shard).base}
        with self._changing() as cursor:
            row = cursor.execute(SQL["acquire"], values).fetchone()
            for name in ("begin_progress", "begin_count", "begin_indexed"):
                cursor.execute(SQL[name], values)
        self._progress = None
        self._epoch = int(row[0]) if row else 0
        return self._epoch

    def resume(self) -> Resume:
        """Where the last commit of the shard left off.

        A damaged snapshot is passed over for the one before. Raises `StoreCorrupt` when none can be read and the
        input log no longer reaches back to the beginning.
        """
        base = Shard(self.shard).base
        with self._changing() as cursor:
            progress, alive = load(cursor, self.shard)
            newest = next(snapshots.readable(cursor, self.shard), None)
            if newest is None and snapshots.kept(cursor, self.shard):
                row = cursor.execute(SQL["first_input"], {"after": base, "until": Shard(self.shard).end}).fetchone()
                if row is None or row[0] != base + 1:
                    raise StoreCorrupt(
                        f"{self.address}: no snapshot of shard {self.shard} can be read, and its input log does not "
                        "begin at its beginning. Restore a backup (docs/storage.md)."
                    )
            self._progress = progress
        return Resume(
            newest, progress.position, progress.ticked, progress.arrival, max(alive, progress.arrival),
            dict(progress.positions), dict(progress.counts),
        )  # fmt: skip

    def commit(self, commit: Commit) -> None:
        """Make all of it durable in one transaction; returns after it is on disk.

        Raises `Fenced` when another store has acquired the shard, `StoreUnavailable`, and `StoreCorrupt` for something
        that was stored before. After any exception nothing of it is stored, unless the connection broke while the
        server was committing: `resume` tells.
        """
        with self._writing:
            try:
                self._commit(commit)
            except BaseException:
                self._progress = None  # whatever happened: the database knows
                raise

    def _commit(self, commit: Commit) -> None:
        connection = self._writer.use()
        with meaning(self.address), connection.cursor(binary=True) as cursor:
            before = self._progress or load(cursor, self.shard)[0]
            fetch_heads(cursor, before, commit.decisions)
            self._ensure(connection, commit)
            with self._together(connection):
                cursor.execute(SQL["hold"], self._claim)
                after = write(cursor, commit, before, self._sinks, self.shard)
        self._unswept += after.block - before.block
        self._progress = after

    def _ensure(self, connection: Connection[Row], commit: Commit) -> None:
        needed = partitions.of(commit) - self._partitions
        if needed:
            partitions.ensure(connection, needed)
            self._partitions |= needed

    @contextmanager
    def _together(self, connection: Connection[Row]) -> Iterator[None]:
        """Statements that travel together as one transaction."""
        try:
            with connection.pipeline():
                connection.execute("BEGIN")
                limited(connection)
                yield
                connection.execute("COMMIT")
        except BaseException:
            with suppress(psycopg.Error):
                connection.execute("ROLLBACK")
            raise

    @property
    def _claim(self) -> dict[str, int]:
        if self._epoch is None:
            raise Fenced(f"{self.address}: this engine has not acquired shard {self.shard}.")
        return {"shard": self.shard, "epoch": self._epoch}

    @contextmanager
    def _changing(self) -> Iterator[Cursor[Row]]:
        """A transaction of the writer."""
        with self._writing, meaning(self.address):
            connection = self._writer.use()
            with connection.transaction(), connection.cursor(binary=True) as cursor:
                yield cursor

    def entries(self, after: int, until: int | None = None) -> Iterator[Entry]:
        """The shard's input log behind ``after``, in order, up to and including ``until``."""
        last = Shard(self.shard).end - 1
        return super().entries(after, last if until is None else min(until, last))

    def decisions(self, after: int) -> Iterator[Decision]:
        """The shard's decisions at positions > ``after``, as they were made; erased ones with an empty payload."""
        return self._decided(after=max(after, Shard(self.shard).base), until=Shard(self.shard).end)

    def keep_version(self, version: Version) -> None:
        """Store a version for all shards. It needs no epoch: versions are only ever added."""
        row = (version.kind, version.id, version.at, pack(version.content), version.note)
        with self._changing() as cursor:
            store(cursor, "insert_version", "ttqbt", [row])

    def alive(self, at: Millis) -> None:
        """Note that the engine was running at this time."""
        with self._changing() as cursor:
            cursor.execute(SQL["hold"], self._claim)
            cursor.execute(SQL["set_alive"], {"at": at, "shard": self.shard})

    def handovers(self, limit: int = 100) -> list[tuple[int, Handover]]:
        """What is to be sent to other shards and was not noted as sent, in order, each with its shard."""
        with self._changing() as cursor:
            cursor.execute(SQL["hold"], self._claim)
            rows = cursor.execute(SQL["handovers"], {"shard": self.shard, "limit": limit}).fetchall()
        return [(to, Handover(self.shard, number, last, unpack(body))) for to, number, last, body in rows]

    def handed(self, through: int) -> None:
        """The handovers up to this number are with their shards."""
        with self._changing() as cursor:
            cursor.execute(SQL["hold"], self._claim)
            cursor.execute(SQL["handed"], {"shard": self.shard, "through": through})

    def compact(self) -> None:
        """Nothing to do: room on the database's machine is the database's to give back."""

    def prune(self, before: Millis, limit: int) -> int:
        """Forget entries of the input log that arrived before, up to the older of the two snapshots; how many.

        A day of which nobody needs anything is dropped whole, of all shards, and its number is an estimate. Where
        entries are kept for less than two days at most ``limit`` of this shard's are deleted one by one.
        """
        with self._changing() as cursor:
            cursor.execute(SQL["hold"], self._claim)
            pruned = self._drop_a_day(cursor, before)
            kept = snapshots.kept(cursor, self.shard)
            progress = load(cursor, self.shard)[0]
            if len(kept) > 1 and progress.arrival - before < 2 * partitions.DAY:
                values = {"after": Shard(self.shard).base, "upto": kept[-1][1], "before": before, "limit": limit}
                pruned += max(0, cursor.execute(SQL["prune_input"], values).rowcount)
            swept = self._unswept >= SWEEP_BLOCKS
            if swept:
                alerts.sweep(cursor, self.shard)
        if swept:
            self._unswept = 0
        return pruned

    def _drop_a_day(self, cursor: Cursor[Row], before: Millis) -> int:
        try:
            with cursor.connection.transaction():
                cursor.execute("SET LOCAL lock_timeout = '500ms'")  # everybody queues behind who waits for this lock
                dropped = partitions.drop_one(cursor.connection, before)
                cursor.execute("SET LOCAL lock_timeout TO DEFAULT")
        except psycopg.errors.LockNotAvailable:
            return 0  # a backup reads it; next time
        self._partitions = {place for place in self._partitions if place[0] != "input"}
        return dropped

    def erase(self, domain: str, position: int) -> int:
        """Forget payload and salt of the domain's records at this input position; how many that were.

        The input itself stays until `prune`; see docs/storage.md for what still holds the bytes for a while.
        """
        with self._changing() as cursor:
            return cursor.execute(SQL["erase"], {"domain": domain, "position": position}).rowcount

    def settle_dead_letter(self, id: int, state: str) -> bool:
        """Mark an open dead letter as `redriven` or `dropped`; False when it is not open."""
        if state not in ("redriven", "dropped"):
            raise ValueError(f"a dead letter is settled as redriven or dropped, not {state!r}")
        with self._changing() as cursor:
            return cursor.execute(SQL["settle_dead_letter"], {"id": id, "state": state}).rowcount == 1

    def close(self) -> None:
        """Close the connections. The shard stays with this epoch until another one acquires it."""
        PostgresReader.close(self)
        self._close_outbox()
        with self._writing:
            self._writer.close()
