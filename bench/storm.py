"""Ten thousand alerts from one provider within two seconds, with a second, unrelated trouble hidden in them."""

from __future__ import annotations

import asyncio
import json
import random
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from bench import alerts
from bench.headwater import HIDDEN, STORM_SERVICES
from bench.load import open_loop
from bench.peer import Peer
from bench.process import Server
from bench.sink import Sink

ALERTS_EACH = 20
BATCH = 100
SECONDS = 2.0
WATCH = 5.0
GROUP_WAIT = "3s"
"""Longer than the storm: a shorter one makes Alertmanager tell half of it at first, and the rest 30 s later."""


async def measure(peer: Peer) -> dict[str, float]:
    """Row -> seconds or counts; times are from when the last alert was sent."""
    sink = await Sink().start()
    try:
        with tempfile.TemporaryDirectory() as folder, peer.start(Path(folder) / "s", sink.port, GROUP_WAIT) as server:
            requests = [alerts.request(peer.path, body, server.port) for body in _bodies()]
            await server.rest()
            cpu = server.cpu()
            answered, due = await open_loop(server.port, requests, len(requests) / SECONDS, SECONDS, 4)
            last = due[-1]
            if len(answered) != len(due):
                raise RuntimeError(f"{peer.name}: {len(answered)} of {len(due)} requests were answered")
            found = {"storm, last 2xx after the last alert (s)": max(at + took for at, took in answered) - last}
            if peer.durable:
                found |= await _watch(server, last)
            else:
                await asyncio.sleep(WATCH)
            found["storm, notifications"] = len(sink.times)
            found["storm, last notification after the last alert (s)"] = max(sink.times, default=last) - last
            found["storm, CPU seconds"] = await server.rest() - cpu
            return found
    finally:
        sink.close()


def _bodies() -> list[bytes]:
    """The storm's alerts in one random order, the hidden trouble among them; the same on every run."""
    now = time.time()
    on = [(f"leaf-{n:03}", f"Check{k}") for n in range(STORM_SERVICES) for k in range(ALERTS_EACH)]
    on += [("switch-7", "LinkDown"), *((name, "Unreachable") for name in HIDDEN)]
    random.Random("storm").shuffle(on)
    rendered = [alerts.alert(n, now, on=entity, name=name) for n, (entity, name) in enumerate(on)]
    return [f"[{','.join(rendered[at : at + BATCH])}]".encode() for at in range(0, len(rendered), BATCH)]


async def _watch(server: Server, last: float) -> dict[str, float]:
    """Look at the incidents until nothing has changed for a while: when was the answer final, is it right?"""
    seen: list[Any] = []
    final = time.perf_counter()
    while time.perf_counter() - last < WATCH:
        now = await asyncio.to_thread(_incidents, server.port)
        if now != seen:
            seen, final = now, time.perf_counter()
        await asyncio.sleep(0.03)
    right = sorted(str(cause) for _, cause, _ in seen) == sorted((HIDDEN[0], "switch-7"))
    return {
        "storm, last decision after the last alert (s)": final - last,
        "storm, incidents": len(seen),
        "storm, both causes right": float(right),
    }


def _incidents(port: int) -> list[Any]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/incidents?limit=50", timeout=10) as answer:
        items = json.load(answer)["items"]
    return sorted((i["id"], i["cause"], i["alerts"]) for i in items if not i.get("merged_into"))
