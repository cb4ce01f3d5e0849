"""Plain work that Headwater's is measured against: nothing that anybody would speed up or slow down here."""

from __future__ import annotations

import json
import sqlite3
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from bench.gate.rounds import Ready


def parsed(bodies: Sequence[bytes], times: int) -> Callable[[], Ready]:
    """`json.loads`."""
    return lambda: lambda: [json.loads(body) for _ in range(times) for body in bodies]


def lived(rows: Sequence[Mapping[str, str]], times: int) -> Callable[[], Ready]:
    """Known by what they say, counted by where they are, told as text."""

    def work() -> int:
        length = 0
        for _ in range(times):
            known: dict[tuple[tuple[str, str], ...], list[object]] = {}
            places: dict[str, list[int]] = {}
            for number, row in enumerate(rows):
                key = tuple(sorted(row.items()))
                if key not in known:
                    known[key] = [number, row["service"], "firing", f"{number}-{number}"]
                    places.setdefault(row["service"], []).append(number)
            length += len(json.dumps(list(known.values()))) + len(places)
        return length

    return lambda: work


def counted(keys: Sequence[str], times: int) -> Callable[[], Ready]:
    """One look-up and a counter for each."""
    counts = {key: [0, ""] for key in keys}

    def work() -> None:
        for _ in range(times):
            for key in keys:
                row = counts.get(key)
                if row is not None and row[1] == "":
                    row[0] += 1  # type: ignore[operator]

    return lambda: work


def stored(path: Path, batch: int, size: int, commits: int) -> Callable[[], Ready]:
    """Rows with two indexes and one blob in each transaction."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("CREATE TABLE bodies (id INTEGER PRIMARY KEY, body BLOB)")
    connection.execute("CREATE TABLE rows (no INTEGER PRIMARY KEY, place TEXT, name TEXT, state TEXT)")
    connection.execute("CREATE INDEX by_place ON rows (place)")
    body = bytes(range(256)) * (size // 256)
    number = 0

    def work() -> None:
        nonlocal number
        for _ in range(commits):
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO bodies (body) VALUES (?)", (body,))
            rows = [(number + n, f"svc-{(number + n) % 997}", f"High{n % 20}", "firing") for n in range(batch)]
            connection.executemany("INSERT INTO rows VALUES (?, ?, ?, ?)", rows)
            connection.execute("COMMIT")
            number += batch

    return lambda: work


def reached(edges: Iterable[tuple[int, int]], starts: Sequence[int], times: int) -> Callable[[], Ready]:
    """Breadth first over dictionaries, from each start alone."""
    after: dict[int, list[int]] = {}
    for begin, end in edges:
        after.setdefault(begin, []).append(end)

    def work() -> int:
        total = 0
        for _ in range(times):
            for start in starts:
                seen, queue = {start}, deque([start])
                while queue:
                    for end in after.get(queue.popleft(), ()):
                        if end not in seen:
                            seen.add(end)
                            queue.append(end)
                total += len(seen)
        return total

    return lambda: work


def smoothed(count: int, ticks: int) -> Callable[[], Ready]:
    """A moving mean and deviation of every series, as columns."""
    values = np.random.default_rng(1).normal(100, 10, (4, count))
    mean, spread = np.zeros(count), np.ones(count)

    def work() -> None:
        for tick in range(ticks):
            away = values[tick % 4] - mean
            mean[:] += 0.1 * away
            spread[:] += 0.1 * (np.abs(away) - spread)
            np.sort(away)

    return lambda: work
