"""The service: takes records from the sources, lets the core decide, and makes the outcome durable.

The commit order, which every crash test cuts between each pair of steps:

1. poll     take a group of records; stamp their arrival (never before an earlier one)
2. decide   ``core.handle`` each; only memory has changed
3. commit   ONE store transaction: entries, ledger, decisions, views, outbox, source positions, totals, and now and
            then a snapshot of the core
4. tell     ``source.committed``: only now a sender hears 2xx and a broker's offset moves
5. publish  the dispatcher takes the outbox from the store, independently

A crash before 3 loses nothing that was acknowledged: senders send again. A crash after 3 repeats nothing: the record
is in the log, the core is rebuilt from it, and a redelivery is skipped by its position or answered as a repeat.

When the core fails on a record, the group is dropped, the core is rebuilt and each record gets a transaction of its
own. A record on which the core fails alone too is *poison*: it is stored with its position and taken as empty
from then on, its sender hears 2xx (it is durable and visible as a dead letter), its neighbours are not touched. One try
in isolation decides, for the core is deterministic: a third would only repeat the second.

When the store cannot be written, senders are told to try again, the core (which has run ahead of the store) is rebuilt
before anything else, and the service tries again by itself at growing, bounded distances.

One thread owns the core and calls everything here but `Service.health`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from threading import Event

import msgspec

from engine import failpoints, own
from engine.drills import of_drill
from engine.errors import EngineError, Fenced, StoreCorrupt, StoreUnavailable
from engine.feed import Delivery, Feed, tell_committed, tell_failed
from engine.group import Cursor, Group
from engine.metrics import EngineMetrics
from engine.pacing import Pacing
from engine.ports import Clock, Commit, Record, Source, Store
from engine.resume import Engine, Machine, Revived, revive
from engine.signals import Millis
from engine.writer import SnapshotRhythm, Writer

log = logging.getLogger(__name__)

SAMPLE_SHARE = 50  # the core looks at all its alerts for the gauges: at most a fiftieth of the time goes there


class ServiceSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes and distances of the service. Times in milliseconds unless they say seconds."""

    group_records: int = 512
    group_bytes: int = 8 << 20
    poll_seconds: float = 0.5
    snapshots: SnapshotRhythm = SnapshotRhythm()
    alive_every: Millis = 5_000
    downtime_after: Millis = 15_000
    retention: Millis = 7 * 86_400_000
    prune_every: Millis = 60_000
    prune_limit: int = 20_000
    backoff_first: float = 0.2
    backoff_most: float = 10.0
    stalled_seconds: float = 60.0
    drain_seconds: float = 10.0


class Health(msgspec.Struct, frozen=True):
    """Whether inputs are accepted, and if not, why. ``last_step`` is the age of the loop's last turn in seconds."""

    ready: bool
    reason: str
    last_step: float
    position: int


class Service:
    """Owns the core: every signal and every timer passes through here. See the module's text for the order."""

    def __init__(
        self,
        machine: Machine,
        store: Store,
        sources: Sequence[Source],
        clock: Clock,
        metrics: EngineMetrics,
        *,
        on_commit: Callable[[Commit], None] | None = None,
        settings: ServiceSettings | None = None,
        pacing: Pacing | None = None,
    ) -> None:
        self._machine, self._store, self._feed = machine, store, Feed(sources)
        self._clock, self._metrics, self._on_commit = clock, metrics, on_commit
        self.settings, self._pacing = settings or ServiceSettings(), pacing or Pacing()
        self._writer = Writer(
            store, metrics, self.settings.snapshots, version=machine.version, schema=machine.engine.SCHEMA
        )
        self._core: Engine | None = None
        self._cursor = Cursor()
        self._reason = "starting"
        self._last_step, self._polled_at, self._backoff, self.retry_at = self._pacing.monotonic(), 0.0, 0.0, 0.0
        self._untold: Sequence[Delivery] = ()
        self._alive_at, self._pruned_at, self._sample_next = 0, 0, 0
        self.hands_over = True  # until somebody has looked

    @property
    def core(self) -> Engine:
        """The core as of the last commit. For the service's own thread only."""
        if self._core is None:
            raise StoreUnavailable(self._reason)
        return self._core

    def recover(self) -> Revived:
        """Rebuild the core, record the engine's own downtime, tell the sources where to continue.

        Raises `StoreUnavailable`, `StoreCorrupt`, `UnknownVersion`; then there is no core, for it may have run ahead.
        """
        try:
            return self._recovered()
        except BaseException:
            self._core = None
            raise

    def _recovered(self) -> Revived:
        revived = self._revive()
        now = self._clock()
        if not revived.fresh or revived.engine != self._machine.version:
            self._writer.snapshot(self.core, self._cursor, self._clock())
        if revived.alive and now - revived.alive > self.settings.downtime_after:
            group = self._decide([own.downtime(revived.alive, now)])
            self._writer.write(group, self.core, self._clock())
            self._settle(group)
        self._store.alive(now)
        self._alive_at = now
        self._feed.resume(self._cursor.positions)
        self._sample(now)
        return revived

    def step(self, timeout: float) -> int:
        """One group, or the timers that are due; waits at most ``timeout`` seconds. Returns the records taken."""
        self._last_step = self._pacing.monotonic()
        if self._core is None:
            return self._stand_still(timeout)
        settings = self.settings
        self._untold = self._feed.poll(settings.group_records, settings.group_bytes, self.patience(timeout))
        self._polled_at, taken = time.perf_counter(), len(self._untold)
        try:
            if taken:
                failpoints.reach("ingest.after_poll")
                self._take(self._untold)
            else:
                self._tick(self._now())
            self._housekeeping()
        except Fenced:
            self._core, self._reason = None, "another worker owns the shard"
            raise
        except Exception as error:
            self._lost(error)
        return taken

    def run(self, stop: Event, turned: Callable[[], None] = lambda: None) -> None:
        """Recover, step until ``stop`` is set, then drain: the body of a thread. ``turned`` hears of each step."""
        if self._core is None:
            self._try_again()
        while not stop.is_set():
            turned()
            self.step(self.settings.poll_seconds)
        self.stop()

    def stop(self) -> None:
        """Close the sources, commit what they still hold, store a last snapshot: the next start replays nothing."""
        self._feed.close()
        deadline = self._pacing.monotonic() + self.settings.drain_seconds
        while self._core is not None and self._pacing.monotonic() < deadline and self.step(0):
            pass
        if self._core is not None:
            try:
                self._writer.snapshot(self.core, self._cursor, self._clock())
                self._store.alive(self._clock())
            except Exception:
                log.exception("no snapshot at the end: the next start replays the input log")
        self._core, self._reason = None, "stopped"
        tell_failed(
            self._feed.poll(self.settings.group_records, self.settings.group_bytes, 0),
            StoreUnavailable("the engine has stopped"),
        )

    def health(self) -> Health:
        """For `/readyz`; from any thread."""
        age = self._pacing.monotonic() - self._last_step
        reason = self._reason
        if not reason and age > self.settings.stalled_seconds:
            reason = f"the service has not moved for {age:.0f} s"
        return Health(not reason, reason, age, self._cursor.position)

    # --- one group -----------------------------------------------------------------------------------------------

    def _take(self, deliveries: Sequence[Delivery]) -> None:
        """Decide and commit a group; fall back to one record at a time when the core fails."""
        try:
            group = self._decide([delivery.record for delivery in deliveries])
            self._writer.write(group, self.core, self._clock())
        except (StoreUnavailable, StoreCorrupt):
            raise  # the store's fault, not a record's
        except Exception:
            log.exception("a group of %d records failed; each is now tried alone", len(deliveries))
            self._isolate(deliveries)
        else:
            self._settle(group, deliveries)

    def _decide(self, records: Sequence[Record]) -> Group:
        """Let the core handle records in order. Changes the core and the group, nothing durable."""
        core, group, now = self.core, Group(self._cursor), self._clock()
        for record in records:
            if group.repeats(record):
                self._metrics.redelivered.labels(record.source).inc()
                continue
            arrival = group.stamp(now, record)
            if _due(core, arrival):
                group.look(core)
            entry = group.enter(record, arrival)
            decoded = record.decoded or self._machine.decode(record.format, record.body)
            group.decided(entry, decoded, core.handle(entry.position, decoded.signals, arrival))
        if _due(core, group.cursor.ticked):  # made by these records for at once: `ticked` says that they have fired
            group.look(core)
            group.ticked(group.cursor.ticked, core.tick(group.cursor.ticked))
        group.seal(core)
        return group

    def _isolate(self, deliveries: Sequence[Delivery]) -> None:
        """One transaction per record; the core fails again on the culprit and nowhere else."""
        if self._revive().replayed:  # makes the rebuilds that follow cheap
            self._writer.snapshot(self.core, self._cursor, self._clock())
        for delivery in deliveries:
            arrival = Group(self._cursor).stamp(self._clock(), delivery.record)
            self._tick(arrival)  # a timer that fails is not the record's fault
            self._alone(delivery)

    def _alone(self, delivery: Delivery) -> None:
        try:
            group = self._decide([delivery.record])
            self._writer.write(group, self.core, self._clock())
        except (StoreUnavailable, StoreCorrupt):
            raise  # the store's fault, not a record's
        except Exception as error:
            log.error("poison: the engine fails on a record of %s, kept as a dead letter", delivery.record.source)
            self._metrics.poison.inc()
            self._revive()
            group = Group(self._cursor)
            entry = group.enter(delivery.record, group.stamp(self._clock(), delivery.record), poison=True)
            group.poisoned(entry, error, self.core.handle(entry.position, (), entry.arrival))
            group.seal(self.core)
            self._writer.write(group, self.core, self._clock())
        self._settle(group, [delivery])

    def _tick(self, now: Millis) -> None:
        """Fire the timers due by now. Nothing fired: nothing is written."""
        core = self.core
        if not _due(core, now):
            return
        group = Group(self._cursor)
        group.ticked(now, core.tick(now))
        group.seal(core)
        failpoints.reach("timers.before_commit")
        self._writer.write(group, self.core, self._clock())
        self._settle(group)

    def _now(self) -> Millis:
        """The clock, held back from running behind what has happened."""
        return max(self._clock(), self._cursor.arrival, self._cursor.ticked)

    # --- the transaction -----------------------------------------------------------------------------------------

    def _settle(self, group: Group, deliveries: Sequence[Delivery] = ()) -> None:
        """Step 4 and what follows a durable group; nothing here can undo it."""
        self._cursor = group.cursor
        failpoints.reach("ingest.after_commit_before_ack")
        tell_committed(deliveries)
        self._untold = self._untold[len(deliveries) :]
        if deliveries:
            self._metrics.decision_seconds.observe(time.perf_counter() - self._polled_at)
        self._after(group)

    def _after(self, group: Group) -> None:
        """Count, and let the publisher and the live stream know; neither can undo the commit."""
        commit = group.commit
        if commit.entries:
            self._metrics.group(group.events, group.kinds, len(commit.entries))
            for name, count in group.rejects.items():
                self._metrics.rejects.labels(name).inc(count)
        self.hands_over = self.hands_over or bool(commit.handovers)
        opened = sum(view.revision == 1 and not of_drill(view.id) for view in commit.incidents)
        if opened:
            self._metrics.incidents.inc(opened)
        self._metrics.closed(commit.timeline, commit.incidents)
        if self._on_commit is not None:
            try:
                self._on_commit(commit)
            except Exception:
                log.exception("a listener failed after a commit")

    # --- the store is lost and found -----------------------------------------------------------------------------

    def _revive(self) -> Revived:
        """Replace the core by one that stands where the store does."""
        self._core = None
        revived = revive(self._machine, self._store)
        self._judge(revived)
        self._core, self._cursor, self._reason, self._backoff = revived.core, revived.cursor, "", 0.0
        self._writer.position, self._writer.at = revived.cursor.position - revived.replayed, self._clock()
        self.hands_over = True  # a commit whose answer was lost may have stored something
        self._metrics.resumes.inc()
        self._metrics.ready.set(1)
        return revived

    def _judge(self, revived: Revived) -> None:
        if not revived.differing:
            return
        if revived.engine in ("", self._machine.version):
            self._metrics.violations.inc(revived.differing)
            log.critical("DETERMINISM VIOLATED: %d stored decisions did not come out again", revived.differing)
        else:
            log.warning(
                "rederived: version %s decides otherwise than version %s did in %d cases; what is stored stands",
                self._machine.version,
                revived.engine,
                revived.differing,
            )

    def _lost(self, error: Exception) -> None:
        """Stop accepting: the core has run ahead of the store, or fails. Try again after a growing, bounded time."""
        settings = self.settings
        self._core = None
        self._reason = str(error) if isinstance(error, EngineError) else f"the engine cannot go on: {error!r}"
        self._backoff = min(max(self._backoff * 2, settings.backoff_first), settings.backoff_most)
        self.retry_at = self._pacing.within(self._backoff)
        self._metrics.ready.set(0)
        trace = None if isinstance(error, StoreUnavailable) else error
        log.error("inputs are refused: %s; next try within %.1f s", self._reason, self._backoff, exc_info=trace)
        refused, self._untold = self._untold, ()
        tell_failed(refused, StoreUnavailable(self._reason))

    def _stand_still(self, timeout: float) -> int:
        """Refuse what comes in, at once; rebuild the core when it is time to try again."""
        left = self.retry_at - self._pacing.monotonic()
        if left <= 0:
            self._try_again()
            return 0
        refused = self._feed.poll(self.settings.group_records, self.settings.group_bytes, min(timeout, left))
        tell_failed(refused, StoreUnavailable(self._reason))
        if refused:
            self._pacing.sleep(min(0.05, left))  # a source that delivers again at once must not turn this into a spin
        return len(refused)

    def _try_again(self) -> None:
        backoff = self._backoff
        try:
            self.recover()
        except Fenced:
            raise
        except Exception as error:
            self._backoff = backoff
            self._lost(error)
        else:
            log.info("inputs are accepted at position %d", self._cursor.position)

    # --- now and then --------------------------------------------------------------------------------------------

    def patience(self, timeout: float) -> float:
        """Seconds to wait for records: not beyond the next timer."""
        due = self._core.due() if self._core is not None else None
        return timeout if due is None else min(timeout, max(0.0, (due - self._now()) / 1000))

    def _housekeeping(self) -> None:
        now, settings = self._clock(), self.settings
        if now >= self._sample_next:
            self._sample(now)
        if now - self._alive_at >= settings.alive_every:
            self._store.alive(now)
            self._alive_at = now
        if now - self._pruned_at >= settings.prune_every:
            self._store.prune(now - settings.retention, settings.prune_limit)
            self._pruned_at = now

    def _sample(self, now: Millis) -> None:
        metrics, core, started = self._metrics, self.core, time.perf_counter()
        metrics.sample(core.counts, core.gauges())
        metrics.position.set(self._cursor.position)
        metrics.snapshot_age.set(max(0, now - self._writer.at) / 1000)
        metrics.skew.set(max(0, self._cursor.arrival - now) / 1000)
        took = time.perf_counter() - started
        self._sample_next = now + max(1_000, round(took * SAMPLE_SHARE * 1_000))


def _due(core: Engine, now: Millis) -> bool:
    due = core.due()
    return due is not None and due <= now
