"""The whole embedded engine in one thread under a virtual clock: one seed is one run, and the same one each time.

Real are the inbox with its lanes, the service, the core, the SQLite store, the dispatcher, the reconciler and the
poller. Simulated are the clock, the network in front, the ticketing system behind, what the disk does, which part runs
when, and when the process dies.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from prometheus_client import CollectorRegistry

from engine import failpoints, own
from engine.core import Core
from engine.errors import StoreUnavailable
from engine.failpoints import Died
from engine.lifecycle import OPEN
from engine.metrics import EngineMetrics
from engine.outcomes import IncidentView
from engine.ports import Decoded, Version
from engine.publish.delivery import DispatchSettings
from engine.publish.dispatcher import Dispatcher
from engine.publish.egress import EgressFailed
from engine.publish.poller import Poller
from engine.publish.reconciler import Reconciler
from engine.resume import Machine, StoredLibrary
from engine.service import Service, ServiceSettings
from engine.signals import Millis
from engine.submissions import Submissions
from engine.writer import SnapshotRhythm
from ingest import decoders
from ingest.inbox import HttpInbox
from ingest.overload.classify import Classifier
from tests.publish.standin import NoAnswer, Office, Reply
from tests.publish.standin_sink import Desk
from tests.simulate.disk import Disk, Store
from tests.simulate.network import Network
from tests.simulate.plant import RULES, START, TOPOLOGY, requests

TROUBLE: Millis = 180_000
"""For so long things go wrong and alerts come; then nothing does."""
LONGEST: Millis = 6 * 3_600_000
POINTS = sorted(one for one in failpoints.POINTS if not one.startswith(("http.", "stage1.")))
SETTINGS = ServiceSettings(
    group_records=4, snapshots=SnapshotRhythm(entries=12, every=1 << 40), downtime_after=15_000, alive_every=5_000,
    backoff_first=0.0, backoff_most=0.0,
)  # fmt: skip


def decode(format: str, body: bytes) -> Decoded:
    return own.decode(body) if format == own.FORMAT else decoders.decode(format, body)


class Unread(EngineMetrics):
    """Nobody scrapes here: gauges are set once in each life."""

    sampled = False

    def sample(self, counts: Mapping[str, int], gauges: Mapping[str, float]) -> None:
        """As ever, the first time."""
        if not self.sampled:
            super().sample(counts, gauges)
        self.sampled = True


class Process:
    """One life of the engine."""

    def __init__(self, world: World) -> None:
        self.store = Store(world.folder / "db", world.disk)
        try:
            self._build(world)
        except BaseException:
            self.store.abandon()
            raise

    def _build(self, world: World) -> None:
        clock, dice = world.clock, world.dice
        self.metrics = Unread(CollectorRegistry())
        self.inbox = HttpInbox(classify=Classifier(clock), monotonic=lambda: world.now / 1000)
        self.inbox._busy = -(1 << 60)  # nobody else runs: it need not linger for others
        self.submissions = Submissions()
        library = StoredLibrary(self.store)
        library.add_topology(TOPOLOGY)
        library.add_rules(RULES)
        self.service = Service(
            Machine(Core, library, decode, "1"), self.store, [self.submissions, self.inbox], clock, self.metrics,
            settings=SETTINGS,
        )  # fmt: skip
        self.desk = Desk(world.wire)
        sinks = [self.desk]
        settings = DispatchSettings()
        self.dispatcher = Dispatcher(self.store, sinks, clock, self.metrics, settings=settings, jitter=dice.random)
        breakers = self.dispatcher.breakers
        self.reconciler = Reconciler(self.store, sinks, clock, self.metrics, breakers)
        self.poller = Poller(self.store, sinks, self.submissions.submit, clock, self.metrics, breakers)
        self._brought = False

    def serve(self) -> None:
        """One turn of the service's loop; the first brings topology and rules into force."""
        if not self._brought:
            self._recover()
        self.service.step(0)

    def _recover(self) -> None:
        """Files that are in force already are not activated again."""
        try:
            state = self.service.core.state  # type: ignore[attr-defined]
        except StoreUnavailable:
            return
        for kind, version, content in (
            ("topology", TOPOLOGY.version, TOPOLOGY.encode()), ("rules", RULES.version, RULES.encode()),
        ):  # fmt: skip
            if getattr(state, kind) != version:
                self.submissions.activate(Version(kind, version, START, content))
        self._brought = True


class World:
    """One run in ``folder``."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.seed = folder, seed
        self.dice = random.Random(f"simulation {seed}")
        self.now: Millis = START
        self.began = START
        self.disk = Disk(self.dice, self.dice.choice((0.0, 0.02, 0.05, 0.15)))
        self.office = Office(self.clock, allowed=self.dice.choice((6, 1_000_000, 1_000_000)))
        self.office.script = self._script
        self.network = Network(self.dice, lambda: self.process.inbox if self.process is not None else None)
        self.network.now = START
        self.requests = requests(self.dice, TROUBLE)
        for request in self.requests:
            self.network.submit(request)
        self.process: Process | None = None
        self.restart_at: Millis = START
        self.deadly = self.dice.choice((0.0, 0.02, 0.06))
        self.lives = 0
        self.deaths: Counter[str] = Counter()
        self.violations = 0.0
        self.steps = 0

    def clock(self) -> Millis:
        return self.now

    def wire(self, method: str, path: str, body: bytes) -> Reply:
        try:
            return self.office.handle(method, path, body)
        except NoAnswer as error:
            raise EgressFailed("no answer", sent=error.sent) from None

    def _script(self, method: str, path: str) -> str:
        unlucky = self.troubled and method == "POST" and self.dice.random() < 0.15
        return self.dice.choice(("lost", "500 after", "500", "refused", "429", "html after")) if unlucky else ""

    @property
    def troubled(self) -> bool:
        return self.now < START + TROUBLE

    def run(self) -> None:
        """Until nothing is left to do: everything is heard, told, looked at once more, and no timer waits for long."""
        calm: Millis | None = None
        try:
            while calm is None or self.now < calm + 800_000:
                assert self.now < START + LONGEST, self._left()
                self._advance(quiet=calm is not None)
                self._happen()
                calm = (calm or self.now) if self._quiet() else None
        finally:
            failpoints.arm("")

    def _left(self) -> str:
        depths = self.process.store.depth() if self.process is not None else "no process"
        return f"it does not come to rest: {depths}, all heard: {self.network.idle}"

    def _advance(self, *, quiet: bool) -> None:
        """To a moment that the scheduler chooses."""
        self.steps += 1
        step = self.dice.randint(1, 2_500) if self.troubled else 20_000 if quiet else self.dice.randint(1, 8_000)
        self.now += step
        self.network.troubled = self.disk.troubled = self.troubled
        self.network.run(self.now)

    def _happen(self) -> None:
        if self.process is None:
            if self.now >= self.restart_at:
                self._start()
            return
        if self.troubled and self.dice.random() < self.deadly:
            failpoints.arm(f"{self.dice.choice(POINTS)}:die:{self.dice.randint(1, 3)}")
        elif not self.troubled:
            failpoints.arm("")
        process = self.process
        turns = [process.serve, self._publish, self._reconcile, self._poll]
        self.dice.shuffle(turns)
        try:
            for turn in turns:
                if self.dice.random() < 0.85:
                    turn()
        except Died as death:
            self._die(str(death))
        except StoreUnavailable:
            return  # a publisher's thread would log it and go on

    def _publish(self) -> None:
        assert self.process is not None
        while self.process.dispatcher.round(self.process.desk):
            pass

    def _reconcile(self) -> None:
        assert self.process is not None
        self.process.reconciler.round("tickets")

    def _poll(self) -> None:
        assert self.process is not None
        self.process.poller.round("tickets")

    def _start(self) -> None:
        self.lives += 1
        try:
            self.process = Process(self)
            self.process.service.recover()
        except Died as death:
            self._die(str(death))
        except StoreUnavailable:
            return  # it tries again by itself

    def _die(self, why: str) -> None:
        self.deaths[why] += 1
        failpoints.arm("")
        if self.process is not None:
            self.violations += self.process.metrics.violations._value.get()
            self.process.store.abandon()
        self.process = None
        self.restart_at = self.now + self.dice.choice((100, 5_000, 40_000))

    def _quiet(self) -> bool:
        if self.troubled or not self.network.idle or self.process is None or not self.process._brought:
            return False
        try:
            due = self.process.service.core.due()
        except StoreUnavailable:
            return False
        waiting = sum(depth.rows for depth in self.process.store.depth())
        doubtful = any(link.doubtful for link in self.process.store.links())
        return not waiting and not doubtful and (due is None or due > self.now + 3_600_000 or self._only_heartbeats())

    def _only_heartbeats(self) -> bool:
        assert self.process is not None
        found = self.process.store.incidents(state=sorted(OPEN), limit=500).items
        return all(self.of_heartbeat(view) for view in found)

    @staticmethod
    def of_heartbeat(view: object) -> bool:
        """Heartbeats end with the troubles: that they are missed is the last incident, and stays."""
        return isinstance(view, IncidentView) and "cron" in view.title

    def close(self) -> None:
        failpoints.arm("")
        if self.process is not None:
            self.process.store.abandon()
