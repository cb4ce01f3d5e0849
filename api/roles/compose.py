"""Each role put together from the settings, and taken apart in reverse order."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial

from prometheus_client import CollectorRegistry

from api import bootstrap, files, stores
from api.app import create_app
from api.auth.opening import Opened, opened
from api.bootstrap import Running
from api.broadcast import Broadcaster
from api.errors import Fault, Problem
from api.feasibility import Audits
from api.findings import Finding, Wrong
from api.kafka.shards import ShardTopic
from api.lane import Lane
from api.observed import Observations
from api.outgoing import silence_readers, workshop
from api.overload.parts import admitting
from api.parts import Parts
from api.restoring.library import books
from api.roles.force import InForce
from api.roles.intake import Intake
from api.roles.lanes import ANSWER, Lanes, ShardMember
from api.roles.plain import plain
from api.roles.raw import RawTopics
from api.roles.shards import Opener, ShardMetrics, Working
from api.routes.ingest import ROWS
from api.scenarios import Watch
from api.schemas import Check, Reloaded
from api.settings import Settings
from api.tracing import opening as traces
from api.version import installed
from api.watchdog import PATIENCE, Watchdog
from engine.errors import StoreUnavailable
from engine.metrics import EngineMetrics
from engine.ports import Clock
from engine.publish.publisher import Publisher
from engine.resume import StoredLibrary
from engine.storage.postgres import DatabaseClock, PostgresStore
from engine.submissions import Submissions
from engine.worker import Worker
from ingest.turning import Turning
from rules.playbooks.policy import ContinuityPolicy
from rules.ruleset import RuleSet
from topology.model import Topology

log = logging.getLogger(__name__)

NUDGE = 0.5
"""Seconds between looks for what other processes have stored."""
AGAIN = 2.0
RECOVERING = 600.0
"""Seconds until a worker that does not turn is told of: taking a shard over replays what came after its snapshot."""
Stopped = Callable[[BaseException], None] | None
"""Hears when the process cannot go on."""


class _Front:
    """What comes in and what may be asked: stage 1 for requests and commands, and the store for answers."""

    def __init__(
        self, settings: Settings, cluster: ShardTopic, clock: Clock, stack: ExitStack, *, brings: bool
    ) -> None:
        self.settings, self.clock, self.brings = settings, clock, brings
        self.registry = CollectorRegistry()
        self.metrics = EngineMetrics(self.registry, installed())
        dsn = stores.address(settings.kept)
        self.leased = stack.enter_context(closing(DatabaseClock(dsn)))
        self.sinks = settings.sinks.open(bootstrap.world(settings, clock, stack))
        audiences = {sink.name: sink.audiences for sink in self.sinks}
        self.store = stack.enter_context(closing(PostgresStore(dsn, audiences, owner=_name())))
        self.lanes = stack.enter_context(closing(Lanes(cluster)))
        self.library = StoredLibrary(self.store)
        self.force = InForce(self.store, self.library, cluster.shards, self.lanes.send, clock)
        self.submissions = Submissions()
        self.admission, self.doorway = admitting(
            settings, self.store.compact, self.submissions, clock, self.metrics, stack
        )
        self.admission.judge_by(self.force.topology, self.force.rules, lambda: not self._store_trouble())
        self.intakes = [Intake([self.doorway], bootstrap.decode, self.force, self.lanes.send)]
        self.loaded = bootstrap.loaded(settings) if brings else None
        self.brought = not brings
        self._reloading = asyncio.Lock()
        self.watchdog = Watchdog(self.registry)
        self._loop = Turning("follow", self._follow)
        self.wakes: list[Callable[[], None]] = []

    def start(self) -> None:
        """Begin all threads."""
        for intake in self.intakes:
            intake.start()
        self.admission.disk.start()
        self._loop.start()
        self.watchdog.watch([self.admission.disk.loop])
        sending = [self._loop, self.lanes.loop, *(intake.loop for intake in self.intakes)]
        self.watchdog.watch(sending, PATIENCE + ANSWER)
        self.watchdog.start()

    def stop(self) -> None:
        """Answer what was taken, and end."""
        self.watchdog.stop()
        self._loop.end()
        for intake in self.intakes:
            intake.stop()
        self._loop.join(AGAIN)

    def checks(self) -> list[Check]:
        """What readiness looks at."""
        found = [Check("store", not (said := self._store_trouble()), said)]
        for intake in self.intakes:
            ok = intake.alive and not intake.trouble
            found.append(Check("intake", ok, intake.trouble or ("" if intake.alive else "its thread has ended")))
        found.append(Check("files", self.brought, "" if self.brought else "catalogue and rules are not in force yet"))
        return [*found, *self.admission.checks(), self.watchdog.check()]

    async def reload(self) -> Reloaded:
        """Read the files and bring into force what differs. Raises Problem."""
        if not self.brings:
            raise Problem(409, "not-here", "Files are brought into force by the api role.")
        async with self._reloading:
            loaded = await asyncio.to_thread(
                files.load,
                self.settings.catalogue,
                self.settings.rules,
                self.settings.sinks.names,
                books(self.settings, self.clock),
            )
            if loaded.wrong:
                faults = [Fault("", str(finding)) for finding in loaded.wrong]
                raise Problem(422, "files-wrong", "The files have mistakes; what was in force stays so.", faults=faults)
            changed = await asyncio.to_thread(self._bring, loaded.topology, loaded.rules)
            return Reloaded(self.force.noted.topology, self.force.noted.rules, changed, None)

    async def bring(self, continuity: ContinuityPolicy) -> bool:
        """Let these playbooks come into force, and nothing else. Raises Problem."""
        if not self.brings:
            raise Problem(409, "not-here", "Playbooks are brought into force by the api role.")
        async with self._reloading:
            rules = self.force.rules().with_continuity(continuity)
            return bool(await asyncio.to_thread(self._bring, None, rules))

    def _bring(self, topology: Topology | None, rules: RuleSet | None) -> list[str]:
        if rules is not None and self.settings.suppression == "enforce":
            rules = rules.with_mode("enforce")
        return self.force.activate(topology, rules)

    def _follow(self) -> None:
        """Bring the files into force once, then look for what others have stored."""
        while not self._loop.ended:
            self._loop.turn()
            try:
                if not self.brought and self.loaded is not None:
                    self._bring(self.loaded.topology, self.loaded.rules)
                    self.brought = True
                for wake in self.wakes:
                    wake()
            except StoreUnavailable as error:
                log.error("%s", error)
                self._loop.pause(AGAIN)
            except Exception:
                log.exception("what others have stored could not be looked at; trying again")
                self._loop.pause(AGAIN)
            self._loop.pause(NUDGE)

    def _store_trouble(self) -> str:
        try:
            self.force.refresh()
        except StoreUnavailable as error:
            return str(error)
        return ""


@dataclass(frozen=True)
class _Role:
    """What every role stands on: its cluster, who may come in, and what is undone at its end."""

    cluster: ShardTopic
    access: Opened
    stack: ExitStack


@contextmanager
def _role(settings: Settings, clock: Clock) -> Iterator[_Role]:
    cluster = _needed(settings)
    bootstrap.prepare(settings)
    with ExitStack() as stack:
        yield _Role(cluster, opened(settings, clock, stack), stack)


@contextmanager
def front(settings: Settings, *, raw: bool, clock: Clock = bootstrap.now, stopped: Stopped = None) -> Iterator[Running]:
    """The roles ``ingest`` (``raw``: it reads the raw topics) and ``api`` (it brings the files into force)."""
    with _role(settings, clock) as role:
        stack = role.stack
        made = _Front(settings, role.cluster, clock, stack, brings=not raw)
        if raw:
            sources = [RawTopics(one, settings.limits.body) for one in settings.kafka]
            made.intakes += [Intake([one], bootstrap.decode, made.force, made.lanes.send) for one in sources]
        store, registry = made.store, made.registry
        outside = bootstrap.world(settings, clock, stack)
        tracing = traces.opened(settings.traces, outside, bootstrap.nanos, registry)
        publisher = _publisher(made)
        broadcaster = Broadcaster(store.feed, settings.limits.streams)
        made.wakes.append(broadcaster.wake)
        made.watchdog.watch([broadcaster])
        prober, _ = bootstrap.askers(settings, made.force, store, made.submissions, clock, registry, stack)
        parts = Parts(
            settings=settings, access=role.access, reader=store, log=store,
            tickets=lambda one: store.links(incident=one), redrive=publisher.redrive,
            hinted=publisher.hinted, decode=bootstrap.decode, clock=clock, accept=made.doorway.accept,
            topology=made.force.topology, rules=made.force.rules, logs=lambda: None, reload=made.reload,
            bring=made.bring, silences=tuple, version=store.version, dead_letter=store.dead_letter,
            settle_dead_letter=store.settle_dead_letter, checks=made.checks, load=made.admission.load,
            broadcaster=broadcaster, prober=prober,
            registry=registry, scenarios=Watch(settings.scenarios, registry),
            audits=Audits(made.force.topology, clock, registry),
            observations=Observations(lambda: None, made.force.topology, registry), state=lambda: None,
            readiness=bootstrap.book(store, made.force, clock, registry),
            workshop=workshop(settings, store, made.submissions.submit, clock, registry, stack),
            elsewhere=silence_readers(settings.alertmanagers, stack),
            sample=lambda: made.metrics.sample_store(store, store, clock()),
            test_sink=partial(bootstrap.test_sink, settings, clock), tracing=tracing,
        )  # fmt: skip
        app = create_app(parts, broadcaster.running)
        stack.callback(made.stop)
        lane = Lane(
            app, () if tracing else ROWS, settings.server.prefix, bootstrap.decode, made.doorway.offer, settings.limits
        )
        yield Running(app, lane, made.start, broadcaster.close, role.access.first_token if made.brings else _no_token)


@contextmanager
def work(settings: Settings, *, clock: Clock = bootstrap.now, stopped: Stopped = None) -> Iterator[Running]:
    """The role ``work``: owns shards."""
    with _role(settings, clock) as role:
        cluster, stack = role.cluster, role.stack
        sinks = settings.sinks.open(bootstrap.world(settings, clock, stack))
        audiences = {sink.name: sink.audiences for sink in sinks}
        lanes = stack.enter_context(closing(Lanes(cluster)))
        rhythm = bootstrap.service_settings(settings)
        opener = Opener(
            stores.address(settings.kept), audiences, cluster.shards, _name(), bootstrap.decode, clock, rhythm
        )
        worker = Worker(opener.open, lanes.send)
        working = Working(worker, lambda one: ShardMember(cluster, one, ""), stopped or (lambda _: None))
        registry = CollectorRegistry()
        registry.register(ShardMetrics(opener, worker))
        watchdog = Watchdog(registry)
        watchdog.watch([working.loop], RECOVERING)
        watchdog.watch([lanes.loop], PATIENCE + ANSWER)

        def checks() -> list[Check]:
            found = [Check("worker", working.alive and not working.trouble, working.trouble)]
            for shard, one in sorted(dict(worker.owned).items()):
                health = one.service.health()
                found.append(Check(f"shard {shard}", health.ready, health.reason))
            found += [Check(f"shard {shard}", False, said) for shard, said in sorted(dict(worker.troubles).items())]
            return [*found, watchdog.check()]

        def start() -> None:
            working.start()
            watchdog.start()

        stack.callback(working.stop)
        stack.callback(watchdog.stop)
        yield plain(settings, role.access, registry, checks, start)


@contextmanager
def publish(settings: Settings, *, clock: Clock = bootstrap.now, stopped: Stopped = None) -> Iterator[Running]:
    """The role ``publish``: sends what the outbox of all shards holds, and takes in what people do with it."""
    with _role(settings, clock) as role:
        stack = role.stack
        made = _Front(settings, role.cluster, clock, stack, brings=False)
        publisher = _publisher(made)
        made.wakes.append(publisher.wake)
        asking = bootstrap.askers(settings, made.force, made.store, made.submissions, clock, made.registry, stack)
        stack.callback(made.stop)
        stack.callback(publisher.stop)
        stack.callback(made.watchdog.stop)
        made.watchdog.watch(publisher.loops, PATIENCE + 2 * settings.publishing.deadline)
        prober, fetcher = asking
        made.watchdog.watch([prober.loop, *fetcher.loops])

        def start() -> None:
            made.start()
            for part in (publisher, *asking):
                part.start()

        yield plain(settings, role.access, made.registry, made.checks, start)


def _publisher(made: _Front) -> Publisher:
    settings = bootstrap.publisher_settings(made.settings)
    return Publisher(made.store, made.sinks, made.submissions.submit, made.leased, made.metrics, settings)


def _needed(settings: Settings) -> ShardTopic:
    """Raises Wrong: a role needs a cluster."""
    wrong: Sequence[Finding] = [
        Finding("headwater.yaml", 0, f"{name}: a role of a cluster needs it (docs/scaleout.md)")
        for name, there in (("cluster", settings.cluster is not None), ("store", bool(settings.store)))
        if not there
    ]
    if wrong or settings.cluster is None:
        raise Wrong(list(wrong))
    return settings.cluster


def _no_token() -> None:
    """The first administrator is made where people log in: at the role ``api``."""


def _name() -> str:
    """For people who look at who owns what."""
    return socket.gethostname()
