"""Simulations: `python -m tests.simulate.run [--seeds 50000] [--first N] [--jobs 2] [--sequences 2000]`.

A seed that fails is printed. After them come sequences of the model (`tests.simulate.model`), of fifty steps each, in
parts of a hundred. A part that fails is printed with the shortest sequence that was found; `--first` of its number and
`--sequences 100` go through it again.
"""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import msgspec
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.simulate.check import check
from tests.simulate.disk import memory
from tests.simulate.model import Engine
from tests.simulate.world import World

PART = 100
"""Sequences of the model that one process goes through in a row."""


class Outcome(msgspec.Struct):
    """What a run was like; ``failure`` is empty when every promise was kept."""

    seed: int
    failure: str = ""
    lives: int = 0
    disk: int = 0
    network: int = 0
    office: int = 0
    requests: int = 0
    incidents: int = 0
    tickets: int = 0
    hours: float = 0
    deaths: Counter[str] = Counter()


def simulate(number: int) -> Outcome:
    """One run. What goes wrong is in the outcome."""
    with tempfile.TemporaryDirectory(dir=memory()) as folder:
        world = World(Path(folder), number)
        found = Outcome(number)
        try:
            world.run()
            check(world)
        except Exception as error:
            found.failure = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        finally:
            found.lives, found.disk, found.network = world.lives, world.disk.struck, world.network.faults
            found.office, found.requests = world.office.struck, len(world.requests)
            found.tickets, found.hours = len(world.office.tickets), (world.now - world.began) / 3_600_000
            found.incidents = len({one.key for one in world.office.tickets.values()})
            found.deaths = world.deaths
            world.close()
        return found


def quiet() -> None:
    """Thousands of failures are meant; the log is not."""
    logging.disable(logging.CRITICAL)


def many(first: int, seeds: int, jobs: int) -> tuple[Outcome, list[Outcome]]:
    """The sum of all runs, and those that failed, each printed as it happens."""
    total, failed = Outcome(-1), []
    with multiprocessing.get_context("spawn").Pool(jobs, initializer=quiet) as pool:
        for one in pool.imap_unordered(simulate, range(first, first + seeds), chunksize=8):
            if one.failure:
                failed.append(one)
                print(f"FAILED: seed {one.seed}: {one.failure}", file=sys.stderr, flush=True)
            for field in ("lives", "disk", "network", "office", "requests", "incidents", "tickets", "hours"):
                setattr(total, field, getattr(total, field) + getattr(one, field))
            total.deaths += one.deaths
    return total, failed


def part(number: int, sequences: int = PART) -> tuple[int, str]:
    """So many sequences of the model, drawn from the number; what failed, the shortest that was found."""
    found = settings(
        max_examples=sequences, stateful_step_count=50, deadline=None, database=None, print_blob=False,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    # each machine has a seed of its own: hypothesis keeps it at the class
    try:
        run_state_machine_as_test(seed(number)(type(Engine.__name__, (Engine,), {})), settings=found)
    except Exception as error:
        return number, "\n".join([f"{type(error).__name__}: {error}", *getattr(error, "__notes__", ())])
    return number, ""


def model(first: int, sequences: int, jobs: int) -> int:
    """How many parts failed, each printed as it happens."""
    failed = 0
    sizes = [min(PART, sequences - begun) for begun in range(0, sequences, PART)]
    with multiprocessing.get_context("spawn").Pool(jobs, initializer=quiet) as pool:
        under_way = [pool.apply_async(part, (first + n, size)) for n, size in enumerate(sizes)]
        for number, failure in (one.get() for one in under_way):
            if failure:
                failed += 1
                print(f"FAILED: part {number} of the model: {failure}", file=sys.stderr, flush=True)
    return failed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=2_000)
    parser.add_argument("--first", type=int, default=None, help="the first seed; without it a new one each time")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--sequences", type=int, default=0, help="of the model, fifty steps each")
    asked = parser.parse_args()
    broken = 0
    first = random.randrange(1 << 32) if asked.first is None else asked.first
    began = time.monotonic()
    total, failed = many(first, asked.seeds, asked.jobs)
    took = time.monotonic() - began
    print(
        f"Seeds {first} to {first + asked.seeds - 1}: {len(failed)} failed. {total.lives:,} lives of the engine, "
        f"{total.deaths.total():,} deaths at {len(total.deaths)} places, {total.disk:,} faults of the disk, "
        f"{total.network:,} of the network, {total.office:,} of the ticketing system; {total.requests:,} requests, "
        f"{total.incidents:,} incidents, {total.tickets:,} tickets, {total.hours:,.0f} simulated hours in {took:.0f} s."
    )
    if asked.sequences:
        began = time.monotonic()
        broken = model(first, asked.sequences, asked.jobs)
        print(
            f"{asked.sequences:,} sequences of the model, parts {first} and on: {broken} parts failed; "
            f"{time.monotonic() - began:.0f} s."
        )
    sys.exit(bool(failed) or bool(broken))


if __name__ == "__main__":
    main()
