"""A thread that turns: each of its turns is noted, so that somebody can see that it has stopped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Turning:
    """Runs ``run`` in a thread of this name, which calls `turn` whenever a round begins, `pause` between two of them,
    and returns once `ended` says so."""

    def __init__(self, name: str, run: Callable[[], None]) -> None:
        self.name = name
        self._thread = threading.Thread(target=run, name=name, daemon=True)
        self._turned = time.monotonic()
        self._wake, self._end = threading.Event(), threading.Event()

    @property
    def begun(self) -> bool:
        """Was it started?"""
        return self._thread.ident is not None

    @property
    def alive(self) -> bool:
        """Has it begun, and not ended?"""
        return self._thread.is_alive()

    @property
    def ended(self) -> bool:
        """Was it told to end?"""
        return self._end.is_set()

    def age(self) -> float:
        """Seconds since its last turn began."""
        return time.monotonic() - self._turned

    def turn(self) -> None:
        """A turn begins."""
        self._turned = time.monotonic()

    def start(self) -> None:
        """Begin."""
        self.turn()
        self._thread.start()

    def pause(self, seconds: float) -> None:
        """Wait until woken, at most so long."""
        self._wake.wait(seconds)
        self._wake.clear()

    def wake(self) -> None:
        """There may be something to do."""
        self._wake.set()

    def end(self) -> None:
        """Finish what is in hand, and no more."""
        self._end.set()
        self._wake.set()

    def join(self, timeout: float) -> None:
        """Wait for the end, at most ``timeout`` seconds."""
        if self.begun:
            self._thread.join(timeout)
