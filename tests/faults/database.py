"""A worker and a real PostgreSQL under every fault: `python -m tests.faults.database [--runs 20] [--longest 5]`.

One worker with two shards decides alerts, on a simulated clock, while the server ends in order, at once or by SIGKILL
and comes back, while it is killed and its standby takes its place, while somebody holds a lock, while there is no
connection to spare, and while the line to it is cut in every way that `tests.faults.proxy` knows. Afterwards every
alert must have been taken once, and the history must be sound (`tests.faults.history`).
"""

from __future__ import annotations

import argparse
import logging
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager

import msgspec
import psycopg
import pytest

from engine.service import Service
from engine.signals import AlertEvent, Labels
from engine.storage.postgres import connection
from engine.worker import Worker
from tests.cluster.cluster import SETTINGS, Cluster, listen
from tests.faults.history import keys, sound
from tests.faults.proxy import HOLD, MODES, Proxy, proxy
from tests.real.postgres import Postgres
from tests.real.standby import Pair
from topology.model import Entity, Topology

START = 1_790_000_000_000
ENTITIES = [f"svc-{number}" for number in range(8)]
SHARDS = 2
CONNECTIONS = 14
Fault = Callable[["Run", float], None]


class Run:
    """A worker on a database of its own."""

    def __init__(self, server: Pair, dsn: str, line: Proxy) -> None:
        self.server, self.line, self.dsn = server, line, dsn
        self.cluster = Cluster(SHARDS, "database", START, dsn.replace(f":{server.port},", f":{line.port},"))
        self.cluster.settings = msgspec.structs.replace(
            SETTINGS, backoff_first=0.02, backoff_most=0.1, alive_every=1000
        )
        self.sent = 0
        self.noticed = False

    @property
    def worker(self) -> Worker:
        return self.cluster.workers[0]

    def take(self, count: int) -> None:
        """Alerts, one record each."""
        for _ in range(count):
            labels = {"alertname": f"Check{self.sent}", "service": ENTITIES[self.sent % 8], "severity": "critical"}
            self.cluster.take([AlertEvent(Labels.of(labels), starts_at=self.cluster.now, key=str(self.sent))])
            self.sent += 1

    def work(self, seconds: float) -> None:
        """Steps, for so long of real time."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.worker.step(0)
            self.noticed |= any(not one.health().ready for one in self._services())
            self.cluster.now += 200
            time.sleep(0.005)

    def recovered(self, seconds: float = 30.0) -> None:
        """Until everything that came is decided."""
        until = time.monotonic() + seconds
        while self._received() < self.sent or any(not one.health().ready for one in self._services()):
            assert time.monotonic() < until, f"{self._received()} of {self.sent} are decided: {self._reasons()}"
            self.work(0.05)

    def _received(self) -> int:
        """By what the cores stand on: a commit whose answer was lost is in there too."""
        return sum(one.core.counts.get("received", 0) for one in self._services() if one.health().ready)

    def _services(self) -> list[Service]:
        return [one.service for one in self.worker.owned.values()]

    def _reasons(self) -> list[str]:
        return [one.health().reason for one in self._services()] + list(self.worker.troubles.values())


def ends(how: Callable[[Postgres], None]) -> Fault:
    """The server ends so, and comes back."""

    def fault(run: Run, seconds: float) -> None:
        how(run.server)
        run.work(seconds)
        run.server.start()

    return fault


def failed_over(run: Run, seconds: float) -> None:
    """The server is gone for good, and what stood by takes its place."""
    run.server.follow()
    run.take(4)
    run.worker.step(0)
    run.take(4)
    run.server.kill()
    run.work(seconds)
    run.server.promote()


def locked(run: Run, seconds: float) -> None:
    """Somebody holds a lock for longer than anybody waits."""
    with psycopg.connect(run.dsn) as person:
        person.execute("LOCK TABLE headwater.input IN ACCESS EXCLUSIVE MODE")
        run.work(seconds)


def crowded(run: Run, seconds: float) -> None:
    """Others have all connections, and ours are ended."""
    with ExitStack() as stack:
        first = stack.enter_context(psycopg.connect(run.dsn, autocommit=True))
        first.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE application_name = 'headwater' AND pid <> pg_backend_pid()"
        )
        try:
            for _ in range(CONNECTIONS):
                stack.enter_context(psycopg.connect(run.dsn))
        except psycopg.OperationalError as error:
            if "too many clients" not in str(error) and "reserved" not in str(error):
                raise
        run.work(seconds)


def cut(mode: str) -> Fault:
    """The line is cut so, and comes back by itself: a worker that waits for an answer can do nothing."""

    def fault(run: Run, seconds: float) -> None:
        run.line.cut(mode)
        timer = threading.Timer(seconds, run.line.heal)
        timer.start()
        run.work(seconds + 0.05)
        timer.join()

    return fault


FAULTS: dict[str, Fault] = {
    "restart": ends(Postgres.stop),
    "immediate shutdown": ends(lambda server: server.stop(signal.SIGQUIT)),
    "killed": ends(Postgres.kill),
    "a lock that is held": locked,
    "no connection to spare": crowded,
    **{f"line cut: {mode}": cut(mode) for mode in MODES},
    "failover to the standby": failed_over,
}


@contextmanager
def at_work(server: Pair) -> Iterator[Run]:
    """A run on a new database, checked when it ends."""
    with server.database() as dsn, proxy(server.port) as line, pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection, "LOCK_SECONDS", 0.2)
        run = Run(server, dsn, line)
        listen(patch, run.cluster)
        run.cluster.join()
        run.cluster.bus.rebalance()
        run.cluster.activate(Topology.build([Entity(id=name, domain=name) for name in ENTITIES]))
        run.take(4)
        run.recovered()
        yield run
        run.cluster.pass_time(run.cluster.now + 60_000)
        run.worker.stop()
        check(run)


def strike(run: Run, fault: str, seconds: float, rng: random.Random) -> None:
    """One fault in the middle of alerts, some of which are under way when it strikes."""
    run.take(rng.randint(1, 8))
    if rng.random() < 0.5:
        run.worker.step(0)
    run.take(rng.randint(1, 8))
    run.noticed = False
    FAULTS[fault](run, seconds)
    assert run.noticed or fault == f"line cut: {HOLD}", "the fault did not strike"
    run.take(4)
    run.recovered()


def check(run: Run) -> None:
    """What must hold whatever happened."""
    assert keys(run.dsn, SHARDS) == Counter(map(str, range(run.sent))), "an alert was lost, or taken twice"
    found = sound(run.dsn, SHARDS, lambda _: run.cluster.library)
    assert found.received == run.sent
    assert len(found.domains) >= len(ENTITIES)
    assert len(found.told) >= len(ENTITIES)


def server() -> Pair:
    """With fsync, and few connections."""
    return Pair((f"max_connections={CONNECTIONS}",))


def matrix(runs: int, longest: float, first: int, faults: Iterable[str] = FAULTS) -> tuple[list[str], int]:
    """The table as Markdown lines, and how many runs failed."""
    lines, failures = ["| fault | times | failed | alerts | seconds of fault |", "|---|---|---|---|---|"], 0
    made = server()
    try:
        for name in faults:
            failed, alerts, spent, rng = 0, 0, 0.0, random.Random(f"{name} {first}")
            for number in range(runs):
                seconds = rng.uniform(0.3, longest)
                try:
                    with at_work(made) as run:
                        strike(run, name, seconds, rng)
                    alerts, spent = alerts + run.sent, spent + seconds
                except AssertionError as error:
                    failed += 1
                    sys.stderr.write(f"FAILED: {name}, number {number}: {str(error).splitlines()[0]}\n")
            failures += failed
            lines.append(f"| {name} | {runs} | {failed} | {alerts:,} | {spent:,.0f} |")
            sys.stderr.write(f"{lines[-1]}\n")
    finally:
        made.remove()
    return lines, failures


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--longest", type=float, default=5.0)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--only", choices=FAULTS, action="append", help="again for each")
    asked = parser.parse_args()
    logging.disable(logging.CRITICAL)
    lines, failures = matrix(asked.runs, asked.longest, asked.first, asked.only or FAULTS)
    sys.stdout.write("\n".join(lines) + "\n")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
