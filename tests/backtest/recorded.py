"""A recorded day: a data folder written by the real service, with arrivals of the past."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from api import bootstrap
from api.backtest import Asked
from api.backtest_schemas import BackTest
from api.kept import DATABASE, Kept
from engine import own
from engine.core import Core
from engine.metrics import EngineMetrics
from engine.ports import Commit, Record, Version
from engine.resume import Machine, StoredLibrary
from engine.service import Service, ServiceSettings
from engine.signals import Command, Millis
from engine.storage.sqlite.store import SqliteStore
from engine.writer import SnapshotRhythm
from rules.parse import parse_rules
from rules.ruleset import RuleSet
from tests.scenarios.world import clock
from topology.model import Topology

SINKS = {"log": frozenset({"engineers", "stakeholders", "tickets"})}


def rules(text: str) -> RuleSet:
    """The rules of one file."""
    found, problems = parse_rules({"rules.yaml": text})
    assert found is not None, problems
    return found


def alert(
    time: str, service: str, name: str = "Down", *, firing: bool = True, severity: str = "critical", id: str = ""
) -> Record:
    """An alert event as plain JSON."""
    at = clock(time)
    body: dict[str, Any] = {
        "t": at / 1000, "kind": "alert", "status": "firing" if firing else "resolved", "name": name,
        "service": service, "severity": severity, "fingerprint": f"{name}-{service}-{id}",
    }  # fmt: skip
    return Record("http", "json", json.dumps(body).encode(), arrival=at)


def command(time: str, action: str, target: str, reason: str = "seen", **facts: str) -> Record:
    """What a person asked for."""
    record = own.command(Command("ada", action, target, reason, facts))
    record.arrival = clock(time)
    return record


class _Day:
    """A source of records that were given."""

    name = "day"

    def __init__(self, records: Iterable[Record]) -> None:
        self.waiting = deque(records)
        self.now: Millis = 0

    def resume(self, positions: Mapping[tuple[str, int], int]) -> None:
        """From the start."""

    def poll(self, limit: int, timeout: float) -> Sequence[Record]:
        """The next ones."""
        taken = [self.waiting.popleft() for _ in range(min(limit, len(self.waiting)))]
        self.now = max((record.arrival or 0 for record in taken), default=self.now)
        return taken

    def committed(self, records: Sequence[Record]) -> None:
        """Nobody waits."""

    def failed(self, records: Sequence[Record], error: Exception) -> None:
        """Not in a test."""
        raise error

    def close(self) -> None:
        """Nothing to stop."""


def record(
    folder: Path, topology: Topology, ruleset: RuleSet, records: Iterable[Record], *, end: str = "", every: int = 512
) -> Path:
    """Run the records through the service on a SQLite file in ``folder``, with a snapshot ``every`` so many inputs."""
    folder.mkdir(parents=True, exist_ok=True)
    store = SqliteStore(folder / DATABASE, SINKS)
    day = _Day(records)
    try:
        first = day.waiting[0].arrival or 0
        made = [Version("topology", topology.version, first, topology.encode())]
        made.append(Version("rules", ruleset.version, first, ruleset.encode()))
        store.commit(Commit(versions=made, counts={"received": 0}))
        for kind, version in (("rules", ruleset.version), ("topology", topology.version)):
            day.waiting.appendleft(own.activation(kind, version, first))
        machine = Machine(Core, StoredLibrary(store), bootstrap.decode, "test")
        never = ServiceSettings(
            group_records=every,
            snapshots=SnapshotRhythm(every=1 << 60, entries=every),
            downtime_after=1 << 60,
            retention=1 << 60,
        )
        service = Service(
            machine, store, [day], lambda: day.now, EngineMetrics(CollectorRegistry(), "test"), settings=never
        )
        service.recover()
        while day.waiting:
            service.step(0)
        day.now = clock(end) if end else day.now
        service.step(0)
    finally:
        store.close()
    return folder


def backtest(folder: Path, ruleset: RuleSet, **more: Any) -> BackTest:
    """The difference that these rules would have made."""
    with bootstrap.back_tester(Kept(folder), Asked(ruleset, **more)) as tester:
        return tester.run()
