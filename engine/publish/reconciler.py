"""Looks for second tickets of an incident where no key of ours can keep a receiver from having two.

All open links in turn, and those that were closed since the cycle before last; more often those in doubt: something
was sent twice, or by a publisher that had lost its lease, and the receiver's search may be minutes behind. The sink
closes what it finds besides the link (`Reconciled`); here it is noted and counted.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Mapping, Sequence

import msgspec

from engine import failpoints
from engine.metrics import EngineMetrics
from engine.ports import Clock
from engine.publish.breaker import Breaker
from engine.publish.loop import Loop
from engine.sending import Link, Outbox, Reconciled, Sink
from engine.signals import Millis

log = logging.getLogger(__name__)


KIND = "duplicates"
IDLE = 5.0
"""Seconds between two looks at whether there is something to do."""


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
        self._left: dict[str, deque[str]] = {name: deque() for name in self._sinks}
        self._next: dict[str, Millis] = {}
        self._soon: dict[str, Millis] = {}
        self._loops = [self._loop(name) for name in self._sinks]

    @property
    def loops(self) -> list[Loop]:
        """All threads."""
        return list(self._loops)

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

    def round(self, name: str) -> None:
        """Go on with the links of one sink that are to be looked at, as far as it answers."""
        left, now = self._left[name], self._clock()
        if not left:
            left.extend(self._due(name, now))
        breaker = self._breakers[name]
        breaker.wants(KIND, bool(left))
        while left and breaker.allows_look(KIND):
            link = self._outbox.link(name, left[0])
            if link is not None and link.state != "duplicate" and not self._look(name, link):
                return
            left.popleft()
            breaker.had_look(KIND)
            breaker.wants(KIND, bool(left))

    def _due(self, name: str, now: Millis) -> list[str]:
        every, full = round(self._settings.every * 1000), now >= self._next.get(name, 0)
        if not full and now < self._soon.get(name, 0):
            return []
        self._soon[name] = now + round(self._settings.doubtful * 1000)
        if full:
            self._next[name] = now + every
        links = self._outbox.unsettled(name, now - 2 * every)
        return [link.remote for link in links if full or link.doubtful]

    def _look(self, name: str, link: Link) -> bool:
        """False when the sink asks for a pause: the same again then. What fails otherwise is left to the next cycle."""
        breaker, now = self._breakers[name], self._clock()
        try:
            found = self._sinks[name].reconcile(link)
        except Exception as error:
            self._metrics.reconciliations.labels(name, "failed").inc()
            return breaker.excused(error, f"{name} cannot say whether {link.remote} has duplicates")
        breaker.succeeded()
        failpoints.reach("reconcile.after_search")
        self._metrics.reconciliations.labels(name, "duplicates" if found else "single").inc()
        for duplicate in found:
            self._note(name, link, duplicate, now)
        if link.doubtful and now >= link.doubtful:
            self._outbox.settled(link)
        return True

    def _note(self, name: str, link: Link, duplicate: Link, now: Millis) -> None:
        known = self._outbox.link(name, duplicate.remote)
        if known is not None and known.state == "duplicate":
            return
        log.warning("%s had %s besides %s for incident %s", name, duplicate.remote, link.remote, link.incident)
        changes = {"state": "duplicate", "changed_at": now, "doubtful": 0}
        self._outbox.keep(msgspec.structs.replace(duplicate, **changes))
        self._metrics.duplicate_tickets.labels(name).inc()

    def _loop(self, name: str) -> Loop:
        def work() -> bool:
            self.round(name)
            return False

        failures = self._metrics.publish_failures.labels(name)
        return Loop(f"reconcile-{name}", work, min(IDLE, self._settings.doubtful, self._settings.every), failures.inc)
