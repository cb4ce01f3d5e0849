"""A cluster of real processes: a storm comes in while workers die; one trouble is one incident and one ticket."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from tests.publish.receiver import Receiver, receiver
from tests.real.components import eventually
from tests.real.kafka.brokers import small
from tests.roles.stage import Process, Stage

pytestmark = [pytest.mark.real("postgres", "kafka"), pytest.mark.timeout(500)]

SERVICES = [f"svc-{number:02}" for number in range(20)]
CATALOGUE = {
    "entities": [
        {"id": "db", "kind": "database", "tier": 0},
        *({"id": name, "depends_on": ["db"]} for name in SERVICES),
        {"id": "lonely"},
    ]
}


@pytest.fixture
def desk() -> Iterator[Receiver]:
    with receiver() as server:
        yield server


@pytest.fixture
def stage(tmp_path: Path, postgres_dsn: str, desk: Receiver) -> Iterator[Stage]:
    (tmp_path / "broker").mkdir()
    with small(tmp_path / "broker") as broker, Stage(tmp_path, postgres_dsn, broker, desk) as made:
        made.catalogue(CATALOGUE)
        yield made


def alert(name: str, entity: str) -> dict[str, object]:
    return {
        "labels": {"alertname": name, "service": entity, "severity": "critical"},
        "startsAt": "2026-01-01T00:00:00Z",
    }


def send(ingest: Process, alerts: list[dict[str, object]]) -> None:
    """Like an Alertmanager: again until it is taken."""

    def taken() -> bool:
        try:
            return httpx.post(f"{ingest.url}/api/v2/alerts", json=alerts, timeout=20).status_code == 200
        except httpx.HTTPError:
            return False

    eventually(taken, "it is taken", 60)


def counted(api: Process) -> dict[str, int]:
    found: dict[str, int] = httpx.get(f"{api.url}/api/v1/totals", timeout=20).json()
    return found


def test_a_storm_through_all_roles_is_one_incident_and_one_ticket_though_workers_and_the_console_die(
    stage: Stage,
) -> None:
    api, ingest, publish = stage.start("api"), stage.start("ingest"), stage.start("publish run")
    workers = [stage.start("work") for _ in range(2)]
    for one in (api, ingest, publish, *workers):
        one.ready()
    for number, name in enumerate(SERVICES):
        send(ingest, [alert("HighErrorRate", name)])
        if number == 4:
            news_arrive(api)
            api.kill()
        if number == 7:
            assert all(one.running for one in (ingest, publish, *workers))
            workers[0].kill()
        if number == 12:
            workers.append(stage.start("work"))
    send(ingest, [alert("Down", "db")])
    eventually(stage.opened, "a ticket is opened, though nobody looks on", 120)
    api = stage.start("api").ready()

    def whole() -> bool:
        left = incidents(api)
        return len(left) == 1 and left[0]["cause"] == "db" and left[0]["alerts"] == len(SERVICES) + 1

    eventually(whole, "all alerts are in one incident", 120)
    assert len({one["data"]["incident_id"] for one in stage.opened()}) == 1
    assert "db" in httpx.get(f"{api.url}/", timeout=20).text
    for one in (ingest, publish, api, *workers[1:]):
        assert one.end() == 0


def news_arrive(console: Process) -> None:
    """What a worker in another process has decided is in the stream, and on the page that the console shows."""
    with httpx.stream("GET", f"{console.url}/api/v1/stream", params={"after": 0}, timeout=60) as answer:
        event = next(line for line in answer.iter_lines() if line.startswith("data: "))
    incident = json.loads(event.removeprefix("data: "))
    shown = f"{console.url}/incidents/{incident.get('incident') or incident['id']}"
    eventually(lambda: SERVICES[0] in httpx.get(shown, timeout=20).text, "the page shows it", 60)


def test_a_worker_that_stood_still_writes_nothing_when_it_goes_on(stage: Stage) -> None:
    api, ingest, worker = stage.start("api"), stage.start("ingest"), stage.start("work")
    for one in (api, ingest, worker):
        one.ready()
    send(ingest, [alert("HighErrorRate", SERVICES[0])])
    eventually(lambda: counted(api)["received"] == 1, "it is decided", 60)
    worker.signal(signal.SIGSTOP)
    other = stage.start("work").ready()
    eventually(lambda: owned(other) == stage.shards, "the other one owns everything", 90)
    send(ingest, [alert("HighErrorRate", SERVICES[1])])
    eventually(lambda: counted(api)["received"] == 2, "the other one decides", 60)
    before = stage.epochs()
    worker.signal(signal.SIGCONT)
    eventually(lambda: "was lost to another" in worker.log.read_text() or owned(worker) > 0, "it hears of it", 60)
    send(ingest, [alert("HighErrorRate", SERVICES[2])])
    eventually(lambda: counted(api)["received"] == 3, "all of it is decided once", 60)
    assert all(epoch >= before[shard] for shard, epoch in stage.epochs().items())
    assert counted(api)["unaccounted"] == 0
    for one in (ingest, api, worker, other):
        assert one.end() == 0


def test_a_shard_that_somebody_holds_fast_is_tried_again_and_the_others_go_on(stage: Stage) -> None:
    api = stage.start("api").ready()
    before = stage.start("work").ready()
    eventually(lambda: owned(before) == stage.shards, "the owners' rows are there", 60)
    before.kill()
    with psycopg.connect(stage.dsn) as holding:
        holding.execute("SELECT 1 FROM headwater.owners WHERE shard = 0 FOR UPDATE")
        worker = stage.start("work")
        eventually(lambda: "shard 0 is not up" in worker.log.read_text(), "one shard cannot be had", 90)
        eventually(lambda: owned(worker) == stage.shards - 1, "it works on the others", 60)
    eventually(lambda: owned(worker) == stage.shards, "it has them all", 90)
    for one in (api, worker):
        assert one.end() == 0


def test_domains_that_a_reload_joins_go_on_in_one_shard(stage: Stage) -> None:
    apart = {
        "entities": [
            {"id": "db", "kind": "database", "tier": 0, "domain": "below"},
            *({"id": name, "depends_on": ["db"], "domain": f"d-{name}"} for name in SERVICES),
        ]
    }
    stage.catalogue(apart)
    api, ingest, worker = stage.start("api"), stage.start("ingest"), stage.start("work")
    for one in (api, ingest, worker):
        one.ready()
    send(ingest, [alert("HighErrorRate", name) for name in SERVICES[:6]])
    send(ingest, [alert("Down", "db")])
    eventually(lambda: counted(api)["received"] == 7, "all is decided", 60)
    eventually(lambda: len(incidents(api)) == 7, "each is an incident of its own: nothing joins them yet", 60)
    stage.catalogue(CATALOGUE)
    assert httpx.post(f"{api.url}/api/v1/reload", timeout=60).status_code == 200
    eventually(lambda: [one["alerts"] for one in incidents(api)] == [7], "they are one incident", 90)
    eventually(lambda: counted(api)["unaccounted"] == 0, "every event is accounted for", 20)
    assert incidents(api)[0]["cause"] == "db"


def incidents(api: Process) -> list[dict[str, Any]]:
    items = httpx.get(f"{api.url}/api/v1/incidents", timeout=20).json()["items"]
    return [one for one in items if one["state"] != "merged"]


def owned(worker: Process) -> int:
    """How many shards it owns."""
    assert worker.running, worker.log.read_text()[-3000:]
    checks = httpx.get(f"{worker.url}/readyz", timeout=20).json()["checks"]
    return sum(one["name"].startswith("shard ") and one["ok"] for one in checks)
