"""Law 4 on the trouble worlds: another order of arrival, within the lateness, gives the same canonical result.

    python -m tests.scenarios.orders [--seeds 20] [--first 0] [--orders 3] [--no-noise]

prints the seeds for which it does not, and what differs.
"""

from __future__ import annotations

import argparse
import random
import sys

from tests.scenarios.canonical import Canonical, canonical, differences
from tests.scenarios.drive import Driven
from tests.scenarios.scoring import QUIET
from tests.scenarios.troubles import LATENESS, START, TroubleWorld, make


def arrived(world: TroubleWorld, rng: random.Random | None) -> Canonical:
    """The canonical result: as the world has it, or each event as late as chance has it, within what is allowed."""
    arrivals = []
    for number, event in enumerate(world.events):
        sent = event.signal.starts_at if event.signal.firing else event.signal.ends_at
        assert sent is not None
        # a repeat is sent later than its alert's start: it may be earlier than its world had it, never than its start
        at = event.arrival if rng is None else max(sent, event.arrival - LATENESS) + rng.randrange(LATENESS)
        arrivals.append((at, number))
    driven = Driven(world.topology, start=START - 1000)
    places = {f"{driven.feed(at, (world.events[number].signal,))}-0": number for at, number in sorted(arrivals)}
    driven.pass_time(START + 1_800_000 + QUIET)
    return canonical(driven, places, {n for n, event in enumerate(world.events) if not event.allowed})


def differing(world: TroubleWorld, orders: int) -> list[str]:
    """What differs between the world's own order and others, in words."""
    first = arrived(world, None)
    return [
        f"order {order}: {difference}"
        for order in range(orders)
        for difference in differences(first, arrived(world, random.Random(f"order {order}")), lambda n: _name(world, n))
    ]


def _name(world: TroubleWorld, number: int) -> str:
    event = world.events[number]
    whose = "/".join(str(n) for n in sorted(event.allowed)) or "noise"
    return f"{event.entity}#{whose}"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--orders", type=int, default=3)
    parser.add_argument("--no-noise", action="store_true", help="the same troubles without noise alerts")
    asked = parser.parse_args()
    wrong = 0
    for seed in range(asked.first, asked.first + asked.seeds):
        found = differing(make(seed, noise=not asked.no_noise), asked.orders)
        wrong += bool(found)
        if found:
            sys.stdout.write("".join(f"{line}\n" for line in (f"seed {seed}", *(f"    {line}" for line in found))))
    sys.stdout.write(f"{asked.seeds - wrong} of {asked.seeds} seeds do not depend on the order of arrival\n")


if __name__ == "__main__":
    main()
