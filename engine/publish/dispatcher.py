"""Publishing the outbox: one thread per sink, so that a slow receiver keeps nobody else waiting.

A row is claimed under a lease, its attempt is made durable, the sink is called, the result is recorded (`Delivery`).
Rows of one incident are published in order: the outbox hands out only the first unfinished one. When the process
dies between the call and the record, the lease runs out and the row comes back marked ambiguous.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence

from engine.metrics import EngineMetrics
from engine.ports import Clock
from engine.publish.breaker import STATES, Breaker
from engine.publish.delivery import Delivery, DispatchSettings
from engine.publish.leases import Leases
from engine.publish.loop import Loop
from engine.sending import Outbox, Sink

__all__ = ["DispatchSettings", "Dispatcher"]


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
        self._outbox, self._clock, self._metrics = outbox, clock, metrics
        settings = settings or DispatchSettings()
        leases = Leases(outbox, clock, settings.lease)
        self._breakers = {sink.name: Breaker(clock, settings.breaker, jitter) for sink in sinks}
        self._deliveries = {
            sink.name: Delivery(
                sink, outbox, clock, metrics, self._breakers[sink.name], leases, settings, jitter
            )
            for sink in sinks
        }  # fmt: skip
        self._loops = {
            name: Loop(f"publish-{name}", _working(delivery), settings.idle_seconds, _counting(metrics, name))
            for name, delivery in self._deliveries.items()
        }
        self._renewals = Loop("publish-leases", leases.renew, settings.lease / 3000, lambda: None)
        for name, breaker in self._breakers.items():
            metrics.watch_breaker(name, STATES, _state(breaker))

    @property
    def breakers(self) -> Mapping[str, Breaker]:
        """One per sink, for whoever else calls it."""
        return self._breakers

    @property
    def loops(self) -> list[Loop]:
        """All threads."""
        return [*self._loops.values(), self._renewals]

    def start(self) -> None:
        """One thread per sink, and one that renews leases."""
        self._renewals.start()
        for loop in self._loops.values():
            loop.start()

    def wake(self) -> None:
        """There may be something new in the outbox."""
        for loop in self._loops.values():
            loop.wake()

    def stop(self, timeout: float = 5.0) -> None:
        """Let the calls in flight end, at most ``timeout`` seconds each; their rows come back otherwise."""
        for delivery in self._deliveries.values():
            delivery.ending = True
        for loop in self._loops.values():
            loop.end()
        for loop in self._loops.values():
            loop.join(timeout)
        self._renewals.end()
        self._renewals.join(timeout)

    def round(self, sink: Sink) -> int:
        """Claim and publish due rows; returns how many were claimed. Raises what the outbox raises."""
        return self._deliveries[sink.name].round()

    def redrive(self, id: int) -> bool:
        """Bring a dead row back to new, and see to it at once; False when there is no such dead row."""
        found = self._outbox.redrive(id, self._clock())
        if found:
            self._metrics.redrives.inc()
            self.wake()
        return found


def _working(delivery: Delivery) -> Callable[[], bool]:
    return lambda: delivery.round() > 0


def _counting(metrics: EngineMetrics, sink: str) -> Callable[[], None]:
    return metrics.publish_failures.labels(sink).inc


def _state(breaker: Breaker) -> Callable[[], str]:
    return lambda: breaker.state
