"""`headwater serve` on a real PostgreSQL: what it said it has is there after it was killed, and so is the record."""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path

import httpx
import pytest

from tests.real.components import Headwater, eventually
from tests.real.postgres import Postgres

pytestmark = [pytest.mark.real("postgres"), pytest.mark.timeout(300)]

CATALOGUE = """
entities:
  - {id: shop, kind: service, depends_on: [db]}
  - {id: db, kind: database}
"""


def alert(number: int) -> dict[str, object]:
    return {"labels": {"alertname": "Down", "service": "shop", "instance": f"host-{number}", "severity": "critical"}}


class Sender:
    """Posts one alert after the other and remembers which were taken; goes on while nobody answers."""

    def __init__(self, url: str) -> None:
        self.taken: list[str] = []
        self._url, self._stop = url, threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        number = 0
        while not self._stop.is_set():
            number += 1
            try:
                answer = httpx.post(f"{self._url}/api/v2/alerts", json=[alert(number)], timeout=5)
            except httpx.TransportError:
                continue
            if answer.status_code == 200:
                self.taken.append(f"host-{number}")

    def until(self, count: int) -> None:
        eventually(lambda: len(self.taken) >= count, f"{count} alerts are taken")

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()


@pytest.fixture
def served(postgres: Postgres, tmp_path: Path):
    with postgres.database() as dsn:
        server = Headwater(tmp_path, CATALOGUE, env={"HEADWATER_STORE": dsn})
        yield server, tmp_path
        server.stop()


def stored(server: Headwater) -> set[str]:
    found, cursor = set(), ""
    while True:
        page = server.get(f"/api/v1/alerts?limit=500&cursor={cursor}")
        found |= {one["labels"]["instance"] for one in page["items"]}
        cursor = page["next"]
        if not cursor:
            return found


def test_nothing_that_was_taken_is_lost_when_the_engine_is_killed(served):
    server, folder = served
    sender = Sender(server.url)
    try:
        sender.until(40)
        server.kill()
        server.start()
        sender.until(len(sender.taken) + 5)
    finally:
        sender.stop()
    assert stored(server) >= set(sender.taken)
    assert server.metric("headwater_alerts_unaccounted") == 0
    assert len(server.incidents()) == 1
    assert not (folder / "data" / "headwater.db").exists()
    server.stop()
    assert "nothing was changed" in told(server, folder, "audit", "verify")
    assert "shop" in told(server, folder, "explain")
    assert "No alert is kept back" in told(server, folder, "suppressed")


def told(server: Headwater, folder: Path, *command: str) -> str:
    """What a command reads from the same database while no server runs."""
    asked = [server._command[0], *command, "--config", str(folder / "headwater.yaml")]
    return subprocess.run(asked, env=server._env, capture_output=True, text=True, check=True).stdout
