"""A publisher in a process of its own: `python -m tests.publish.child DATABASE URL [FAILPOINTS]`.

It says ``ready``, begins with the first line from standard input, ends in good order with the second, and then says how
many publications it was too late for.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from prometheus_client import CollectorRegistry

from engine import failpoints
from engine.metrics import EngineMetrics
from engine.publish.dispatcher import Dispatcher, DispatchSettings
from engine.storage.sqlite.outbox import SqliteOutbox
from tests.publish.standin_http import wire
from tests.publish.standin_sink import Desk

SETTINGS = DispatchSettings(lease=1000, idle_seconds=0.02, probes=(0.1, 0.1, 0.1), longest_wait=0.1, doubt=600.0)


def main(path: Path, url: str, spec: str) -> None:
    failpoints.arm(spec)
    outbox, registry = SqliteOutbox(path), CollectorRegistry()
    clock = lambda: time.time_ns() // 1_000_000  # noqa: E731, TID251 - processes must share a clock
    dispatcher = Dispatcher(outbox, [Desk(wire(url))], clock, EngineMetrics(registry), settings=SETTINGS)
    print("ready", flush=True)
    sys.stdin.readline()
    dispatcher.start()
    sys.stdin.readline()
    dispatcher.stop()
    late = registry.get_sample_value("headwater_publications_total", {"sink": "tickets", "result": "fenced"})
    print(f"fenced {late or 0:.0f}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else "")
