"""Looks for second tickets of an incident where no key of ours can keep a receiver from having two.

All open links in turn, and those that were closed since the cycle before last; more often those in doubt: something
was sent twice, or by a publisher that had lost its lease, and the receiver's search may be minutes behind. The sink
closes what it finds besides the link (`Reconciled`); here it is noted and counted.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import msgspec

from engine import failpoints
from engine.errors import SinkError
from engine.metrics import EngineMetrics
from engine.ports import Clock
from engine.publish.breaker import Breaker
from engine.publish.loop import Loop
from engine.sending import Link, Outbox, Reconciled, Sink
from engine.signals import Millis

log = logging.getLogger(__name__)


class ReconcileSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds between two looks at all links, and at those in doubt."""

    every: float = 600.0
    doubtful: float = 60.0


class Reconciler:
    """One thread per `Reconciled` sink between `start` and `stop`, or call `round` by hand."""

    def __init__(
        self,
        outbox: Outbox,
        sinks: Sequence[Sink],
        clock: Clock,
        metrics: EngineMetrics,
        breakers: Mapping[str, Breaker],
        *,
        settings: ReconcileSettings | None = None,
    ) -> None:
        self._outbox, self._clock, self._metrics, self._breakers = outbox, clock, metrics, breakers
        self._settings = settings or ReconcileSettings()
        self._sinks = {sink.name: sink for sink in sinks if isinstance(sink, Reconciled)}
        self._next: dict[str, Millis] = {}
        self._loops = [self._loop(name) for name in self._sinks]

    def start(self) -> None:
        """Begin; the first cycle looks at all."""
        for loop in self._loops:
            loop.start()

    def stop(self, timeout: float = 5.0) -> None:
        """Let the looks in flight end."""
        for loop in self._loops:
            loop.end()
        for loop in self._loops:
            loop.join(timeout)

    def round(self, name: str) -> bool:
        """Look at the links of one sink that are due, as far as it answers; True when all were looked at."""
        now, every = self._clock(), round(self._settings.every * 1000)
        full = now >= self._next.get(name, 0)
        for link in self._outbox.unsettled(name, now - 2 * every):
            if (full or link.doubtful) and not self._look(name, link):
                return False
        if full:
            self._next[name] = now + every
        return True

    def _look(self, name: str, link: Link) -> bool:
        """False when the sink is to be left alone."""
        breaker, now = self._breakers[name], self._clock()
        if not breaker.allows():
            return False
        try:
            found = self._sinks[name].reconcile(link)
        except SinkError as error:
            self._metrics.reconciliations.labels(name, "failed").inc()
            log.warning("%s cannot say whether %s has duplicates: %s", name, link.remote, error.detail)
            breaker.answered(error)
            return error.permanent
        breaker.succeeded()
        failpoints.reach("reconcile.after_search")
        self._metrics.reconciliations.labels(name, "duplicates" if found else "single").inc()
        for duplicate in found:
            log.warning("%s had %s besides %s for incident %s", name, duplicate.remote, link.remote, link.incident)
            self._metrics.duplicate_tickets.labels(name).inc()
            changes = {"state": "duplicate", "changed_at": now, "doubtful": 0}
            self._outbox.keep(msgspec.structs.replace(duplicate, **changes))
        if link.doubtful and now >= link.doubtful:
            self._outbox.settled(link)
        return True

    def _loop(self, name: str) -> Loop:
        def work() -> bool:
            self.round(name)
            return False

        failures = self._metrics.publish_failures.labels(name)
        return Loop(f"reconcile-{name}", work, min(self._settings.doubtful, self._settings.every), failures.inc)
