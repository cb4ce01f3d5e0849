"""Resident memory: idle, and what 100,000 active alerts add."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from bench import alerts
from bench.load import closed_loop
from bench.peer import Peer
from bench.sink import Sink

ACTIVE = 100_000


async def measure(peer: Peer) -> dict[str, float]:
    """Row -> MB."""
    sink = await Sink().start()
    try:
        with tempfile.TemporaryDirectory() as folder, peer.start(Path(folder) / "s", sink.port, "30s") as server:
            await server.rest()
            idle = server.rss()
            bodies = alerts.bodies(range(ACTIVE), 500, time.time())
            await closed_loop(server.port, (alerts.request(peer.path, b, server.port) for b in bodies), 4)
            await server.rest()
            return {"memory, idle (MB)": idle, "memory, 100,000 active alerts above idle (MB)": server.rss() - idle}
    finally:
        sink.close()
