"""A recorded trouble through the real roles on a real broker and a real database, in one process and by one clock.

The roles are put together as their commands do it (`api.roles.compose`); records go through a raw topic. Their clock is
moved by hand, to the end of one of a few stretches of the recording at a time, and only when everything that was sent
is decided and every timer that is due has fired. So the recording is over in seconds, and what is decided of it can be
compared with another run.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from api import settings
from api.commands.serve import Make
from api.roles import compose
from api.sinks.cluster import Topic
from engine.core import Core
from engine.ports import Commit
from engine.signals import AlertEvent, Millis
from engine.storage.postgres import PostgresStore
from engine.worker import Worker
from ingest.kafka.client import KafkaConsumer, KafkaProducer, TopicPartition
from ingest.kafka.topics import Topics
from tests.cluster.cluster import Cluster, listen
from tests.cluster.equality import DOMAINS, divided
from tests.real.components import eventually
from tests.real.kafka.world import fresh, given
from tests.scenarios.canonical import Canonical, canonical
from tests.scenarios.scoring import QUIET
from tests.scenarios.troubles import START, TroubleWorld
from topology.model import Topology

PARTITIONS = 2


class Recording(Cluster):
    """Keeps what is stored, by whichever worker's thread; and the clock of all roles."""

    def __init__(self, world: TroubleWorld) -> None:
        super().__init__(1, world.seed, START - 1000)
        self.lock = threading.Lock()
        self.real: list[Worker] = []
        self.fronts: list[compose._Front] = []

    def bring(self, topology: Topology) -> None:
        """As a reload does it."""
        api = next(one for one in self.fronts if one.brings)
        eventually(lambda: api.brought, "the files are in force", 30)
        assert api._bring(topology, None) == ["topology"]

    def keep(self, commit: Commit) -> None:
        with self.lock:
            super().keep(commit)

    def clock(self) -> Millis:
        return self.now

    def due(self) -> Millis | None:
        """When the next timer of any shard fires."""
        owned = [one for worker in self.real for one in list(worker.owned.values())]
        cores = [one.service.core for one in owned if isinstance(one.service.core, Core)]
        return min((at for core in cores if (at := core.due()) is not None), default=None)


class Roles:
    """``workers`` of them own ``shards``; all read the same settings."""

    def __init__(self, recording: Recording, folder: Path, dsn: str, address: str, shards: int) -> None:
        self.recording, self.dsn, self.address, self.shards = recording, dsn, address, shards
        self.topic, self.raw, name = fresh(), fresh(), fresh()
        with closing(Topics(given(address))) as topics:
            topics.create([
                Topic(name=self.topic, partitions=shards, replication=1).wanted(),
                Topic(name=self.raw, partitions=PARTITIONS, replication=1).wanted(),
            ])  # fmt: skip
        brokers = address.split(",")
        self.file = folder / "headwater.yaml"
        (folder / "catalogue").mkdir(parents=True)
        (folder / "rules").mkdir()
        self.file.write_text(json.dumps({
            "store": dsn, "catalogue": "catalogue", "rules": "rules", "data": "data",
            "cluster": {
                "bootstrap": brokers, "shards": shards, "topic": self.topic, "group": f"{name}-w", "session_timeout": 6,
            },
            "kafka": [{
                "name": "raw", "bootstrap": brokers, "group": name, "session_timeout": 6,
                "topics": [{"name": self.raw, "format": "json"}],
            }],
        }), encoding="utf-8")  # fmt: skip
        self.settings = settings.load(self.file, environment={"HEADWATER_BALLAST": "0"})
        self.sent = 0

    @contextmanager
    def role(self, make: Make, **more: bool) -> Iterator[None]:
        """One more, until the context ends."""
        broken: list[BaseException] = []
        with make(self.settings, clock=self.recording.clock, stopped=broken.append, **more) as running:
            running.start()
            yield
        assert broken == []

    def produce(self, signals: list[AlertEvent]) -> None:
        with closing(KafkaProducer(**given(self.address, acks="all"))) as producer:
            for one in signals:
                producer.send(self.raw, value=wire(one), partition=int(one.key) % PARTITIONS)
            producer.flush()
        self.sent += len(signals)

    def settle(self) -> None:
        """Until all that was sent is decided and stored, what is handed over is taken, and no timer is due."""
        eventually(self._still, "everything is decided", 60)

    def _still(self) -> bool:
        recording = self.recording
        if len(recording.ledger) < self.sent or self._behind():
            return False
        due = recording.due()
        return due is None or due > recording.now

    def _behind(self) -> bool:
        with psycopg.connect(self.dsn) as connection:
            waiting = connection.execute("SELECT count(*) FROM headwater.handover").fetchone()
        durable = {shard: one.source.durable for w in self.recording.real for shard, one in list(w.owned.items())}
        with closing(KafkaConsumer(**given(self.address))) as consumer:
            ends = consumer.end_offsets([TopicPartition(self.topic, shard) for shard in range(self.shards)])
        return bool(waiting and waiting[0]) or any(durable.get(p.partition, -1) + 1 < end for p, end in ends.items())

    def pass_time(self, until: Millis) -> None:
        """Everything due on the way happens at its time."""
        self.settle()
        self.recording.now = max(self.recording.now, until)
        self.settle()


def wire(event: AlertEvent) -> bytes:
    """As plain JSON has it."""
    told = {
        "kind": "alert", "labels": event.labels.as_dict(), "id": event.key,
        "status": "firing" if event.firing else "resolved",
    }  # fmt: skip
    times = {name: at / 1000 for name in ("starts_at", "ends_at") if (at := getattr(event, name)) is not None}
    return msgspec.json.encode({**told, **times})


def decided(
    world: TroubleWorld, folder: Path, dsn: str, address: str, *, shards: int, workers: int, stretches: int
) -> tuple[Canonical, Recording]:
    """What is decided of the world; with more than one worker the last one joins in the middle. In parts at first,
    which become one in the middle."""
    recording = Recording(world)
    roles = Roles(recording, folder, dsn, address, shards)
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        _watch(patch, recording)
        for _ in range(max(1, workers - 1)):
            stack.enter_context(roles.role(compose.work))
        stack.enter_context(roles.role(compose.front, raw=False))
        recording.bring(divided(world.topology, DOMAINS))
        stack.enter_context(roles.role(compose.front, raw=True))
        events = [msgspec.structs.replace(one.signal, key=str(number)) for number, one in enumerate(world.events)]
        size = -(-len(events) // stretches)
        for begin in range(0, len(events), size):
            if begin <= len(events) // 2 < begin + size:
                recording.bring(world.topology)
                if workers > 1:
                    stack.enter_context(roles.role(compose.work))
            part = events[begin : begin + size]
            roles.pass_time(world.events[begin + len(part) - 1].arrival)
            roles.produce(part)
        roles.pass_time(START + 1_800_000 + QUIET)
        owned = [len(worker.owned) for worker in recording.real]
        assert sum(owned) == shards
        assert sum(count > 0 for count in owned) == min(workers, shards)
    recording.follow()
    places = {event: int(key) for event, key in recording.keys.items()}
    assert sorted(places.values()) == list(range(len(events))), "an event was lost, or taken twice"
    noise = {number for number, event in enumerate(world.events) if not event.allowed}
    return canonical(recording, places, noise), recording  # type: ignore[arg-type]


def _watch(patch: pytest.MonkeyPatch, recording: Recording) -> None:
    """Let the recording see what is stored, and who works."""
    listen(patch, recording)
    commit = PostgresStore.commit

    def committed(self: PostgresStore, one: Commit) -> None:
        commit(self, one)
        recording.keep(one)

    class Seen(Worker):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            recording.real.append(self)

    class Front(compose._Front):
        def __init__(self, *given: Any, **more: Any) -> None:
            super().__init__(*given, **more)
            recording.fronts.append(self)

    patch.setattr(PostgresStore, "commit", committed)
    patch.setattr(compose, "Worker", Seen)
    patch.setattr(compose, "_Front", Front)
