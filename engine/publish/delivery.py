"""One sink's share of the outbox: claim rows, call the sink, record what came of it.

Rows of different incidents are claimed together. For a sink that deduplicates by key their attempts are noted in the
claim's transaction, and results are recorded together soon after: a crash repeats calls under the same keys. For
another sink each attempt is made durable just before its call, in one transaction with the result of the call
before. There an unclear answer is looked for (`Finder`) at growing distances before the publication is sent again, and
what is sent again leaves a doubt for the reconciler. SEV1 is sent again after the first look: better told twice.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import msgspec

from engine import failpoints
from engine.errors import SinkError
from engine.metrics import EngineMetrics
from engine.ports import Clock
from engine.publish.breaker import CLOSED, Breaker, BreakerSettings
from engine.publish.leases import Leases
from engine.sending import Finder, Outbox, OutboxRow, Receipt, Sink
from engine.signals import Millis

log = logging.getLogger(__name__)

FAIL_OPEN = "SEV1"
UNCLEAR = "unclear whether the receiver has this: look there, then re-drive it or leave it"


class DispatchSettings(msgspec.Struct, frozen=True, kw_only=True):
    """``lease`` (ms) is renewed while calls run. ``probes``: seconds before each look for an unclear row. ``batch``:
    rows per claim; ``together``: ms for which results may wait for others. ``doubt``: seconds for which a second
    ticket may turn up after something was sent twice."""

    lease: Millis = 30_000
    attempts: int = 24
    first_wait: float = 1.0
    longest_wait: float = 300.0
    idle_seconds: float = 1.0
    probes: tuple[float, ...] = (30.0, 120.0, 300.0)
    batch: int = 32
    together: Millis = 200
    doubt: float = 900.0
    breaker: BreakerSettings = BreakerSettings()


class Delivery:
    """Moves rows to ``sink``. ``ending`` says that no further call is to be begun."""

    def __init__(
        self,
        sink: Sink,
        outbox: Outbox,
        clock: Clock,
        metrics: EngineMetrics,
        breaker: Breaker,
        leases: Leases,
        settings: DispatchSettings,
        jitter: Callable[[], float],
    ) -> None:
        self._sink, self._outbox, self._clock, self._metrics = sink, outbox, clock, metrics
        self._breaker, self._leases, self._settings, self._jitter = breaker, leases, settings, jitter
        self._results: list[tuple[str, Callable[[], bool]]] = []
        self._recorded: Millis = 0
        self.ending = False

    def round(self) -> int:
        """Claim and publish due rows; returns how many were claimed. Raises what the outbox raises."""
        if not self._breaker.allows():
            return 0
        now, sink = self._clock(), self._sink
        limit = self._settings.batch if self._breaker.state == CLOSED else 1
        rows = self._outbox.claim(sink.name, now, self._settings.lease, limit, sent=sink.idempotent)
        if rows:
            self._results, self._recorded = [], now
            failpoints.reach("outbox.after_claim")
            with self._leases.kept(rows, now):
                self._work(rows)
        return len(rows)

    def _work(self, rows: Sequence[OutboxRow]) -> None:
        for row in rows:
            if self.ending or not self._breaker.allows():
                due = max(self._clock(), self._breaker.until)
                self._note("released", self._outbox.release, row, due, "")
            elif row.ambiguous and not self._sink.idempotent:
                self._probe(row)
            else:
                self._publish(row)
            if self._results and self._clock() - self._recorded >= self._settings.together:
                self._record()
        self._record()

    def _publish(self, row: OutboxRow) -> None:
        sink = self._sink
        if not (self._leases.hold(row) if sink.idempotent else self._begin(row)):
            self._count("fenced")
            return
        failpoints.reach("outbox.before_send")
        trial = self._breaker.state != CLOSED
        try:
            receipt = sink.send(row)
        except SinkError as error:
            self._failed(row, error, trial=trial)
        except Exception as error:
            log.exception("the sink %s failed on publication %s", sink.name, row.publication.key)
            self._failed(row, SinkError(f"the sink failed: {type(error).__name__}", ambiguous=True), trial=trial)
        else:
            failpoints.reach("outbox.after_send_before_record")
            self._breaker.succeeded()
            self._confirm(row, receipt, "confirmed", again=row.ambiguous or row.attempts > 0)

    def _begin(self, row: OutboxRow) -> bool:
        """The attempt on disk before the call, and with it what is not recorded yet."""
        with self._outbox.together():
            done = self._apply()
            begun = self._outbox.sent(row, self._clock())
        self._counted(done)
        return begun

    def _confirm(self, row: OutboxRow, receipt: Receipt, result: str, *, again: bool) -> None:
        """``again``: it was sent more than once. Who lost the lease may have made a second one, too."""
        now, name = self._clock(), self._sink.name
        keyless = bool(receipt.keeps) and not self._sink.idempotent
        until = now + round(self._settings.doubt * 1000) if keyless else 0

        def record() -> bool:
            recorded = self._outbox.confirmed(row, now, receipt, doubtful=until if again else 0)
            if not recorded and keyless:
                self._outbox.doubt(name, row.publication.incident, until)
            return recorded

        self._results.append((result, record))

    def _failed(self, row: OutboxRow, error: SinkError, *, trial: bool) -> None:
        """Permanent, or tried too often: dead. Else later, at growing distances with full jitter, or when the
        receiver says. What fails while the receiver is known to be away, or asks us to wait, is no try."""
        settings, tries = self._settings, row.attempts + 1
        self._breaker.answered(error)
        if error.permanent or (tries >= settings.attempts and not trial and not error.busy):
            self._bury(row, error.detail)
            return
        asks = error.ambiguous and not self._sink.idempotent
        wait = min(settings.longest_wait, settings.first_wait * 2 ** min(tries - 1, 30)) * self._jitter()
        wait = max(settings.probes[0] if asks else 0.0, wait if error.after is None else error.after)
        due = max(self._clock() + round(wait * 1000), self._breaker.until if error.busy else 0)
        if not asks and (trial or error.busy):
            self._note("transient", self._outbox.release, row, due, error.detail)
        else:
            self._later(row, due, error.detail, unclear=error.ambiguous, probes=0)

    def _probe(self, row: OutboxRow) -> None:
        """Is it there? Receivers may be minutes behind themselves, so one look is not enough to create it again."""
        sink, settings = self._sink, self._settings
        if not isinstance(sink, Finder):
            self._bury(row, UNCLEAR)
            return
        try:
            receipt = sink.find(row)
        except Exception as error:
            self._unanswered(row, error)
            return
        self._breaker.succeeded()
        looks = row.probes + 1
        self._metrics.probes.labels(sink.name, "missing" if receipt is None else "found").inc()
        if receipt is not None:
            self._confirm(row, receipt, "found", again=row.attempts > 1)
        elif looks < (1 if _level(row) == FAIL_OPEN else len(settings.probes)):
            due = self._clock() + round(settings.probes[looks] * 1000)
            self._later(row, due, "not found yet", unclear=True, probes=looks)
        else:
            self._publish(row)

    def _unanswered(self, row: OutboxRow, error: Exception) -> None:
        """A look that failed is none."""
        if not isinstance(error, SinkError):
            log.error("the sink %s failed to look for %s", self._sink.name, row.publication.key, exc_info=error)
            error = SinkError(f"the sink failed: {type(error).__name__}")
        self._metrics.probes.labels(self._sink.name, "failed").inc()
        self._breaker.answered(error)
        wait = max(self._settings.probes[0], error.after or 0.0)
        if error.permanent:
            self._bury(row, f"{UNCLEAR} ({error.detail})")
        else:
            self._later(row, self._clock() + round(wait * 1000), error.detail, unclear=True, probes=row.probes)

    def _later(self, row: OutboxRow, due: Millis, error: str, *, unclear: bool, probes: int) -> None:
        result = "ambiguous" if unclear else "transient"
        self._results.append((result, lambda: self._outbox.retry(row, due, error, ambiguous=unclear, probes=probes)))

    def _bury(self, row: OutboxRow, error: str) -> None:
        log.error("publication %s to %s is dead: %s", row.publication.key, self._sink.name, error)
        self._note("dead", self._outbox.dead, row, self._clock(), error)

    def _note(
        self, result: str, change: Callable[[OutboxRow, Millis, str], bool], row: OutboxRow, at: Millis, error: str
    ) -> None:
        self._results.append((result, lambda: change(row, at, error)))

    def _record(self) -> None:
        """All results so far, in one transaction."""
        if not self._results:
            return
        with self._outbox.together():
            done = self._apply()
        self._counted(done)

    def _apply(self) -> list[str]:
        return [result if change() else "fenced" for result, change in self._results]

    def _counted(self, done: Sequence[str]) -> None:
        """They are on disk."""
        self._results, self._recorded = [], self._clock()
        for result in done:
            self._count(result)
        if done:
            failpoints.reach("outbox.after_record")

    def _count(self, result: str) -> None:
        self._metrics.publications.labels(self._sink.name, result).inc()


def _level(row: OutboxRow) -> str:
    incident = row.publication.body.get("incident")
    severity = incident.get("severity") if isinstance(incident, dict) else None
    return str(severity.get("level")) if isinstance(severity, dict) else ""
