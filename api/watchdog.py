"""Watches the loops of the process: one that has ended, or does not turn, is told within a minute.

A loop that waits for a slow receiver turns late without being broken; each has its own patience.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from api.schemas import Check


class Watched(NamedTuple):
    """A loop: whether its thread lives, how many seconds ago its last turn began, and after how many it is late."""

    name: str
    alive: Callable[[], bool]
    age: Callable[[], float]
    patience: float

    def trouble(self) -> str:
        """What is wrong with it; empty if nothing is."""
        if not self.alive():
            return f"{self.name} has ended"
        age = self.age()
        return f"{self.name} has not turned for {age:.0f} s" if age > self.patience else ""


class Watchdog(Collector):
    """Asks all loops, at each look at readiness and at each scrape."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._loops: list[Watched] = []
        registry.register(self)

    def watch(self, name: str, alive: Callable[[], bool], age: Callable[[], float], patience: float) -> None:
        """One more loop; names are our own and those of the settings."""
        self._loops.append(Watched(name, alive, age, patience))

    def check(self) -> Check:
        """For readiness: which loops are in trouble."""
        wrong = [said for loop in self._loops if (said := loop.trouble())]
        return Check("loops", not wrong, "; ".join(wrong) or f"{len(self._loops)} turn")

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
        for loop in self._loops:
            age.add_metric((loop.name,), loop.age())
            stuck.add_metric((loop.name,), float(bool(loop.trouble())))
        return age, stuck
