"""Makes probes and data checks when they are due, and puts their answers into the input log.

One thread decides, a pool of threads works. No kind may hold more than half of the pool: where all databases hang, HTTP
is still probed. A check that is still under way is not begun again, but counted as skipped.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

import msgspec
from prometheus_client import CollectorRegistry, Gauge
from prometheus_client import Counter as Counted

from api.probe_schedule import Check, Schedule
from api.probe_schemas import ProbeAnswer, ProbeRow, ProbesOf
from api.schemas import Check as Ready
from engine import own
from engine.errors import StoreUnavailable
from engine.outcomes import IncidentView
from engine.ports import Record
from engine.probing import Wanted, wanted
from engine.signals import Answer, Millis
from ingest.turning import Turning
from rules.probes import Probe
from rules.ruleset import RuleSet

log = logging.getLogger(__name__)

STEP = 1.0
"""Seconds between two looks at what is due, at most."""
LOOK: Millis = 5_000
"""Incidents are looked at so often, and once one has changed."""
CHANGED: Millis = 1_000
"""So long at least lies between two looks: each reads all open incidents, and in a storm every commit changes one."""
ENDING = 10.0


class Busy(Exception):
    """The check is under way, or the pool is full."""


class Prober:
    """``run`` makes one check and never raises; ``open_incidents`` are those that are open, as they are stored;
    ``submit`` puts a record into the input log; ``resolve`` gives the id of an entity of any of its names."""

    def __init__(
        self,
        run: Callable[[Check], Answer],
        rules: Callable[[], RuleSet],
        open_incidents: Callable[[], Iterable[IncidentView]],
        submit: Callable[[Record], Future[None]],
        clock: Callable[[], Millis],
        registry: CollectorRegistry,
        threads: int = 8,
        resolve: Callable[[str], str | None] = str,
    ) -> None:
        self._run, self._rules, self._incidents, self._submit = run, rules, open_incidents, submit
        self._clock, self._resolve = clock, resolve
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="probe")
        self._half = max(1, threads // 2)
        self._lock = threading.RLock()
        self._news = threading.Event()
        self.loop = Turning("prober", self._decide)
        self._version: str | None = None
        self._schedule = Schedule((), 0)
        self._looked: Millis = 0
        self._running: dict[str, str] = {}
        self._last: dict[str, Answer] = {}
        self._runs: Counter[str] = Counter()
        self._failures: Counter[str] = Counter()
        self._skipped: Counter[str] = Counter()
        self._metrics(registry)

    def _metrics(self, registry: CollectorRegistry) -> None:
        """Ids come from the operator's rules, so the label is bounded."""
        self._success = Gauge(
            "headwater_probe_success", "1: the last answer passed, 0: not; absent: unknown.", ("probe",),
            registry=registry,
        )  # fmt: skip
        self._age = Gauge("headwater_probe_age_seconds", "Time since the last answer.", ("probe",), registry=registry)
        self._failed = Counted("headwater_probe_failures", "Runs that did not pass.", ("probe",), registry=registry)
        self._lost = Counted("headwater_probe_answers_lost", "Answers that could not be stored.", registry=registry)
        self._skips = Counted("headwater_probe_skipped", "Runs left out: one was under way.", registry=registry)

    def start(self) -> None:
        """Begin the thread that decides."""
        self.loop.start()

    def stop(self) -> None:
        """Begin nothing more; what is under way ends by its own time limit."""
        self.loop.end()
        self.loop.join(ENDING)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def wake(self) -> None:
        """An incident has changed."""
        if not self._news.is_set():
            self._news.set()
            self.loop.wake()

    def ready(self) -> Ready:
        """What readiness looks at. A probe that fails, or is late, keeps no sender out."""
        alive = self.loop.alive
        with self._lock:
            text = f"{len(self._schedule.checks)} declared, {len(self._running)} under way"
        return Ready("probes", alive, text if alive else "its thread has ended")

    def run_now(self, id: str) -> Future[Answer]:
        """Make a check now. Raises KeyError where none has this id, `Busy`."""
        with self._lock:
            self._follow_rules()
            return self._begin(self._schedule.checks[id])

    def listed(self, *, data: bool) -> ProbesOf:
        """The declared probes, or data checks, with their last answers."""
        with self._lock:
            self._follow_rules()
            rows = [self._row(one) for one in self._schedule.checks.values() if isinstance(one, Probe) is not data]
            return ProbesOf(items=rows, rules=self._version or "")

    def sample(self) -> None:
        """Set the gauges, for each scrape."""
        now = self._clock()
        with self._lock:
            self._age.clear()
            for id, answer in self._last.items():
                self._age.labels(id).set(max(0, now - answer.at) / 1000)

    def _row(self, one: Check) -> ProbeRow:
        last = self._last.get(one.id)
        every = self._schedule.every(one) if isinstance(one, Probe) else 0
        return ProbeRow(
            id=one.id,
            entity=one.entity,
            kind=one.kind,
            every=every,
            often=one.entity in self._schedule.wanted.often,
            running=one.id in self._running,
            runs=self._runs[one.id],
            failures=self._failures[one.id],
            skipped=self._skipped[one.id],
            next=self._schedule.next(one.id),
            last=shown(last) if last is not None else None,
        )

    def _decide(self) -> None:
        while not self.loop.ended:
            self.loop.turn()
            try:
                self._step()
            except Exception:
                log.exception("probes could not be begun; trying again")
            self.loop.pause(STEP)

    def _step(self) -> None:
        now = self._clock()
        with self._lock:
            self._follow_rules()
        if self._schedule.checks and now - self._looked >= (CHANGED if self._news.is_set() else LOOK):
            self._news.clear()
            self._looked = now
            asked = wanted(self._incidents())
            with self._lock:
                self._schedule.want(self._as_declared(asked))
        with self._lock:
            for check in self._schedule.due(now):
                try:
                    self._begin(check)
                except Busy:
                    if check.id in self._running:
                        self._schedule.begun(check.id, now)
                        self._skipped[check.id] += 1
                        self._skips.inc()

    def _as_declared(self, asked: Wanted) -> Wanted:
        """With the names under which the rules know these entities."""
        ids = {one.entity: self._resolve(one.entity) or one.entity for one in self._schedule.checks.values()}
        often = {name for name, id in ids.items() if id in asked.often}
        restored = {name: asked.restored[id] for name, id in ids.items() if id in asked.restored}
        return Wanted(frozenset(often), restored)

    def _follow_rules(self) -> None:
        rules = self._rules()
        if rules.version == self._version:
            return
        before, self._schedule = self._schedule, Schedule((*rules.probes, *rules.data_checks), self._clock())
        self._schedule.follow(before)
        self._version = rules.version
        for id in [id for id in self._last if self._schedule.checks.get(id) != before.checks.get(id)]:
            del self._last[id]
        for id in [id for id in before.checks if id not in self._schedule.checks]:
            for table in (self._runs, self._failures, self._skipped):
                table.pop(id, None)
            for metric in (self._success, self._failed):
                with suppress(KeyError):
                    metric.remove(id)

    def _begin(self, check: Check) -> Future[Answer]:
        """Under the lock."""
        if check.id in self._running:
            raise Busy(f"{check.id} is under way")
        if sum(kind == check.kind for kind in self._running.values()) >= self._half:
            raise Busy(f"{self._half} checks of kind {check.kind} are under way")
        self._running[check.id] = check.kind
        self._schedule.begun(check.id, self._clock())
        return self._pool.submit(self._work, check)

    def _work(self, check: Check) -> Answer:
        try:
            answer = self._run(check)
        finally:
            with self._lock:
                self._running.pop(check.id, None)
            self.loop.wake()
        self._keep(check, answer)
        try:
            self._submit(own.answer(answer)).add_done_callback(self._stored)
        except StoreUnavailable:
            self._lost.inc()
        return answer

    def _stored(self, durable: Future[None]) -> None:
        if durable.cancelled() or durable.exception() is not None:
            self._lost.inc()

    def _keep(self, check: Check, answer: Answer) -> None:
        with self._lock:
            if self._schedule.checks.get(check.id) != check:
                return  # declared otherwise meanwhile
            self._runs[check.id] += 1
            self._last[check.id] = answer
            self._schedule.ended(check.id, passed=answer.passed == "yes")
            if answer.passed == "unknown":
                with suppress(KeyError):
                    self._success.remove(check.id)
                return
            self._success.labels(check.id).set(answer.passed == "yes")
            if answer.passed == "no":
                self._failures[check.id] += 1
                self._failed.labels(check.id).inc()


def shown(answer: Answer) -> ProbeAnswer:
    """An answer as the API gives it."""
    return ProbeAnswer(**msgspec.structs.asdict(answer))
