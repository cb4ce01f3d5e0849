"""After the repair: metrics are held against the baseline, and data of two systems against each other, over the API."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from api import bootstrap
from tests.api.live import Live, alert, live
from tests.continuity.played import BOOKS, RULES, Played, outage
from tests.real.components import eventually

MINUTE = 60_000
CHECKS = """
data_checks:
  - {id: orders-same, entity: orders-db, kind: compare,
     left: {database: primary, query: select count(*) from orders},
     right: {database: replica, query: select count(*) from orders}}
"""
DATABASES = """
probes:
  databases:
    - {name: primary, driver: sqlite3, database: primary.db}
    - {name: replica, driver: sqlite3, database: replica.db}
"""


class Service:
    """A service whose latency is measured every half minute, by a clock that the test moves."""

    def __init__(self) -> None:
        self.ahead = 0
        self.served: Live | None = None

    def clock(self) -> int:
        return bootstrap.now() + self.ahead

    def go(self, minutes: int, level: float) -> None:
        """So many minutes at this level."""
        assert self.served is not None
        for step in range(2 * minutes):
            self.ahead += MINUTE // 2
            wobble = 1 + 0.02 * ((step * 7) % 5 - 2) / 2
            body = {"kind": "metric", "t": self.clock() / 1000, "service": "cart", "metric": "request_latency_ms"}
            sent = self.served.client.post("/api/v1/signals", json=body | {"value": level * wobble})
            assert sent.status_code == 200, sent.text

    def recovery(self, incident: str) -> dict[str, Any]:
        assert self.served is not None
        answer = self.served.client.get(f"/api/v1/incidents/{incident}/recovery")
        return dict(answer.json()) if answer.status_code == 200 else {}


def test_metrics_after_the_repair_are_held_against_those_before_the_trouble(tmp_path: Path) -> None:
    service = Service()
    catalogue = "entities:\n  - {id: cart, kind: business_service}\n"
    with live(tmp_path, clock=service.clock, catalogue=catalogue) as served:
        service.served = served
        service.go(45, 100)
        service.go(2, 400)
        served.send(alert("LatencyHigh", "cart"))
        service.go(3, 400)
        incident = eventually(lambda: served.get("/api/v1/incidents")["items"], "an incident")[0]["id"]
        service.go(15, 400)
        service.go(1, 125)
        served.client.post("/api/v2/alerts", json=[alert("LatencyHigh", "cart") | {"endsAt": _time(service.clock())}])
        service.go(20, 125)
        found = eventually(lambda: service.recovery(incident), "it is compared")
        assert found["verdict"] == "residual_degradation"
        gravest = found["indicators"][0]
        assert (gravest["entity"], gravest["metric"]) == ("cart", "request_latency_ms")
        assert served.get(f"/api/v1/incidents/{incident}")["incident"]["state"] == "recovering"
        service.go(30, 100)
        eventually(lambda: service.recovery(incident)["verdict"] == "restored", "it is restored")
        found = service.recovery(incident)
        assert found["closed_as"] == "restored"


def _time(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat()


@pytest.fixture
def replicated(tmp_path: Path) -> Iterator[Played]:
    for name, rows in (("primary", 3), ("replica", 2)):
        _fill(tmp_path / f"{name}.db", rows)
    gate = "      - {id: same, check: consistency, name: orders-same}\n"
    book = BOOKS.replace("      - {id: front, check", f"{gate}      - {{id: front, check")
    book = book.replace("[lag, window]", "[same]")
    with outage(tmp_path, {"rules/r.yaml": RULES + CHECKS, "playbooks/p.yaml": book}, DATABASES) as one:
        yield one


def _fill(file: Path, rows: int) -> None:
    with closing(sqlite3.connect(file)) as made, made:
        made.execute("create table if not exists orders (id integer primary key)")
        made.executemany("insert or ignore into orders values (?)", [(n,) for n in range(rows)])


def test_no_failover_before_the_data_of_both_systems_is_reconciled(replicated: Played) -> None:
    one = replicated
    one.do("ada", "activate_playbook", reason="the database is gone", playbook="orders-db-lost")
    one.do("bo", "start_task", task="look")
    one.do("bo", "finish_task", task="look")
    one.do("ada", "decide", reason="faster", task="choose", option="failover")
    unchecked = one.ask("bo", "start_task", task="failover")
    assert "it cannot be checked: orders-same has never answered" in unchecked.json()["detail"]
    assert _checked(one)["passed"] == "no"
    eventually(lambda: _gate(one)["evidence"], "the gate knows")
    differs = one.ask("bo", "start_task", task="failover")
    assert differs.status_code == 409
    assert "gate same is closed: orders-same failed" in differs.json()["detail"]
    _fill(one.served.folder / "replica.db", 3)
    assert _checked(one)["passed"] == "yes"
    eventually(lambda: _gate(one)["state"] == "passed", "the gate knows")
    one.do("bo", "start_task", task="failover")
    gate = _gate(one)
    assert (gate["state"], gate["why"]) == ("passed", "orders-same passed")
    listed = one.get("data-checks")["items"]
    assert [(row["id"], row["last"]["passed"]) for row in listed] == [("orders-same", "yes")]


def _checked(one: Played) -> dict[str, Any]:
    answer = one.served.client.post("/api/v1/data-checks/orders-same/run", headers={"authorization": "Bearer bo"})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def _gate(one: Played) -> dict[str, Any]:
    one.do("bo", "check_gates")
    (found,) = [gate for gate in one.response()["execution"]["gates"] if gate["id"] == "same"]
    return dict(found)
