"""A worker and a real Apache Kafka with the line between them cut: `python -m tests.faults.broker [--runs 30]`.

Two workers own four shards on a real PostgreSQL; one of them reaches the broker through a TCP proxy, the other one
directly. So do two senders, who divide alerts among the shards all the while, each sending again until it is answered.
The line is cut in every way that `tests.faults.proxy` knows, for a second or longer than a session; the group goes on
without the worker behind it, which must write nothing then, and take its share again when the line is back. After each
cut, everything acknowledged must be decided once; after all cuts of a kind the history must be sound
(`tests.faults.history`), with every alert in it exactly once.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import psycopg

from api import bootstrap, settings
from api.kafka.shards import ShardTopic
from api.roles import compose
from api.roles.force import InForce
from api.roles.lanes import Lanes
from engine.errors import StoreUnavailable
from engine.ports import Decoded, Record
from engine.resume import StoredLibrary
from engine.signals import AlertEvent, Labels
from engine.splitting import split
from engine.storage.postgres import PostgresReader, PostgresStore
from ingest.kafka.topics import Topics
from rules.correlation import Correlation
from rules.ruleset import Content, RuleSet
from tests.faults.history import keys, sound
from tests.faults.proxy import MODES, Proxy
from tests.real.components import eventually
from tests.real.kafka.brokers import Cluster, one
from tests.real.kafka.world import fresh, given
from tests.real.postgres import Postgres
from topology.model import Entity, Topology

SHARDS, SESSION = 4, 2
ENTITIES = [f"svc-{number}" for number in range(8)]
CHECKS = 25
"""Alerts of an entity; each is told again and again."""
EVERY, TOGETHER = 0.1, 5
"""Seconds between two records of a sender; alerts in one."""
BACK = 90.0
"""Seconds within which everything is decided again."""
SOON = RuleSet(Content(correlation=Correlation(group_wait=1_000)))
"""Incidents are told after a second."""


class Sender(threading.Thread):
    """Tells alerts, each record again until it is acknowledged, as a source does."""

    def __init__(self, name: str, force: InForce, lanes: Lanes) -> None:
        super().__init__(name=name, daemon=True)
        self._force, self._lanes, self._ending = force, lanes, threading.Event()
        self.acknowledged: Counter[str] = Counter()
        self.refused = 0
        self.start()

    def run(self) -> None:
        number = 0
        while not self._ending.wait(EVERY):
            events = [self._event(number * TOGETHER + one) for one in range(TOGETHER)]
            sent = split(Record(self.name, "test", b"", 0, number), Decoded(tuple(events)), self._force.routes)
            while True:
                try:
                    self._lanes.send(sent)
                except StoreUnavailable:
                    self.refused += 1
                else:
                    break
            self.acknowledged.update(one.key for one in events)
            number += 1

    def _event(self, number: int) -> AlertEvent:
        entity, check = ENTITIES[number % len(ENTITIES)], number // len(ENTITIES) % CHECKS
        labels = {"alertname": f"Check{check}", "service": entity, "severity": "critical", "by": self.name}
        return AlertEvent(Labels.of(labels), key=f"{self.name}-{number}")

    def end(self) -> None:
        """Returns when the last record is acknowledged."""
        self._ending.set()
        self.join()


class Run:
    """Workers and senders on a database and topics of their own."""

    def __init__(self, dsn: str, line: Proxy, senders: list[Sender]) -> None:
        self.dsn, self.line, self.senders = dsn, line, senders

    @property
    def sent(self) -> int:
        """Alerts acknowledged so far."""
        return sum(one.acknowledged.total() for one in self.senders)

    @property
    def received(self) -> int:
        """Alerts with a disposition in the store."""
        with closing(PostgresReader(self.dsn)) as reader:
            return reader.totals()["received"]

    def handed(self) -> int:
        """How often shards have changed hands."""
        with psycopg.connect(self.dsn) as connection:
            row = connection.execute("SELECT coalesce(sum(epoch), 0)::int FROM headwater.owners").fetchone()
        return row[0] if row else 0

    def strike(self, mode: str, seconds: float) -> None:
        """One cut, until all that was acknowledged by its end is decided."""
        before = self.line.struck
        self.line.cut(mode)
        time.sleep(seconds)
        self.line.heal()
        assert self.line.struck > before, "the cut did not strike"
        upto = self.sent
        eventually(lambda: self.received >= upto, f"all of {upto} alerts are decided", BACK)

    def check(self) -> None:
        """What must hold whatever happened."""
        for one_ in self.senders:
            one_.end()
        eventually(lambda: self.received >= self.sent, f"all of {self.sent} alerts are decided", BACK)
        eventually(lambda: self._told() >= len(ENTITIES), "every incident is told", BACK)

    def _told(self) -> int:
        with psycopg.connect(self.dsn) as connection:
            row = connection.execute("SELECT count(DISTINCT incident) FROM headwater.outbox").fetchone()
        return row[0] if row else 0

    def sound(self) -> None:
        """When the workers have ended."""
        acknowledged = sum((one.acknowledged for one in self.senders), Counter[str]())
        assert keys(self.dsn, SHARDS) == acknowledged, "an alert was lost, or taken twice"
        found = sound(self.dsn, SHARDS)
        assert found.received == acknowledged.total()
        assert len(found.told) == len(ENTITIES), f"told are {found.told}"


@contextmanager
def at_work(cluster: Cluster, dsn: str, folder: Path) -> Iterator[Run]:
    """A run, checked when it ends."""
    assert cluster.line is not None
    topic, group, behind = fresh(), fresh(), f"127.0.0.1:{cluster.line.port}"
    with ExitStack() as stack:
        lanes = [
            stack.enter_context(closing(Lanes(ShardTopic(bootstrap=(address,), shards=SHARDS, topic=topic))))
            for address in (cluster.address, behind)
        ]
        with closing(Topics(given(cluster.address))) as topics:
            wanted = ShardTopic(bootstrap=(cluster.address,), shards=SHARDS, topic=topic)
            topics.create([each.wanted() for each in wanted.declared()])
        store = stack.enter_context(closing(PostgresStore(dsn, {})))
        force = InForce(store, StoredLibrary(store), SHARDS, lanes[0].send, bootstrap.now)
        force.activate(Topology.build([Entity(id=name, domain=name) for name in ENTITIES]), SOON)
        run = Run(dsn, cluster.line, [])
        with ExitStack() as workers:
            for name, address in (("direct", cluster.address), ("behind", behind)):
                workers.enter_context(worker(folder / name, dsn, address, topic, group))
            eventually(lambda: run.handed() >= SHARDS and run.received == 0, "every shard has an owner", BACK)
            run.senders += [Sender(f"sender-{number}", force, each) for number, each in enumerate(lanes)]
            try:
                eventually(lambda: run.received > 0, "alerts are decided", BACK)
                yield run
            finally:
                cluster.line.heal()
                for each in run.senders:
                    each.end()
            run.check()
        run.sound()


@contextmanager
def worker(folder: Path, dsn: str, address: str, topic: str, group: str) -> Iterator[None]:
    """The role, as its command puts it together."""
    for name in ("catalogue", "rules"):
        (folder / name).mkdir(parents=True)
    hook = {"name": "desk", "url": "http://127.0.0.1:9/desk", "audiences": ["tickets"], "allow_private": True}
    (folder / "headwater.yaml").write_text(json.dumps({
        "store": dsn, "catalogue": "catalogue", "rules": "rules", "data": "data", "sinks": {"webhooks": [hook]},
        "cluster": {
            "bootstrap": [address], "shards": SHARDS, "topic": topic, "group": group, "session_timeout": SESSION,
        },
    }), encoding="utf-8")  # fmt: skip
    broken: list[BaseException] = []
    read = settings.load(folder / "headwater.yaml", environment={"HEADWATER_BALLAST": "0"})
    with compose.work(read, stopped=broken.append) as running:
        running.start()
        yield
    assert broken == [], f"a worker could not go on: {broken[0]!r}"


def matrix(runs: int, longest: float, first: int) -> tuple[list[str], int]:
    """The table as Markdown lines, and how many kinds of cuts failed."""
    head = "| line to Kafka cut | cuts | seconds | alerts | sent again | shards changed hands | failed |"
    lines, failures = [head, "|---|---|---|---|---|---|---|"], 0
    database = Postgres(durable=True)
    try:
        with tempfile.TemporaryDirectory() as name, one(Path(name)) as cluster:
            if cluster.line is None:
                sys.exit("a cluster that HEADWATER_KAFKA names cannot be cut off")
            for mode in MODES:
                rng, spent, failed = random.Random(f"{mode} {first}"), 0.0, ""
                row: tuple[int, int, int] = (0, 0, 0)
                try:
                    with database.database() as dsn, at_work(cluster, dsn, Path(name) / mode) as run:
                        for _ in range(runs):
                            seconds = rng.uniform(1.0, longest)
                            run.strike(mode, seconds)
                            spent += seconds
                        row = run.sent, sum(each.refused for each in run.senders), run.handed()
                except AssertionError as error:
                    failed = f"FAILED: {mode}: {error}".splitlines()[0]
                    sys.stderr.write(f"{failed}\n")
                    failures += 1
                told = [f"{number:,}" for number in row]
                lines.append(f"| {mode} | {runs} | {spent:,.0f} | {' | '.join(told)} | {int(bool(failed))} |")
                sys.stderr.write(f"{lines[-1]}\n")
    finally:
        database.remove()
    return lines, failures


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--longest", type=float, default=30.0)
    parser.add_argument("--first", type=int, default=0)
    asked = parser.parse_args()
    logging.disable(logging.CRITICAL)
    lines, failures = matrix(asked.runs, asked.longest, asked.first)
    sys.stdout.write("\n".join(lines) + "\n")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
