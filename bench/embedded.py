"""The embedded path without HTTP: what one alert costs from bytes to disk, in CPU µs: python -m bench.embedded

    python -m bench.embedded [--alerts 40000] [--batch 64] [--rate 25000] [--rounds 3] [--profile new|repeated]

The service of `headwater serve` (decoder, core, SQLite in WAL mode) takes requests of Prometheus alerts on a clock
that moves by the rate, so that settling, expiry and snapshots come as often as they would, however busy the machine
is. First all alerts are new, then they come again twice. Syncing to disk is left out: it is the disk's time. The
catalogue is the one of `bench.headwater`: fifty databases with ten services each, and others.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import statistics
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from prometheus_client import CollectorRegistry

from bench import alerts
from bench.headwater import catalogue
from engine.core import Core
from engine.library import Library
from engine.metrics import EngineMetrics
from engine.ports import Record
from engine.resume import Machine
from engine.service import Service
from engine.signals import Activation, Millis
from engine.storage.sqlite import SqliteStore
from ingest.decoders import alertmanager_v2
from topology.loading import load
from topology.model import Topology

START = 1_790_000_000
GROUP = 8
"""Requests that wait together: one transaction."""


class Requests:
    """A source of rendered requests."""

    name = "http"

    def __init__(self) -> None:
        self.waiting: deque[Record] = deque()

    def resume(self, positions: Mapping[tuple[str, int], int]) -> None:
        """They have no positions."""

    def poll(self, limit: int, timeout: float) -> Sequence[Record]:
        """What waits."""
        return [self.waiting.popleft() for _ in range(min(limit, len(self.waiting)))]

    def committed(self, records: Sequence[Record]) -> None:
        """Answered."""

    def failed(self, records: Sequence[Record], error: Exception) -> None:
        """Nothing here may fail."""
        raise error

    def close(self) -> None:
        """Nothing is held."""


class Embedded:
    """The service on a clock of its own."""

    def __init__(self, folder: Path, rate: int) -> None:
        self.now: Millis = START * 1000
        self._left, self._rate = 0.0, rate
        store = SqliteStore(folder / "bench.db", sinks={})
        store._writer.execute("PRAGMA synchronous = OFF")
        library, self.source = Library(), Requests()
        machine = Machine(Core, library, lambda _, body: alertmanager_v2.decode(body), "bench")
        metrics = EngineMetrics(CollectorRegistry(), "bench")
        self.service = Service(machine, store, [self.source], lambda: self.now, metrics)
        self.service.recover()
        activation = Activation("topology", library.add_topology(known()), 1)
        core = self.service.core
        if not isinstance(core, Core):
            raise TypeError
        core._activate(activation, self.now)

    def take(self, bodies: Iterable[bytes], batch: int) -> None:
        """All of them, ``GROUP`` requests at a time, as fast as the rate says."""
        held: list[bytes] = []
        for body in bodies:
            held.append(body)
            if len(held) == GROUP:
                self._group(held, batch)
                held = []
        self._group(held, batch)
        self.now += 1_000
        self.service.step(0)

    def _group(self, held: Sequence[bytes], batch: int) -> None:
        self._left += 1000 * batch * len(held) / self._rate
        self.now, self._left = self.now + int(self._left), self._left % 1
        self.source.waiting.extend(Record("http", "alertmanager-v2", body) for body in held)
        while self.source.waiting:
            self.service.step(0)
        self.service.step(0)


def known() -> Topology:
    """The catalogue of the measurements beside Alertmanager."""
    topology, problems = load({"catalogue.yaml": catalogue().encode()})
    if topology is None:
        sys.exit("\n".join(map(str, problems)))
    return topology


def measure(count: int, batch: int, rate: int, profile: str = "") -> dict[str, float]:
    """CPU µs per alert, new and repeated."""
    with tempfile.TemporaryDirectory() as folder:
        embedded = Embedded(Path(folder), rate)
        news = list(alerts.bodies(range(count), batch, START, minutes=60))
        again = [body for turn in (1, 2) for body in alerts.bodies(range(count), batch, START, minutes=60 + turn)]
        return {
            "new": _cpu(embedded, news, batch, profile == "new") / count,
            "repeated": _cpu(embedded, again, batch, profile == "repeated") / (2 * count),
        }


def _cpu(embedded: Embedded, bodies: Sequence[bytes], batch: int, profiled: bool) -> float:
    profile = cProfile.Profile()
    if profiled:
        profile.enable()
    begun = time.process_time()
    embedded.take(bodies, batch)
    taken = time.process_time() - begun
    if profiled:
        profile.disable()
        pstats.Stats(profile, stream=sys.stderr).sort_stats("tottime").print_stats(60)
    return 1e6 * taken


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alerts", type=int, default=40_000)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rate", type=int, default=25_000, help="alerts a second of the clock")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--profile", choices=("new", "repeated"))
    asked = parser.parse_args()
    found = [measure(asked.alerts, asked.batch, asked.rate, asked.profile or "") for _ in range(asked.rounds)]
    for kind in ("new", "repeated"):
        micros = sorted(one[kind] for one in found)
        middle = statistics.median(micros)
        sys.stdout.write(f"{kind:9} {middle:6.2f} µs of CPU an alert ({micros[0]:.2f} … {micros[-1]:.2f})\n")


if __name__ == "__main__":
    main()
