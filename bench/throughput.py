"""Alerts taken per CPU second of the server, new and repeated, in batches of 1, 64 and 1000.

The server's CPU time counts until it is at rest again, so that work put off is not work saved.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench import alerts
from bench.load import closed_loop
from bench.peer import Peer
from bench.process import Server
from bench.sink import Sink


@dataclass(frozen=True)
class Case:
    """One cell: ``count`` alerts, ``rounds`` times, in requests of ``batch`` over ``connections``."""

    kind: str
    batch: int
    connections: int
    count: int
    rounds: int = 1
    joined: bool = False

    @property
    def name(self) -> str:
        """The row's name."""
        where = ", all in one domain" if self.joined else ""
        return f"{self.kind} alerts, batch {self.batch}, {self.connections} connections{where}"


NEW = (
    Case("new", 1, 16, 6_000),
    Case("new", 1, 64, 6_000),
    Case("new", 64, 8, 40_000),
    Case("new", 1000, 8, 40_000),
)
REPEATED = (
    Case("repeated", 1, 16, 8_000),
    Case("repeated", 1, 64, 8_000),
    Case("repeated", 64, 8, 20_000, 3),
    Case("repeated", 1000, 8, 20_000, 3),
)
JOINED = (Case("new", 64, 8, 20_000, joined=True),)


async def measure(peer: Peer) -> dict[str, tuple[float, float]]:
    """Row -> (alerts per CPU second, alerts per wall second), on a fresh server."""
    found = {}
    sink = await Sink().start()
    try:
        with tempfile.TemporaryDirectory() as folder, peer.start(Path(folder) / "s", sink.port, "30s") as server:
            start, first = time.time(), 0
            for case in (*NEW, *REPEATED, *JOINED):
                numbers = range(first, first + case.count) if case.kind == "new" else range(case.count)
                first += case.count if case.kind == "new" else 0
                found[case.name] = await _cell(peer, server, case, list(_rendered(peer, server, case, numbers, start)))
    finally:
        sink.close()
    return found


def _rendered(peer: Peer, server: Server, case: Case, numbers: Iterable[int], start: float) -> Iterator[bytes]:
    """Requests; a repeat has a later end each time, as Prometheus sends it."""
    for turn in range(case.rounds):
        minutes = 60 if case.kind == "new" else 61 + turn
        for body in alerts.bodies(numbers, case.batch, start, minutes, case.joined):
            yield alerts.request(peer.path, body, server.port)


async def _cell(peer: Peer, server: Server, case: Case, requests: list[bytes]) -> tuple[float, float]:
    before = await server.rest()
    answered, wall = await closed_loop(server.port, iter(requests), case.connections)
    spent = await server.rest() - before
    if answered != len(requests):
        raise RuntimeError(f"{peer.name}: {answered} of {len(requests)} requests were answered")
    total = case.count * case.rounds
    return total / spent, total / wall
