"""From the decision to the ticket, at real ticketing systems, while a storm of 2,000 alerts is taken:
`python bench/tickets.py [--repetitions 3]`.

Thirty unrelated databases fail, each with a service that needs it, and a switch takes a hundred services with it: 2,000
alerts in all, at 1,000 a second. For each incident: from when its publication was decided and due to when the system's
answer was recorded. Time in which the incident waits for its group is not counted. Systems that are not here are left
out.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.real import ticketing
from tests.real.components import Headwater, eventually
from tests.real.places import Place, on_roundup, on_rt

SYSTEMS = {
    "Roundup": (ticketing.roundup, on_roundup, lambda: importlib.util.find_spec("roundup") is not None),
    "Request Tracker": (ticketing.request_tracker, on_rt, ticketing.RT_SERVER.exists),
}
OTHERS, SERVICES, ALERTS, BATCH, SECONDS = 30, 100, 2_000, 20, 2.0


def catalogue() -> str:
    """Databases with a service each; services that need the switch."""
    lines = ["entities:", "  - {id: switch, kind: network_device}"]
    lines += [f"  - {{id: db-{n}, kind: database}}" for n in range(OTHERS)]
    lines += [f"  - {{id: user-{n}, depends_on: [{{on: db-{n}}}]}}" for n in range(OTHERS)]
    lines += [f"  - {{id: svc-{n}, depends_on: [{{on: switch}}]}}" for n in range(SERVICES)]
    return "\n".join(lines) + "\n"


def alerts() -> Iterator[list[dict[str, Any]]]:
    """Batches; the databases are spread among the rest."""
    storm = [
        ("switch", "LinkDown"),
        *((f"svc-{n % SERVICES}", f"Check{n // SERVICES}") for n in range(ALERTS - 1 - 2 * OTHERS)),
    ]
    every = len(storm) // OTHERS
    for n in range(OTHERS):
        place = n * (every + 2)
        storm[place:place] = [(f"db-{n}", "Down"), (f"user-{n}", "Failing")]
    for start in range(0, len(storm), BATCH):
        yield [
            {"labels": {"service": on, "alertname": name, "severity": "critical"}, "annotations": {"summary": name}}
            for on, name in storm[start : start + BATCH]
        ]


def measure(place: Place, folder: Path) -> list[float]:
    """Milliseconds from due to recorded, of every ticket."""
    settings = "sinks:\n  log: false\n" + place.settings.replace("URL", place.system.url)
    served = Headwater(folder, catalogue(), settings, {"DESK_PASSWORD": ticketing.PASSWORD, "DESK_HOOK": "hush-hush"})
    try:
        with httpx.Client(base_url=served.url, timeout=30) as client:
            begun = time.perf_counter()
            for number, batch in enumerate(alerts()):
                time.sleep(max(0.0, begun + number * BATCH * SECONDS / ALERTS - time.perf_counter()))
                client.post("/api/v2/alerts", json=batch).raise_for_status()

        def opened() -> list[dict[str, Any]]:
            items = served.get("/api/v1/outbox?limit=500")["items"]
            rows = [row for row in items if row["action"] == "open" and row["audience"] == "tickets"]
            made = [row for row in rows if row["state"] == "confirmed"]
            return made if len(made) == len(rows) > OTHERS else []

        rows = eventually(opened, "every ticket is made", 90.0)
        return [float(row["changed_at"] - row["not_before"]) for row in rows]
    finally:
        served.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=3)
    repetitions = parser.parse_args().repetitions
    print("| decision to ticket, storm of 2,000 alerts | tickets | first (ms) | median (ms) | last (ms) | tickets/s |")
    print("|---|---|---|---|---|---|")
    for name, (system, place, present) in SYSTEMS.items():
        if not present():
            continue
        for number in range(repetitions):
            with tempfile.TemporaryDirectory() as text, system(Path(text) / "system") as running:
                took = sorted(measure(place(running), Path(text) / "headwater"))
            rate = len(took) / max(took[-1], 1.0) * 1000
            cells = f"{took[0]:,.0f} | {statistics.median(took):,.0f} | {took[-1]:,.0f} | {rate:.1f}"
            print(f"| {name}, {number + 1} | {len(took)} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
