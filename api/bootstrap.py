"""The composition root: the one place that names implementations and chooses the clock."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from prometheus_client import CollectorRegistry

from api import files
from api.feasibility import Audits
from api.files import Loaded
from api.findings import Finding, Wrong
from api.observed import Observations
from api.probe_settings import unnamed
from api.readiness.book import Book
from api.readiness.collector import ReadinessMetrics
from api.scenarios import Watch
from api.schemas import Check, SinkTest
from api.settings import Settings
from api.sinks import trial
from api.sinks.declared import World
from api.version import installed
from engine import failpoints, own
from engine.chain import Audit, ChainRow, Head
from engine.core import Core
from engine.library import Library
from engine.lifecycle import OPEN
from engine.metrics import EngineMetrics
from engine.outcomes import IncidentView
from engine.ports import Clock, Commit, Decode, Decoded, Reader, Source, Version
from engine.readiness.report import Registry
from engine.resume import Machine
from engine.service import Service, ServiceSettings
from engine.signals import Millis
from engine.writer import SnapshotRhythm
from ingest import decoders
from rules.ruleset import RuleSet
from topology.model import Topology

if TYPE_CHECKING:
    from api.backtest import Asked, BackTester
    from api.conductor import Conductor
    from api.evidence import Known
    from api.fetcher import Fetcher
    from api.lane import Lane
    from api.prober import Prober
    from engine.publish.publisher import PublisherSettings
    from engine.storage.sqlite import SqliteStore
    from engine.submissions import Submissions
    from ingest.inbox import HttpInbox
    from ingest.kafka import KafkaSource

log = logging.getLogger(__name__)

DATABASE = "headwater.db"
NEVER = 1 << 60
Stopped = Callable[[BaseException], None]
DAY: Millis = 86_400_000


def now() -> Millis:
    """The wall clock."""
    return time.time_ns() // 1_000_000


def decode(format: str, body: bytes) -> Decoded:
    """What an entry of the input log says, the engine's own and everyone else's."""
    return own.decode(body) if format == own.FORMAT else decoders.decode(format, body)


def in_memory(
    library: Library, source: Source, decode: Decode, clock: Clock, on_commit: Callable[[Commit], None], batch: int
) -> Service:
    """A service whose store is the memory: replay, what-if. ``batch`` records share a transaction."""
    from engine.storage.memory import MemoryStore

    machine = Machine(Core, library, decode, installed())
    rhythm = ServiceSettings(
        group_records=batch, snapshots=SnapshotRhythm(every=NEVER, entries=NEVER), downtime_after=NEVER
    )
    metrics = EngineMetrics(CollectorRegistry(), installed())
    return Service(machine, MemoryStore({}), [source], clock, metrics, on_commit=on_commit, settings=rhythm)


@contextmanager
def stored(folder: Path) -> Iterator[Reader]:
    """The data of an engine, running or not, to be read only. Raises `engine.errors.StoreUnavailable`."""
    from engine.storage.sqlite import SqliteReader

    with closing(SqliteReader(folder / DATABASE)) as found:
        yield found


def stored_version(folder: Path, kind: str, id: str) -> Version | None:
    """One version of the operator's files, as it is kept in the same data."""
    from engine.storage.sqlite import SqliteReader

    with closing(SqliteReader(folder / DATABASE)) as found:
        return found.version(kind, id)


@contextmanager
def back_tester(folder: Path, asked: Asked) -> Iterator[BackTester]:
    """A back-test over the input log in the same data, to be read only."""
    from api.backtest import BackTester
    from engine.resume import StoredLibrary
    from engine.storage.sqlite import SqliteReader

    with closing(SqliteReader(folder / DATABASE)) as found:
        yield BackTester(found, StoredLibrary(found), decode, asked)


@contextmanager
def stored_core(folder: Path) -> Iterator[tuple[Known, Reader]]:
    """The core of the newest snapshot in the same data, as far as it got. Raises `StoreUnavailable`."""
    from api.evidence import Known
    from engine import state as states
    from engine.errors import StoreUnavailable
    from engine.resume import StoredLibrary
    from engine.storage.sqlite import SqliteReader

    with closing(SqliteReader(folder / DATABASE)) as found:
        snapshot = next((one for one in found.snapshots() if one.schema == Core.SCHEMA), None)
        if snapshot is None:
            raise StoreUnavailable(f"{folder} holds no snapshot that this version reads")
        state, library = states.decode(snapshot.state), StoredLibrary(found)
        topology = library.topology(state.topology) if state.topology else Topology.build()
        rules = library.rules(state.rules) if state.rules else RuleSet.default()
        yield Known(state, topology, rules), found


@contextmanager
def audit(folder: Path) -> Iterator[Record]:
    """The record of decisions in the same data."""
    from engine.storage.sqlite import SqliteReader

    with closing(SqliteReader(folder / DATABASE)) as found:
        yield found


@contextmanager
def erasing(folder: Path) -> Iterator[Audit]:
    """The same, to erase from. Raises `engine.errors.StoreUnavailable` while an engine has it."""
    from engine.storage.sqlite import SqliteStore

    with closing(SqliteStore(folder / DATABASE, {})) as found:
        yield found


class Record(Protocol):
    """What a reader offers to whoever verifies the record of decisions."""

    def domains(self) -> list[str]:
        """All domains that have a chain."""

    def chain(self, domain: str) -> Iterable[ChainRow]:
        """The records of a domain."""

    def heads(self) -> list[Head]:
        """The stored end of every chain."""


@dataclass(frozen=True)
class Running:
    """An engine put together: its application, and the threads that `start` begins."""

    app: object
    lane: Lane
    start: Callable[[], None]
    end_streams: Callable[[], None]
    first_token: Callable[[], str | None]


@contextmanager
def engine(settings: Settings, *, clock: Clock = now, stopped: Stopped | None = None) -> Iterator[Running]:
    """Everything, from the settings; taken apart in reverse order. ``stopped`` hears when the engine cannot go on.

    Raises Wrong (the operator's files), `engine.errors.StoreUnavailable`, `engine.errors.StoreCorrupt`."""
    from api.app import create_app
    from api.auth.opening import opened
    from api.broadcast import Broadcaster
    from api.conductor import Conductor
    from api.doorway import Doorway
    from api.lane import Lane
    from api.parts import Parts
    from api.routes.ingest import ROWS
    from engine.publish.publisher import Publisher
    from engine.resume import StoredLibrary
    from engine.storage.sqlite import SqliteStore
    from engine.submissions import Submissions
    from ingest.inbox import HttpInbox

    loaded, registry = _loaded(settings), CollectorRegistry()
    with ExitStack() as stack:
        metrics = EngineMetrics(registry, installed())
        sinks = settings.sinks.open(_world(settings, clock, stack))
        audiences = {sink.name: sink.audiences for sink in sinks}
        store = stack.enter_context(closing(SqliteStore(settings.data / DATABASE, audiences)))
        broadcaster = Broadcaster(store.feed, settings.limits.streams)
        library, inbox, submissions = StoredLibrary(store), HttpInbox(), Submissions()
        doorway = Doorway(inbox, submissions, settings.limits.wait)
        publisher = Publisher(store, sinks, submissions.submit, clock, metrics, _publisher_settings(settings))
        metrics.watch_source("http", lambda: inbox.depth()[0], lambda: inbox.depth()[2])
        kafka, scenarios = _kafka(settings, metrics), Watch(settings.scenarios, registry)
        told = broadcaster.wake, publisher.wake, stopped
        conductor = Conductor(settings, library, submissions, clock, *told, scenarios)
        prober, fetcher = _askers(settings, conductor, store, submissions, clock, registry, stack)
        service = Service(
            Machine(Core, library, decode, installed()), store, [doorway, *kafka], clock, metrics,
            on_commit=partial(_committed, conductor, prober), settings=_service_settings(settings),
        )  # fmt: skip
        stack.callback(conductor.stop)
        stack.callback(publisher.stop)
        parts = Parts(
            settings=settings, access=opened(settings, clock, stack),
            reader=store, tickets=lambda one: store.links(incident=one), redrive=publisher.redrive,
            hinted=publisher.hinted, decode=decode, clock=clock, accept=doorway.accept, topology=conductor.topology,
            rules=conductor.rules, logs=conductor.logs, reload=conductor.reload, silences=conductor.silences,
            version=store.version, dead_letter=store.dead_letter, settle_dead_letter=store.settle_dead_letter,
            checks=lambda: _checks(conductor, inbox, kafka, prober, fetcher), broadcaster=broadcaster, prober=prober,
            registry=registry, scenarios=scenarios, audits=Audits(conductor.topology, clock, registry),
            observations=Observations(conductor.traces, conductor.topology, registry), state=conductor.state,
            readiness=_book(store, conductor, clock, registry), test_sink=partial(_test_sink, settings, clock),
            sample=partial(_sample, metrics, store, prober, clock),
        )  # fmt: skip
        app = create_app(parts, broadcaster.running)

        def start() -> None:
            conductor.start(service, loaded)
            for part in (publisher, prober, fetcher):
                part.start()

        lane = Lane(app, ROWS, settings.server.prefix, decode, doorway.offer, settings.limits)
        yield Running(app, lane, start, broadcaster.close, parts.access.first_token)


def _world(settings: Settings, clock: Clock, stack: ExitStack) -> World:
    settings.data.mkdir(parents=True, exist_ok=True)
    limits = settings.publishing
    return World(clock, settings.data, stack, limits.timeout, limits.deadline)


def _loaded(settings: Settings) -> Loaded:
    """The operator's files, and the failpoints armed. Raises Wrong."""
    try:
        failpoints.arm(settings.failpoints)
    except ValueError as error:
        raise Wrong([Finding("failpoints", 0, str(error))]) from None
    loaded = files.load(settings.catalogue, settings.rules, settings.sinks.names)
    if loaded.wrong:
        raise Wrong(loaded.wrong)
    for finding in (*loaded.findings, *_unnamed(settings, loaded)):
        log.warning("%s", finding)
    return loaded


def _test_sink(settings: Settings, clock: Clock, name: str) -> SinkTest | None:
    """What comes of a test of the sink of this name; None when there is none."""
    with ExitStack() as stack:
        return trial.attempt(settings.sinks, name, _world(settings, clock, stack))


def _book(store: SqliteStore, conductor: Conductor, clock: Clock, registry: CollectorRegistry) -> Book:
    """What is known of incidents that are over, also as metrics."""
    asked = conductor.state, conductor.topology, conductor.rules
    book = Book(store, lambda one: store.links(incident=one), *asked, clock, Registry())
    ReadinessMetrics(book, registry)
    return book


def _sample(metrics: EngineMetrics, store: SqliteStore, prober: Prober, clock: Clock) -> None:
    """For each scrape."""
    prober.sample()
    metrics.sample_store(store, store, clock())


def _committed(conductor: Conductor, prober: Prober, commit: Commit) -> None:
    conductor.committed(commit)
    if commit.incidents:
        prober.wake()


def _askers(
    settings: Settings,
    conductor: Conductor,
    reader: Reader,
    submissions: Submissions,
    clock: Clock,
    registry: CollectorRegistry,
    stack: ExitStack,
) -> tuple[Prober, Fetcher]:
    """What looks at the world by itself: probes, and queries for windows."""
    from api.fetcher import Fetcher
    from api.outgoing import range_clients, world
    from api.prober import Prober
    from ingest.probes.run import run

    try:
        around = world(settings.probes, clock, stack)
    except OSError as error:
        raise Wrong([Finding(str(settings.probes.authorities), 0, f"cannot be read: {error.strerror}")]) from None
    incidents = partial(_open_incidents, reader)
    prober = Prober(
        lambda check: run(check, around), conductor.rules, incidents, submissions.submit, clock, registry,
        settings.probes.threads, lambda name: conductor.topology().resolve(name),
    )  # fmt: skip
    stack.callback(prober.stop)
    clients = range_clients(settings.prometheus, stack)
    fetcher = Fetcher(
        clients, conductor.rules, conductor.topology, incidents, submissions.submit, clock, registry
    )  # fmt: skip
    stack.callback(fetcher.stop)
    return prober, fetcher


def _open_incidents(reader: Reader) -> Iterator[IncidentView]:
    """All of them, page by page, as they are stored."""
    cursor = ""
    while True:
        page = reader.incidents(state=sorted(OPEN), cursor=cursor, limit=500)
        yield from (one for one in page.items if isinstance(one, IncidentView))
        cursor = page.next
        if not cursor:
            return


def _unnamed(settings: Settings, loaded: Loaded) -> list[Finding]:
    return [] if loaded.rules is None else unnamed(settings.probes, settings.prometheus, loaded.rules, settings.rules)


def _service_settings(settings: Settings) -> ServiceSettings:
    return ServiceSettings(
        snapshots=SnapshotRhythm(every=round(settings.snapshot * 1000)),
        retention=round(settings.retention.input_log * DAY),
    )


def _publisher_settings(settings: Settings) -> PublisherSettings:
    from engine.publish.breaker import BreakerSettings
    from engine.publish.delivery import DispatchSettings
    from engine.publish.poller import PollSettings
    from engine.publish.publisher import PublisherSettings
    from engine.publish.reconciler import ReconcileSettings

    asked = settings.publishing
    return PublisherSettings(
        dispatch=DispatchSettings(
            lease=round(asked.lease * 1000), attempts=asked.attempts, probes=asked.probes, doubt=asked.doubt,
            longest_wait=asked.longest_wait,
            breaker=BreakerSettings(failures=asked.failures, longest=asked.longest_wait),
        ),
        reconcile=ReconcileSettings(every=asked.reconcile),
        poll=PollSettings(every=asked.poll, wait=settings.limits.wait),
    )  # fmt: skip


def _kafka(settings: Settings, metrics: EngineMetrics) -> list[KafkaSource]:
    if not settings.kafka:
        return []
    from ingest.kafka import KafkaSource

    found = [
        KafkaSource(one.bootstrap, one.topics, one.group, name=f"kafka:{one.name}", max_bytes=settings.limits.body)
        for one in settings.kafka
    ]
    for source in found:
        metrics.watch_source(source.name, partial(_lag, source), lambda: 0.0)
    return found


def _lag(source: KafkaSource) -> float:
    return float(sum(source.lag().values()))


def _checks(
    conductor: Conductor, inbox: HttpInbox, kafka: list[KafkaSource], prober: Prober, fetcher: Fetcher
) -> list[Check]:
    return [*conductor.checks(inbox), *map(_check_kafka, kafka), prober.ready(), fetcher.ready()]


def _check_kafka(source: KafkaSource) -> Check:
    """A broker that is away is told, and does not keep HTTP senders out: the engine stays ready."""
    trouble = source.trouble()
    return Check(source.name, True, trouble or f"{_lag(source):g} records behind")
