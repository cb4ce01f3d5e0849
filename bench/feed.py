"""What the live feed's one row costs when several shards commit: python -m bench.feed [--seconds 4] [--rounds 3]

Commits that change an incident take the next numbers of the feed, and so wait for each other until they are on disk.
One and four shards, each in a process of its own against one server with fsync, commit inputs of two alerts: with an
incident and a line of its timeline each time, with them in every tenth commit, and without. Prints commits per second
of all shards together, and CPU milliseconds per commit of the committing processes; medians of the rounds.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import time
from collections.abc import Iterator
from multiprocessing.synchronize import Barrier

import msgspec
from engine.storage.postgres.shards import base

from engine.ports import Commit
from engine.storage.postgres import PostgresStore
from tests.real.postgres import Postgres
from tests.storage.made import NOON, alert, entry, incident, ledger, told

Result = tuple[int, float]


def commits(shard: int, every: int) -> Iterator[Commit]:
    """Inputs without end; with an incident in every so many-th (0: never)."""
    position = base(shard)
    while True:
        position += 1
        numbers = [position * 2, position * 2 + 1]
        id = f"INC-{shard}-{position}"
        feeds = bool(every) and position % every == 0
        yield Commit(
            entries=[entry(position, b"x" * 1000)],
            ledger=[(position, ledger(position, *numbers))],
            alerts=[alert(no, incident=id, first_event=f"{position}-{n}") for n, no in enumerate(numbers)],
            incidents=[incident(id)] if feeds else [],
            timeline=[told(id)] if feeds else [],
            ticked=NOON + position - base(shard),
            counts={"received": 2 * (position - base(shard)), "opened": 2 * (position - base(shard))},
        )


def work(dsn: str, shard: int, every: int, seconds: float, begin: Barrier) -> Result:
    """Commit for so long: how many, and with how many CPU seconds."""
    store = PostgresStore(dsn, {}, shard)
    store.acquire()
    made = commits(shard, every)
    store.commit(next(made))
    begin.wait()
    until, used, count = time.perf_counter() + seconds, time.process_time(), 0
    while time.perf_counter() < until:
        store.commit(next(made))
        count += 1
    return count, time.process_time() - used


def _child(dsn: str, shard: int, every: int, seconds: float, begin: Barrier, said: multiprocessing.Queue) -> None:  # type: ignore[type-arg]
    said.put(work(dsn, shard, every, seconds, begin))


def together(server: Postgres, shards: int, every: int, seconds: float) -> tuple[float, float]:
    """(commits per second, CPU milliseconds per commit) of so many shards at once."""
    context = multiprocessing.get_context("fork")
    with server.empty() as dsn:
        PostgresStore(dsn, {}).close()
        begin, said = context.Barrier(shards), context.Queue()
        children = [
            context.Process(target=_child, args=(dsn, shard, every, seconds, begin, said)) for shard in range(shards)
        ]
        for child in children:
            child.start()
        found: list[Result] = [said.get() for _ in children]
        for child in children:
            child.join()
    count = sum(one for one, _ in found)
    return count / seconds, 1000 * sum(cpu for _, cpu in found) / count


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    server, results = Postgres(durable=True), {}
    try:
        for every, name in ((1, "each"), (10, "every tenth"), (0, "none")):
            for shards in (1, 4):
                found = [together(server, shards, every, asked.seconds) for _ in range(asked.rounds)]
                rate, cpu = (statistics.median(column) for column in zip(*found, strict=True))
                results[f"{name}_{shards}"] = round(rate)
                print(
                    f"incident in {name:12s} {shards} shards: {rate:8,.0f} commits/s {cpu:6.2f} CPU ms each", flush=True
                )
    finally:
        server.remove()
    print(msgspec.json.encode(results).decode())


if __name__ == "__main__":
    main()
