"""The restoration order over the API, on the command line and in words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from api.restoration import restoration_of, restoration_of_incident
from api.telling import incident_in_words
from engine.outcomes import IncidentView
from engine.publish.texts import technical
from tests.api.live import Live, alert, live
from tests.scenarios.world import MIDNIGHT, World, clock
from tests.zygote import program
from topology.continuity import Continuity
from topology.model import Dependency, Entity, Semantics, Topology

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "restoration.md").read_text(encoding="utf-8")
SHOP = PAGE.split("```yaml\n")[1].split("```")[0]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("shop")
    with live(folder) as served:
        (folder / "catalogue" / "shop.yaml").write_text(SHOP, encoding="utf-8")
        assert served.client.post("/api/v1/reload").status_code == 200
        yield served


def test_what_if_names_the_waves_the_manual_start_and_the_objectives_that_are_missed(shop: Live):
    found = shop.get("/api/v1/restoration", entity=["orders-db"])
    assert (found["failed"], found["at"], found["incident"]) == (["db"], 0, "")
    assert found["versions"] == {"topology": shop.get("/api/v1/topology")["version"]}
    assert found["critical"] == ["db", "api", "shop"]
    assert (found["takes"], found["takes_latest"], found["missing"]) == (3300, 3300, [])
    assert found["waves"] == [["db"], ["api", "auth"], ["config", "shop"]]
    assert found["manual"] == [{"entity": "auth", "providers": ["config"], "group": ""}]
    assert [one["entity"] for one in found["tasks"] if one["stays_down"]] == ["auth", "config", "shop"]
    breaches = {(one["entity"], one["kind"]): one["breach"] for one in found["objectives"]}
    assert breaches == {("db", "rto"): "yes", ("shop", "rto"): "no", ("shop", "mtd"): "no"}
    db = found["objectives"][0]
    assert (db["entity"], db["due"], db["finish"]) == ("db", 1_800_000, 2_400_000)


def test_what_a_buffer_holds_up_may_be_spared(shop: Live):
    found = shop.get("/api/v1/restoration", entity=["bus"])
    assert found["missing"] == ["bus"]
    assert found["takes_latest"] is None
    assert found["threatened"] == [
        {"entity": "api", "held_by": "bus", "until": 1_200_000, "spared": "cannot_exclude"},
        {"entity": "shop", "held_by": "bus", "until": 1_200_000, "spared": "cannot_exclude"},
    ]
    assert {one["breach"] for one in found["objectives"]} == {"cannot_exclude"}


def test_nothing_failed_needs_nothing_and_unknown_entities_are_all_named(shop: Live):
    assert shop.get("/api/v1/restoration")["tasks"] == []
    answer = shop.client.get("/api/v1/restoration", params={"entity": ["db", "x", "y"]})
    assert answer.status_code == 404
    assert [error["reason"] for error in answer.json()["errors"]] == [
        "the topology has no entity 'x'",
        "the topology has no entity 'y'",
    ]
    assert shop.client.get("/api/v1/incidents/INC-999/restoration").status_code == 404


def test_the_plan_of_an_incident_names_its_revision_and_versions(shop: Live):
    assert shop.send(alert("DbDown", "db"), alert("Slow", "api", "warning")).status_code == 200
    incident = shop.incident_of("db")
    found = shop.get(f"/api/v1/incidents/{incident['id']}/restoration")
    assert found["incident"] == incident["id"]
    assert set(found["versions"]) == {"topology", "rules"}
    assert found["failed"] == ["db"], "what alerts because of it comes back with it"
    assert found["at"] == found["begun"] > MIDNIGHT // 10
    assert found["critical"] == ["db", "api", "shop"]
    view = shop.get(f"/api/v1/incidents/{incident['id']}")["incident"]
    objectives = {(one["entity"], one["kind"]): one for one in view["objectives"]}
    assert objectives["db", "rto"]["breach"] == "yes"
    assert objectives["shop", "rto"]["takes"] == 3300


def test_the_command_line_says_what_the_page_shows_and_the_same_as_json(tmp_path):
    (tmp_path / "shop.yaml").write_text(SHOP, encoding="utf-8")
    words = _run("restoration", "db", "--catalogue", str(tmp_path))
    assert words == PAGE.split("says\n\n```\n")[1].split("```")[0]
    bus = _run("restoration", "bus", "--catalogue", str(tmp_path))
    assert "api: may be hit; bus buffers until 20 min after" in bus
    assert "No restore time is declared for bus" in bus
    parsed = json.loads(_run("restoration", "db", "--json", "--catalogue", str(tmp_path)))
    assert parsed["takes"] == 3300


def test_an_unknown_entity_is_one_line_with_a_hint(tmp_path):
    (tmp_path / "shop.yaml").write_text(SHOP, encoding="utf-8")
    done = program.run_fresh("restoration", "confg", "--catalogue", tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "did you mean config?" in done.stderr


def _run(*arguments: str) -> str:
    done = program.run(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


QUEUE = Topology.build(
    [
        Entity(id="orders-queue", rto=3600, continuity=Continuity(restore=900)),
        Entity(id="shipping"),
        Entity(id="portal"),
    ],
    [
        Dependency(consumer="shipping", provider="orders-queue", semantics=Semantics.ASYNC, buffer=1800),
        Dependency(consumer="portal", provider="shipping"),
    ],
)


@pytest.fixture
def countdown() -> World:
    world = World(QUEUE)
    world.at("10:00").fire("orders-queue", "QueueDown", severity="critical")
    world.at("10:05")
    return world


def _latest(world: World) -> IncidentView:
    return world.driven.incidents()[-1]


def test_people_read_what_holds_an_entity_up_and_when_its_objective_runs_out(countdown: World):
    told = incident_in_words(msgspec.to_builtins(_latest(countdown)), [], [])
    assert "shipping: down after 30 min, by orders-queue → shipping; held up by its queue orders-queue until" in told
    assert "held up by the queue orders-queue until 2026-09-22 10:30:00 UTC" in told
    assert "orders-queue: RTO runs out 2026-09-22 11:00:00 UTC, can be met, if restoration begins by 2026-09-22" in told
    text = technical(countdown.driven.outbox[-1]).body
    assert "held up by the queue orders-queue until 2026-09-22 10:30:00 UTC: orders-queue > shipping" in text
    assert "Objective: RTO of orders-queue runs out 2026-09-22 11:00:00 UTC" in text


def test_a_restoration_that_has_begun_is_planned_from_its_begin_and_one_that_is_over_not_at_all(countdown: World):
    view = _latest(countdown)
    countdown.at("10:10").command("restore", view.id)
    countdown.at("10:12")
    plan = restoration_of_incident(QUEUE, _latest(countdown), clock("10:20"))
    assert (plan.at, plan.begun) == (clock("10:20"), clock("10:10"))
    assert [(one.entity, one.spared) for one in plan.threatened] == [("portal", "yes"), ("shipping", "yes")]
    assert plan.objectives[0].finish == clock("10:25")
    countdown.at("10:22").resolve("orders-queue", "QueueDown")
    countdown.at("10:24")
    assert restoration_of_incident(QUEUE, _latest(countdown), clock("10:24")).tasks == []


def test_a_cut_revision_is_planned_in_whole(countdown: World):
    view = _latest(countdown)
    view.impact = tuple(one for one in view.impact if one.entity == "orders-queue")
    plan = restoration_of_incident(QUEUE, view, clock("10:31"))
    assert {one.entity for one in plan.tasks} == {"orders-queue", "shipping", "portal"}
    assert restoration_of(QUEUE, ["orders-queue"], 0).tasks == []
