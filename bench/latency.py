"""From POST to decision under an open-loop load of known alerts, and where Headwater's knee is.

Headwater has decided, durably, when it answers 2xx. Alertmanager answers before it does anything; its decision is seen
when the webhook of a new group arrives (group wait 0 for the probes).
"""

from __future__ import annotations

import asyncio
import math
import tempfile
import time
from pathlib import Path

from bench import alerts
from bench.load import open_loop, percentile
from bench.peer import Peer
from bench.process import Server
from bench.sink import Sink

BATCH = 64
KNOWN = 20_000
PROBES_PER_SECOND = 50
RATES = (1_000, 20_000)
STEPS = (10_000, 20_000, 30_000, 40_000, 60_000, 80_000, 100_000, 120_000, 160_000)
SERVED = 0.99
"""Share of the load that must be answered within ``PATIENCE`` seconds after its end, for a rate to count as borne."""
PATIENCE = 0.5


async def measure(peer: Peer, seconds: float = 3.0) -> dict[str, tuple[float, float]]:
    """Row -> (p50, p99) in ms, of new alerts sent beside the load."""
    found = {}
    sink = await Sink().start()
    try:
        with tempfile.TemporaryDirectory() as folder, peer.start(Path(folder) / "s", sink.port, "30s") as server:
            load = await _known(peer, server)
            for rate in RATES:
                took, _ = await _probed(peer, server, sink, load, rate, seconds)
                found[f"POST to decision at {rate:,} alerts/s"] = _spread(took)
    finally:
        sink.close()
    return found


async def knee(peer: Peer) -> dict[str, float]:
    """The highest rate with p99 under 250 ms and all answered, and the p99 at 60 % of it."""
    sink = await Sink().start()
    try:
        with tempfile.TemporaryDirectory() as folder, peer.start(Path(folder) / "s", sink.port, "30s") as server:
            load, best = await _known(peer, server), 0
            for rate in STEPS:
                took, served = await _probed(peer, server, sink, load, rate, 2.5)
                if _spread(took)[1] > 250 or served < SERVED:
                    break
                best = rate
            await server.rest()
            took, _ = await _probed(peer, server, sink, load, 0.6 * best, 4.0) if best else ([math.nan], 0.0)
    finally:
        sink.close()
    return {"knee, alerts/s": best, "p99 at 60 % of the knee, ms": _spread(took)[1]}


async def _known(peer: Peer, server: Server) -> list[bytes]:
    """The background: alerts that the server knows already."""
    now = time.time()
    load = [alerts.request(peer.path, body, server.port) for body in alerts.bodies(range(KNOWN), BATCH, now)]
    await open_loop(server.port, load, 5_000 / BATCH, KNOWN / 5_000, patience=20)
    await server.rest()
    return load


async def _probed(
    peer: Peer, server: Server, sink: Sink, load: list[bytes], rate: float, seconds: float
) -> tuple[list[float], float]:
    """Seconds from each probe's due time to its decision, and the share of the load that was answered."""
    count, run = int(PROBES_PER_SECOND * seconds), f"{rate:.0f}-{time.time_ns()}"
    probes = [b"[%s]" % alerts.alert(1_000_000 + n, time.time(), probe=f"{run}-{n}").encode() for n in range(count)]
    requests = [alerts.request(peer.path, body, server.port) for body in probes]
    (borne, offered), (answered, due) = await asyncio.gather(
        open_loop(server.port, load, rate / BATCH, seconds, patience=PATIENCE),
        open_loop(server.port, requests, PROBES_PER_SECOND, seconds, 8, patience=2),
    )
    if peer.durable:
        return _whole([took for _, took in answered], count), len(borne) / len(offered)
    until = time.perf_counter() + 3
    while sum(f"{run}-{n}" in sink.probes for n in range(count)) < count and time.perf_counter() < until:
        await asyncio.sleep(0.02)
    told = [sink.probes[f"{run}-{n}"] - at for n, at in enumerate(due) if f"{run}-{n}" in sink.probes]
    return _whole(told, count), len(borne) / len(offered)


def _whole(took: list[float], count: int) -> list[float]:
    """What was never answered took for ever."""
    return took + [math.inf] * (count - len(took))


def _spread(took: list[float]) -> tuple[float, float]:
    return 1000 * percentile(took, 0.5), 1000 * percentile(took, 0.99)
