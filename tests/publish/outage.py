"""Publishing in simulated time: processes that die and freeze, a ticketing system that fails, people who work in it.

Two sinks: ``tickets``, the strict stand-in without deduplication, and ``pager``, which is well and deduplicates by key.
Each sink's thread has a clock of its own that runs ahead while a call hangs, so that a hanging call keeps no other
sink's thread waiting. A process dies by a failpoint that raises: all it had in memory is dropped.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from prometheus_client import CollectorRegistry

from engine import failpoints
from engine.failpoints import FailpointReached
from engine.metrics import EngineMetrics
from engine.outcomes import Publication
from engine.ports import Commit, Record
from engine.publish.delivery import DispatchSettings
from engine.publish.dispatcher import Dispatcher
from engine.publish.egress import EgressFailed
from engine.publish.poller import Poller, PollSettings
from engine.publish.reconciler import Reconciler
from engine.sending import OutboxRow, Receipt
from engine.signals import Millis, TicketEvent
from engine.storage.sqlite.store import SqliteStore
from tests.publish.standin import NoAnswer, Office, Reply
from tests.publish.standin_sink import Desk

AUDIENCES = {"tickets": frozenset({"tickets"}), "pager": frozenset({"engineers"})}
PATIENCE: Millis = 6 * 3_600_000


class Pager:
    """A receiver that is well, and knows keys."""

    name, idempotent, audiences = "pager", True, AUDIENCES["pager"]

    def __init__(self, clock: Callable[[], Millis]) -> None:
        self._clock = clock
        self.got: dict[str, Millis] = {}  # key -> when, in the order of arrival

    def send(self, row: OutboxRow) -> Receipt:
        self.got.setdefault(row.publication.key, self._clock())
        return Receipt(row.publication.key)


class Time:
    """The time of one thread: the world's, or ahead of it while a call hangs."""

    def __init__(self, world: World) -> None:
        self._world, self.ahead = world, 0

    def __call__(self) -> Millis:
        return max(self._world.now, self.ahead)

    @property
    def busy(self) -> bool:
        return self.ahead > self._world.now

    def hang(self, seconds: float) -> None:
        self.ahead = self() + round(seconds * 1000)


class Process:
    """One publisher process."""

    def __init__(self, world: World) -> None:
        metrics, jitter = world.metrics, world.dice.random
        self.time = Time(world)
        self.desk = world.desk(self)
        self._pager, self._world = world.pager, world
        self.tickets = Dispatcher(
            world.store, [self.desk], self.time, metrics, settings=world.settings, jitter=jitter
        )  # fmt: skip
        self.pages = Dispatcher(world.store, [world.pager], lambda: world.now, metrics, jitter=jitter)
        others = world.store, [self.desk]
        breakers = self.tickets.breakers
        self.reconciler = Reconciler(*others, self.time, metrics, breakers)
        self.poller = Poller(
            *others, world.submit, self.time, metrics, breakers, settings=PollSettings(every=world.poll)
        )  # fmt: skip

    def wire(self, method: str, path: str, body: bytes) -> Reply:
        try:
            self._world.before_call(self, method)
            reply: Reply = self._world.office.handle(method, path, body)
        except NoAnswer as error:
            self.time.hang(error.seconds)
            raise EgressFailed("no answer", sent=error.sent) from None
        return reply

    def step(self) -> None:
        while self.pages.round(self._pager):
            pass
        while not self.time.busy and self.tickets.round(self.desk):
            pass
        if not self.time.busy and self._world.reconciles:
            self.reconciler.round("tickets")
        if not self.time.busy:
            self.poller.round("tickets")


class World:
    """One run. ``story``: (when, what is to be told), in order. ``poll``: seconds between looks at tickets."""

    def __init__(self, folder: Path, dice: random.Random, *, settings: DispatchSettings, poll: float = 60.0) -> None:
        self.now: Millis = 0
        self.dice, self.settings, self.poll = dice, settings, poll
        self.store = SqliteStore(folder / "db", AUDIENCES)
        self.store._outbox.execute("PRAGMA synchronous = OFF")  # processes die here, the machine does not
        self.store._writer.execute("PRAGMA synchronous = OFF")
        self.registry = CollectorRegistry()
        self.metrics = EngineMetrics(self.registry)
        self.office: Any = Office(self._acting_time)
        self.desk: Callable[[Process], Any] = lambda process: Desk(process.wire)
        self.closing: list[Callable[[], None]] = []
        self.pager = Pager(lambda: self.now)
        self.before_call: Callable[[Process, str], None] = lambda process, method: None
        self.reconciles = True
        self.deaths: Counter[str] = Counter()
        self.fed: list[TicketEvent] = []
        self.story: list[tuple[Millis, list[Publication]]] = []
        self.processes = [Process(self)]
        self.current = self.processes[0]

    def furnish(self, office: Any, desk: Callable[[Process], Any]) -> None:
        """Another ticketing system, and the sink that each process has for it."""
        self.office, self.desk = office, desk
        self.processes = [Process(self)]
        self.current = self.processes[0]

    def _acting_time(self) -> Millis:
        return self.current.time()

    def submit(self, record: Record) -> Future[None]:
        durable: Future[None] = Future()
        assert record.decoded is not None
        (event,) = record.decoded.signals
        assert isinstance(event, TicketEvent)
        self.fed.append(event)
        durable.set_result(None)
        return durable

    def put(self, *publications: Publication) -> None:
        self.store.commit(Commit(outbox=list(publications)))

    def pass_time(self, seconds: float) -> None:
        """Let it pass, put what is decided by then into the outbox, and let every process work."""
        self.now += round(seconds * 1000)
        while self.story and self.story[0][0] <= self.now:
            self.put(*self.story.pop(0)[1])
        for process in list(self.processes):
            with self.acting(process):
                try:
                    process.step()
                except FailpointReached as reached:
                    self._die(process, str(reached))

    @contextmanager
    def acting(self, process: Process) -> Iterator[None]:
        before, self.current = self.current, process
        try:
            yield
        finally:
            self.current = before

    def freeze(self, process: Process, seconds: float) -> None:
        """Another process works meanwhile, which stays. Called from inside a call of the frozen one."""
        others = [one for one in self.processes if one is not process] or [Process(self)]
        self.processes = others
        end = self.now + round(seconds * 1000)
        while self.now < end:
            self.pass_time(self.dice.uniform(2, 10))
        self.processes = [*others, process]

    def _die(self, process: Process, point: str) -> None:
        """What it had in memory is gone; it is started again after a while."""
        self.deaths[point.partition(" ")[0]] += 1
        self.processes.remove(process)
        self.now += self.dice.randint(0, 40_000)
        self.processes.append(Process(self))

    def unfinished(self) -> int:
        return sum(depth.rows for depth in self.store.depth())

    def value(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0.0

    def close(self) -> None:
        failpoints.arm("")
        self.store.close()
        for close in self.closing:
            close()


def said(incident: str, number: int, action: str, level: str, now: Millis) -> list[Publication]:
    """What is told of an incident, to each of the two audiences."""
    body = {"incident": {"id": incident, "severity": {"level": level}}, "why": "a test"}
    return [
        Publication(
            key=f"{incident}.{number}.{action}.{audience}", incident=incident, revision=number, generation=1,
            action=action, audience=audience, not_before=now, created_at=now, body=body,
        )
        for audience in ("engineers", "tickets")
    ]  # fmt: skip


def told(world: World) -> dict[str, list[str]]:
    """Incident -> keys for tickets that went out, in the order in which they were decided; dead ones fail."""
    found: dict[str, list[str]] = {}
    cursor = ""
    while True:
        page = world.store.outbox(cursor=cursor, limit=200)
        for row in msgspec.convert(page.items, list[dict[str, object]]):
            assert row["state"] in ("confirmed", "superseded"), row
            if row["sink"] == "tickets" and row["state"] == "confirmed":
                found.setdefault(str(row["incident"]), []).insert(0, str(row["key"]))
        cursor = page.next
        if not cursor:
            return found
