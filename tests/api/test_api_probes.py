"""Probes over the API, on the command line and as gauges, and what they say of an incident; made by a real engine."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from api import settings
from api.commands import check
from api.commands import probes as command
from api.commands.console import Failed
from api.findings import Wrong
from tests.api.live import Live, alert, live
from tests.publish.receiver import Receiver, receiver, status
from tests.real.components import eventually

RULES = """
correlation: {{recover_after: 0s}}
probes:
  - {{id: front, entity: checkout, kind: http, target: '{url}', allow_private: true, every: 1h, timeout: 1s,
     during_incident: 1s}}
  - {{id: stock, entity: db, kind: sql, target: orders, query: select count(*) from orders, every: 1h}}
data_checks:
  - {{id: orders-rows, entity: db, kind: rows, database: orders, query: select count(*) from orders, least: 3}}
"""
SETTINGS = "probes: {databases: [{name: orders, driver: sqlite3, database: orders.db}]}"


@pytest.fixture(scope="module")
def server() -> Iterator[Receiver]:
    with receiver() as started:
        yield started


@pytest.fixture(scope="module")
def probed(tmp_path_factory: pytest.TempPathFactory, server: Receiver) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("probed")
    with sqlite3.connect(folder / "orders.db") as made:
        made.execute("create table orders (id integer)")
        made.executemany("insert into orders values (?)", [(n,) for n in range(3)])
    made.close()
    (folder / "rules").mkdir()
    (folder / "rules" / "probes.yaml").write_text(RULES.format(url=server.url), encoding="utf-8")
    with live(folder, SETTINGS) as served:
        yield served


def row(world: Live, id: str, kind: str = "probes") -> dict[str, Any]:
    return next(one for one in world.get(f"/api/v1/{kind}")["items"] if one["id"] == id)


def test_a_probe_is_made_when_somebody_asks(probed: Live) -> None:
    found = probed.client.post("/api/v1/probes/front/run").json()
    assert (found["passed"], found["detail"], found["value"]) == ("yes", "status 200", 200)
    listed = row(probed, "front")
    assert listed["last"] == found
    assert (listed["every"], listed["often"]) == (3_600_000, False)
    stock = probed.client.post("/api/v1/probes/stock/run").json()
    assert (stock["passed"], stock["value"], stock["unit"]) == ("yes", 1, "rows")
    rows = probed.client.post("/api/v1/data-checks/orders-rows/run").json()
    assert (rows["passed"], rows["value"]) == ("yes", 3)
    assert probed.client.post("/api/v1/probes/orders-rows/run").status_code == 404
    assert probed.client.post("/api/v1/probes/nobody/run").status_code == 404


def test_they_are_gauges_and_part_of_readiness(probed: Live) -> None:
    probed.client.post("/api/v1/probes/front/run")
    text = probed.client.get("/metrics").text
    assert 'headwater_probe_success{probe="front"} 1.0' in text
    assert 'headwater_probe_age_seconds{probe="front"}' in text
    ready = probed.get("/readyz")["checks"]
    assert next(one for one in ready if one["name"] == "probes")["ok"]


def test_the_command_line_runs_and_lists_them(probed: Live, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run("orders-rows", probed.url, "", None, as_json=True) == 0
    assert json.loads(capsys.readouterr().out)["passed"] == "yes"
    with pytest.raises(Failed, match="nobody"):
        command.run("nobody", probed.url, "", None, as_json=False)
    assert command.listed(probed.url, "", None, as_json=False) == 0
    said = capsys.readouterr().out
    assert "orders-rows of db: passed in" in said
    assert "front of checkout" in said


def test_a_row_that_was_never_made_says_so() -> None:
    said = command.row_in_words(
        {"id": "x", "entity": "shop", "kind": "tcp", "every": 60_000, "often": True, "last": None, "running": False}
    )
    assert said == "x of shop (tcp, every 1 min, more often for an incident): not made yet"


def test_a_failing_probe_is_made_more_often_and_argues_for_the_alert_and_data_is_checked_at_the_end(
    probed: Live, server: Receiver
) -> None:
    server.behave = status(503)
    for _ in range(2):  # what fails shortly before an alert speaks for it
        assert probed.client.post("/api/v1/probes/front/run").json()["passed"] == "no"
    probed.send(alert("CheckoutDown", "checkout"), alert("DbDown", "db"))
    incident = eventually(lambda: _incident(probed), "an incident")
    eventually(lambda: row(probed, "front")["every"] == 1000, "the probe is made more often")

    def argued() -> list[str]:
        alerts = {one["name"]: one["no"] for one in probed.get("/api/v1/alerts")["items"]}
        why = probed.get(f"/api/v1/alerts/{alerts['CheckoutDown']}/why")["argument"]
        return [one["text"] for one in why["speaks_for"] if one["kind"] == "check_failed"]

    (said,) = eventually(argued, "the probe is evidence", seconds=60)
    assert said.startswith("the http check front failed ")
    assert said.endswith(": status 503")
    server.behave = status(200)
    runs = row(probed, "orders-rows", "data-checks")["runs"]
    over = (datetime.fromtimestamp(incident["first_alert_at"] / 1000, UTC) + timedelta(milliseconds=1)).isoformat()
    ended = {"endsAt": over}
    probed.send(*({**alert(*one), **ended} for one in (("CheckoutDown", "checkout"), ("DbDown", "db"))))
    eventually(lambda: row(probed, "orders-rows", "data-checks")["runs"] > runs, "the data is checked", seconds=60)


def _incident(world: Live) -> dict[str, Any]:
    found = world.get("/api/v1/incidents")["items"]
    return next((one for one in found if not one["merged_into"]), {})


def test_everything_wrong_with_the_settings_of_probes_is_told_at_once(tmp_path: Path) -> None:
    config = tmp_path / "headwater.yaml"
    config.write_text(
        "probes:\n"
        "  databases:\n"
        "    - {name: orders, driver: psycopg, database: orders, password_env: ORDERS_PASSWORD}\n"
        "    - {name: orders, driver: sqlite3, database: orders.db}\n"
        "  commands:\n"
        "    - {name: disk, argv: [check_disk, -w, '10']}\n"
        "  credentials:\n"
        "    - {name: shop, hosts: [shop.example.com], token_env: SHOP_TOKEN}\n"
        "prometheus:\n"
        "  - {name: prom, url: 'http://prom.example.com', token_env: PROM_TOKEN}\n",
        encoding="utf-8",
    )
    with pytest.raises(Wrong) as wrong:
        settings.load(config, environment={"PROM_TOKEN": ""})
    said = sorted((one.line, one.message) for one in wrong.value.findings)
    assert said == [
        (3, "probes.databases.0.password_env: ORDERS_PASSWORD is not set"),
        (3, "probes.databases.0: host: psycopg needs one"),
        (4, "probes.databases.1.name: orders is used twice"),
        (6, "probes.commands.0.argv: argv: the program's whole path, from /"),
        (8, "probes.credentials.0.token_env: SHOP_TOKEN is not set"),
        (10, "prometheus.0.token_env: PROM_TOKEN is not set"),
    ]


def test_secrets_come_from_the_environment_and_are_in_no_repr(tmp_path: Path) -> None:
    config = tmp_path / "headwater.yaml"
    config.write_text(
        "probes:\n"
        "  databases: [{name: o, driver: psycopg, database: o, host: db, password_env: ORDERS_PASSWORD}]\n"
        "  credentials: [{name: shop, hosts: [shop.example.com], token_env: SHOP_TOKEN}]\n"
        "prometheus: [{name: prom, url: 'http://prom.example.com', token_env: PROM_TOKEN}]\n",
        encoding="utf-8",
    )
    held = {"ORDERS_PASSWORD": "s3cret-1", "SHOP_TOKEN": "s3cret-2", "PROM_TOKEN": "s3cret-3"}
    found = settings.load(config, environment=held)
    assert found.probes.databases[0].password == "s3cret-1"
    assert found.probes.credentials[0].token == "s3cret-2"
    assert found.prometheus[0].token == "s3cret-3"
    assert "s3cret" not in repr(found)
    assert '"password":' not in json.dumps(settings.schema())


def test_what_rules_name_and_nobody_has_is_a_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "p.yaml").write_text(
        "probes:\n"
        "  - {id: a, entity: nowhere, kind: sql, target: orders, query: select 1}\n"
        "  - {id: b, entity: nowhere, kind: command, target: disk}\n",
        encoding="utf-8",
    )
    config = tmp_path / "headwater.yaml"
    config.write_text("rules: rules\n", encoding="utf-8")
    assert check.run(config) == 0
    told = capsys.readouterr().err
    for said in ("a names the database 'orders'", "b names the command 'disk'", "a checks 'nowhere'"):
        assert said in told
