"""What a commit costs: python bench/store.py [--commits 1500] [--directory DIR]

Prints CPU time per `SqliteStore.commit` of one input with 64 alert events (body about 38 KB), twice: 64 new alerts
(their views, one decision), and 64 repeats (only the ledger). CPU time is that of the thread. The first two lines
leave the fsync of each commit out, which shows what the store itself costs; the product never runs so.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import msgspec

from engine.outcomes import AlertView, Decision, LedgerEntry
from engine.ports import Commit, Entry, Snapshot
from engine.reasons import Disposition, Reason
from engine.signals import Labels
from engine.storage.memory import MemoryStore
from engine.storage.sqlite import SqliteStore

BATCH = 64
START = 1_790_000_000_000
NOTES = {
    "summary": "99th percentile of the latency is above the objective",
    "description": "p99 of checkout has been above 1 s for 5 minutes; see the runbook for what to look at first.",
    "runbook_url": "https://runbooks.example/latency",
}


def view(no: int) -> AlertView:
    """An alert as a Prometheus with a handful of labels sends it."""
    service = f"svc-{no % 997}"
    labels = Labels.of(
        {
            "alertname": f"HighLatency{no % 20}", "service": service, "namespace": "shop", "cluster": "eu-1",
            "pod": f"{service}-{no * 2654435761 % 2**32:08x}", "instance": f"10.0.{no // 250 % 250}.{no % 250}:9100",
            "severity": "critical", "job": "node",
        }
    )  # fmt: skip
    event = f"{no // BATCH + 1}-{no % BATCH}"
    return AlertView(
        no=no, fingerprint=labels.fingerprint, labels=msgspec.Raw(labels.raw),
        annotations=msgspec.Raw(msgspec.json.encode(NOTES)), name=f"HighLatency{no % 20}", entity=service, mapped=True,
        domain="shop", severity="critical", state="firing", disposition=Disposition.ATTACHED,
        reason=Reason.EXPLAINED_BY_CAUSE, incident=f"INC-{no // 640 + 1}", first_event=event, last_event=event,
        starts_at=START + no, url="http://prometheus.example:9090/graph?g0.expr=latency&g0.tab=1",
    )  # fmt: skip


def new(position: int) -> Commit:
    """One input of 64 alerts never seen before."""
    first = (position - 1) * BATCH + 1
    views = [view(first + i) for i in range(BATCH)]
    entries = [
        LedgerEntry(i, first + i, Disposition.ATTACHED, Reason.EXPLAINED_BY_CAUSE, "INC-1") for i in range(BATCH)
    ]
    payload = msgspec.json.encode([[e.index, e.alert, e.disposition, e.reason, e.incident] for e in entries])
    commit = repeat(position, views)
    commit.ledger, commit.alerts = [(position, entries)], views
    commit.decisions = [Decision("shop", position, START + position, payload)]
    return commit


def repeat(position: int, views: list[AlertView]) -> Commit:
    """One input of 64 alerts as they were before."""
    body = msgspec.json.encode(
        [
            {
                "labels": v.labels, "annotations": v.annotations, "startsAt": "2026-09-21T14:13:20.000Z",
                "endsAt": "2026-09-21T14:17:20.000Z", "generatorURL": v.url,
            }
            for v in views
        ]
    )  # fmt: skip
    entries = [LedgerEntry(i, v.no, Disposition.DUPLICATE, Reason.REPEAT) for i, v in enumerate(views)]
    arrival = START + position
    return Commit(
        entries=[Entry(position, "http", 0, None, "alertmanager-v2", arrival, body)],
        ledger=[(position, entries)],
        ticked=arrival,
        counts={"received": position * BATCH, "duplicate": position * BATCH},
    )


def timed(store: SqliteStore | MemoryStore, commits: list[Commit]) -> list[float]:
    """Microseconds of CPU of each commit."""
    spent = []
    for commit in commits:
        start = time.thread_time_ns()
        store.commit(commit)
        spent.append((time.thread_time_ns() - start) / 1000)
    return spent


def line(name: str, spent: list[float]) -> None:
    """One row of the table."""
    low, median = statistics.quantiles(spent, n=10)[0], statistics.median(spent)
    mean = statistics.fmean(spent)
    print(f"{name:34s} {low:8.0f} {median:8.0f} {mean:8.0f} {BATCH / mean * 1e6:14,.0f}")


def main() -> None:
    """Run both cases on SQLite and in memory."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--commits", type=int, default=1500)
    parser.add_argument("--directory", type=Path, default=None)
    options = parser.parse_args()
    count = options.commits
    news = [new(position) for position in range(1, count + 1)]
    repeats = [repeat(count + i, news[0].alerts) for i in range(1, count + 1)]
    print(f"bodies of {len(news[0].entries[0].body):,} B, {BATCH} alert events each")
    print(f"{'commit of 64, CPU µs':34s} {'p10':>8s} {'median':>8s} {'mean':>8s} {'events/cpu-s':>14s}")
    with tempfile.TemporaryDirectory(dir=options.directory) as folder:
        unsynced = SqliteStore(Path(folder) / "unsynced.db", sinks={})
        unsynced._writer.execute("PRAGMA synchronous = NORMAL")  # syncs at checkpoints only: what is left is our own
        line("SQLite, new, without fsync", timed(unsynced, news))
        line("SQLite, repeats, without fsync", timed(unsynced, repeats))
        unsynced.close()
        path = Path(folder) / "bench.db"
        sqlite = SqliteStore(path, sinks={})
        line("SQLite, new", timed(sqlite, news))
        size = path.stat().st_size
        line("SQLite, repeats", timed(sqlite, repeats))
        memory = MemoryStore(sinks={})
        line("memory, new", timed(memory, news))
        line("memory, repeats", timed(memory, repeats))
        start = time.thread_time()
        sqlite.commit(Commit(snapshot=Snapshot(2 * count, START, 1, "bench", bytes(1000))))
        alerts = count * BATCH
        print(f"\nsnapshot commit: index {alerts:,} fingerprints, count the ledger: {time.thread_time() - start:.3f} s")
        start = time.thread_time()
        sqlite.alerts(entity="svc-3", limit=50)
        print(f"50 alerts of one entity out of {alerts:,}: {(time.thread_time() - start) * 1000:.1f} ms")
        start = time.thread_time()
        sqlite.alerts(name="nothing")
        print(f"a filter that nothing passes: {(time.thread_time() - start) * 1000:.1f} ms")
        print(f"file: {size / alerts:.0f} B per new alert (input, ledger, view, decision)")
        sqlite.close()


if __name__ == "__main__":
    main()
