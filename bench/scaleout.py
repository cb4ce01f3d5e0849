"""What a shard costs: stage 1 and stage 2 on one giant domain, against only reading and only writing.

    python -m bench.scaleout [--alerts 20000] [--batch 500] [--rounds 3] [--dsn postgresql://…]

One domain is decided by one core, however many workers there are: so the figure that counts is what one worker makes
of the alerts of one shard. Prints alerts per CPU-second of this process, medians with the least and the most of the
rounds: dividing (stage 1), reading envelopes only, deciding without a store, and, with ``--dsn``, deciding with every
group committed to that PostgreSQL, and writing the same input log without deciding.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence

from prometheus_client import CollectorRegistry

from engine import envelope
from engine.core import Core, Shards
from engine.library import Library
from engine.metrics import EngineMetrics
from engine.ports import Commit, Decoded, Entry, Origin, Record, ShardStore
from engine.resume import Machine
from engine.routes import Routes
from engine.service import Service
from engine.shards import Shard, shard_of
from engine.signals import Activation, AlertEvent, Labels
from engine.splitting import Sent, split
from engine.storage.owned import MemoryShard, OwnedMemory
from engine.storage.postgres import PostgresStore
from engine.worker import TOPIC, ShardSource
from rules.ruleset import RuleSet
from topology.model import Dependency, Entity, Topology

SHARDS = 16
EACH = 20
"""Alerts of each service; all services need one switch."""
START = 1_790_000_000_000


def world(alerts: int) -> tuple[Topology, list[AlertEvent]]:
    """One provider, and the alerts of all that need it."""
    services = [f"svc-{number:05}" for number in range(max(1, alerts // EACH))]
    topology = Topology.build(
        [Entity(id=name) for name in (*services, "switch")],
        [Dependency(consumer=name, provider="switch") for name in services],
    )
    events = [
        AlertEvent(
            Labels.of({"alertname": f"Check{n}", "service": name, "severity": "warning"}), starts_at=START + number
        )
        for number, name in enumerate(services)
        for n in range(EACH)
    ]
    return topology, events


def divided(events: Sequence[AlertEvent], topology: Topology, batch: int) -> list[Sent]:
    """Stage 1."""
    routes = Routes(RuleSet.default(), topology, SHARDS)
    found = []
    for begin in range(0, len(events), batch):
        record = Record("alerts", "json", b"", 0, begin)
        found += split(record, Decoded(tuple(events[begin : begin + batch])), routes)
    return found


def decide(sent: Sequence[Sent], topology: Topology, store: ShardStore) -> None:
    """Stage 2 of the one shard."""
    shard, library = Shard(sent[0].shard, SHARDS), Library()
    source = ShardSource(shard.number, lambda *_: None)
    machine = Machine(Shards(shard), library, lambda _, body: envelope.decode(body), "bench")
    metrics = EngineMetrics(CollectorRegistry(), "bench")
    store.acquire()
    service = Service(machine, store, [source], lambda: START + 1_000, metrics)
    service.recover()
    activation = envelope.encode([Activation("topology", library.add_topology(topology), 1)])
    source.push(Record(TOPIC, envelope.FORMAT, activation, shard.number, 0))
    for offset, one in enumerate(sent, 1):
        source.push(Record(TOPIC, envelope.FORMAT, one.body, shard.number, offset, origin=one.origin))
    while len(source):
        service.step(0)
    core = service.core
    assert isinstance(core, Core)
    if core.counts["received"] != len(core.state.alerts):
        sys.exit("not every alert was decided")


def write_only(sent: Sequence[Sent], store: PostgresStore) -> None:
    """The input log alone, in the same groups."""
    store.acquire()
    position = store.resume().position
    for one in sent:
        position += 1
        store.commit(Commit(entries=[Entry(position, TOPIC, one.shard, None, envelope.FORMAT, START, one.body)]))


def measured(work: Callable[[], object], alerts: int, rounds: int) -> tuple[float, float, float, float]:
    """(median, least, most) alerts per CPU-second, and the median per second of the clock."""
    rates, walls = [], []
    for _ in range(rounds):
        began, clock = time.process_time(), time.perf_counter()
        work()
        rates.append(alerts / (time.process_time() - began))
        walls.append(alerts / (time.perf_counter() - clock))
    return statistics.median(rates), min(rates), max(rates), statistics.median(walls)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alerts", type=int, default=20_000)
    parser.add_argument("--batch", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dsn", default="")
    asked = parser.parse_args()
    topology, events = world(asked.alerts)
    sent = divided(events, topology, asked.batch)
    home = shard_of(topology.domain("switch"), SHARDS)
    works: list[tuple[str, Callable[[], object]]] = [
        ("divide (stage 1)", lambda: divided(events, topology, asked.batch)),
        ("read envelopes only", lambda: [envelope.decode(one.body) for one in sent]),
        ("decide, in memory", lambda: decide(sent, topology, OwnedMemory(MemoryShard(Shard(home, SHARDS))))),
    ]
    if asked.dsn:
        shards = iter(range(SHARDS))  # a shard of its own for each round: what is stored stays

        def stored() -> None:
            other = [Sent(shard, one.body, Origin("bench")) for shard in (next(shards),) for one in sent]
            write_only(other, PostgresStore(asked.dsn, {}, other[0].shard))

        works.append(("write the input log only", stored))
        works.append(("decide, committed", lambda: decide(sent, topology, PostgresStore(asked.dsn, {}, home))))
    for name, work in works:
        rounds = 1 if name == "decide, committed" else asked.rounds
        rate, least, most, wall = measured(work, len(events), rounds)
        sys.stdout.write(
            f"{name:26} {rate:10,.0f} alerts per CPU-second ({least:,.0f} … {most:,.0f}), {wall:10,.0f} a second\n"
        )


if __name__ == "__main__":
    main()
