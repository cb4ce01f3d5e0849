"""The shards of one worker process: each with its store, its service and its metrics."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from api.version import installed
from engine.core import Shards
from engine.errors import StoreUnavailable
from engine.metrics import EngineMetrics
from engine.ports import Clock, Decode, ShardStore
from engine.resume import Machine, StoredLibrary
from engine.service import Service, ServiceSettings
from engine.shards import Shard
from engine.storage.postgres import PostgresStore
from engine.worker import ShardSource, Worker
from ingest.kafka.client import KafkaError
from ingest.turning import Turning

log = logging.getLogger(__name__)

TURN = 0.5
AGAIN = 2.0


class Opener:
    """Puts the service of a shard together. ``audiences`` of the sinks decide which rows the outbox gets."""

    def __init__(
        self,
        dsn: str,
        audiences: Mapping[str, frozenset[str]],
        shards: int,
        owner: str,
        decode: Decode,
        clock: Clock,
        settings: ServiceSettings,
    ) -> None:
        self._dsn, self._audiences, self._count, self._owner = dsn, audiences, shards, owner
        self._decode, self._clock, self._settings = decode, clock, settings
        self.registries: dict[int, CollectorRegistry] = {}

    def open(self, number: int, source: ShardSource) -> tuple[Service, ShardStore]:
        """Raises `StoreUnavailable`."""
        store = PostgresStore(self._dsn, self._audiences, number, self._owner)
        registry = self.registries[number] = CollectorRegistry()
        metrics = EngineMetrics(registry, installed())
        machine = Machine(Shards(Shard(number, self._count)), StoredLibrary(store), self._decode, installed())
        return Service(machine, store, [source], self._clock, metrics, settings=self._settings), store


class ShardMetrics(Collector):
    """The metrics of all shards that are here, each with its number as a label."""

    def __init__(self, opener: Opener, worker: Worker) -> None:
        self._opener, self._worker = opener, worker

    def collect(self) -> Iterator[Metric]:
        """By name, of all shards together."""
        found: dict[str, Metric] = {}
        for shard in sorted(dict(self._worker.owned)):
            for metric in self._opener.registries[shard].collect():
                into = found.setdefault(metric.name, Metric(metric.name, metric.documentation, metric.type))
                into.samples += [
                    Sample(one.name, {**one.labels, "shard": str(shard)}, one.value, one.timestamp, one.exemplar)
                    for one in metric.samples
                ]
        yield from found.values()


class Working:
    """The thread of a worker: joins the group, works until stopped, and tells when it cannot go on."""

    def __init__(
        self, worker: Worker, join: Callable[[Worker], object], stopped: Callable[[BaseException], None]
    ) -> None:
        self._worker, self._join, self._stopped = worker, join, stopped
        self._stop = threading.Event()
        self.loop = Turning("worker", self._run)
        self.trouble = "has not joined the group yet"

    def start(self) -> None:
        """Begin."""
        self.loop.start()

    def stop(self) -> None:
        """Commit what is under way, store snapshots, let the shards go."""
        self._stop.set()
        self.loop.join(60)

    @property
    def alive(self) -> bool:
        """Does its thread live?"""
        return self.loop.alive

    def _run(self) -> None:
        try:
            while not self._stop.is_set() and not self._joined():
                self.loop.turn()
                self._stop.wait(AGAIN)
            while not self._stop.is_set():
                self.loop.turn()
                self._worker.step(TURN)
            self._worker.stop()
        except BaseException as error:
            log.critical("the worker cannot go on: %s", error, exc_info=True)
            self._worker.lost(list(self._worker.owned))
            self._stopped(error)

    def _joined(self) -> bool:
        try:
            self._join(self._worker)
        except (OSError, KafkaError, StoreUnavailable) as error:
            self.trouble = str(error) or type(error).__name__
            log.error("the group cannot be joined yet: %s", error)
            return False
        self.trouble = ""
        return True
