"""Publishing the outbox: one thread per sink, so that a slow receiver keeps nobody else waiting.

A row is claimed under a lease, its attempt is made durable (`Outbox.sent`), the sink is called, the result is recorded.
Rows of one incident are published in order: the outbox hands out only the first unfinished one. When the process
dies between the call and the record, the lease runs out and the row comes back marked ambiguous. A sink that
deduplicates by key is then simply called again; another is asked whether it has the publication (`Finder`), a few
times, before it is called again; one that cannot be asked is left to a person.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Sequence

import msgspec

from engine import failpoints
from engine.errors import SinkError
from engine.metrics import EngineMetrics
from engine.ports import Clock
from engine.sending import Finder, Outbox, OutboxRow, Receipt, Sink
from engine.signals import Millis

log = logging.getLogger(__name__)


class DispatchSettings(msgspec.Struct, frozen=True, kw_only=True):
    """``lease`` outlasts the slowest call of a sink. ``probes``: seconds between looks for an unclear row."""

    lease: Millis = 30_000
    attempts: int = 24
    first_wait: float = 1.0
    longest_wait: float = 300.0
    idle_seconds: float = 1.0
    probes: tuple[float, ...] = (30.0, 120.0, 300.0)


class Dispatcher:
    """Moves outbox rows to ``sinks``. `start` and `stop` its threads, or call `round` by hand."""

    def __init__(
        self,
        outbox: Outbox,
        sinks: Sequence[Sink],
        clock: Clock,
        metrics: EngineMetrics,
        *,
        settings: DispatchSettings | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._outbox, self._sinks, self._clock, self._metrics = outbox, sinks, clock, metrics
        self._settings = settings or DispatchSettings()
        self._jitter = jitter
        self._probed: dict[int, int] = {}
        self._stop = threading.Event()
        self._wakes = {sink.name: threading.Event() for sink in sinks}
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """One thread per sink."""
        for sink in self._sinks:
            thread = threading.Thread(target=self._run, args=(sink,), name=f"publish-{sink.name}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def wake(self) -> None:
        """There may be something new in the outbox."""
        for wake in self._wakes.values():
            wake.set()

    def stop(self, timeout: float = 5.0) -> None:
        """Let the calls in flight end, at most ``timeout`` seconds each; their rows come back otherwise."""
        self._stop.set()
        self.wake()
        for thread in self._threads:
            thread.join(timeout)

    def round(self, sink: Sink) -> int:
        """Claim and publish one due row; returns how many there were (0 or 1). Raises what the outbox raises."""
        rows = self._outbox.claim(sink.name, self._clock(), self._settings.lease, 1)
        for row in rows:
            failpoints.reach("outbox.after_claim")
            if row.ambiguous and not sink.idempotent:
                self._probe(sink, row)
            else:
                self._publish(sink, row)
        return len(rows)

    def _run(self, sink: Sink) -> None:
        wake = self._wakes[sink.name]
        while not self._stop.is_set():
            wake.clear()
            try:
                if self.round(sink):
                    continue
            except Exception:
                self._metrics.publish_failures.labels(sink.name).inc()
                log.exception("publishing to %s failed on our side; it goes on", sink.name)
            wake.wait(self._settings.idle_seconds)

    def _publish(self, sink: Sink, row: OutboxRow) -> None:
        failpoints.reach("outbox.before_send")
        if not self._outbox.sent(row, self._clock()):
            self._count(sink, "fenced")
            return
        try:
            receipt = sink.send(row)
        except SinkError as error:
            self._failed(sink, row, error)
        except Exception as error:
            log.exception("the sink %s failed on publication %s", sink.name, row.publication.key)
            self._failed(sink, row, SinkError(f"the sink failed: {type(error).__name__}", ambiguous=True))
        else:
            failpoints.reach("outbox.after_send_before_record")
            self._confirm(sink, row, receipt, "confirmed")
            failpoints.reach("outbox.after_record")

    def _confirm(self, sink: Sink, row: OutboxRow, receipt: Receipt, result: str) -> None:
        self._probed.pop(row.id, None)
        recorded = self._outbox.confirmed(row, self._clock(), receipt)
        self._count(sink, result if recorded else "fenced")

    def _failed(self, sink: Sink, row: OutboxRow, error: SinkError) -> None:
        """Permanent, or tried too often: dead. Else later, when the receiver says or at growing, jittered distances."""
        settings, tries = self._settings, row.attempts + 1
        if error.permanent or tries >= settings.attempts:
            self._bury(sink, row, error.detail)
            return
        wait = min(settings.longest_wait, settings.first_wait * 2 ** min(tries - 1, 30))
        wait *= 0.5 + self._jitter() / 2
        wait = max(wait, error.after or 0.0)
        if error.ambiguous and not sink.idempotent:
            wait = settings.probes[0]
        self._later(row, wait, error.detail, ambiguous=error.ambiguous)
        self._count(sink, "ambiguous" if error.ambiguous else "transient")

    def _probe(self, sink: Sink, row: OutboxRow) -> None:
        """Is it there? Receivers may be minutes behind themselves, so one look is not enough to create it again."""
        if not isinstance(sink, Finder):
            self._bury(sink, row, "unclear whether the receiver has this: look there, then re-drive it or leave it")
            return
        try:
            receipt = sink.find(row)
        except SinkError as error:
            self._later(row, max(self._settings.probes[0], error.after or 0.0), error.detail, ambiguous=True)
            return
        looks = self._probed[row.id] = self._probed.get(row.id, 0) + 1
        if receipt is not None:
            self._confirm(sink, row, receipt, "found")
        elif looks < len(self._settings.probes):
            self._later(row, self._settings.probes[looks], "not found yet", ambiguous=True)
        else:
            del self._probed[row.id]
            self._publish(sink, row)

    def _later(self, row: OutboxRow, seconds: float, error: str, *, ambiguous: bool) -> None:
        self._outbox.retry(row, self._clock() + round(seconds * 1000), error, ambiguous=ambiguous)

    def _bury(self, sink: Sink, row: OutboxRow, error: str) -> None:
        log.error("publication %s to %s is dead: %s", row.publication.key, sink.name, error)
        self._probed.pop(row.id, None)
        self._outbox.dead(row, self._clock(), error)
        self._count(sink, "dead")

    def _count(self, sink: Sink, result: str) -> None:
        self._metrics.publications.labels(sink.name, result).inc()
