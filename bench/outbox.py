"""Outbox throughput against a sink that answers at once, beside SQLite alone.

Publications of 300 incidents, two of each, are claimed, sent and recorded by one dispatcher thread, once for a sink
that deduplicates by key and once for one that does not. The peer makes as many durable transactions
(``synchronous=FULL``), each updating one row of a table of the same size: what such work costs at least. Ratios are of
CPU seconds, the system's share included; rows per second depend on the disk more than on anything else.
"""

from __future__ import annotations

import os
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from prometheus_client import CollectorRegistry

from engine.metrics import EngineMetrics
from engine.outcomes import Publication
from engine.ports import Commit
from engine.publish.dispatcher import Dispatcher
from engine.sending import OutboxRow, Receipt
from engine.storage.sqlite.store import SqliteStore

INCIDENTS, EACH = 300, 2
NOON = 1_790_000_000_000
Measured = dict[str, dict[str, list[float]]]


class Instant:
    """Takes everything at once, and keeps a ticket per incident."""

    audiences = frozenset({"tickets"})

    def __init__(self, *, idempotent: bool) -> None:
        self.name, self.idempotent = "instant", idempotent
        self.got = 0

    def send(self, row: OutboxRow) -> Receipt:
        self.got += 1
        return Receipt(row.publication.incident, keeps="open")


def measure(repetitions: int) -> Measured:
    """Rows per second of both kinds of sink, and transactions per second of SQLite alone; all durable."""
    found: Measured = {}
    for _ in range(repetitions):
        for row, idempotent in (("a sink with a key", True), ("a sink without", False)):
            rows, transactions, took, spent = _published(idempotent)
            kinds = found.setdefault(row, {})
            kinds.setdefault("rows", []).append(rows / took)
            kinds.setdefault("cpu", []).append(rows / spent)
            alone = _alone(transactions)
            kinds.setdefault("sqlite", []).append(rows / alone)
            kinds.setdefault("two", []).append(rows / _alone(2 * rows))
            kinds.setdefault("transactions", []).append(transactions / rows)
    return found


def table(measured: Measured) -> str:
    """The figures as Markdown."""
    lines = [
        "| outbox, one publisher thread | rows/s | rows per CPU s | transactions per row | Headwater : SQLite alone, "
        "as many transactions | Headwater : SQLite alone, two transactions per row |",
        "|---|---|---|---|---|---|",
    ]
    for row, kinds in measured.items():
        cells = [_cell(kinds["rows"]), _cell(kinds["cpu"]), f"{statistics.median(kinds['transactions']):.2f}"]
        cells += [_ratio(kinds["cpu"], kinds["sqlite"]), _ratio(kinds["cpu"], kinds["two"])]
        lines.append(f"| {row} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(values: list[float]) -> str:
    middle = statistics.median(values)
    return f"{middle:,.0f} ±{(max(values) - min(values)) / middle:.0%}"


def _ratio(ours: list[float], peer: list[float]) -> str:
    ratios = [a / b for a, b in zip(ours, peer, strict=True)]
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} … {max(ratios):.2f})"


def _published(idempotent: bool) -> tuple[int, int, float, float]:
    """(rows, transactions, seconds, CPU seconds) until everything is confirmed."""
    sink = Instant(idempotent=idempotent)
    with tempfile.TemporaryDirectory(dir=_folder()) as folder:
        store = SqliteStore(Path(folder) / "db", {sink.name: sink.audiences})
        for number in range(EACH):
            store.commit(Commit(outbox=[_publication(number, incident) for incident in range(INCIDENTS)]))
        commits = _counted(store._outbox)
        dispatcher = Dispatcher(store, [sink], lambda: NOON, EngineMetrics(CollectorRegistry()))
        start, cpu = time.perf_counter(), time.thread_time()
        while dispatcher.round(sink):
            pass
        took, spent = time.perf_counter() - start, time.thread_time() - cpu
        assert (sink.got, store.depth()) == (INCIDENTS * EACH, [])
        made = commits()
        store.close()
    return sink.got, made, took, spent


def _publication(number: int, incident: int) -> Publication:
    id = f"INC-{incident}"
    return Publication(
        key=f"{id}.{number}", incident=id, revision=number, generation=1, action="open" if number == 0 else "merge",
        audience="tickets", not_before=NOON, created_at=NOON,
        body={"incident": {"id": id, "title": "Checkout fails for one user in ten"}, "why": "x" * 1000},
    )  # fmt: skip


def _counted(connection: sqlite3.Connection) -> Callable[[], int]:
    """How many transactions were begun since."""
    begun = [0]

    def trace(statement: str) -> None:
        begun[0] += statement.startswith("BEGIN")

    connection.set_trace_callback(trace)
    return lambda: begun[0]


def _alone(transactions: int) -> float:
    """CPU seconds for so many durable updates of one row each."""
    with tempfile.TemporaryDirectory(dir=_folder()) as folder:
        bare = sqlite3.connect(Path(folder) / "bare", isolation_level=None)
        for setting in ("journal_mode = WAL", "synchronous = FULL", "wal_autocheckpoint = 4000"):
            bare.execute(f"PRAGMA {setting}")
        bare.execute("CREATE TABLE outbox (id INTEGER PRIMARY KEY, state TEXT, doc BLOB)")
        count = INCIDENTS * EACH
        bare.execute("BEGIN")
        bare.executemany("INSERT INTO outbox VALUES (?, 'new', ?)", [(id, bytes(1200)) for id in range(count)])
        bare.execute("COMMIT")
        start = time.thread_time()
        for number in range(transactions):
            bare.execute("UPDATE outbox SET state = 'sent' WHERE id = ?", (number % count,))
        took = time.thread_time() - start
        bare.close()
    return took


def _folder() -> str | None:
    """On the disk, where there is one: a temporary folder in memory has no durability to pay for."""
    return os.environ.get("HEADWATER_BENCH_DIR")
