"""Law 5 on the trouble worlds: one worker with one shard, and many of both with whatever goes wrong, decide the same.

    python -m tests.cluster.equality [--seeds 20] [--first 0]

prints the seeds for which they do not, and what differs.
"""

from __future__ import annotations

import argparse
import random
import sys
import time

import msgspec
import pytest

from engine.worker import Worker
from tests.cluster.cluster import Cluster, listen
from tests.scenarios.canonical import Canonical, canonical, differences
from tests.scenarios.scoring import QUIET
from tests.scenarios.troubles import START, TroubleWorld, make
from topology.model import Topology

DOMAINS = 6


def divided(topology: Topology, parts: int) -> Topology:
    """The same entities in so many declared domains, by name: each a part of what was one."""
    names = sorted(topology.entities)
    size = -(-len(names) // parts)
    entities = [
        msgspec.structs.replace(topology.entities[name], domain=f"part-{place // size}")
        for place, name in enumerate(names)
    ]
    content = topology.content
    return Topology.build(entities, content.dependencies, content.groups)


class Course:
    """What happens to a cluster between the events, by chance: rebalances, a zombie, a crash, repetitions."""

    def __init__(self, cluster: Cluster, workers: int, events: int, seed: int) -> None:
        self.cluster, self.rng = cluster, random.Random(f"course {seed}")
        for _ in range(workers):
            cluster.join()
        cluster.bus.rebalance()
        at = sorted(self.rng.sample(range(events), min(events, 6)))
        kinds = ["rebalance", "freeze", "thaw", "crash", "repeat", "rebalance"]
        self.plan = dict(zip(at, kinds, strict=False)) if workers > 1 else {}
        self.frozen: list[Worker] = []

    def before(self, number: int) -> None:
        cluster, kind = self.cluster, self.plan.get(number)
        if kind == "rebalance":
            cluster.bus.rebalance()
        elif kind == "freeze":
            worker = self.rng.choice(cluster.workers)
            cluster.freeze(worker)
            self.frozen.append(worker)
        elif kind == "thaw":
            self.thaw()
        elif kind == "crash":
            cluster.join()
            cluster.crash(self.rng.choice(cluster.workers))
        elif kind == "repeat":
            cluster.repeat(self.rng.randint(1, 10))

    def thaw(self) -> None:
        """The zombie goes on where it stopped, and finds that its shards have other owners."""
        for worker in self.frozen:
            stored = self.cluster.written()
            worker.step(0)
            assert self.cluster.written() == stored
        self.frozen.clear()


def decided(world: TroubleWorld, shards: int, workers: int, *, joins: bool, dsn: str = "") -> tuple[Canonical, Cluster]:
    """The canonical result; with ``joins`` the world begins in parts, which become one in the middle of it."""
    cluster = Cluster(shards, world.seed, START - 1000, dsn)
    with pytest.MonkeyPatch.context() as patch:
        listen(patch, cluster)
        course = Course(cluster, workers, len(world.events), world.seed)
        cluster.activate(divided(world.topology, DOMAINS) if joins else world.topology)
        middle = len(world.events) // 2
        for number, event in enumerate(world.events):
            cluster.pass_time(event.arrival)
            if joins and number == middle:
                cluster.activate(world.topology)
            course.before(number)
            cluster.take([msgspec.structs.replace(event.signal, key=str(number))])
        cluster.pass_time(START + 1_800_000 + QUIET)
        course.thaw()
        for worker in cluster.workers:
            worker.stop()
    cluster.follow()
    places = {event: int(key) for event, key in cluster.keys.items()}
    assert sorted(places.values()) == list(range(len(world.events))), "an event was lost, or taken twice"
    counts = cluster.counts()
    assert counts["received"] == len(world.events) == sum(counts.values()) - counts["received"]
    noise = {number for number, event in enumerate(world.events) if not event.allowed}
    return canonical(cluster, places, noise), cluster  # type: ignore[arg-type]


def differing(world: TroubleWorld, *, joins: bool) -> list[str]:
    """What differs, in words."""
    one, _ = decided(world, 1, 1, joins=joins)
    many, _ = decided(world, 8, 3, joins=joins)
    return differences(one, many, lambda number: world.events[number].entity)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--joins", action="store_true", help="parts become one in the middle")
    parser.add_argument("--no-noise", action="store_true")
    asked = parser.parse_args()
    wrong, began = 0, time.monotonic()
    for seed in range(asked.first, asked.first + asked.seeds):
        found = differing(make(seed, noise=not asked.no_noise), joins=asked.joins)
        wrong += bool(found)
        if found:
            sys.stdout.write("".join(f"{line}\n" for line in (f"seed {seed}", *(f"    {line}" for line in found))))
    took = time.monotonic() - began
    sys.stdout.write(
        f"{asked.seeds - wrong} of {asked.seeds} seeds are decided equally, {60 * asked.seeds / took:.0f} a minute\n"
    )


if __name__ == "__main__":
    main()
