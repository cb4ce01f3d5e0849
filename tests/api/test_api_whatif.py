"""What-if over HTTP: questions to a running server, its saved scenarios, and what a reload says of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.live import CATALOGUE, Live, alert, live
from tests.real.components import eventually

SCENARIOS = """\
scenarios:
  - id: db-lost
    title: The database is lost
    assume: {down: [db]}
    expect:
      - entities: {checkout: down, shop: down}
        severity: SEV1
  - id: mail-lost
    assume: {down: [mail]}
    expect: [{at: 29m, entities: {checkout: untouched}}]
    times: {shop: {down: 30m}}
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("live")
    (folder / "scenarios").mkdir()
    (folder / "scenarios" / "shop.yaml").write_text(SCENARIOS, encoding="utf-8")
    with live(folder) as world:
        yield world


def ask(world: Live, assume: Any, at: Any = ("0s",), **parameters: Any) -> httpx.Response:
    return world.client.post("/api/v1/whatif", json={"assume": assume, "at": list(at)}, params=parameters)


def states(moment: dict[str, Any]) -> dict[str, int]:
    return {hit["entity"]: hit["low"] for hit in moment["items"] if hit["after"] <= moment["at"]}


def test_a_question_is_answered_at_every_moment_with_its_versions(served: Live):
    found = ask(served, {"down": ["mail"]}, ["0s", "30m"]).json()
    start, later = found["moments"]
    assert (states(start), states(later)) == ({"mail": 0}, {"mail": 0, "checkout": 0, "shop": 0})
    shop = next(hit for hit in start["items"] if hit["entity"] == "shop")
    assert (shop["path"], shop["after"], shop["down"]) == (["mail", "checkout", "shop"], 1800.0, 1800.0)
    assert (later["severity"]["level"], later["harm"]["users"]["low"]) == ("SEV1", 500)
    assert later["harm"]["business_services"] == ["shop"]
    versions = found["versions"]
    assert versions["topology"] == versions["catalogue"] == served.get("/api/v1/topology")["version"]
    assert versions["rules"] == served.client.post("/api/v1/reload").json()["rules"]


def test_everything_that_is_wrong_with_a_question_is_told_at_once_by_pointer(served: Live):
    answer = ask(
        served,
        {"down": ["nobody", {"after": "1m"}], "slow": {"db": "soon"}, "degraded": {"ghost": 2000}, "fates": ["rack"]},
        ["later"],
    )
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    told = {fault["pointer"]: fault["reason"] for fault in answer.json()["errors"]}
    assert {"/assume/down/0", "/assume/slow/db", "/assume/degraded/ghost", "/assume/fates/0", "/at/0"} <= set(told)
    assert any(pointer.startswith("/assume/down/1") for pointer in told)
    assert told["/assume/down/0"] == "the catalogue has no entity 'nobody'"
    assert ask(served, {"down": ["nobody"]}).json()["errors_total"] == 1
    assert served.client.post("/api/v1/whatif", content=b"{").status_code == 400


def test_a_question_may_name_aliases_and_build_on_what_is_the_matter_now(tmp_path: Path):
    with live(tmp_path) as world:
        world.send(alert("DbDown", "db"))
        world.incident_of("db")
        alone = ask(world, {"degraded": {"checkout-api": 500}}).json()
        assert states(alone["moments"][0]) == {"checkout": 500, "shop": 500}
        (both,) = ask(world, {"degraded": {"checkout-api": 500}}, now="true").json()["moments"]
        assert states(both) == {"db": 0, "checkout": 0, "shop": 0}
        assert both["changed"] == [], "what is so anyway is no difference"
        (healed,) = ask(world, {"restored": ["db"]}, now="true").json()["moments"]
        changed = {one["entity"]: (one["before"], one["after"]) for one in healed["changed"]}
        assert changed == {"db": ("down", "up"), "checkout": ("down", "up"), "shop": ("down", "up")}


def test_maintenance_delay_and_another_topology_are_answered(served: Live):
    (window,) = ask(served, {"maintenance": [{"entity": "db", "for": "2h"}]}).json()["moments"]
    hit = next(one for one in window["items"] if one["entity"] == "checkout")
    assert (hit["low"], hit["up"]) == (0, 7200.0)
    slow = ask(served, {"slow": {"db": "5s"}}).json()
    assert slow["waiting"] == [
        {"entity": "checkout", "delay": 5.0, "waits_for": "db"},
        {"entity": "db", "delay": 5.0, "waits_for": ""},
        {"entity": "shop", "delay": 5.0, "waits_for": "checkout"},
    ]
    spare = {
        "entities": ["db-2"],
        "depends": [{"consumer": "checkout", "on": name, "group": "dbs"} for name in ("db", "db-2")],
    }
    (saved,) = ask(served, {"down": ["db"], "changes": spare}).json()["moments"]
    assert states(saved) == {"db": 0, "checkout": 1000}
    assert [one["words"] for one in saved["margins"]] == ["1 of 2 members of dbs, 1 needed: 1000, no margin left"]


def test_saved_scenarios_are_run_when_the_server_starts_and_counted(served: Live):
    found = served.get("/api/v1/scenarios")
    assert (found["passed"], found["failed"], found["findings"]) == (2, 0, [])
    assert [item["id"] for item in found["items"]] == ["db-lost", "mail-lost"]
    text = served.client.get("/metrics").text
    assert 'headwater_scenarios{result="passed"} 2.0' in text
    assert 'headwater_scenarios{result="failed"} 0.0' in text


def test_some_scenarios_may_be_run_and_unknown_ones_are_told(served: Live):
    (one,) = served.client.post("/api/v1/scenarios/run", json={"ids": ["db-lost"]}).json()["items"]
    assert one["result"] == "passed"
    wrong = served.client.post("/api/v1/scenarios/run", json={"ids": ["db-lost", "x"]})
    assert (wrong.status_code, [fault["pointer"] for fault in wrong.json()["errors"]]) == (400, ["/ids/1"])
    assert served.client.post("/api/v1/scenarios/run").json()["passed"] == 2


def test_a_reload_says_which_scenarios_have_another_answer(tmp_path: Path):
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "shop.yaml").write_text(SCENARIOS, encoding="utf-8")
    with live(tmp_path) as world:
        changed = CATALOGUE.replace("depends_on: [db,", "depends_on: [{on: db, semantics: soft, factor: 0.5},")
        assert changed != CATALOGUE
        (tmp_path / "catalogue" / "shop.yaml").write_text(changed, encoding="utf-8")
        (tmp_path / "scenarios" / "bad.yaml").write_text("scenarios: [{id: x}]\n", encoding="utf-8")
        told = world.client.post("/api/v1/reload").json()["scenarios"]
        (item,) = told["items"]
        assert (item["id"], item["before"], item["after"]) == ("db-lost", "passed", "failed")
        differences = {one["subject"]: (one["expected"], one["found"]) for one in item["differences"]}
        assert differences["checkout"] == ("down", "at 500")
        assert differences["shop"] == ("down", "at 500")
        assert told["before"]["topology"] != told["after"]["topology"] == world.get("/api/v1/topology")["version"]
        assert [finding.partition("scenarios/")[2] for finding in told["findings"]] == [
            "bad.yaml:1: 'assume' is missing"
        ]
        metrics = world.client.get("/metrics").text
        assert 'headwater_scenarios{result="changed"} 1.0' in metrics
        assert 'headwater_scenarios{result="failed"} 1.0' in metrics
        again = world.client.post("/api/v1/reload").json()["scenarios"]
        assert again["items"] == []


def test_a_reload_tells_names_that_a_scenario_uses_and_the_catalogue_has_lost(tmp_path: Path):
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "lab.yaml").write_text(
        "scenarios:\n  - {id: lab, assume: {down: [lab]}}\n", encoding="utf-8"
    )
    with live(tmp_path) as world:
        kept = CATALOGUE.replace("  - {id: lab, scope: false}\n", "")
        (tmp_path / "catalogue" / "shop.yaml").write_text(kept, encoding="utf-8")
        (item,) = world.client.post("/api/v1/reload").json()["scenarios"]["items"]
        assert (item["before"], item["after"]) == ("passed", "failed")
        (run,) = world.get("/api/v1/scenarios")["items"]
        assert [name.partition("scenarios/")[2] for name in run["unknown"]] == [
            "lab.yaml:2: the catalogue has no entity 'lab'"
        ]


def test_a_server_without_scenarios_says_so(tmp_path: Path):
    with live(tmp_path) as world:
        found = world.get("/api/v1/scenarios")
        assert (found["items"], found["passed"], found["failed"]) == ([], 0, 0)
        assert world.client.post("/api/v1/reload").json()["scenarios"] is None
        eventually(lambda: 'headwater_scenarios{result="passed"} 0.0' in world.client.get("/metrics").text, "gauge")


def test_impact_tells_group_arithmetic_times_and_versions(served: Live):
    found = served.get("/api/v1/impact/mail")
    assert found["versions"]["topology"] == found["version"]
    shop = next(hit for hit in found["items"] if hit["entity"] == "shop")
    assert (shop["degraded"], shop["down"], shop["up"]) == (1800.0, 1800.0, None)
