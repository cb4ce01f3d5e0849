"""Two publisher processes on one SQLite file, one of them frozen by SIGSTOP beyond its lease, and let go on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from prometheus_client import CollectorRegistry

from engine.metrics import EngineMetrics
from engine.ports import Commit
from engine.publish.breaker import Breaker
from engine.publish.reconciler import Reconciler
from engine.storage.sqlite.store import SqliteStore
from tests.publish.outage import AUDIENCES, said
from tests.publish.standin import Office
from tests.publish.standin_http import served, wire
from tests.publish.standin_sink import Desk

POINTS = ("outbox.after_claim", "outbox.before_send", "outbox.after_send_before_record")
ACTIONS = ("open", "update", "resolve")
PATIENCE = 60.0


class Frozen(NamedTuple):
    """What came of it: tickets made before and open after the reconciler, texts by incident, late publications."""

    made: int
    open: list[str]
    texts: dict[str, list[str]]
    fenced: int
    counted: float


class Child:
    def __init__(self, path: Path, url: str, spec: str = "") -> None:
        command = [sys.executable, "-m", "tests.publish.child", str(path), url, spec]
        root = Path(__file__).parents[2]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=root, text=True
        )

    def ready(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def end(self) -> int:
        """In good order; how many publications it was too late for."""
        said_last, _ = self.process.communicate("\n", timeout=PATIENCE)
        return int(said_last.removeprefix("fenced "))

    def stopped(self) -> None:
        """Wait until it stands still."""
        _, status = os.waitpid(self.process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status), status

    def go_on(self) -> None:
        os.kill(self.process.pid, signal.SIGCONT)


@contextmanager
def children(path: Path, url: str, spec: str) -> Iterator[tuple[Child, Child]]:
    both = Child(path, url, spec), Child(path, url)
    try:
        for one in both:
            one.ready()
        yield both
    finally:
        for one in both:
            one.process.kill()
            one.process.communicate()


def run(point: str, time_of_it: int, incidents: int = 3) -> Frozen:
    """Freeze the first process the n-th time it reaches ``point``, until the second one has published everything."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "db"
        store = SqliteStore(path, {"tickets": AUDIENCES["tickets"]})
        for number, action in enumerate(ACTIONS):
            for incident in range(incidents):
                store.commit(Commit(outbox=said(f"INC-{incident}", number, action, "SEV3", 0)))
        try:
            return _run(store, path, f"{point}:sigstop:{time_of_it}")
        finally:
            store.close()


def _run(store: SqliteStore, path: Path, spec: str) -> Frozen:
    now = time.monotonic
    office = Office(lambda: round(now() * 1000), lag=150)
    with served(office) as url:
        with children(path, url, spec) as (slow, quick):
            slow.go()
            slow.stopped()
            quick.go()
            end = now() + PATIENCE
            while store.depth():
                assert now() < end, store.depth()
                time.sleep(0.01)
            slow.go_on()
            fenced = slow.end()
            quick.end()
        made = len(office.tickets)
        office.lag = 0
        registry = CollectorRegistry()
        metrics, clock = EngineMetrics(registry), lambda: 1 << 50
        Reconciler(store, [Desk(wire(url))], clock, metrics, {"tickets": Breaker(clock)}).round("tickets")
    links = [link for link in store.links() if link.state != "duplicate"]
    counted = registry.get_sample_value("headwater_duplicate_tickets_total", {"sink": "tickets"}) or 0.0
    return Frozen(
        made,
        [one.id for one in office.tickets.values() if one.state == "open"],
        {link.incident: office.tickets[link.remote].texts for link in links},
        fenced,
        counted,
    )


def check(point: str, found: Frozen, incidents: int = 3) -> None:
    """One ticket per incident with its texts in order, whatever the frozen process did when it went on."""
    assert found.open == [], f"open are {found.open}"
    for number in range(incidents):
        keys = [f"INC-{number}.{at}.{action}.tickets" for at, action in enumerate(ACTIONS)]
        texts = [text for text in found.texts[f"INC-{number}"] if not text.startswith("duplicate")]
        assert list(dict.fromkeys(texts)) == keys, texts
        assert point == "outbox.before_send" or texts == keys, texts
    assert found.fenced >= 1, "the frozen process was never too late"
    second = found.made - incidents
    assert second == found.counted, f"{second} second tickets, {found.counted} counted"
    assert second <= (point == "outbox.before_send"), f"{second} second tickets"
