"""The composition root: the one place that names implementations and chooses the clock."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from api import files, stores
from api.continuity import ReadinessGauges
from api.feasibility import Audits
from api.files import Loaded
from api.findings import Finding, Wrong
from api.governance.access import AccessGauge
from api.kept import Kept
from api.observed import Observations
from api.probe_settings import unnamed
from api.readiness.book import Book
from api.readiness.collector import ReadinessMetrics
from api.restoring.library import books
from api.restoring_settings import unnamed_steps
from api.scenarios import Watch
from api.schemas import Check, SinkTest
from api.settings import Settings
from api.shapes import compile_types
from api.sinks import trial
from api.sinks.declared import World
from api.tracing import opening as traces
from api.version import installed
from api.watchdog import PATIENCE, Turns, Watchdog
from engine import envelope, failpoints, own
from engine.chain import Record
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
    from api.kafka.inputs import Inputs
    from api.lane import Lane
    from api.overload.parts import Admission
    from api.parts import InForce
    from api.prober import Prober
    from api.stores import AnyStore
    from engine.publish.publisher import Publisher, PublisherSettings
    from engine.submissions import Submissions

log = logging.getLogger(__name__)

NEVER = 1 << 60
nanos = time.time_ns
"""The wall clock for spans, in nanoseconds."""
Stopped = Callable[[BaseException], None]
DAY: Millis = 86_400_000


def now() -> Millis:
    """The wall clock."""
    return time.time_ns() // 1_000_000


def decode(format: str, body: bytes) -> Decoded:
    """What an entry of the input log says, the engine's own and everyone else's."""
    if format == own.FORMAT:
        return own.decode(body)
    return envelope.decode(body) if format == envelope.FORMAT else decoders.decode(format, body)


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
def stored(kept: Kept) -> Iterator[Reader]:
    """The data of an engine, running or not, to be read only. Raises `engine.errors.StoreUnavailable`."""
    with stores.reading(kept) as found:
        yield found


def stored_version(kept: Kept, kind: str, id: str) -> Version | None:
    """One version of the operator's files, as it is kept in the same data."""
    with stores.reading(kept) as found:
        return found.version(kind, id)


@contextmanager
def back_tester(kept: Kept, asked: Asked) -> Iterator[BackTester]:
    """A back-test over the input log in the same data, to be read only."""
    from api.backtest import BackTester
    from engine.resume import StoredLibrary

    with stores.reading(kept) as found:
        yield BackTester(found, StoredLibrary(found), decode, asked)


@contextmanager
def stored_core(kept: Kept) -> Iterator[tuple[Known, Reader]]:
    """The core of the newest snapshot in the same data, as far as it got. Raises `StoreUnavailable`."""
    from api.evidence import Known
    from engine import state as states
    from engine.errors import StoreUnavailable
    from engine.resume import StoredLibrary

    with stores.reading(kept) as found:
        snapshot = next((one for one in found.snapshots() if one.schema == Core.SCHEMA), None)
        if snapshot is None:
            raise StoreUnavailable(f"{kept} holds no snapshot that this version reads")
        state, library = states.decode(snapshot.state), StoredLibrary(found)
        topology = library.topology(state.topology) if state.topology else Topology.build()
        rules = library.rules(state.rules) if state.rules else RuleSet.default()
        yield Known(state, topology, rules), found


@contextmanager
def audit(kept: Kept) -> Iterator[Record]:
    """The record of decisions in the same data."""
    with stores.reading(kept) as found:
        yield found


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
    from api.lane import Lane
    from api.outgoing import silence_readers, workshop
    from api.overload.parts import admitting
    from api.parts import Parts
    from api.routes.ingest import ROWS
    from engine.publish.publisher import Publisher
    from engine.resume import StoredLibrary
    from engine.submissions import Submissions

    found, registry = loaded(settings, clock), CollectorRegistry()
    with ExitStack() as stack:
        metrics = EngineMetrics(registry, installed())
        sinks = settings.sinks.open(around := world(settings, clock, stack))
        audiences = {sink.name: sink.audiences for sink in sinks}
        store, leased = stores.opened(settings.kept, audiences, clock, stack)
        broadcaster = Broadcaster(store.feed, settings.limits.streams)
        library, submissions = StoredLibrary(store), Submissions()
        admission, doorway = admitting(settings, store.compact, submissions, clock, metrics, stack)
        tracing = traces.opened(settings.traces, around, nanos, registry, follow=(doorway, store, sinks))
        publisher = Publisher(store, sinks, submissions.submit, leased, metrics, publisher_settings(settings))
        kafka, scenarios = _kafka(settings, metrics, store, stack), Watch(settings.scenarios, registry)
        watchdog, told = Watchdog(registry), (broadcaster.wake, publisher.wake, stopped)
        conductor = Conductor(settings, library, submissions, clock, *told, scenarios)
        prober, fetcher = askers(settings, conductor, store, submissions, clock, registry, stack)
        service = Service(
            Machine(Core, library, decode, installed()), store, [doorway, *map(admission.hold, _sources(kafka))], clock,
            metrics, on_commit=partial(_committed, conductor, prober, kafka), settings=service_settings(settings),
        )  # fmt: skip
        admission.judge_by(conductor.topology, conductor.rules, conductor.writable)
        for stop in (conductor.stop, publisher.stop, watchdog.stop):
            stack.callback(stop)
        parts = Parts(
            settings=settings, access=opened(settings, clock, stack), reader=store, log=store, decode=decode,
            tickets=lambda one: store.links(incident=one), hinted=publisher.hinted, redrive=publisher.redrive,
            clock=clock, accept=doorway.accept, topology=conductor.topology, rules=conductor.rules, logs=conductor.logs,
            reload=conductor.reload, silences=conductor.silences, bring=conductor.bring, version=store.version,
            dead_letter=store.dead_letter, settle_dead_letter=store.settle_dead_letter, tracing=tracing,
            checks=lambda: _checks(conductor, admission, kafka, prober, fetcher, watchdog), load=admission.load,
            broadcaster=broadcaster, prober=prober, registry=registry, scenarios=scenarios, state=conductor.state,
            audits=Audits(conductor.topology, clock, registry), test_sink=partial(test_sink, settings, clock),
            observations=Observations(conductor.traces, conductor.topology, registry),
            sample=partial(_sample, metrics, store, prober, clock), readiness=book(store, conductor, clock, registry),
            workshop=workshop(settings, store, submissions.submit, clock, registry, stack),
            elsewhere=silence_readers(settings.alertmanagers, stack),
        )  # fmt: skip
        app = create_app(parts, broadcaster.running)
        threads = admission.disk, publisher, prober, fetcher, *([kafka] if kafka else ())
        own: Sequence[Turns] = conductor.loop, admission.disk.loop, prober.loop, broadcaster
        watched = partial(watch, watchdog, settings, publisher, lambda: (*own, *fetcher.loops, *_loops(kafka)))
        start = partial(_in_turn, partial(conductor.start, service, found), *(one.start for one in threads), watched)
        lane = Lane(app, () if tracing else ROWS, settings.server.prefix, decode, doorway.offer, settings.limits)
        yield Running(app, lane, start, broadcaster.close, parts.access.first_token)


def _in_turn(*begun: Callable[[], object]) -> None:
    for one in begun:
        one()


def watch(watchdog: Watchdog, settings: Settings, publisher: Publisher, *others: Callable[[], Iterable[Turns]]) -> None:
    """All loops, which have begun. One that calls a receiver may wait for it as long as a call may take."""
    watchdog.watch(publisher.loops, PATIENCE + 2 * settings.publishing.deadline)
    for loops in others:
        watchdog.watch(loops())
    watchdog.start()


def world(settings: Settings, clock: Clock, stack: ExitStack) -> World:
    """What sinks need of the world."""
    settings.data.mkdir(parents=True, exist_ok=True)
    limits = settings.publishing
    return World(clock, settings.data, stack, limits.timeout, limits.deadline)


def prepare(settings: Settings) -> None:
    """What comes before any thread: types compiled, failpoints armed. Raises Wrong."""
    compile_types()
    try:
        failpoints.arm(settings.failpoints)
    except ValueError as error:
        raise Wrong([Finding("failpoints", 0, str(error))]) from None


def loaded(settings: Settings, clock: Clock = now) -> Loaded:
    """The operator's files, and what comes before any thread. Raises Wrong."""
    prepare(settings)
    read = files.load(settings.catalogue, settings.rules, settings.sinks.names, books(settings, clock))
    if read.wrong:
        raise Wrong(read.wrong)
    for finding in (*read.findings, *_unnamed(settings, read)):
        log.warning("%s", finding)
    return read


def test_sink(settings: Settings, clock: Clock, name: str) -> SinkTest | None:
    """What comes of a test of the sink of this name; None when there is none."""
    with ExitStack() as stack:
        return trial.attempt(settings.sinks, name, world(settings, clock, stack))


def book(store: AnyStore, conductor: InForce, clock: Clock, registry: CollectorRegistry) -> Book:
    """What is known of incidents that are over, also as metrics."""
    asked = conductor.state, conductor.topology, conductor.rules
    found = Book(store, lambda one: store.links(incident=one), *asked, clock, Registry())
    ReadinessMetrics(found, registry)
    AccessGauge(store, registry)
    ReadinessGauges(conductor.topology, conductor.rules, conductor.state, clock, registry)
    return found


def _sample(metrics: EngineMetrics, store: AnyStore, prober: Prober, clock: Clock) -> None:
    """For each scrape."""
    prober.sample()
    metrics.sample_store(store, store, clock())


def _committed(conductor: Conductor, prober: Prober, kafka: Inputs | None, commit: Commit) -> None:
    conductor.committed(commit)
    if commit.incidents:
        prober.wake()
    if commit.dead and kafka:
        kafka.buried()


def askers(
    settings: Settings, conductor: InForce, reader: Reader, submissions: Submissions, clock: Clock,
    registry: CollectorRegistry, stack: ExitStack,
) -> tuple[Prober, Fetcher]:  # fmt: skip
    """What looks at the world by itself: probes, and queries for windows."""
    from api.fetcher import Fetcher
    from api.outgoing import range_clients
    from api.outgoing import world as outside
    from api.prober import Prober
    from ingest.probes.run import run

    try:
        around = outside(settings.probes, clock, stack)
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
    if (rules := loaded.rules) is None:
        return []
    named = unnamed(settings.probes, settings.prometheus, rules, settings.rules)
    return named + unnamed_steps(settings.restoring.steps, rules)


def service_settings(settings: Settings) -> ServiceSettings:
    """Sizes and distances of a service."""
    return ServiceSettings(
        snapshots=SnapshotRhythm(every=round(settings.snapshot * 1000)),
        retention=round(settings.retention.input_log * DAY),
    )


def publisher_settings(settings: Settings) -> PublisherSettings:
    """Those of the publisher."""
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


def _kafka(settings: Settings, metrics: EngineMetrics, reader: Reader, stack: ExitStack) -> Inputs | None:
    if not settings.kafka and not settings.sinks.kafka:
        return None
    from api.kafka.inputs import Inputs

    found = Inputs(settings.kafka, settings.sinks, metrics.registry, lambda: reader, settings.limits.body)
    stack.callback(found.stop)
    for source in found.sources:
        metrics.watch_source(source.name, partial(_lag, source.lag), lambda: 0.0)
    return found


def _loops(kafka: Inputs | None) -> Iterable[Turns]:
    return kafka.loops if kafka else ()


def _sources(kafka: Inputs | None) -> Sequence[Source]:
    return kafka.sources if kafka else ()


def _lag(ask: Callable[[], dict[tuple[str, int], int]]) -> float:
    return float(sum(ask().values()))


def _checks(
    conductor: Conductor, admission: Admission, kafka: Inputs | None, prober: Prober, fetcher: Fetcher,
    watchdog: Watchdog,
) -> list[Check]:  # fmt: skip
    from_kafka = kafka.checks() if kafka else ()
    others = prober.ready(), fetcher.ready(), watchdog.check()
    return [*conductor.checks(), *admission.checks(), *from_kafka, *others]
