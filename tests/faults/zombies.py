"""Workers that stand still and go on, on real servers: `python -m tests.faults.zombies [--runs 50]`.

Two processes of `headwater work` own four shards on a real PostgreSQL and a real broker (Apache Kafka where it is
fetched, else the small one), and alerts come in all the while. One of them is stopped by SIGSTOP in the middle of it
until the other one owns all shards and has written to each, let go on by SIGCONT, and given its share again; then it
is the other one's turn. The database itself notes who writes to which shard at which epoch: only who raised an epoch
may. At the end every alert acknowledged is stored once, and the history is sound (`tests.faults.history`).
"""

from __future__ import annotations

import argparse
import logging
import random
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import psycopg

from engine.storage.postgres import PostgresStore
from tests.faults.senders import Crowd
from tests.real.components import eventually
from tests.real.kafka.brokers import one, small
from tests.real.postgres import Postgres
from tests.roles.stage import Process, Stage

SHARDS, SESSION = 4, 2.0
BACK = 120.0
WITNESS = """
CREATE TABLE public.raised (shard integer, epoch bigint, by text);
CREATE TABLE public.wrote (shard integer, epoch bigint, by text, times bigint, PRIMARY KEY (shard, epoch, by));
CREATE FUNCTION public.raising() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO public.raised VALUES (NEW.shard, NEW.epoch, current_setting('application_name'));
    RETURN NULL;
END $$;
CREATE FUNCTION public.writing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO public.wrote AS known
    SELECT shard, epoch, current_setting('application_name'), 1 FROM headwater.owners WHERE shard = NEW.shard
    ON CONFLICT (shard, epoch, by) DO UPDATE SET times = known.times + 1;
    RETURN NULL;
END $$;
CREATE TRIGGER raising AFTER INSERT OR UPDATE ON headwater.owners FOR EACH ROW EXECUTE FUNCTION public.raising();
CREATE TRIGGER writing AFTER UPDATE ON headwater.progress FOR EACH ROW EXECUTE FUNCTION public.writing();
"""
STALE = """
SELECT count(*) FROM public.wrote WHERE (shard, epoch, by) NOT IN (SELECT shard, epoch, by FROM public.raised)
"""
OWNED = "SELECT by, count(*) FROM public.raised JOIN headwater.owners USING (shard, epoch) GROUP BY by"
WRITTEN = "SELECT count(*) FROM public.wrote JOIN headwater.owners USING (shard, epoch) WHERE by = %s"
FENCED = "is at epoch"
"""What is in the log of a worker whose write was refused."""


class Found(NamedTuple):
    """Alerts; writes that were refused; writes by somebody who was not the owner; how often shards changed hands."""

    alerts: int
    fenced: int
    stale: int
    handed: int


class Run:
    """Two workers and who watches them."""

    def __init__(self, dsn: str, stage: Stage, crowd: Crowd) -> None:
        self.dsn, self.crowd = dsn, crowd
        self.workers = [stage.start("work") for _ in range(2)]
        for worker in self.workers:
            worker.ready()

    def owned(self) -> dict[str, int]:
        """By worker: shards that it has taken last."""
        with psycopg.connect(self.dsn) as connection:
            return dict(connection.execute(OWNED).fetchall())

    def freeze(self, zombie: Process, other: Process, seconds: float) -> None:
        """Until the other one owns all of it, and for some time longer."""
        zombie.signal(signal.SIGSTOP)
        try:
            eventually(lambda: self.owned() == {other.name: SHARDS}, f"{other.name} owns all shards", BACK)
            eventually(lambda: self._written(other) == SHARDS, f"{other.name} has written to all shards", BACK)
            time.sleep(seconds)
        finally:
            zombie.signal(signal.SIGCONT)
        eventually(lambda: self.owned().get(zombie.name), f"{zombie.name} has its share again", BACK)
        assert all(one.running for one in self.workers), "a worker ended"

    def fenced(self) -> int:
        """Writes that were refused."""
        return sum(worker.log.read_text().count(FENCED) for worker in self.workers)

    def stale(self) -> int:
        """Writes of somebody who was not the owner then."""
        with psycopg.connect(self.dsn) as connection:
            row = connection.execute(STALE).fetchone()
        return row[0] if row else 0

    def _written(self, worker: Process) -> int:
        with psycopg.connect(self.dsn) as connection:
            row = connection.execute(WRITTEN, (worker.name,)).fetchone()
        return row[0] if row else 0


def zombies(dsn: str, address: str, folder: Path, runs: int, rng: random.Random) -> Found:
    """So many times. AssertionError says what was broken."""
    PostgresStore(dsn, {}).close()
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(WITNESS)
    with Stage(folder, dsn, address, None, shards=SHARDS, session=SESSION) as stage, ExitStack() as stack:
        crowd = Crowd(dsn, [address], stage.topic, SHARDS, stack)
        run = Run(dsn, stage, crowd)
        crowd.begin()
        try:
            eventually(lambda: len(run.owned()) == 2, "both have a share", BACK)
            for number in range(runs):
                time.sleep(rng.random() / 2)
                run.freeze(run.workers[number % 2], run.workers[1 - number % 2], rng.random())
                sys.stderr.write(f"{number + 1} of {runs}, {run.fenced()} writes refused\n")
        finally:
            crowd.end()
        crowd.told()
        found = Found(crowd.sent, run.fenced(), run.stale(), crowd.handed())
        assert [worker.end(60) for worker in run.workers] == [0, 0]
    assert found.stale == 0, f"{found.stale} shards were written to by somebody who did not own them"
    crowd.check()
    return found


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--small", action="store_true", help="the small broker in any case")
    asked = parser.parse_args()
    logging.disable(logging.CRITICAL)
    database, began = Postgres(durable=True), time.monotonic()
    try:
        with tempfile.TemporaryDirectory() as name, ExitStack() as stack, database.empty() as dsn:
            (Path(name) / "broker").mkdir()
            (Path(name) / "stage").mkdir()
            broker = Path(name) / "broker"
            address = stack.enter_context(small(broker)) if asked.small else stack.enter_context(one(broker)).address
            found = zombies(dsn, address, Path(name) / "stage", asked.runs, random.Random(asked.first))
    finally:
        database.remove()
    sys.stdout.write(
        "| stopped and let go on | alerts | writes refused | stale writes | shards changed hands | seconds |\n"
        "|---|---|---|---|---|---|\n"
        f"| {asked.runs} | {found.alerts:,} | {found.fenced} | {found.stale} | {found.handed} |"
        f" {time.monotonic() - began:,.0f} |\n"
    )


if __name__ == "__main__":
    main()
