"""Publishing and a real Roundup with the line between them cut: `python -m tests.faults.ticketing [--runs 30]`.

Incidents are opened, updated and resolved all the while, and a real publisher (dispatcher, reconciler, poller, each
with its threads) tells the ticketing system of them through a TCP proxy, which cuts the line in every way that
`tests.faults.proxy` knows. Looks and pauses are those of production divided by ten to a hundred. After each cut
everything must be told; after all cuts of a kind each incident has one ticket that is open or closed as it should be,
with every text once and in order, and what was made twice is closed and counted.
"""

from __future__ import annotations

import argparse
import itertools
import logging
import random
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import msgspec
from prometheus_client import CollectorRegistry

from api.bootstrap import now
from api.sinks.declared import World
from engine.metrics import EngineMetrics
from engine.ports import Commit, Record
from engine.publish.breaker import BreakerSettings
from engine.publish.delivery import DispatchSettings
from engine.publish.poller import PollSettings
from engine.publish.publisher import Publisher, PublisherSettings
from engine.publish.reconciler import ReconcileSettings
from engine.storage.sqlite.store import SqliteStore
from tests.faults.proxy import MODES
from tests.publish.desk_faults import Filed, Office
from tests.publish.outage import said
from tests.real import ticketing
from tests.real.components import eventually
from tests.real.places import on_roundup
from tests.real.ticketing import System

AUDIENCES = {"desk": frozenset({"tickets"})}
SETTINGS = PublisherSettings(
    dispatch=DispatchSettings(
        lease=5_000, attempts=1_000, first_wait=0.1, longest_wait=1.0, idle_seconds=0.1, probes=(1.0, 1.0, 1.0),
        doubt=20.0, breaker=BreakerSettings(rest=0.5, longest=2.0),
    ),
    reconcile=ReconcileSettings(every=5.0, doubtful=1.0),
    poll=PollSettings(every=5.0, wait=5.0),
)  # fmt: skip
TIMEOUT, DEADLINE = 1.0, 2.0
EVERY = 1.0
"""Seconds between two publications."""
BACK, SETTLED = 180.0, 600.0
"""Seconds within which everything has gone out again; until no second ticket is open."""
UPDATES = 4
"""Publications of an incident between its opening and its end."""


class Run:
    """A publisher on a file of its own, and what is told."""

    def __init__(self, system: System, folder: Path, stack: ExitStack) -> None:
        assert system.line is not None
        self.line, self.registry = system.line, CollectorRegistry()
        self.store = SqliteStore(folder / "db", AUDIENCES)
        stack.callback(self.store.close)
        self.names = uuid.uuid4().hex[:6]
        self._numbers, self._ending = itertools.count(), threading.Event()
        self.told: dict[str, list[str]] = {}
        self.resolved: set[str] = set()
        around = World(clock=now, data=Path(), stack=stack, timeout=TIMEOUT, deadline=DEADLINE)
        self._desk: Any = on_roundup(system).declare(audiences=("tickets",)).open(around)
        metrics = EngineMetrics(self.registry)
        self.publisher = Publisher(self.store, [self._desk], self._submit, now, metrics, SETTINGS)
        self._story = threading.Thread(target=self._tell, daemon=True)

    def start(self) -> None:
        """Begin to tell."""
        self.publisher.start()
        self._story.start()

    def stop(self) -> None:
        """Everything."""
        self.end()
        self.publisher.stop()

    def end(self) -> None:
        """Nothing more is told."""
        self._ending.set()
        self._story.join()

    def strike(self, mode: str, seconds: float) -> None:
        """One cut, until everything that was told by its end has gone out."""
        before = self.line.struck
        self.line.cut(mode)
        time.sleep(seconds)
        self.line.heal()
        assert self.line.struck > before, "the cut did not strike"
        upto = sum(map(len, self.told.values()))
        eventually(lambda: len(self._finished()) >= upto, f"all of {upto} publications have gone out", BACK)

    def check(self) -> tuple[int, int]:
        """(tickets made, second ones closed), when nothing more is told."""
        eventually(lambda: not self.store.depth(), "everything has gone out", BACK)
        office = Office(self._desk._tracker, lambda remote, text: None, list(self.told))
        eventually(lambda: self._one_each(office.tickets), "each incident has one ticket", SETTLED)
        tickets = office.tickets
        second = self.registry.get_sample_value("headwater_duplicate_tickets_total", {"sink": "desk"}) or 0
        assert len(tickets) - len(self.told) == second, f"{len(tickets)} tickets, {second} of them counted as second"
        links = {link.remote for link in self.store.links() if link.state != "duplicate"}
        finished = self._finished()
        for incident, keys in self.told.items():
            (one,) = [each for each in tickets.values() if each.key == f"{incident}.1" and each.id in links]
            assert (one.state == "open") == (incident not in self.resolved), f"{incident} is {one.state}"
            wanted = [key for key in keys if finished[key] == "confirmed"]
            assert list(dict.fromkeys(one.texts)) == wanted, f"{incident}: {one.texts} instead of {wanted}"
        return len(tickets), int(second)

    def _one_each(self, tickets: Mapping[str, Filed]) -> bool:
        """What was made twice is closed, whatever becomes of the first."""
        open_ = [one.key for one in tickets.values() if one.state == "open"]
        return sorted(open_) == sorted(f"{one}.1" for one in self.told if one not in self.resolved)

    def _tell(self) -> None:
        rng, going = random.Random(self.names), list[str]()
        while not self._ending.wait(EVERY):
            if not going or rng.random() < 1 / UPDATES:
                incident, action = f"INC-{self.names}-{next(self._numbers)}", "open"
                going.append(incident)
                self.told[incident] = []
            else:
                incident, action = rng.choice(going), "update"
                if rng.random() < 1 / UPDATES:
                    action = "resolve"
                    going.remove(incident)
                    self.resolved.add(incident)
            level = f"SEV{1 + int(incident.rpartition('-')[2]) % 3}"
            row = said(incident, len(self.told[incident]), action, level, now())[1]
            self.store.commit(Commit(outbox=[row]))
            self.told[incident].append(row.key)

    def _finished(self) -> dict[str, str]:
        """Publication -> how it ended; one that is dead fails."""
        found, cursor = dict[str, str](), ""
        while True:
            page = self.store.outbox(cursor=cursor, limit=500)
            for row in msgspec.convert(page.items, list[dict[str, object]]):
                assert row["state"] != "dead", row
                if row["state"] in ("confirmed", "superseded"):
                    found[str(row["key"])] = str(row["state"])
            cursor = page.next
            if not cursor:
                return found

    @staticmethod
    def _submit(record: Record) -> Future[None]:
        done: Future[None] = Future()
        done.set_result(None)
        return done


@contextmanager
def at_work(system: System, folder: Path) -> Iterator[Run]:
    """A run, checked by whoever asked for it."""
    folder.mkdir(parents=True)
    with ExitStack() as stack:
        run = Run(system, folder, stack)
        run.start()
        try:
            eventually(run._finished, "something is told", BACK)
            yield run
        finally:
            run.line.heal()
            run.stop()


def matrix(runs: int, longest: float, first: int) -> tuple[list[str], int]:
    """The table as Markdown lines, and how many kinds of cuts failed."""
    head = "| line to Roundup cut | cuts | seconds | incidents | publications | tickets | second ones closed | failed |"
    lines, failures = [head, "|---|---|---|---|---|---|---|---|"], 0
    with tempfile.TemporaryDirectory() as name, ticketing.roundup(Path(name) / "roundup") as system:
        for mode in MODES:
            rng, spent, failed, row = random.Random(f"{mode} {first}"), 0.0, False, (0, 0, 0, 0)
            try:
                with at_work(system, Path(name) / mode) as run:
                    for _ in range(runs):
                        seconds = rng.uniform(1.0, longest)
                        run.strike(mode, seconds)
                        spent += seconds
                    run.end()
                    row = len(run.told), sum(map(len, run.told.values())), *run.check()
            except AssertionError as error:
                failed = True
                sys.stderr.write(f"FAILED: {mode}: {str(error).splitlines()[0]}\n")
                failures += 1
            told = " | ".join(f"{number:,}" for number in row)
            lines.append(f"| {mode} | {runs} | {spent:,.0f} | {told} | {int(failed)} |")
            sys.stderr.write(f"{lines[-1]}\n")
    return lines, failures


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--longest", type=float, default=30.0)
    parser.add_argument("--first", type=int, default=0)
    asked = parser.parse_args()
    logging.disable(logging.CRITICAL)
    lines, failures = matrix(asked.runs, asked.longest, asked.first)
    sys.stdout.write("\n".join(lines) + "\n")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
