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
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from api import settings
from api.kafka.shards import ShardTopic
from api.roles import compose
from ingest.kafka.topics import Topics
from tests.faults.proxy import MODES, Proxy
from tests.faults.senders import Crowd
from tests.real.kafka.brokers import Cluster, one
from tests.real.kafka.world import fresh, given
from tests.real.postgres import Postgres

SHARDS, SESSION = 4, 2


class Run:
    """Workers and senders on a database and topics of their own."""

    def __init__(self, crowd: Crowd, line: Proxy) -> None:
        self.crowd, self.line = crowd, line

    def strike(self, mode: str, seconds: float) -> None:
        """One cut, until all that was acknowledged by its end is decided."""
        before = self.line.struck
        self.line.cut(mode)
        time.sleep(seconds)
        self.line.heal()
        assert self.line.struck > before, "the cut did not strike"
        self.crowd.caught_up()


@contextmanager
def at_work(cluster: Cluster, dsn: str, folder: Path) -> Iterator[Run]:
    """A run, checked when it ends."""
    assert cluster.line is not None
    topic, group, addresses = fresh(), fresh(), (cluster.address, f"127.0.0.1:{cluster.line.port}")
    with ExitStack() as stack:
        with closing(Topics(given(cluster.address))) as topics:
            declared = ShardTopic(bootstrap=(cluster.address,), shards=SHARDS, topic=topic)
            topics.create([each.wanted() for each in declared.declared()])
        crowd = Crowd(dsn, addresses, topic, SHARDS, stack)
        with ExitStack() as workers:
            for number, address in enumerate(addresses):
                workers.enter_context(worker(folder / str(number), dsn, address, topic, group))
            crowd.begin()
            try:
                yield Run(crowd, cluster.line)
            finally:
                cluster.line.heal()
                crowd.end()
            crowd.told()
        crowd.check()


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
                        row = run.crowd.sent, run.crowd.refused, run.crowd.handed()
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
