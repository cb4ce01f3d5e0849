"""Alerts through Kafka and PostgreSQL with 1, 2 and 4 workers, against only reading and only writing, in one run.

    python -m bench.workers [--alerts 20000] [--batch 500] [--workers 1 2 4]

`headwater api` and `headwater work` as processes, a PostgreSQL of their own with fsync, and a broker: Apache Kafka
where script/kafka has fetched it, else the small one. New alerts of many domains come to the topic of shards as
envelopes of at most ``--batch``; timed is from the first of them being sent until the store has received all. Prints
alerts per second of the clock (which says something on a quiet machine with more cores than workers only) and per
CPU-second: of the workers, and of workers and PostgreSQL together. Before that, of the same envelopes and alerts: a
consumer alone, and COPY alone of the rows that a store writes (`bench.store_postgres`), per second and per CPU-second
of this process.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psycopg

from api.kafka.shards import ShardTopic
from api.roles.lanes import Lanes
from bench.store_postgres import Limit, groups
from engine.ports import Decoded, Record
from engine.routes import Routes
from engine.signals import AlertEvent, Labels
from engine.splitting import Sent, split
from engine.storage.postgres import PostgresStore
from ingest.kafka.client import KafkaConsumer, TopicPartition
from rules.ruleset import RuleSet
from tests.publish.receiver import receiver
from tests.real.components import eventually
from tests.real.kafka.brokers import fetched, one, small
from tests.real.kafka.world import given
from tests.real.postgres import Postgres
from tests.roles.stage import Stage
from topology.model import Dependency, Entity, Topology

SHARDS = 8
SERVICES, EACH = 10, 20
"""Services of a database, alerts of a service."""
START = 1_790_000_000_000
GROUP = 8
RECEIVED = "SELECT coalesce(sum(opened + attached + updated + held + suppressed + duplicate + resolved), 0) FROM {}"


def catalogue(alerts: int) -> dict[str, list[dict[str, object]]]:
    """Databases with ten services each, every one a domain of its own."""
    count = max(1, alerts // (SERVICES * EACH))
    databases: list[dict[str, object]] = [{"id": f"db-{n}"} for n in range(count)]
    services: list[dict[str, object]] = [
        {"id": f"svc-{n}", "depends_on": [f"db-{n // SERVICES}"]} for n in range(count * SERVICES)
    ]
    return {"entities": [*databases, *services]}


def topology(alerts: int) -> Topology:
    """The same, to divide by."""
    rows = catalogue(alerts)["entities"]
    names = [str(row["id"]) for row in rows]
    needs = [(str(row["id"]), str(row["depends_on"][0])) for row in rows if "depends_on" in row]  # type: ignore[index]
    return Topology.build([Entity(id=name) for name in names], [Dependency(consumer=c, provider=p) for c, p in needs])


def envelopes(alerts: int, batch: int) -> list[Sent]:
    """What stage 1 makes of them: spread over all services, so over all shards."""
    routes = Routes(RuleSet.default(), topology(alerts), SHARDS)
    services = max(1, alerts // (SERVICES * EACH)) * SERVICES
    events = [
        AlertEvent(
            Labels.of({"alertname": f"High{n // services}", "service": f"svc-{n % services}", "severity": "warning"}),
            starts_at=START,
        )
        for n in range(alerts)
    ]
    by_shard = routes.split(events)
    return [
        sent
        for own in by_shard.values()
        for begin in range(0, len(own), batch)
        for sent in split(Record("bench", "json", b"", 0, None), Decoded(tuple(own[begin : begin + batch])), routes)
    ]


def cpu(process: int) -> float:
    """CPU seconds of a process's threads so far; 0 when it is gone."""
    total = 0
    for task in Path(f"/proc/{process}/task").glob("*/schedstat"):
        with suppress(OSError):
            total += int(task.read_text().split()[0])
    return total / 1e9


def children(process: int) -> list[int]:
    """Processes that it has started."""
    found = []
    for path in Path(f"/proc/{process}/task").glob("*/children"):
        with suppress(OSError):
            found += [int(number) for number in path.read_text().split()]
    return found


@contextmanager
def broker(folder: Path) -> Iterator[str]:
    """Its address."""
    folder.mkdir()
    if fetched():
        with one(folder) as cluster:
            yield cluster.address
    else:
        with small(folder) as address:
            yield address


def through(server: Postgres, folder: Path, sent: Sequence[Sent], alerts: int, workers: int) -> None:
    """All of it through so many workers; prints one line, before it what the topic costs to read."""
    postmaster = server._process.pid if server._process is not None else 0
    with (
        server.empty() as dsn,
        broker(folder / "broker") as address,
        receiver() as desk,
        Stage(folder, dsn, address, desk, shards=SHARDS) as stage,
    ):
        stage.catalogue(catalogue(alerts))
        stage.start("api").ready()
        running = [stage.start("work") for _ in range(workers)]
        for worker in running:
            worker.ready()
        eventually(lambda: len(stage.epochs()) == SHARDS, "all shards have an owner", 120)
        ids = [worker._process.pid for worker in running]
        lanes = Lanes(ShardTopic(bootstrap=(address,), shards=SHARDS))
        own = sum(map(cpu, ids))
        all_of_it = own + sum(map(cpu, children(postmaster)))
        begun = time.perf_counter()
        lanes.send(sent)
        eventually(lambda: received(dsn) >= alerts, "all is decided", 600)
        wall = time.perf_counter() - begun
        spent = sum(map(cpu, ids)) - own
        whole = sum(map(cpu, ids)) + sum(map(cpu, children(postmaster))) - all_of_it
        lanes.close()
        told("consume only", alerts, *timed(lambda: consumed(address, len(sent))))
        told(f"{workers} workers", alerts, wall, spent, whole)


def received(dsn: str) -> int:
    """Alerts with a first disposition in the store."""
    with psycopg.connect(dsn) as connection:
        row = connection.execute(RECEIVED.format("headwater.ledger")).fetchone()
        return int(row[0]) if row else 0


def consumed(address: str, count: int) -> None:
    """A consumer that does nothing with what it gets."""
    with closing(KafkaConsumer(**given(address, auto_offset_reset="earliest", metrics_enabled=False))) as consumer:
        consumer.assign([TopicPartition("headwater.shards", shard) for shard in range(SHARDS)])
        found = 0
        while found < count:
            found += sum(map(len, consumer.poll(timeout_ms=500).values()))


def inserted(server: Postgres, alerts: int) -> None:
    """COPY alone."""
    with server.empty() as dsn:
        store = PostgresStore(dsn, {})
        store.acquire()
        made = groups(GROUP)
        store.commit(next(made))
        store.close()
        limit = Limit(dsn, merge=False)
        ready = [limit.prepared(next(made)) for _ in range(max(1, alerts // (GROUP * 64)))]
        count = len(ready) * GROUP * 64
        told("insert only (COPY)", count, *timed(lambda: [limit.commit(one) for one in ready]))  # type: ignore[func-returns-value]


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """(seconds of the clock, CPU seconds of this process)."""
    clock, begun = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - clock, time.process_time() - begun


def told(name: str, alerts: int, wall: float, spent: float, whole: float | None = None) -> None:
    """One line."""
    both = f"{alerts / whole:>12,.0f}" if whole else f"{'–':>12}"
    sys.stdout.write(f"{name:20} {alerts / wall:>10,.0f} {alerts / spent:>14,.0f} {both}\n")
    sys.stdout.flush()


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alerts", type=int, default=20_000)
    parser.add_argument("--batch", type=int, default=500)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    asked = parser.parse_args()
    sent = envelopes(asked.alerts, asked.batch)
    sys.stdout.write(f"{'alerts':20} {'a second':>10} {'per CPU s':>14} {'with store':>12}\n")
    server = Postgres(durable=True)
    try:
        inserted(server, asked.alerts)
        for workers in asked.workers:
            with tempfile.TemporaryDirectory() as folder:
                through(server, Path(folder), sent, asked.alerts, workers)
    finally:
        server.stop()


if __name__ == "__main__":
    main()
