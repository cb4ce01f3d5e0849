"""kill -9 at random moments: every acknowledged commit is there, whole, and nothing else is half there."""

from __future__ import annotations

import itertools
import os
import random
import signal
import sqlite3
import time
from pathlib import Path

from engine.chain import verify
from engine.storage.sqlite import SqliteStore
from tests.storage.made import SINKS
from tests.zygote.program import zygote

KILLS = 20
ZYGOTES = map(zygote, itertools.cycle(range(2)))  # one after the other hashes strings differently


def commit_until_killed(path: Path, seconds: float) -> int:
    """The last position that the process acknowledged."""
    receives, gives = os.pipe()
    with open(receives, encoding="utf-8") as stdout:
        child = next(ZYGOTES).fork("tests.storage.committer:main", ["committer", str(path)], (0, gives, 2))
        os.close(gives)
        assert stdout.readline() == "ready\n"
        time.sleep(seconds)
        child.kill()
        lines = stdout.read().split("\n")
    assert child.wait(60) == -signal.SIGKILL
    complete = [int(line) for line in lines[:-1]]  # what stands behind the last line end was cut off
    return max(complete, default=0)


def check(path: Path, acknowledged: int) -> None:
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    store = SqliteStore(path, SINKS)
    resume = store.resume()
    last = resume.position
    assert acknowledged <= last <= acknowledged + 1  # one more may be durable and not yet acknowledged
    assert resume.positions == ({("kafka", 3): last * 10} if last else {})
    assert store.totals() | {"unaccounted": 0, "received": last * 20, "opened": last * 20} == store.totals()
    assert [d.position for d in store.decisions(0)] == [n for n in range(1, last + 1) for _ in range(2)]
    assert len(store.feed(0)) == min(2 * last, 500)
    if not last:  # killed before its first commit
        store.close()
        return
    for head in store.heads():
        report = verify(store.chain(head.domain), head=head)
        assert (report.intact, report.records) == (True, last)
    assert len(store.incidents(text=f"INC-{last}", limit=1).items) == 1
    assert [line["disposition"] for line in store.why(f"{last}-19")] == ["opened"]
    log = [entry.position for entry in store.entries(0)]
    assert log == list(range(log[0], last + 1))
    if resume.snapshot is not None:
        assert resume.snapshot.state == str(resume.snapshot.position).encode() * 5000
        assert log[0] <= resume.snapshot.position + 1
    store.close()


def test_every_acknowledged_commit_survives_kill_9(tmp_path):
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    moments = random.Random(seed)
    path = tmp_path / "hw.db"
    last = 0
    for _ in range(KILLS):
        last = max(last, commit_until_killed(path, moments.uniform(0, 0.15)))
        check(path, last)
        store = SqliteStore(path, SINKS)
        last = store.resume().position
        store.close()
    assert last > KILLS
