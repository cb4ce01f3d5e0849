"""What people do in tickets flows back: every open ticket is looked at now and then, sooner when a web hook hints.

A hint is only a reason to look: nothing of its body is believed. What a look finds goes into the input log first; only
then is it noted as seen. A crash in between finds the same changes again, under the same keys, which the core ignores.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future

import msgspec

from engine import failpoints, own
from engine.metrics import EngineMetrics
from engine.ports import Clock, Record
from engine.publish.breaker import Breaker
from engine.publish.loop import Loop
from engine.sending import Link, Outbox, Sink, Watched
from engine.signals import Millis

MOST_HINTS = 10_000
"""Hints that wait; beyond that the next round looks at everything anyway."""

KIND = "changes"
IDLE = 5.0
"""Seconds between two looks at whether there is something to do."""

Submit = Callable[[Record], "Future[None]"]
"""Puts a record into the input log; done when it is durable. Raises `engine.errors.StoreUnavailable`."""


class PollSettings(msgspec.Struct, frozen=True, kw_only=True):
    """``every``: seconds between two looks at an open ticket. ``wait``: seconds for the input log to take a change."""

    every: float = 60.0
    wait: float = 30.0


class Poller:
    """One thread per `Watched` sink between `start` and `stop`, or call `round` by hand."""

    def __init__(
        self,
        outbox: Outbox,
        sinks: Sequence[Sink],
        submit: Submit,
        clock: Clock,
        metrics: EngineMetrics,
        breakers: Mapping[str, Breaker],
        *,
        settings: PollSettings | None = None,
    ) -> None:
        self._outbox, self._submit, self._clock = outbox, submit, clock
        self._metrics, self._breakers, self._settings = metrics, breakers, settings or PollSettings()
        self._sinks = {sink.name: sink for sink in sinks if isinstance(sink, Watched)}
        self._lock = threading.Lock()
        self._hints: dict[str, dict[str, None]] = {name: {} for name in self._sinks}
        self._left: dict[str, dict[str, None]] = {name: {} for name in self._sinks}  # of the round that is under way
        self._next: dict[str, Millis] = {}
        self._loops = {name: self._loop(name) for name in self._sinks}

    @property
    def loops(self) -> list[Loop]:
        """All threads."""
        return list(self._loops.values())

    def start(self) -> None:
        """Begin; the first round looks at all."""
        for loop in self._loops.values():
            loop.start()

    def stop(self, timeout: float = 5.0) -> None:
        """Let the looks in flight end."""
        for loop in self._loops.values():
            loop.end()
        for loop in self._loops.values():
            loop.join(timeout)

    def hinted(self, sink: str, body: bytes) -> bool:
        """A web hook of the receiver was called with ``body``; False when there is no such sink, or no ticket in it."""
        watched = self._sinks.get(sink)
        remote = watched.hint(body) if watched is not None else ""
        if not remote:
            return False
        with self._lock:
            hints = self._hints[sink]
            if len(hints) < MOST_HINTS:
                hints[remote] = None
        self._loops[sink].wake()
        return True

    def round(self, name: str) -> int:
        """Look at what was hinted at, and go on with all that is open; returns how many looks were made."""
        left, now, looks = self._left[name], self._clock(), 0
        with self._lock:
            hints, self._hints[name] = self._hints[name], {}
        if not left and now >= self._next.get(name, 0):
            self._next[name] = now + round(self._settings.every * 1000)
            left.update(dict.fromkeys(link.remote for link in self._outbox.links(sink=name, state="open")))
        left.update(hints)
        breaker = self._breakers[name]
        for remote in [*hints, *(remote for remote in left if remote not in hints)]:
            breaker.wants(KIND, bool(left))
            if not breaker.allows_look(KIND):
                break  # it stays for later, and so do the others
            link = self._outbox.link(name, remote)
            if link is None or link.state == "duplicate" or self._look(name, link):
                del left[remote]
                breaker.had_look(KIND)
            looks += link is not None
        breaker.wants(KIND, bool(left))
        return looks

    def _look(self, name: str, link: Link) -> bool:
        """False when the sink asks for a pause: the same again then. What fails otherwise is left to the next time."""
        breaker = self._breakers[name]
        try:
            look = self._sinks[name].look(link)
        except Exception as error:
            self._metrics.ticket_looks.labels(name, "failed").inc()
            return breaker.excused(error, f"{name} does not show {link.remote}")
        breaker.succeeded()
        failpoints.reach("poll.after_look")
        durable = [self._submit(own.ticket(event)) for event in look.events]
        for one in durable:
            one.result(self._settings.wait)
        failpoints.reach("poll.after_submit")
        if look.seen != link.seen:
            self._outbox.saw(link, look.seen)
        self._metrics.ticket_looks.labels(name, "changed" if look.events else "same").inc()
        self._metrics.ticket_events.labels(name).inc(len(look.events))
        return True

    def _loop(self, name: str) -> Loop:
        def work() -> bool:
            self.round(name)
            return False

        failures = self._metrics.publish_failures.labels(name)
        return Loop(f"look-{name}", work, min(IDLE, self._settings.every), failures.inc)
