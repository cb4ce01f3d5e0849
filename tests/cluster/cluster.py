"""A whole cluster in one thread on a simulated clock: stage 1, the bus, workers with memory stores, and what they said.

`Cluster` is `tests.scenarios.drive.Driven` for several shards: it keeps what was *stored*, so that what a fenced worker
decided is not in it.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import closing

import psycopg
import pytest
from prometheus_client import CollectorRegistry

from engine import core as engine_core
from engine import envelope
from engine.alerts.intake import take
from engine.context import Context
from engine.core import Core, Shards
from engine.library import Library
from engine.metrics import EngineMetrics
from engine.outcomes import AlertView, IncidentView, LedgerChange, LedgerEntry, Publication
from engine.pacing import Pacing
from engine.ports import Commit, Decoded, Origin, Record, ShardStore
from engine.resume import Machine
from engine.routes import Routes
from engine.service import Service, ServiceSettings
from engine.shards import Shard
from engine.signals import Activation, AlertEvent, Millis, Signal
from engine.splitting import Sent, split
from engine.storage.owned import MemoryShard, OwnedMemory
from engine.storage.postgres import PostgresReader, PostgresStore
from engine.worker import ShardSource, Worker
from engine.writer import SnapshotRhythm
from rules.ruleset import RuleSet
from tests.cluster.bus import Bus, SimulatedMember
from topology.model import Topology

SNAPSHOTS = SnapshotRhythm(every=1 << 60, entries=60)
SETTINGS = ServiceSettings(snapshots=SNAPSHOTS, downtime_after=1 << 60, backoff_first=0.0, backoff_most=0.0)


class Watched(OwnedMemory):
    """Shows the cluster what was stored."""

    def __init__(self, shard: MemoryShard, cluster: Cluster) -> None:
        super().__init__(shard)
        self._cluster = cluster

    def commit(self, commit: Commit) -> None:
        super().commit(commit)
        self._cluster.keep(commit)


class WatchedPostgres(PostgresStore):
    """The same on a real PostgreSQL."""

    def __init__(self, dsn: str, shard: int, cluster: Cluster) -> None:
        super().__init__(dsn, {"desk": frozenset({"tickets"})}, shard)
        self._cluster = cluster

    def commit(self, commit: Commit) -> None:
        super().commit(commit)
        self._cluster.keep(commit)


class Cluster:
    """``shards`` partitions; workers are added with `join`. Signals enter by `take`. ``dsn``: not in memory."""

    def __init__(self, shards: int, seed: object, start: Millis, dsn: str = "") -> None:
        self.dsn = dsn
        self.rng = random.Random(f"cluster {seed}")
        self.settings, self.pacing = SETTINGS, Pacing()
        self.bus = Bus(shards, self.rng)
        self.shards = [MemoryShard(Shard(number, shards)) for number in range(shards)]
        self.library = Library()
        self.now = start
        self.routes = Routes(RuleSet.default(), Topology.build(), shards)
        self.workers: list[Worker] = []
        self.raw: list[list[Sent]] = []
        self.activations = 0
        self.fresh: dict[str, str] = {}
        self.keys: dict[str, str] = {}
        self.ledger: dict[str, LedgerEntry | LedgerChange] = {}
        self.alerts: dict[int, AlertView] = {}
        self.alias: dict[int, int] = {}
        self.revisions: dict[str, list[IncidentView]] = {}
        self.outbox: list[Publication] = []
        self.handovers = 0

    # --- stage 1 ---

    def activate(self, topology: Topology | None = None, rules: RuleSet | None = None) -> None:
        """Bring versions into force: in every partition first, then for stage 1."""
        known = self.routes
        for kind, version in (
            ("topology", self.library.add_topology(topology) if topology is not None else ""),
            ("rules", self.library.add_rules(rules) if rules is not None else ""),
        ):
            if version:
                self.activations += 1
                self.everywhere([Activation(kind, version, self.activations)])
        self.routes = Routes(rules or known.rules, topology or known.topology, len(self.shards))

    def everywhere(self, signals: Sequence[Signal]) -> None:
        """Without the way through `split`: an activation is for all."""
        body = envelope.encode(signals)
        self.bus.send([Sent(shard, body, Origin("self")) for shard in range(len(self.shards))])

    def take(self, signals: Sequence[Signal]) -> None:
        """One raw record, decoded and divided."""
        record = Record("alerts", "test", b"", 0, len(self.raw))
        sent = split(record, Decoded(tuple(signals)), self.routes)
        self.raw.append(sent)
        self.bus.send(sent)

    def repeat(self, last: int) -> None:
        """What a stage 1 does that crashed before it noted how far it was, or did not know that it was replaced."""
        for sent in self.raw[-last:]:
            self.bus.send(sent)

    # --- stage 2 ---

    def join(self) -> Worker:
        """A further worker."""
        worker = Worker(self._open, self.bus.send)
        self.workers.append(worker)
        self.bus.members.append(SimulatedMember(self.bus, worker))
        return worker

    def member(self, worker: Worker) -> SimulatedMember:
        return next(one for one in self.bus.members if one.worker is worker)

    def crash(self, worker: Worker) -> None:
        """It is gone, with all that it had in memory."""
        self.bus.members.remove(self.member(worker))
        self.workers.remove(worker)
        self.bus.rebalance()

    def freeze(self, worker: Worker) -> None:
        """It stops; the group goes on without it."""
        self.member(worker).freeze()
        self.workers.remove(worker)
        self.bus.rebalance()

    def _open(self, number: int, source: ShardSource) -> tuple[Service, ShardStore]:
        store: ShardStore = WatchedPostgres(self.dsn, number, self) if self.dsn else Watched(self.shards[number], self)
        return self.service(number, source, store)

    def service(self, number: int, source: ShardSource, store: ShardStore) -> tuple[Service, ShardStore]:
        """That of a shard, on this store."""
        machine = Machine(Shards(Shard(number, len(self.shards))), self.library, decode, "1")
        metrics = EngineMetrics(CollectorRegistry(), "1")
        return Service(
            machine, store, [source], lambda: self.now, metrics, settings=self.settings, pacing=self.pacing
        ), store

    # --- time ---

    def pass_time(self, until: Millis) -> None:
        """Let the workers do what is due, at its time."""
        while True:
            self.settle()
            due = self._due()
            if due is None or due > until:
                break
            self.now = max(self.now, due)
        self.now = max(self.now, until)

    def settle(self) -> None:
        """Work until nothing moves."""
        for _ in range(10_000):
            before = self._mark()
            for worker in self.rng.sample(self.workers, len(self.workers)):
                worker.step(0)
            if self._mark() == before:
                return
        raise AssertionError("it does not come to rest")

    def _mark(self) -> tuple[object, ...]:
        read = sum(sum(member.assigned.values()) for member in self.bus.members)
        return sum(map(len, self.bus.partitions)), read, self._due() is not None and (self._due() or 0) <= self.now

    def _due(self) -> Millis | None:
        owned = [one.service for worker in self.workers for one in worker.owned.values()]
        cores = [one.core for one in owned if one.health().ready]
        return min((due for core in cores if (due := core.due()) is not None), default=None)

    # --- what was stored ---

    def heard(self, event_id: str, key: str) -> None:
        """A core takes an alert event: what becomes of it counts once it is stored."""
        self.fresh[event_id] = key

    def keep(self, commit: Commit) -> None:
        for position, entries in commit.ledger:
            for entry in entries:
                event = f"{position}-{entry.index}"
                assert event not in self.ledger
                self.ledger[event] = entry
                self.keys[event] = self.fresh[event]
        for change in commit.changes:
            self.alias[self.ledger[change.event].alert] = change.alert
            self.ledger[change.event] = change
        self.alerts |= {view.no: view for view in commit.alerts}
        for view in commit.incidents:
            self.revisions.setdefault(view.id, []).append(view)
        self.outbox += commit.outbox
        self.handovers += len(commit.handovers)

    def follow(self) -> None:
        """What was folded into another alert is that one."""
        self.alerts |= {no: self.alerts[to] for no, to in self.alias.items() if no != to}

    def incidents(self) -> list[IncidentView]:
        """The latest revision of every incident that was not merged into another, oldest first."""
        latest = (revisions[-1] for revisions in self.revisions.values())
        return sorted((view for view in latest if not view.merged_into), key=lambda view: (view.opened_at, view.id))

    def incident_of(self, event: str) -> str:
        """The incident an alert event is in now, merges followed; empty if in none."""
        entry = self.ledger[event]
        found = entry.incident or self.alerts[entry.alert].incident
        while found in self.revisions and self.revisions[found][-1].merged_into:
            found = self.revisions[found][-1].merged_into
        return found

    def written(self) -> list[tuple[object, ...]]:
        """What changes with everything that anybody writes."""
        if self.dsn:
            with psycopg.connect(self.dsn) as connection:
                return connection.execute("SELECT position, ticked FROM headwater.progress ORDER BY 1").fetchall()
        return [(resume.position, resume.ticked) for resume in (shard.store.resume() for shard in self.shards)]

    def counts(self) -> dict[str, int]:
        """Of all shards together."""
        if self.dsn:
            with closing(PostgresReader(self.dsn)) as reader:
                totals = reader.totals()
            assert totals.pop("unaccounted") == 0
            return totals
        found: dict[str, int] = {}
        for shard in self.shards:
            for name, count in shard.store.resume().counts.items():
                found[name] = found.get(name, 0) + count
        return found

    def cores(self) -> list[Core]:
        """Of all shards that have an owner."""
        cores = [one.service.core for worker in self.workers for one in worker.owned.values()]
        return [core for core in cores if isinstance(core, Core)]


def listen(patch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    """Let the cluster know which event of the scenario each alert event is, by its key."""

    def hear(context: Context, index: int, event: AlertEvent, now: Millis) -> None:
        cluster.heard(f"{context.state.position}-{index}", event.key)
        take(context, index, event, now)

    patch.setattr(engine_core, "take", hear)


def decode(format: str, body: bytes) -> Decoded:
    assert format == envelope.FORMAT
    return envelope.decode(body)
