"""One engine in a process of its own, to be killed; its arguments are DIR CORE NOW FAILPOINTS.

It reads lines from standard input: ``r OFFSET ARRIVAL FORMAT BODY`` is a record, ``t MILLIS`` lets the clock move on,
``stop`` ends it in good order. It answers ``a OFFSET`` when a record is durable, and ``ready`` when it has recovered.
Records carry their arrival, so that a disturbed and an undisturbed run see the same times. A record that brings a
version into force brings its content too; after a restart only the store has it.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from prometheus_client import CollectorRegistry

from engine import failpoints, own
from engine.core import Core
from engine.metrics import EngineMetrics
from engine.ports import Commit, Decode, Record
from engine.publish.dispatcher import Dispatcher, DispatchSettings
from engine.publish.log import Log
from engine.resume import Machine, StoredLibrary
from engine.service import Service, ServiceSettings
from engine.signals import Activation
from engine.storage.sqlite.store import SqliteStore
from engine.submissions import Submitted
from engine.writer import SnapshotRhythm
from ingest.decoders import decode
from rules.ruleset import RuleSet
from tests.service import toy
from topology.model import Topology

PUBLISHERS_EPOCH = 2_000_000_000_000  # later than any time in the records; all publications are due
DOWNTIME_AFTER = 120_000  # ms; a life that begins where the last one ended is no absence
AUDIENCES = frozenset({"engineers", "stakeholders", "tickets"})


class PipeSource:
    """A `Source` with positions, as a Kafka consumer has them, over a pipe."""

    name = "pipe"

    def __init__(self, now: int, bring: Callable[[Record], None]) -> None:
        self.now = now
        self._bring = bring
        self.stop = threading.Event()
        self._records: queue.Queue[Record | int] = queue.Queue()

    def read(self) -> None:
        for line in sys.stdin:
            match line.rstrip("\n").split(" ", 4):
                case ["r", offset, arrival, format, body]:
                    record = Record("pipe", format, body.encode(), offset=int(offset), arrival=int(arrival))
                    self._records.put(record)
                case ["t", millis]:
                    self._records.put(int(millis))
                case _:
                    break
        self.stop.set()
        self._records.put(0)

    def resume(self, positions: Mapping[tuple[str, int], int]) -> None:
        say(f"ready {positions.get(('pipe', 0), -1)}")

    def poll(self, limit: int, timeout: float) -> Sequence[Record]:
        taken: list[Record] = []
        try:
            while len(taken) < limit:
                record = self._records.get(timeout=timeout if timeout > 0 and not taken else 0.0001)
                if isinstance(record, int):  # the time, in its place among the records
                    self.now = max(self.now, record)
                    break
                self._bring(record)
                taken.append(record)
                self.now = max(self.now, record.arrival or 0)
        except queue.Empty:
            return taken
        return taken

    def committed(self, records: Sequence[Record]) -> None:
        say("\n".join(f"a {record.offset}" for record in records))

    def failed(self, records: Sequence[Record], error: Exception) -> None:
        say(f"failed {error}")

    def close(self) -> None:
        """The pipe closes with the process."""


def say(text: str) -> None:
    os.write(1, text.encode() + b"\n")


def machine(core: str, library: StoredLibrary) -> Machine:
    if core == "toy":
        return Machine(toy.ToyCore, None, own_or(toy.decode), "1")
    return Machine(Core, library, own_or(decode), "1")


def own_or(theirs: Decode) -> Decode:
    return lambda format, body: own.decode(body) if format == own.FORMAT else theirs(format, body)


def bring_versions(library: StoredLibrary) -> Callable[[Record], None]:
    """Gives a record that activates a version the version's content, to be stored in one transaction with it."""

    def bring(record: Record) -> None:
        signal = next(iter(own.decode(record.body).signals), None) if record.format == own.FORMAT else None
        if isinstance(signal, Activation):
            from tests.crash.catalogue import VERSIONS  # noqa: PLC0415 - a later life must not need it

            version = VERSIONS[signal.kind, signal.version]
            record.token = Submitted(version)
            if version.kind == "topology":
                library.add_topology(Topology.decode(version.content))
            else:
                library.add_rules(RuleSet.decode(version.content))

    return bring


def main() -> None:
    folder, core, now, spec = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
    failpoints.arm(spec)
    store = SqliteStore(folder / "db", {"log": AUDIENCES})
    metrics = EngineMetrics(CollectorRegistry())
    sink = Log("log", folder / "published.jsonl", AUDIENCES)
    dispatcher = Dispatcher(
        store, [sink], lambda: PUBLISHERS_EPOCH + round(time.monotonic() * 1000), metrics,
        settings=DispatchSettings(lease=150, idle_seconds=0.05),
    )  # fmt: skip

    def committed(commit: Commit) -> None:
        if commit.outbox:
            dispatcher.wake()

    library = StoredLibrary(store)
    source = PipeSource(now, bring_versions(library))
    settings = ServiceSettings(
        group_records=8, poll_seconds=0.2, snapshots=SnapshotRhythm(entries=10), downtime_after=DOWNTIME_AFTER
    )
    service = Service(
        machine(core, library), store, [source], lambda: source.now, metrics, on_commit=committed, settings=settings
    )
    threading.Thread(target=source.read, daemon=True).start()
    dispatcher.start()
    service.run(source.stop)
    dispatcher.stop()
    violations = metrics.violations._value.get()
    store.close()
    say(f"stopped {violations:.0f}")
