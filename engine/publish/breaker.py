"""A circuit breaker per sink: who does not answer is left alone for a while, and who asks for a pause gets it.

closed -> open after some failures in a row; open -> half open when its time is over: one call tries whether the
receiver is back; half open -> closed or open again, for longer. A receiver that says how long to wait
(``Retry-After``) is paused, which is no failure; one that only says that it is busy, for longer each time.
After M. Nygard, "Release It!" (2nd ed. 2018), chapter 5.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable

import msgspec

from engine.errors import SinkError
from engine.ports import Clock
from engine.publish.turns import Turns
from engine.signals import Millis

log = logging.getLogger(__name__)

SCARCE: Millis = 120_000
"""For so long after a pause a receiver counts as one that cannot take everything at once."""
CLOSED, PAUSED, OPEN, HALF_OPEN = STATES = ("closed", "paused", "open", "half_open")


class BreakerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """``failures`` in a row open it, for ``rest`` seconds at first and for ``longest`` at most."""

    failures: int = 5
    rest: float = 5.0
    longest: float = 300.0


class Breaker:
    """Thread-safe: all threads that call one sink share it. ``jitter`` gives numbers from 0 to 1."""

    def __init__(
        self, clock: Clock, settings: BreakerSettings | None = None, jitter: Callable[[], float] = random.random
    ) -> None:
        self._clock, self._settings, self._jitter = clock, settings or BreakerSettings(), jitter
        self._lock = threading.Lock()
        self._failed = 0
        self._openings = 0
        self._pauses = 0
        self._open_until: Millis = 0
        self._paused_until: Millis = 0
        self._turns = Turns()

    @property
    def state(self) -> str:
        """One of `STATES`."""
        now = self._clock()
        if now < self._open_until:
            return OPEN
        if now < self._paused_until:
            return PAUSED
        return HALF_OPEN if self._openings else CLOSED

    def allows(self) -> bool:
        """May the sink be called now?"""
        return self.state in (CLOSED, HALF_OPEN)

    @property
    def until(self) -> Millis:
        """When it may be called again."""
        return max(self._open_until, self._paused_until)

    def wants(self, kind: str, whether: bool) -> None:
        """Whether there are looks of this kind to be made (see `Turns`)."""
        self._turns.wants(kind, whether)

    def allows_look(self, kind: str) -> bool:
        """May the sink be called now for a look of this kind? Of a receiver that asks for pauses each has its turn."""
        scarce = self._paused_until > 0 and self._clock() < self._paused_until + SCARCE
        return self.allows() and (not scarce or self._turns.may(kind))

    def had_look(self, kind: str) -> None:
        """A look of this kind was answered."""
        self._turns.had(kind)

    def succeeded(self) -> None:
        """The receiver answered, be it with a refusal."""
        with self._lock:
            self._failed = self._openings = self._pauses = 0

    def failed(self) -> None:
        """It did not answer, or said that it is broken."""
        with self._lock:
            self._failed += 1
            if not self._openings and self._failed < self._settings.failures:
                return
            self._open_until = self._clock() + round(self._rest(self._openings) * 1000)
            self._openings += 1

    def answered(self, error: SinkError) -> None:
        """What an error says of the receiver."""
        if error.permanent:
            self.succeeded()
        elif error.after is not None:
            self.pause(error.after)
        elif error.busy:
            with self._lock:
                rest, self._pauses = self._rest(self._pauses), self._pauses + 1
            self.pause(rest)
        else:
            self.failed()

    def excused(self, error: Exception, what: str) -> bool:
        """A look failed, which only the log hears of; False when the receiver asks for a pause before the next."""
        if not isinstance(error, SinkError):
            log.error("%s", what, exc_info=error)
            error = SinkError(f"the sink failed: {type(error).__name__}")
        log.warning("%s: %s", what, error.detail)
        self.answered(error)
        return not error.busy

    def pause(self, seconds: float) -> None:
        """It asked to be left alone for so long."""
        with self._lock:
            self._paused_until = max(self._paused_until, self._clock() + round(seconds * 1000))

    def _rest(self, before: int) -> float:
        """Seconds, longer after each one before; not less than half of it by chance: the receiver is to have it."""
        rest: float = min(self._settings.longest, self._settings.rest * 2 ** min(before, 30))
        return rest * (0.5 + self._jitter() / 2)
