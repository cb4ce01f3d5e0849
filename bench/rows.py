"""Load that the embedded engine must bear: python -m bench.rows [--share 0.1] [--only steady|burst]

steady  500 alerts a second for ten minutes, in requests of five, from 5,000 fingerprints that repeat and end
burst   5,000 alerts a second for a minute, in requests of fifty, 20,000 fingerprints behind one switch; beside them two
        alerts a second of a tier-0 entity, one to a request

``--share`` shortens both. Exit code 1 unless every alert that was answered with 2xx is in the ledger and the ledger is
balanced; steady: 99 of 100 answers come within 250 ms and the process stays below 1 GiB; burst: at most 50 incidents
are told, and 99 of 100 answers about tier 0 come within 2 s. What is refused (503) is counted and allowed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx

from bench import alerts
from bench.headwater import PATH, STORM_SERVICES, catalogue
from bench.load import percentile
from bench.process import Server, free_port

STEADY, STEADY_SECONDS, STEADY_PRINTS = 500, 600.0, 5_000
BURST, BURST_SECONDS, BURST_PRINTS = 5_000, 60.0, 20_000
TIER_0 = "  - {id: vault, kind: database, tier: 0}\n"


class Sender:
    """Posts bodies at a rate, whatever happens; keeps what became of each."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self.taken, self.refused = 0, 0
        self.seconds: list[float] = []

    async def post(self, body: bytes, size: int, due: float) -> None:
        """One request, which was due then."""
        answer = await self._client.post(PATH, content=body, headers={"Content-Type": "application/json"})
        self.seconds.append(time.perf_counter() - due)
        if answer.status_code == 200:
            self.taken += size
        elif answer.status_code == 503:
            self.refused += size
        else:
            raise RuntimeError(f"{answer.status_code}: {answer.text[:300]}")

    async def run(self, bodies: Iterator[bytes], size: int, rate: float, seconds: float) -> None:
        """``rate`` requests a second; returns when the last is answered."""
        start, under_way = time.perf_counter(), []
        for number in range(int(rate * seconds)):
            due = start + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            under_way.append(asyncio.ensure_future(self.post(next(bodies), size, due)))
        await asyncio.gather(*under_way)


def steady_bodies(began: float) -> Iterator[bytes]:
    """Five alerts each; every tenth request ends what it told before."""
    number = 0
    while True:
        number += 1
        first = number * 5 % STEADY_PRINTS
        minutes = -0.01 if number % 10 == 0 else 60
        yield next(alerts.bodies(range(first, first + 5), 5, began, minutes=minutes))


def burst_bodies(began: float) -> Iterator[bytes]:
    """Fifty alerts each, all of services behind one switch."""
    number = 0
    while True:
        chunk = [
            alerts.alert(one % BURST_PRINTS, began, on=f"leaf-{one % STORM_SERVICES:03}", name=f"Down{one % 40}")
            for one in range(number, number + 50)
        ]
        number += 50
        yield f"[{','.join(chunk)}]".encode()


def urgent_bodies(began: float) -> Iterator[bytes]:
    """One alert of a tier-0 entity each."""
    number = 1_000_000
    while True:
        number += 1
        yield f"[{alerts.alert(number, began, on='vault', name=f'Urgent{number}')}]".encode()


def started(folder: Path) -> Server:
    """`headwater serve` on its embedded defaults."""
    for name in ("catalogue", "rules"):
        (folder / name).mkdir(parents=True)
    (folder / "catalogue" / "catalogue.yaml").write_text(catalogue() + TIER_0)
    config, port = folder / "headwater.yaml", free_port()
    config.write_text("data: data\ncatalogue: catalogue\nrules: rules\nsinks: {log: false}\n")
    program = str(Path(sys.executable).parent / "headwater")
    return Server([program, "serve", "--config", str(config), "--port", str(port)], port, "/readyz", folder / "log")


def asked(server: Server, path: str) -> Any:
    """The JSON behind a path."""
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=60) as answer:
        return json.load(answer)


async def steady(server: Server, client: httpx.AsyncClient, share: float) -> tuple[dict[str, float], list[str]]:
    """(figures, what is not as it must be)."""
    sender = Sender(client)
    await sender.run(steady_bodies(time.time() - 60), 5, STEADY / 5, STEADY_SECONDS * share)
    found = {"taken": sender.taken, "refused": sender.refused, "p99 ms": 1000 * percentile(sender.seconds, 0.99)}
    found["RSS MB"] = server.rss()
    wrong = [
        *(["99 of 100 answers took longer than 250 ms"] if found["p99 ms"] > 250 else []),
        *(["more than 1 GiB"] if found["RSS MB"] > 1074 else []),
    ]
    return found, wrong + kept(server, sender.taken)


async def burst(server: Server, client: httpx.AsyncClient, share: float) -> tuple[dict[str, float], list[str]]:
    """The same."""
    sender, urgent, seconds, began = Sender(client), Sender(client), BURST_SECONDS * share, time.time()
    await asyncio.gather(
        sender.run(burst_bodies(began), 50, BURST / 50, seconds), urgent.run(urgent_bodies(began), 1, 2, seconds)
    )
    await server.rest(timeout=60.0)
    told = [one for one in asked(server, "/api/v1/incidents?limit=500")["items"] if not one["merged_into"]]
    found = {
        "taken": sender.taken, "refused": sender.refused, "incidents": len(told), "RSS MB": server.rss(),
        "p99 ms of tier 0": 1000 * percentile(urgent.seconds, 0.99), "tier 0 refused": urgent.refused,
    }  # fmt: skip
    wrong = [
        *(["more than 50 incidents"] if len(told) > 50 else []),
        *(["tier 0 waits for more than 2 s"] if found["p99 ms of tier 0"] > 2000 else []),
        *(["tier 0 was refused"] if urgent.refused else []),
    ]
    return found, wrong + kept(server, sender.taken + urgent.taken)


def kept(server: Server, taken: int) -> list[str]:
    """Law 1."""
    totals = asked(server, "/api/v1/totals")
    wrong = [] if totals["received"] >= taken else [f"{taken} alerts were taken, {totals['received']} received"]
    return wrong + (["the ledger is not balanced"] if totals["unaccounted"] else [])


Row = Callable[[Server, httpx.AsyncClient, float], Any]
ROWS: dict[str, Row] = {"steady": steady, "burst": burst}


async def measured(row: Row, share: float) -> tuple[dict[str, float], list[str]]:
    """One row on a server of its own."""
    with tempfile.TemporaryDirectory() as folder, started(Path(folder) / "data") as server:
        limits = httpx.Limits(max_connections=32)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", timeout=60, limits=limits) as client:
            found: tuple[dict[str, float], list[str]] = await row(server, client, share)
            return found


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--only", choices=sorted(ROWS), default="")
    options = parser.parse_args()
    failed = False
    for name, row in ROWS.items():
        if options.only in ("", name):
            found, wrong = asyncio.run(measured(row, options.share))
            print(f"{name}: " + ", ".join(f"{key} {value:,.0f}" for key, value in found.items()), flush=True)
            for one in wrong:
                print(f"{name}: NOT AS IT MUST BE: {one}", flush=True)
            failed |= bool(wrong)
    sys.exit(failed)


if __name__ == "__main__":
    main()
