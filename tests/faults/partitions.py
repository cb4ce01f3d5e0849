"""Partitions of a cluster in simulated time: `python -m tests.faults.partitions [--runs 30] [--first 0]`.

A recorded trouble goes through eight shards and three workers while one of them is cut off, one to 120 seconds at a
time: from the database (its commits fail, some after they were made: the answer was lost), from the broker (it hears
and sends nothing; after a session's time the group goes on without it while it works on until it is fenced), or from
both. What is decided at the end must equal what the same cluster decides undisturbed (and that equals what one worker
with one shard does: `tests.cluster.equality`), each event must be taken once, and each incident told once.
"""

from __future__ import annotations

import argparse
import logging
import random
import sys
import time
from collections.abc import Callable, Sequence

import msgspec
import pytest

from engine import worker as engine_worker
from engine.errors import StoreUnavailable
from engine.ports import Commit, Resume, ShardStore
from engine.service import Service
from engine.signals import Millis
from engine.splitting import Sent
from engine.storage.owned import MemoryShard
from engine.worker import Owned, ShardSource, Worker
from rules.correlation import Correlation
from rules.ruleset import Content, RuleSet
from tests.cluster.bus import SimulatedMember
from tests.cluster.cluster import SETTINGS, Cluster, Watched, listen
from tests.cluster.equality import DOMAINS, divided
from tests.scenarios.canonical import Canonical, canonical, differences
from tests.scenarios.scoring import QUIET
from tests.scenarios.troubles import START, TroubleWorld, make

SHARDS, WORKERS = 8, 3
LONGEST, SESSION = 120_000, 15_000
"""Milliseconds for which a line is cut; of silence after which the group gives a member up."""
PATIENT = RuleSet(Content(correlation=Correlation(lateness=4 * LONGEST)))
"""What was held up by a cut is still in time: beyond the lateness that is allowed the order may matter (law 4)."""
KINDS = ("database", "broker", "database and broker")
WORLDS = 40


class Line:
    """A worker's way to its database. ``lost``: the share of commits that are made and not answered."""

    def __init__(self, rng: random.Random) -> None:
        self.rng, self.cut, self.lost, self.struck = rng, False, 0.0, 0

    def pass_by(self) -> None:
        if self.cut:
            self.struck += 1
            raise StoreUnavailable("the line to the database is cut")


class Reached(Watched):
    """A shard's store at the end of a line."""

    def __init__(self, shard: MemoryShard, cluster: Cluster, line: Line) -> None:
        super().__init__(shard, cluster)
        self._line = line

    def acquire(self) -> int:
        self._line.pass_by()
        return super().acquire()

    def resume(self) -> Resume:
        self._line.pass_by()
        return super().resume()

    def alive(self, at: Millis) -> None:
        self._line.pass_by()
        super().alive(at)

    def commit(self, commit: Commit) -> None:
        if self._line.cut and self._line.rng.random() < self._line.lost:
            super().commit(commit)
        self._line.pass_by()
        super().commit(commit)


class Partitioned(Cluster):
    """A cluster in which each worker has lines of its own. ``heals``: when a cut ends, and what is done then."""

    def __init__(self, seed: int, start: Millis) -> None:
        super().__init__(SHARDS, seed, start)
        self.lines: dict[int, Line] = {}
        self.heals: list[tuple[Millis, Callable[[], None]]] = []
        self.kinds: dict[str, int] = {}
        self.settings = msgspec.structs.replace(SETTINGS, backoff_first=0.001, backoff_most=0.001)

    def settle(self) -> None:
        """As ever, and whoever can reach its database is up again."""
        super().settle()
        while any(not one.service.health().ready for one in self._reachable()):
            time.sleep(0.001)
            super().settle()

    def _reachable(self) -> list[Owned]:
        return [one for worker in self.workers if not self.lines[id(worker)].cut for one in worker.owned.values()]

    def join(self) -> Worker:
        line = Line(random.Random(f"line {self.rng.random()}"))
        worker = Worker(
            lambda number, source: self._reached(number, source, line), lambda sent: self._send(worker, sent)
        )
        self.lines[id(worker)] = line
        self.workers.append(worker)
        self.bus.members.append(SimulatedMember(self.bus, worker))
        return worker

    def _reached(self, number: int, source: ShardSource, line: Line) -> tuple[Service, ShardStore]:
        return self.service(number, source, Reached(self.shards[number], self, line))

    def _send(self, worker: Worker, sent: Sequence[Sent]) -> None:
        member = self.members[id(worker)]
        if member.cut:
            raise StoreUnavailable("the line to the broker is cut")
        self.bus.send(sent)

    @property
    def members(self) -> dict[int, SimulatedMember]:
        return {id(worker): worker._member for worker in self.workers}  # type: ignore[misc]

    def cut(self, words: str) -> None:
        """One worker loses one or both of its lines, for one second to two minutes."""
        kind = self.rng.choice([one for one in KINDS if words in one])
        worker = self.rng.choice(self.workers)
        if any(one.cut for one in (self.lines[id(worker)], self.members[id(worker)])):
            return
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        until = self.now + self.rng.randint(1_000, LONGEST)
        if kind != "broker":
            self._cut_database(worker, until)
        if kind != "database":
            self._cut_broker(worker, until)

    def _cut_database(self, worker: Worker, until: Millis) -> None:
        line = self.lines[id(worker)]
        line.cut, line.lost = True, self.rng.choice((0.0, 0.5, 1.0))
        self.heals.append((until, lambda: setattr(line, "cut", False)))

    def _cut_broker(self, worker: Worker, until: Millis) -> None:
        """Longer than a session: the group goes on without it, and it works on until it is fenced."""
        member = self.members[id(worker)]
        member.cut = True
        evicted = until - self.now > SESSION and len(self.bus.members) > 1
        if evicted:
            self.bus.members.remove(member)
            self.bus.rebalance()

        def heal() -> None:
            member.cut = False
            if evicted:
                worker.lost(list(worker.owned))
                member.assigned = {}
                self.bus.members.append(member)
                self.bus.rebalance()

        self.heals.append((until, heal))

    def pass_time(self, until: Millis) -> None:
        """As ever, and cuts end at their time."""
        while ripe := [at for at, _ in self.heals if at <= until]:
            at = min(ripe)
            super().pass_time(at)
            for one in [one for one in self.heals if one[0] == at]:
                self.heals.remove(one)
                one[1]()
            self.settle()
        super().pass_time(until)


def partitioned(world: TroubleWorld, seed: int, words: str | None) -> tuple[Canonical, Partitioned]:
    """What is decided of the world although lines are cut, up to six times; None: undisturbed."""
    cluster, rng = Partitioned(seed, START - 1000), random.Random(f"cuts {seed}")
    with pytest.MonkeyPatch.context() as patch:
        listen(patch, cluster)
        patch.setattr(engine_worker, "AGAIN", 0.0)
        patch.setattr(engine_worker, "CONTESTED", 0.0)
        for _ in range(WORKERS):
            cluster.join()
        cluster.bus.rebalance()
        cluster.activate(divided(world.topology, DOMAINS), PATIENT)
        middle = len(world.events) // 2
        at = set() if words is None else {*rng.sample(range(len(world.events)), 5), middle}
        for number, event in enumerate(world.events):
            cluster.pass_time(event.arrival)
            if number == middle:
                cluster.activate(world.topology)
            if number in at:
                cluster.cut(words or "")
            cluster.take([msgspec.structs.replace(event.signal, key=str(number))])
        cluster.pass_time(START + 1_800_000 + QUIET)
        for worker in cluster.workers:
            worker.stop()
    cluster.follow()
    places = {event: int(key) for event, key in cluster.keys.items()}
    assert sorted(places.values()) == list(range(len(world.events))), "an event was lost, or taken twice"
    counts = cluster.counts()
    assert counts["received"] == len(world.events) == sum(counts.values()) - counts["received"]
    opened = [row.incident for row in cluster.outbox if row.action == "open" and row.audience == "tickets"]
    assert len(opened) == len(set(opened)), "one incident was told twice"
    noise = {number for number, event in enumerate(world.events) if not event.allowed}
    return canonical(cluster, places, noise), cluster  # type: ignore[arg-type]


def run(seed: int, words: str = "") -> Partitioned:
    """One run; AssertionError says what differs."""
    world = make(seed % WORLDS)
    one, _ = partitioned(world, seed, None)
    many, cluster = partitioned(world, seed, words)
    found = differences(one, many, lambda number: world.events[number].entity)
    assert not found, "\n".join(found)
    assert cluster.kinds
    return cluster


def matrix(runs: int, first: int) -> tuple[list[str], int]:
    """The table as Markdown lines, and how many runs failed."""
    lines, failures = ["| cut off from | runs | failed | cuts | calls that failed |", "|---|---|---|---|---|"], 0
    for kind in KINDS:
        failed = cuts = struck = 0
        for seed in range(first, first + runs):
            try:
                found = run(seed, kind)
            except AssertionError as error:
                failed += 1
                sys.stderr.write(f"FAILED: {kind}, seed {seed}: {str(error).splitlines()[0]}\n")
            else:
                cuts += sum(found.kinds.values())
                struck += sum(line.struck for line in found.lines.values())
        failures += failed
        lines.append(f"| {kind} | {runs} | {failed} | {cuts:,} | {struck:,} |")
        sys.stderr.write(f"{lines[-1]}\n")
    return lines, failures


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--first", type=int, default=0)
    asked = parser.parse_args()
    logging.disable(logging.CRITICAL)
    began = time.monotonic()
    lines, failures = matrix(asked.runs, asked.first)
    sys.stdout.write("\n".join(lines) + f"\n{time.monotonic() - began:.0f} s\n")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
