"""Each event delivered one to five times: the result is that of one delivery.

    python -m tests.scenarios.duplicates [--events 100000] [--first 0]

goes through worlds of troubles until so many events were delivered once and one to five times, at once or later within
the lateness, and prints the seeds for which the two differ.
"""

from __future__ import annotations

import argparse
import random
import sys
import time

from tests.scenarios.canonical import Canonical, canonical, differences
from tests.scenarios.drive import Driven
from tests.scenarios.scoring import QUIET
from tests.scenarios.troubles import START, TroubleWorld, make

SOON = 5_000  # ms within which a sender or a proxy repeats itself


def result(world: TroubleWorld, rng: random.Random | None) -> tuple[Canonical, int]:
    """The canonical result but for the count of events, and how many were delivered."""
    arrivals = [
        (event.arrival + (rng.randrange(SOON) if rng and copy else 0), number, copy)
        for number, event in enumerate(world.events)
        for copy in range(rng.randint(1, 5) if rng else 1)
    ]
    driven, places = Driven(world.topology, start=START - 1000), {}
    for at, number, copy in sorted(arrivals):
        event = f"{driven.feed(at, (world.events[number].signal,))}-0"
        if copy == 0:
            places[event] = number
    driven.pass_time(START + 1_800_000 + QUIET)
    assert driven.core.counts["received"] == len(arrivals)
    found = canonical(driven, places, {n for n, event in enumerate(world.events) if not event.allowed})
    for said in found.values():
        said.pop("events", None)
    return found, len(arrivals)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--first", type=int, default=0)
    asked, began = parser.parse_args(), time.monotonic()
    seed, events, deliveries, wrong = asked.first, 0, 0, 0
    while events < asked.events:
        world = make(seed)
        once, number = result(world, None)
        again, count = result(world, random.Random(seed))
        if found := differences(once, again):
            wrong += 1
            sys.stdout.write(f"FAILED: seed {seed}: {found[0]}\n")
        seed, events, deliveries = seed + 1, events + number, deliveries + count
    sys.stdout.write(
        "| worlds | events | deliveries | failed | seconds |\n|---|---|---|---|---|\n"
        f"| {seed - asked.first} | {events:,} | {deliveries:,} | {wrong} | {time.monotonic() - began:,.0f} |\n"
    )
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
