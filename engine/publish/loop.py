"""A thread that works as long as there is work, then waits until it is woken or for a while."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

log = logging.getLogger(__name__)


class Loop:
    """``work`` says whether there may be more of it at once; ``failed`` hears that it raised, and it goes on."""

    def __init__(self, name: str, work: Callable[[], bool], idle: float, failed: Callable[[], None]) -> None:
        self.name, self._work, self._idle, self._failed = name, work, idle, failed
        self._turned = time.monotonic()
        self._wake, self._ended = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def begun(self) -> bool:
        """Was it started?"""
        return self._thread is not None

    @property
    def alive(self) -> bool:
        """Has it begun, and not ended?"""
        return self._thread is not None and self._thread.is_alive()

    def age(self) -> float:
        """Seconds since its last turn began."""
        return time.monotonic() - self._turned

    def turn(self) -> None:
        """A turn begins."""
        self._turned = time.monotonic()

    def start(self) -> None:
        """Begin."""
        self.turn()
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """There may be something to do."""
        self._wake.set()

    def end(self) -> None:
        """Finish what is in hand, and no more."""
        self._ended.set()
        self._wake.set()

    def join(self, timeout: float) -> None:
        """Wait for the end, at most ``timeout`` seconds."""
        if self._thread is not None:
            self._thread.join(timeout)

    def _run(self) -> None:
        while not self._ended.is_set():
            self._wake.clear()
            self.turn()
            more = False
            try:
                more = self._work()
            except Exception:
                self._failed()
                log.exception("%s failed on our side; it goes on", self.name)
            if not more and not self._ended.is_set():
                self._wake.wait(self._idle)
