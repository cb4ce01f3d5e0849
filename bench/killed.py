"""A worker dies under load: python -m bench.killed [--rate 2000] [--seconds 120] [--workers 3] [--shards 12]

The roles as processes, a PostgreSQL of their own with fsync, and a broker: Apache Kafka where script/kafka has fetched
it, else the small one. Alerts of 20,000 fingerprints in many domains come to `headwater ingest` by HTTP, fifty to a
request, for so long; in the middle one worker is killed by SIGKILL. Printed is the lag, in alerts that were answered
with 2xx and have no disposition yet: the most before and after the death, and how long it takes until it is what it
was before. Exit code 1 unless that is within 60 s, everything that was taken is in the ledger, the ledger is balanced,
the hash chains are whole, and every decision comes out again from the input log.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx

from bench.load import percentile
from bench.rows import Sender
from bench.workers import SERVICES, broker, catalogue, received
from tests.faults.history import sound
from tests.real.components import eventually
from tests.real.postgres import Postgres
from tests.roles.stage import Process, Stage

PRINTS, TOGETHER = 20_000, 50
LIMIT = 60.0
SLACK = 1.0
"""Seconds of load by which the lag may be above what it was before."""


class Look(NamedTuple):
    """At a time of the clock: alerts taken and not decided."""

    at: float
    lag: int


class Watch(threading.Thread):
    """Looks at the lag four times a second."""

    def __init__(self, sender: Sender, dsn: str) -> None:
        super().__init__(daemon=True)
        self._sender, self._dsn, self._ending = sender, dsn, threading.Event()
        self.looks: list[Look] = []
        self.start()

    def run(self) -> None:
        while not self._ending.wait(0.25):
            taken = self._sender.taken
            self.looks.append(Look(time.perf_counter(), max(0, taken - received(self._dsn))))

    def end(self) -> None:
        """Looks no more."""
        self._ending.set()
        self.join()

    def worst(self, begin: float, end: float) -> int:
        """The most lag in between."""
        return max((look.lag for look in self.looks if begin <= look.at <= end), default=0)

    def recovered(self, death: float, lag: float) -> float:
        """Seconds after the death until the lag was this or less for good; infinity: never."""
        above = [look.at for look in self.looks if look.at > death and look.lag > lag]
        if not above:
            return 0.0
        after = [look.at for look in self.looks if look.at > above[-1]]
        return after[0] - death if after else float("inf")


def bodies(services: int) -> Iterator[bytes]:
    """Fifty alerts each, of one service after the other."""
    number = 0
    while True:
        chunk = [
            {
                "labels": {
                    "alertname": f"High{one % PRINTS // services}", "service": f"svc-{one % services}",
                    "severity": "warning",
                },
                "startsAt": "2026-01-01T00:00:00Z",
            }
            for one in range(number, number + TOGETHER)
        ]  # fmt: skip
        number += TOGETHER
        yield json.dumps(chunk).encode()


async def loaded(ingest: Process, sender: Sender, rate: float, seconds: float, victim: Process) -> float:
    """The load; when the victim died."""
    died = 0.0

    async def kill() -> None:
        nonlocal died
        await asyncio.sleep(seconds / 2)
        victim.kill()
        died = time.perf_counter()

    services = len(catalogue(PRINTS)["entities"]) * SERVICES // (SERVICES + 1)
    await asyncio.gather(sender.run(bodies(services), TOGETHER, rate / TOGETHER, seconds), kill())
    return died


async def measured(stage: Stage, rate: float, seconds: float, workers: int) -> list[str]:
    """Prints the figures; what is not as it must be."""
    api, ingest = stage.start("api").ready(), stage.start("ingest")
    working = [stage.start("work") for _ in range(workers)]
    for one in (ingest, *working):
        one.ready()
    eventually(lambda: len(stage.epochs()) == stage.shards, "every shard has an owner", 120)
    limits = httpx.Limits(max_connections=32)
    async with httpx.AsyncClient(base_url=ingest.url, timeout=60, limits=limits) as client:
        sender = Sender(client)
        watch = Watch(sender, stage.dsn)
        began = time.perf_counter()
        died = await loaded(ingest, sender, rate, seconds, working[0])
        took = time.perf_counter() - began
    eventually(lambda: received(stage.dsn) >= sender.taken, "everything taken is decided", 300)
    time.sleep(0.5)
    watch.end()
    before = watch.worst(began + min(10.0, seconds / 4), died)
    back = watch.recovered(died, before + SLACK * rate)
    print(
        f"taken {sender.taken:,} in {took:,.1f} s, refused {sender.refused:,}, "
        f"p99 {1000 * percentile(sender.seconds, 0.99):,.0f} ms; lag at most {before:,} before, "
        f"{watch.worst(died, time.perf_counter()):,} after the death, as before within {back:.1f} s", flush=True,
    )  # fmt: skip
    totals = httpx.get(f"{api.url}/api/v1/totals", timeout=60).json()
    for one in (ingest, *working[1:], api):
        one.end(60)
    return [
        *([f"the lag recovered after {back:.0f} s"] if back > LIMIT else []),
        *([f"{sender.taken} taken, {totals['received']} received"] if totals["received"] < sender.taken else []),
        *(["the ledger is not balanced"] if totals["unaccounted"] else []),
    ]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=2_000)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--shards", type=int, default=12)
    asked = parser.parse_args()
    server = Postgres(durable=True)
    try:
        with tempfile.TemporaryDirectory() as name, server.empty() as dsn, broker(Path(name) / "broker") as address:
            folder = Path(name) / "stage"
            folder.mkdir()
            with Stage(folder, dsn, address, None, shards=asked.shards) as stage:
                stage.catalogue(catalogue(PRINTS))
                wrong = asyncio.run(measured(stage, asked.rate, asked.seconds, asked.workers))
            sound(dsn, asked.shards)
    finally:
        server.remove()
    for one in wrong:
        print(f"NOT AS IT MUST BE: {one}", flush=True)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
