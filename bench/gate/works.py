"""The works of the gate. Each is a few tens of milliseconds, on data that is the same in every run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np

from bench import alerts, logs, store
from bench.gate import plain
from bench.gate.rounds import Ready, Work
from bench.graph_topologies import tiers
from engine import envelope
from engine.core import Core
from engine.evidence.baselines.store import Store
from engine.evidence.logs.store import Logs
from engine.library import Library
from engine.ports import Commit
from engine.signals import Activation, AlertEvent
from engine.storage.sqlite import SqliteStore
from ingest import labelcache
from ingest.decoders import alertmanager_v2
from topology.impact import impact
from topology.model import Dependency, Entity, Topology

BATCH = 64
COUNT = 40 * BATCH
START = 1_790_000_000
NOW = START * 1000 + 5_000
REPEATS = 4
COMMITS = 12
SERIES = 20_000
MINUTE = 60_000
LINES = 2_000


T = TypeVar("T")


def _each(do: Callable[[T], object], of: Iterable[T]) -> None:
    for one in of:
        do(one)


def bodies() -> list[bytes]:
    """Requests of 64 alerts each, as Prometheus sends them."""
    return list(alerts.bodies(range(COUNT), BATCH, START))


def world() -> Topology:
    """Fifty databases with ten services each."""
    databases = [f"db-{n // alerts.SERVICES_EACH:02}" for n in range(alerts.SERVICES)]
    services = [alerts.service(n) for n in range(alerts.SERVICES)]
    return Topology.build(
        [Entity(id=name) for name in (*services, *dict.fromkeys(databases))],
        [Dependency(consumer=one, provider=other) for one, other in zip(services, databases, strict=True)],
    )


def core() -> Core:
    """A core that knows the world and has seen nothing."""
    library = Library()
    made = Core(library)
    made.handle(1, [Activation("topology", library.add_topology(world()))], NOW - 1_000)
    return made


def events() -> list[tuple[AlertEvent, ...]]:
    """The same alerts, decoded; all end in an hour."""
    found = [alertmanager_v2.decode(body).signals for body in bodies()]
    ends = NOW + 3_600_000
    return [
        tuple(msgspec.structs.replace(one, ends_at=ends) for one in batch if isinstance(one, AlertEvent))
        for batch in found
    ]


def labels_of(batches: Iterable[Sequence[AlertEvent]]) -> list[dict[str, str]]:
    """Their labels as dictionaries."""
    return [event.labels.as_dict() for batch in batches for event in batch]


def decode_new(_: Path) -> Work:
    """Label sets never seen before."""
    sent = bodies()

    def work() -> None:
        labelcache.LABELS.clear()
        labelcache.ANNOTATIONS.clear()
        for body in sent:
            alertmanager_v2.decode(body)

    return Work("decode, new alerts", COUNT, lambda: work, plain.parsed(sent, 1))


def decode_repeats(_: Path) -> Work:
    """Label sets that were seen before."""
    sent = bodies()

    def work() -> None:
        for _ in range(REPEATS):
            for body in sent:
                alertmanager_v2.decode(body)

    return Work("decode, repeated alerts", COUNT * REPEATS, lambda: work, plain.parsed(sent, 1))


def decide_new(_: Path) -> Work:
    """From events to places, ledger, record and settled incidents."""
    batches = events()

    def ready() -> Ready:
        fresh = core()

        def work() -> None:
            for number, batch in enumerate(batches):
                fresh.handle(2 + number, batch, NOW + 2 * number)
            fresh.tick(NOW + 2_000)

        return work

    return Work("decide, new alerts", COUNT, ready, plain.lived(labels_of(batches), 4))


def decide_repeats(_: Path) -> Work:
    """The same alerts again, each time with a later end."""
    batches = events()
    known = core()
    position = count(2)
    for batch in batches:
        known.handle(next(position), batch, NOW)
    turn = count(1)

    def ready() -> Ready:
        later = NOW + 10_000 * next(turn)
        ends = later + 3_600_000
        again = [tuple(msgspec.structs.replace(one, ends_at=ends) for one in batch) for batch in batches]
        known.tick(later)

        def work() -> None:
            for _ in range(REPEATS):
                for batch in again:
                    known.handle(next(position), batch, later)

        return work

    keys = [one.labels.fingerprint for batch in batches for one in batch]
    return Work("decide, repeated alerts", COUNT * REPEATS, ready, plain.counted(keys, 20))


def commit(folder: Path) -> Work:
    """A group with 64 new alerts; syncing is the disk's time, and left out."""
    kept = SqliteStore(folder / "gate.db", sinks={})
    kept._writer.execute("PRAGMA synchronous = OFF")
    position = count(1)

    def ready() -> Ready:
        commits = [store.new(next(position)) for _ in range(COMMITS)]
        return lambda: _each(kept.commit, commits)

    rows = plain.stored(folder / "plain.db", BATCH, 8192, 24)
    return Work("commit to SQLite, new alerts", COMMITS * BATCH, ready, rows)


def commit_repeats(folder: Path) -> Work:
    """A group with 64 repeats."""
    kept = SqliteStore(folder / "gate-repeats.db", sinks={})
    kept._writer.execute("PRAGMA synchronous = OFF")
    position = count(1)
    views = store.new(next(position)).alerts

    def ready() -> Ready:
        commits: list[Commit] = [store.repeat(next(position), views) for _ in range(2 * COMMITS)]
        return lambda: _each(kept.commit, commits)

    rows = plain.stored(folder / "plain-repeats.db", BATCH, 8192, 24)
    return Work("commit to SQLite, repeats", 2 * COMMITS * BATCH, ready, rows)


def envelopes(_: Path) -> Work:
    """From stage 1 to stage 2, and read."""
    batches = events()

    def work() -> None:
        for batch in batches:
            envelope.decode(envelope.encode(batch))

    return Work("envelope, there and back", COUNT, lambda: work, plain.parsed(bodies(), 1))


def one_failure(_: Path) -> Work:
    """What if one entity of ten thousand were down?"""
    topology = tiers(10_000, 1)
    compiled = topology.compiled
    chosen = np.random.default_rng(2).choice(len(compiled.names), 60, replace=False).tolist()
    names = [compiled.names[number] for number in chosen]
    edges = zip(compiled.provider.tolist(), compiled.consumer.tolist(), strict=True)
    impact(topology, {names[0]: 0})
    return Work(
        "impact of one failure",
        len(names),
        lambda: lambda: [impact(topology, {name: 0}) for name in names],
        plain.reached(edges, chosen, 2),
    )


def baselines(_: Path) -> Work:
    """A sample of every series each minute."""
    kept = Store()
    for number in range(SERIES):
        kept.new(f"{number:032x}", f"entity-{number // 20}", f"metric_{number % 20}")
    refs = np.arange(SERIES, dtype=np.int64) * 2
    values = np.random.default_rng(1).normal(100, 10, (16, SERIES))
    minute = count(START // 60 - 60)

    def work() -> None:
        for at in islice(minute, 20):
            kept.take(refs, np.full(SERIES, at * MINUTE, np.int64), values[at % 16])

    for _ in range(4):
        work()
    return Work("baselines, samples", 20 * SERIES, lambda: work, plain.smoothed(SERIES, 20))


def lines(_: Path) -> Work:
    """Masking, classes, groups, templates of lines hardly one like another."""
    kept, seed = Logs(), count(1)

    def ready() -> Ready:
        sent = logs.lines(LINES, next(seed))
        return lambda: _each(partial(kept.add, "shop", 0, "info"), sent)

    sample = logs.lines(LINES, 0)
    return Work("log lines", LINES, ready, lambda: partial(_each, logs.plainly, sample))


WORKS: dict[str, Callable[[Path], Work]] = {
    "decode, new alerts": decode_new,
    "decode, repeated alerts": decode_repeats,
    "decide, new alerts": decide_new,
    "decide, repeated alerts": decide_repeats,
    "commit to SQLite, new alerts": commit,
    "commit to SQLite, repeats": commit_repeats,
    "envelope, there and back": envelopes,
    "impact of one failure": one_failure,
    "baselines, samples": baselines,
    "log lines": lines,
}


def made(names: Iterable[str], folder: Path) -> list[Work]:
    """These works; what they store lies in ``folder``."""
    return [WORKS[name](folder) for name in names]
