"""The service with the toy core on a real SQLite file, a clock that is set by hand, and sources filled by hand."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from prometheus_client import CollectorRegistry

from engine import own
from engine.errors import StoreUnavailable
from engine.metrics import EngineMetrics
from engine.outcomes import Decision
from engine.ports import Commit, Decoded, Record, Source
from engine.resume import Machine
from engine.service import Service, ServiceSettings
from engine.signals import Millis
from engine.storage.sqlite.store import SqliteStore
from tests.service import toy

START = 1_700_000_000_000


class ListSource:
    """A `Source` whose records are given beforehand."""

    def __init__(self, name: str = "list") -> None:
        self.name = name
        self.waiting: deque[Record] = deque()
        self.durable: list[Record] = []
        self.refused: list[Record] = []
        self.positions: Mapping[tuple[str, int], int] = {}
        self.polled: list[int] = []

    def push(self, *bodies: str) -> ListSource:
        self.waiting.extend(toy.record(body, source=self.name) for body in bodies)
        return self

    def resume(self, positions: Mapping[tuple[str, int], int]) -> None:
        self.positions = dict(positions)

    def poll(self, limit: int, timeout: float) -> Sequence[Record]:
        taken = [self.waiting.popleft() for _ in range(min(limit, len(self.waiting)))]
        self.polled.append(len(taken))
        return taken

    def committed(self, records: Sequence[Record]) -> None:
        self.durable += records

    def failed(self, records: Sequence[Record], error: Exception) -> None:
        self.refused += records

    def close(self) -> None:
        """Nothing to stop."""


class FlakyStore(SqliteStore):
    """The real store; ``before`` and ``after`` are raised around a commit while they are set."""

    before: Exception | None = None
    after: Exception | None = None

    def commit(self, commit: Commit) -> None:
        if self.before is not None:
            raise self.before
        super().commit(commit)
        if self.after is not None:
            raise self.after

    def alive(self, at: Millis) -> None:
        if self.before is not None:
            raise self.before
        super().alive(at)


class World:
    """One engine that can be stopped, killed and started again."""

    def __init__(self, path: Path, engine: type[toy.ToyCore] = toy.ToyCore) -> None:
        self.path, self.engine = path, engine
        self.now = START
        self.source = ListSource()
        self.sources: list[Source] = [self.source]
        self.version = "1"
        self.settings = ServiceSettings(backoff_first=0.01, backoff_most=0.02)
        self.on_commit: Callable[[Commit], None] | None = None
        self.opened = False
        self.start()

    def start(self) -> Service:
        if not self.opened:
            self.store = FlakyStore(self.path, {"log": {"engineers"}})
            self.opened = True
        self.registry = CollectorRegistry()
        machine = Machine(self.engine, None, decode, self.version)
        self.service = Service(
            machine, self.store, self.sources, lambda: self.now, EngineMetrics(self.registry, self.version),
            on_commit=self.on_commit, settings=self.settings,
        )  # fmt: skip
        self.revived = self.service.recover()
        return self.service

    def kill(self) -> None:
        """Memory is gone, the file is not."""
        self.store.close()
        self.opened = False

    def restart(self, *, after: Millis = 0) -> Service:
        self.kill()
        self.now += after
        return self.start()

    def take(self, *bodies: str) -> None:
        """One step with these records."""
        self.source.push(*bodies)
        self.service.step(0)

    def pass_time(self, millis: Millis) -> None:
        self.now += millis
        self.service.step(0)

    def decisions(self) -> list[Decision]:
        return list(self.store.decisions(-1))

    def metric(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)

    def lose_store(self) -> None:
        self.store.before = StoreUnavailable("the disk is full")


def decode(format: str, body: bytes) -> Decoded:
    return own.decode(body) if format == own.FORMAT else toy.decode(format, body)
