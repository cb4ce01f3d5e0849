"""Too much, and no room: what is refused hears why, what is accepted is on disk, and all of it can be seen."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from api import kept
from api.overload.ballast import Ballast
from api.overload.disk import Disk, Usage, ballast_size, usage
from api.overload.urgent import UrgentAlerts
from engine.signals import AlertEvent, Labels
from engine.storage.sqlite import connection
from ingest.overload.policy import Room, Space
from rules.ruleset import RuleSet
from tests.api.live import Live, alert, live
from tests.real.components import eventually
from topology.model import Entity, Kind, Topology

SMALL = "overload: {backfill: 0.2, telemetry: 0.4, alerts: 0.6}\nlimits: {wait: 60}\n"


@contextmanager
def standing_still(world: Live) -> Iterator[None]:
    """Another program holds the database: nothing becomes durable, everything waits."""
    other = sqlite3.connect(world.folder / "headwater-data" / kept.DATABASE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


def sample(at: float) -> dict[str, object]:
    return {"kind": "metric", "t": at, "service": "db", "metric": "m", "value": 1}


def degraded(world: Live) -> list[str]:
    return list(world.get("/api/v1/load")["degraded"])


def test_while_the_store_stands_still_the_least_urgent_is_refused_first_and_all_is_taken_again_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(connection, "BUSY_MS", 60_000)
    with live(tmp_path, SMALL) as world:
        with standing_still(world):
            waiting = sent_meanwhile(world)
            eventually(lambda: "alerts_refused" in degraded(world), "alerts are refused")
            refused = world.send(alert("Late", "db"))
            assert refused.status_code == 503
            assert 5 <= int(refused.headers["retry-after"]) <= 30
            ours = world.client.post("/api/v1/signals", json=[sample(1_700_000_000)])
            assert (ours.status_code, ours.json()["type"]) == (429, "urn:headwater:problem:too-many-requests")
            assert 5 <= int(ours.headers["retry-after"]) <= 30
            found = world.client.get("/readyz")
            assert found.status_code == 503
            assert {"backfill_shed", "telemetry_shed", "alerts_refused"} <= set(found.json()["degraded"])
            lanes = {lane["lane"]: lane for lane in world.get("/api/v1/load")["lanes"]}
            assert lanes["alerts"]["shed"] == {"queue_age": 1}
            assert lanes["backfill"]["shed"] == {"queue_age": 1}
            assert lanes["urgent"]["refused"] == ""
            text = world.client.get("/metrics").text
            assert 'headwater_degraded{mode="alerts_refused"} 1.0' in text
            assert 'headwater_shed_requests_total{lane="alerts",reason="queue_age"} 1.0' in text
        assert waiting() == 200
        eventually(lambda: world.client.get("/readyz").json()["degraded"] == [], "it has recovered by itself")
        assert world.send(alert("Late", "db")).status_code == 200
        assert world.get("/api/v1/totals")["unaccounted"] == 0
        names = {one["name"] for one in world.get("/api/v1/alerts", entity="db")["items"]}
        assert {"First", "Late"} <= names


def sent_meanwhile(world: Live) -> Callable[[], int]:
    """An alert that is sent now and answered later: returns how to wait for its status."""
    found: list[int] = []

    def send() -> None:
        found.append(httpx.post(f"{world.url}/api/v2/alerts", json=[alert("First", "db")], timeout=60).status_code)

    thread = threading.Thread(target=send)
    thread.start()

    def status() -> int:
        thread.join(60)
        return found[0]

    return status


# --------------------------------------------------------------------------------------------------------- the disk


class Machine:
    """A file system of 100,000 bytes with a ballast of 5,000."""

    def __init__(self) -> None:
        self.others, self.size, self.held = 0, 5_000, False
        self.told: list[Space] = []
        self.compacted = 0
        room = Room(low_bytes=10_000, floor=1_000, margin=500)
        self.disk = Disk(self.measure, self, room, self.told.append, self.compact)

    def measure(self) -> Usage:
        return Usage(100_000, 100_000 - self.others - (self.size if self.held else 0))

    def take(self) -> bool:
        self.held = True
        return True

    def give_up(self) -> None:
        self.held = False

    def compact(self) -> None:
        self.compacted += 1


def test_the_ballast_is_given_up_on_a_full_disk_and_taken_again_when_there_is_room():
    machine = Machine()
    seen = []
    for others in (50_000, 86_000, 94_500, 96_000, 94_500, 92_000, 80_000):
        machine.others = others
        seen.append((str(machine.disk.look()), machine.held))
    assert seen == [
        ("ample", True), ("low", True), ("full", False), ("full", False), ("full", False), ("low", True),
        ("ample", True),
    ]  # fmt: skip
    assert machine.told == [Space.LOW, Space.FULL, Space.LOW, Space.AMPLE]
    assert machine.compacted == 1


def test_a_ballast_takes_up_room_until_it_is_given_up(tmp_path: Path):
    ballast = Ballast(tmp_path / "ballast", 4 << 20)
    assert not ballast.held
    assert ballast.take()
    assert (tmp_path / "ballast").stat().st_blocks * 512 >= 4 << 20
    assert Ballast(tmp_path / "ballast", 4 << 20).held
    ballast.give_up()
    assert not list(tmp_path.iterdir())
    assert not Ballast(tmp_path / "absent" / "ballast", 1).take()
    assert ballast_size(1 << 62, tmp_path) == usage(tmp_path).total // 20


def test_without_room_telemetry_is_refused_alerts_are_not_and_a_full_disk_is_not_ready(tmp_path: Path):
    with live(tmp_path, "overload: {disk_low: 0.9, disk_low_bytes: 1000000000000000}\n") as world:
        answer = world.client.post("/api/v1/signals", json=[sample(2_000_000_000)])
        if usage(tmp_path).free > 0.85 * usage(tmp_path).total:
            pytest.skip("this machine's disk is nearly empty")
        assert answer.status_code == 503
        assert "nearly full" in answer.json()["detail"]
        assert world.send(alert("Seen", "db")).status_code == 200
        found = world.client.get("/readyz")
        assert (found.status_code, found.json()["degraded"]) == (200, ["backfill_shed", "telemetry_shed", "disk_low"])


# ------------------------------------------------------------------------------------------------------ what is urgent


def test_alerts_of_tier_0_of_security_and_heartbeats_are_urgent():
    topology = Topology.build(
        [
            Entity(id="edge", kind=Kind.SERVICE, tier=0), Entity(id="vault", kind=Kind.SERVICE, security=True),
            Entity(id="shop", kind=Kind.SERVICE, tier=2),
        ]
    )  # fmt: skip
    urgent = UrgentAlerts(lambda: topology, RuleSet.default)

    def of(**labels: str) -> bool:
        return urgent(AlertEvent(Labels.of(labels)))

    assert of(service="edge")
    assert of(service="vault")
    assert of(alertname="Watchdog")
    assert not of(service="shop")
    assert not of(service="stranger")
    assert json.dumps(sorted(urgent._known.values())) == "[false, false, true, true, true]"
