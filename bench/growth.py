"""What an alert costs the core as the number of active alerts grows: python -m bench.growth [--upto 1000000]

No store, no decoder: `Core.handle` of batches of 64 on a clock of 20,000 alerts a second, settling included. At 1,000,
10,000, 100,000 and 1,000,000 active alerts: CPU µs of each of the next new alerts, of repeats of alerts anywhere in
the set, and what the process has grown by per alert. Domains are alike and grow in number, ten services and a database
each, twenty alerts a service. Beside them, as everything in memory becomes slower to reach: one look-up in a
dictionary of as many label sets.
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from engine.core import Core
from engine.library import Library
from engine.signals import Activation, AlertEvent, Labels, Millis
from topology.model import Dependency, Entity, Topology

BATCH = 64
EACH, SERVICES = 20, 10
MEASURED = 6_400
RATE = 20
"""Alerts a millisecond of the clock."""
START = 1_790_000_000_000
HOUR = 3_600_000


def world(alerts: int) -> Topology:
    """Services enough for so many alerts, ten to a database."""
    services = range(alerts // EACH + 1)
    return Topology.build(
        [Entity(id=f"svc-{n}") for n in services]
        + [Entity(id=f"db-{n}") for n in range(len(services) // SERVICES + 1)],
        [Dependency(consumer=f"svc-{n}", provider=f"db-{n // SERVICES}") for n in services],
    )


def events(first: int) -> Iterator[AlertEvent]:
    """New alerts, twenty to a service, from the ``first`` on."""
    number = first
    while True:
        service = f"svc-{number // EACH}"
        labels = {"alertname": f"High{number % EACH}", "service": service, "severity": "warning", "pod": f"p-{number}"}
        yield AlertEvent(Labels.of(labels), True, START, START + 100 * HOUR, b"{}", "", None, "", True)
        number += 1


class Growing:
    """A core, and what it was given."""

    def __init__(self, upto: int) -> None:
        library = Library()
        self.core = Core(library)
        self.now: Millis = START
        self.position = 1
        self.core.handle(1, [Activation("topology", library.add_topology(world(upto + 2 * MEASURED)))], self.now)
        self.known: list[AlertEvent] = []
        self._next = events(0)

    def take(self, batch: Sequence[AlertEvent]) -> None:
        """One input."""
        self.position += 1
        self.now += len(batch) // RATE
        self.core.handle(self.position, batch, self.now)

    def grow(self, count: int) -> float:
        """So many new alerts; CPU µs each, with the settling that they leave behind."""
        new = list(islice(self._next, count))
        self.known += new
        begun = time.process_time()
        for begin in range(0, count, BATCH):
            self.take(new[begin : begin + BATCH])
        self.now += 2_000
        self.core.tick(self.now)
        return 1e6 * (time.process_time() - begun) / count

    def repeat(self, count: int) -> tuple[float, float]:
        """CPU µs of a repeat of an alert anywhere; of a look-up of its label set in a plain dictionary."""
        again = random.Random(self.position).choices(self.known, k=count)
        keys = [one.labels.raw for one in again]
        plain = {one.labels.raw: 0 for one in self.known}
        begun = time.process_time()
        for begin in range(0, count, BATCH):
            self.take(again[begin : begin + BATCH])
        taken = time.process_time() - begun
        begun = time.process_time()
        for key in keys:
            plain[key] += 1
        return 1e6 * taken / count, 1e6 * (time.process_time() - begun) / count


def resident() -> int:
    """Bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--upto", type=int, default=1_000_000)
    upto: int = parser.parse_args().upto
    growing = Growing(upto)
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)
    before = resident()
    sys.stdout.write(f"{'active alerts':>14} {'new, µs':>9} {'repeat, µs':>11} {'look-up, µs':>12} {'kB each':>8}\n")
    active = 1_000
    while active <= upto:
        growing.grow(active - len(growing.known))
        each = (resident() - before) / len(growing.known) / 1000
        repeat, plain = growing.repeat(2 * MEASURED)
        new = growing.grow(MEASURED)
        sys.stdout.write(f"{active:>14,} {new:>9.1f} {repeat:>11.2f} {plain:>12.3f} {each:>8.2f}\n")
        sys.stdout.flush()
        active *= 10


if __name__ == "__main__":
    main()
