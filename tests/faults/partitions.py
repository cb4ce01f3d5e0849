"""Partitions of a cluster in simulated time: `python -m tests.faults.partitions [--runs 30] [--first 0]`.

A recorded trouble goes through eight shards and three workers. Alerts come all the while; at moments drawn from the
seed a worker that has work under way is cut off (`tests.faults.cuts`), 1 to 120 seconds at a time: from the database,
from the broker (it hears and sends nothing; after a session's time the group goes on without it, while it works on
until it is fenced), or from both. In the middle domains become one, and a shard that hands over is cut off in that.

What is decided at the end must equal what the same cluster decides undisturbed (and that equals what one worker with
one shard does: `tests.cluster.equality`); each event must be taken once and in time, each incident told once, and
every decision come out again from the input log. One seed is one run, the same one each time.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache

import msgspec
import pytest

from engine.core import Shards
from engine.errors import StoreUnavailable
from engine.metrics import EngineMetrics
from engine.pacing import Pacing
from engine.ports import Commit, ShardStore
from engine.resume import Machine, revive
from engine.service import Service, ServiceSettings
from engine.shards import Shard
from engine.signals import Millis
from engine.splitting import Sent
from engine.worker import HANDED, ShardSource, Worker
from rules.correlation import Correlation
from rules.ruleset import Content, RuleSet
from tests.cluster.bus import SimulatedMember
from tests.cluster.cluster import SNAPSHOTS, Cluster, decode, listen
from tests.cluster.equality import DOMAINS, divided
from tests.faults.cuts import HANGS, KINDS, LONGEST, Cut, Line, Reached, draw
from tests.scenarios.canonical import Canonical, canonical, differences
from tests.scenarios.scoring import QUIET
from tests.scenarios.troubles import LATENESS, START, TroubleWorld, make
from tests.simulate.check import FromTheBeginning

SHARDS, WORKERS, CUTS = 8, 3, 5
SESSION: Millis = 15_000
"""Of silence, after which the group gives a member up."""
RECOVERY: Millis = HANGS[1] + 30_000
"""A call that still hangs, and the tries until one succeeds."""
HELD_UP: Millis = LONGEST + RECOVERY
"""The longest that a cut may delay an event."""
PATIENT = RuleSet(Content(correlation=Correlation(lateness=LATENESS + HELD_UP)))
"""What was held up is in time: then the order does not matter (law 4)."""
SETTINGS = ServiceSettings(snapshots=SNAPSHOTS, downtime_after=1 << 60)
WORLDS = 40
LINE = 400
"""Of what is longer the history keeps a digest."""


class Member(SimulatedMember):
    """One whose line to the broker may be cut."""

    def __init__(self, cluster: Partitioned, worker: Worker, line: Line) -> None:
        super().__init__(cluster.bus, worker)
        self._cluster, self._line = cluster, line
        self.since: Millis = 0

    def in_touch(self) -> bool:
        silent = self.cut and self._cluster.now - self.since >= SESSION
        return not silent and self in self.bus.members

    def committed(self, offsets: object) -> None:
        self._cluster.reach("before the offsets", "broker", self._line)


class Partitioned(Cluster):
    """A cluster in which each worker has lines of its own, on a clock that is simulated throughout."""

    def __init__(self, seed: int, start: Millis) -> None:
        super().__init__(SHARDS, seed, start)
        self.lines: dict[int, Line] = {}
        self.members: dict[str, Member] = {}
        self.events: list[tuple[Millis, int, Callable[[], None]]] = []
        self.armed: list[Cut] = []
        self.struck: Counter[str] = Counter()
        self.recovered: Millis = 0
        self.calm_by: Millis | None = None  # no cut may last beyond it
        self.history: list[bytes] = []
        self.broken: list[str] = []
        self.durable: set[tuple[int, int]] = set()  # handovers, by shard and number
        self.sent_to: dict[tuple[int, int], int] = {}  # the last one, by receiver and sender
        self.metrics: list[EngineMetrics] = []
        self._chance = random.Random(f"chance {seed}")
        self.settings = SETTINGS
        self.pacing = Pacing(lambda: self.now / 1000, self._chance.random, lambda _: None)

    # --- what is there ---

    def join(self) -> Worker:
        name = f"worker {len(self.workers)}"
        line = Line(name, random.Random(f"{name} {self.rng.random()}"), lambda: self.now)
        worker = Worker(
            lambda number, source: self._reached(number, source, line), lambda sent: self._send(line, sent), self.pacing
        )
        self.lines[id(worker)] = line
        self.workers.append(worker)
        self.members[name] = Member(self, worker, line)
        self.bus.members.append(self.members[name])
        return worker

    def _reached(self, number: int, source: ShardSource, line: Line) -> tuple[Service, ShardStore]:
        service, store = self.service(number, source, Reached(number, self.shards[number], self, self, line))
        self.metrics.append(service._metrics)
        return service, store

    def _send(self, line: Line, sent: Sequence[Sent]) -> None:
        if any((one.origin.partition, one.origin.offset) not in self.durable for one in sent):
            self.broken.append("something was handed over before it was durable")
        self.reach("before the handover", "broker", line)
        if self.members[line.name].cut:
            raise StoreUnavailable("the line to the broker is cut")
        self.bus.send(sent)
        self.note("sent", line.name, sent)
        self.reach("during the handover", "broker", line)
        if self.members[line.name].cut:
            raise StoreUnavailable("the answer of the broker is lost")

    def keep(self, commit: Commit) -> None:
        """A service would take an exception for a failure of its own."""
        self.note("stored", msgspec.structs.asdict(commit) | {"positions": list(commit.positions.items())})
        self.durable |= {(part.source, part.number) for _, part in commit.handovers}
        self.sent_to |= {(to, part.source): part.number for to, part in commit.handovers}
        try:
            super().keep(commit)
        except (AssertionError, KeyError) as error:
            self.broken.append(f"something was stored that was there before, or that nobody took: {error!r}")

    def stored(self, by_owner: bool) -> None:
        """A commit was stored, by the latest owner of its shard or not."""
        if not by_owner:
            self.broken.append("an earlier owner wrote")

    def note(self, *what: object) -> None:
        """One line of the history, by which two runs of a seed are compared."""
        line = msgspec.json.encode([self.now, *what])
        self.history.append(line if len(line) < LINE else hashlib.sha256(line).digest())

    # --- cuts ---

    def reach(self, stage: str, via: str, line: Line, work: Commit | None = None) -> None:
        """Whoever is first at the stage of a cut is struck by it; one at a time, and not what was just held up."""
        if not self.armed or self.now < self.recovered:
            return
        cut = self.armed[0]
        if stage != cut.stage or (work is not None and cut.hands and not work.handovers):
            return
        if work is None and via != "database" and cut.kind == "database":
            return
        if work is None and via != "broker" and cut.kind == "broker":
            return
        if cut.skip:
            self.armed[0] = cut._replace(skip=cut.skip - 1)
            return
        self.armed.pop(0)
        self._strike(cut, line)

    def _strike(self, cut: Cut, line: Line) -> None:
        length = cut.length if self.calm_by is None else max(1_000, min(cut.length, self.calm_by - self.now))
        self.note("cut", line.name, cut, length)
        self.struck[f"{cut.kind}, {cut.stage}, {cut.way}"] += 1
        until = self.now + length
        self.recovered = until + RECOVERY
        if cut.kind != "broker":
            line.way, line.until = cut.way, until
            self.later(until, lambda: setattr(line, "way", ""))
        if cut.kind != "database":
            self._cut_broker(self.members[line.name], until)

    def _cut_broker(self, member: Member, until: Millis) -> None:
        """Longer than a session: the group goes on without it, and it works on until it is fenced."""
        member.cut, member.since = True, self.now

        def give_up() -> None:
            if len(self.bus.members) > 1:
                self.bus.members.remove(member)
                self.bus.rebalance()

        def heal() -> None:
            member.cut = False
            if member not in self.bus.members:
                member.worker.lost(list(member.assigned))
                member.assigned = {}
                self.bus.members.append(member)
                self.bus.rebalance()

        if until - self.now > SESSION:
            self.later(self.now + SESSION, give_up)
        self.later(until, heal)

    # --- time ---

    def later(self, at: Millis, happen: Callable[[], None]) -> None:
        """Let this happen at that time."""
        self.events.append((at, len(self.events), happen))

    def pass_time(self, until: Millis) -> None:
        """Let everything happen that is due, at its time."""
        while True:
            self.settle()
            assert not self.broken, self.broken[0]
            due = self._due()
            if due is None or due > until:
                break
            self.now = max(self.now, due)
            for one in sorted((one for one in self.events if one[0] <= self.now), key=lambda one: one[:2]):
                self.events.remove(one)
                one[2]()
        self.now = max(self.now, until)

    def settle(self) -> None:
        """Work until nothing moves; who hangs in a call does not work."""
        for _ in range(10_000):
            before = self._mark()
            for worker in self.rng.sample(self.workers, len(self.workers)):
                if self.lines[id(worker)].hung <= self.now:
                    worker.step(0)
            if self._mark() == before:
                return
        raise AssertionError("it does not come to rest")

    def _due(self) -> Millis | None:
        """The next timer, try, answer, or end of a cut."""
        found = [at for at, _, _ in self.events]
        for worker in self.workers:
            line = self.lines[id(worker)]
            found += [max(at, line.hung) for at in self._waits(worker)]
        return min(found, default=None)

    def _waits(self, worker: Worker) -> list[Millis]:
        found = []
        for one in worker.owned.values():
            try:
                due = one.service.core.due()
            except StoreUnavailable:
                due = int(one.service.retry_at * 1000) + 1
            found += [] if due is None else [due]
        if self.members[self.lines[id(worker)].name].in_touch():
            found += [int(at * 1000) + 1 for at in worker.waiting.values()]
        return found


def partitioned(world: TroubleWorld, seed: int, kinds: Sequence[str]) -> tuple[Canonical, Partitioned]:
    """What is decided of the world although lines of these kinds are cut; of none: undisturbed."""
    cluster, rng = Partitioned(seed, START - 1000), random.Random(f"cuts {seed} {kinds}")
    middle = len(world.events) // 2
    at = sorted(rng.sample([one for one in range(len(world.events)) if one != middle], CUTS)) if kinds else []
    with pytest.MonkeyPatch.context() as patch:
        listen(patch, cluster)
        for _ in range(WORKERS):
            cluster.join()
        cluster.bus.rebalance()
        cluster.activate(divided(world.topology, DOMAINS), PATIENT)
        for number, event in enumerate(world.events):
            cluster.calm_by = world.events[middle].arrival - RECOVERY if number < middle else None
            cluster.pass_time(event.arrival)
            if number == middle:
                cluster.armed = [draw(rng, rng.choice(kinds), hands=True)] if kinds else []
                cluster.activate(world.topology)
            if number in at:
                cluster.armed.append(draw(rng, rng.choice(kinds), hands=False))
            cluster.take([msgspec.structs.replace(event.signal, key=str(number))])
        cluster.armed.clear()
        cluster.pass_time(START + 1_800_000 + QUIET)
        for worker in cluster.workers:
            worker.stop()
    cluster.follow()
    return _checked(world, cluster), cluster


def _checked(world: TroubleWorld, cluster: Partitioned) -> Canonical:
    """What must hold whatever was cut, and the canonical result."""
    places = {event: int(key) for event, key in cluster.keys.items()}
    assert sorted(places.values()) == list(range(len(world.events))), "an event was lost, or taken twice"
    counts = cluster.counts()
    assert counts["received"] == len(world.events) == sum(counts.values()) - counts["received"]
    opened = [row.incident for row in cluster.outbox if row.action == "open" and row.audience == "tickets"]
    assert len(opened) == len(set(opened)), "one incident was told twice"
    for (to, source), number in cluster.sent_to.items():
        taken = cluster.shards[to].store.resume().positions.get((HANDED, source), -1)
        assert taken >= number, "something was not handed over"
    known = {view.id for view in cluster.incidents()} | {""}
    assert known >= {cluster.incident_of(event) for event in places}, "an incident that nobody has"
    assert not sum(one.violations._value.get() for one in cluster.metrics), "a restart decided otherwise"
    arrivals = {entry.position: entry.arrival for shard in cluster.shards for entry in shard.store.entries(0)}
    for event, number in places.items():
        held_up = arrivals[int(event.partition("-")[0])] - world.events[number].arrival
        assert held_up <= HELD_UP, f"event {number} was held up for {held_up} ms: the comparison would say nothing"
    for number, shard in enumerate(cluster.shards):
        machine = Machine(Shards(Shard(number, SHARDS)), cluster.library, decode, "1")
        again = revive(machine, FromTheBeginning(shard.store))  # type: ignore[arg-type]
        assert not again.differing, f"{again.differing} decisions of shard {number} do not come out again"
    noise = {number for number, event in enumerate(world.events) if not event.allowed}
    return canonical(cluster, places, noise)  # type: ignore[arg-type]


@lru_cache(maxsize=8)
def undisturbed(seed: int) -> tuple[TroubleWorld, Canonical]:
    """The world of a seed, and what is decided of it."""
    world = make(seed % WORLDS)
    return world, partitioned(world, seed, ())[0]


def run(seed: int, kind: str) -> Partitioned:
    """One run; AssertionError says what differs."""
    world, one = undisturbed(seed)
    many, cluster = partitioned(world, seed, (kind,))
    found = differences(one, many, lambda number: world.events[number].entity)
    assert not found, "\n".join(found)
    assert cluster.struck, "nothing was cut"
    return cluster


def matrix(runs: int, first: int) -> tuple[list[str], int]:
    """The table as Markdown lines, and how many runs failed."""
    failed, cuts, struck = Counter[str](), Counter[str](), Counter[str]()
    for seed in range(first, first + runs):
        for kind in KINDS:
            try:
                found = run(seed, kind)
            except AssertionError as error:
                failed[kind] += 1
                sys.stderr.write(f"FAILED: {kind}, seed {seed}: {str(error).splitlines()[0]}\n")
            else:
                cuts[kind] += found.struck.total()
                struck[kind] += sum(line.struck for line in found.lines.values())
    lines = ["| cut off from | runs | failed | cuts | calls to the database that failed |", "|---|---|---|---|---|"]
    lines += [f"| {kind} | {runs} | {failed[kind]} | {cuts[kind]:,} | {struck[kind]:,} |" for kind in KINDS]
    return lines, failed.total()


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
