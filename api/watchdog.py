"""Watches the loops of the process: one that has ended, or does not turn, is told within its patience.

They are asked at each look at readiness and at each scrape. Where nobody looks at either, a loop of the watchdog's own
says it in the log; that one is watched like the others.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import NamedTuple, Protocol

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from api.schemas import Check
from ingest.turning import Turning

log = logging.getLogger(__name__)

PATIENCE = 60.0
"""Seconds until a loop that does not turn is told of, unless it may have to wait for others."""
EVERY = 5.0
"""Seconds between two looks of the watchdog's own."""


class Turns(Protocol):
    """A loop: whether it was begun, whether it lives, how many seconds ago its last turn began."""

    @property
    def name(self) -> str:
        """Our own, or one of the settings."""

    @property
    def begun(self) -> bool:
        """Was it started?"""

    @property
    def alive(self) -> bool:
        """Has it begun, and not ended?"""

    def age(self) -> float:
        """Seconds since its last turn began."""


class Watched(NamedTuple):
    """A loop, and after how many seconds it is late."""

    loop: Turns
    patience: float

    def trouble(self) -> str:
        """What is wrong with it; empty if nothing is."""
        if not self.loop.alive:
            return f"{self.loop.name} has {'ended' if self.loop.begun else 'not begun'}"
        age = self.loop.age()
        return f"{self.loop.name} has not turned for {age:.0f} s" if age > self.patience else ""


class Watchdog(Collector):
    """Asks all loops. ``stop`` ends its own."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._loop = Turning("watchdog", self._run)
        self._told: set[str] = set()
        self.watched: list[Watched] = []
        registry.register(self)

    def watch(self, loops: Iterable[Turns], patience: float = PATIENCE) -> None:
        """More loops."""
        self.watched += [Watched(loop, patience) for loop in loops]

    def start(self) -> None:
        """Begin to look by itself."""
        self.watch([self._loop])
        self._loop.start()

    def stop(self) -> None:
        """Look no more."""
        self._loop.end()
        self._loop.join(EVERY)

    def check(self) -> Check:
        """For readiness: which loops are in trouble."""
        wrong = list(self._troubles(self.watched).values())
        return Check("loops", not wrong, "; ".join(wrong) or f"{len(self.watched)} turn")

    def look(self) -> None:
        """Say in the log what has changed since the last look. What has not begun yet is readiness' to tell."""
        wrong = self._troubles([one for one in self.watched if one.loop.begun])
        for name in wrong.keys() - self._told:
            log.error("%s", wrong[name])
        for name in self._told - wrong.keys():
            log.warning("%s turns again", name)
        self._told = set(wrong)

    @staticmethod
    def _troubles(watched: Iterable[Watched]) -> dict[str, str]:
        return {one.loop.name: said for one in watched if (said := one.trouble())}

    def _run(self) -> None:
        while True:
            self._loop.turn()
            self._loop.pause(EVERY)
            if self._loop.ended:
                return  # others may have ended before, in good order
            self.look()

    def describe(self) -> Iterable[Metric]:
        """Nothing: without this the registry would collect when it starts."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """The age of each loop's last turn, and whether it is in trouble."""
        age = GaugeMetricFamily(
            "headwater_loop_age_seconds", "Time since a loop of the process began its last turn.", labels=("loop",)
        )
        stuck = GaugeMetricFamily(
            "headwater_loop_stuck", "1 where a loop of the process has ended or does not turn.", labels=("loop",)
        )
        for one in self.watched:
            age.add_metric((one.loop.name,), one.loop.age())
            stuck.add_metric((one.loop.name,), float(bool(one.trouble())))
        return age, stuck
