"""Risk over the API and on the command line."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.bounded import Analyses
from api.commands.risk import percent
from api.errors import Problem
from api.risk import MOST_TARGETS, next_of, risk_of, single_points_of
from rules.parse import parse_rules
from tests.api.live import CATALOGUE, Live, alert, live
from tests.zygote import program
from topology.continuity import Continuity
from topology.model import Dependency, Entity, Group, Kind, Semantics, Topology

RACK = """\
fates:
  rack-1: {failure: 0.001}
entities:
  - id: pay
    kind: business_service
    tier: 0
    users: 900
    depends_on: [{on: pay-1, group: g}, {on: pay-2, group: g}]
    groups: {g: {need: 1}}
  - {id: pay-1, aliases: [first], failure: 0.01, fates: [rack-1]}
  - {id: pay-2, failure: 0.02, fates: [rack-1]}
"""


@pytest.fixture(scope="module")
def racked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("racked")
    (folder / "catalogue").mkdir()
    (folder / "catalogue" / "rack.yaml").write_text(RACK, encoding="utf-8")
    with live(folder) as served:
        yield served


def test_business_services_come_with_their_probability_and_what_it_is_made_of(racked: Live):
    found = racked.get("/api/v1/risk")
    assert found["version"] == racked.get("/api/v1/topology")["version"]
    assert [one["entity"] for one in found["items"]] == ["pay", "shop"]  # by tier
    pay = found["items"][0]
    assert pay["probability"] == pytest.approx(1 - (1 - 0.001) * (1 - 0.01 * 0.02))
    assert (pay["method"], pay["low"]) == ("exact", pay["probability"])
    assert pay["alone"] == [{"name": "rack-1", "fate": True, "probability": 0.001, "assumed": False}]
    assert pay["fate_share"] == pytest.approx(0.001 / pay["probability"], rel=0.01)
    assert found["expected"] == pytest.approx(sum(one["probability"] for one in found["items"]))
    assert found["defaults"]["database"] == 0.002
    assert found["items"][1]["assumed"] == found["items"][1]["alone_total"] > 0


def test_any_entity_can_be_asked_for_by_id_or_alias(racked: Live):
    found = racked.get("/api/v1/risk", entity=["first"], worlds=200)
    assert [(one["entity"], one["probability"]) for one in found["items"]] == [("pay-1", pytest.approx(0.01099))]


def test_what_would_go_down_next_is_asked_of_what_is_down(racked: Live):
    up = racked.get("/api/v1/risk/next", entity="pay")["items"][0]
    assert up["double"] == [[
        {"name": "pay-1", "fate": False, "probability": 0.01, "assumed": False},
        {"name": "pay-2", "fate": False, "probability": 0.02, "assumed": False},
    ]]  # fmt: skip
    found = racked.get("/api/v1/risk/next", down=["pay-1"])
    assert (found["down"], found["fallen"], found["complete"]) == (["pay-1"], [], True)
    pay = next(one for one in found["items"] if one["entity"] == "pay")
    assert [one["name"] for one in pay["alone"]] == ["pay-2", "rack-1"]
    assert pay["probability"] == pytest.approx(1 - 0.98 * 0.999)
    both = racked.get("/api/v1/risk/next", down=["pay-1", "pay-2"])
    assert both["fallen"] == ["pay"]


def test_what_would_go_down_next_is_asked_of_an_incident(racked: Live):
    racked.send(alert("Down", "pay-1"))
    incident = racked.incident_of("pay-1")
    found = racked.get("/api/v1/risk/next", incident=incident["id"])
    assert found["down"] == ["pay-1"]
    assert (found["incident"], found["revision"]) == (incident["id"], incident["revision"])
    assert next(one for one in found["items"] if one["entity"] == "pay")["probability"] > 0.02


def test_single_points_and_hollow_redundancy_are_listed(racked: Live):
    found = racked.get("/api/v1/risk/single-points")
    first = found["points"][0]
    assert (first["failure"]["name"], first["tier"], first["business"], first["first"]) == ("rack-1", 0, 1, ["pay"])
    assert first["path"][-1] == "pay"
    assert [(one["consumer"], one["shared"][0]["name"]) for one in found["hollow"]] == [("pay", "rack-1")]
    mail = next(one for one in found["points"] if one["failure"]["name"] == "mail")
    assert (mail["path"], mail["after"]) == (["mail", "checkout", "shop"], 1800)
    cut = racked.get("/api/v1/risk/single-points", limit=1)
    assert (len(cut["points"]), cut["points_total"]) == (1, found["points_total"])


def test_wrong_questions_are_told_all_at_once(racked: Live):
    for path, query, status, pointers in (
        ("/api/v1/risk", {"entity": ["nobody", "pay", "none"]}, 404, ["/entity", "/entity"]),
        ("/api/v1/risk/next", {"down": ["nobody"]}, 404, ["/down"]),
        ("/api/v1/risk/next", {"incident": "INC-none"}, 404, []),
        ("/api/v1/risk", {"worlds": 10**9}, 400, ["/worlds"]),
    ):
        answer = racked.client.get(path, params=query)
        assert answer.status_code == status, path
        assert [fault["pointer"] for fault in answer.json().get("errors", ())] == pointers


def test_analyses_run_one_at_a_time_and_answers_are_kept_for_their_version():
    analyses, going, end, calls = Analyses(patience=0.05), threading.Event(), threading.Event(), []

    def slow() -> str:
        calls.append(1)
        going.set()
        assert end.wait(20)
        return "answer"

    thread = threading.Thread(target=lambda: analyses.answer(("a", "v1"), slow))
    thread.start()
    assert going.wait(20)
    with pytest.raises(Problem) as refused:
        analyses.answer(("b", "v1"), lambda: "other")
    assert (refused.value.status, refused.value.headers["Retry-After"]) == (503, "5")
    end.set()
    thread.join(20)
    assert analyses.answer(("a", "v1"), slow) == "answer"
    assert calls == [1]
    assert analyses.answer(("a", "v2"), slow) == "answer"
    assert len(calls) == 2
    with pytest.raises(ZeroDivisionError):
        analyses.answer(("c", "v2"), lambda: 1 // 0)
    assert analyses.answer(("d", "v2"), lambda: "free again") == "free again"


def test_more_business_than_fits_into_an_answer_is_counted():
    index = Topology.build(
        [Entity(id=f"b{place:04}", kind=Kind.BUSINESS_SERVICE, tier=place % 2) for place in range(MOST_TARGETS + 7)]
        + [Entity(id="db", kind=Kind.DATABASE)],
        [Dependency(consumer="b0001", provider="db"), Dependency(consumer="b0000", provider="db")],
    )
    found = risk_of(index)
    assert (found.total, found.left_off, len(found.items)) == (MOST_TARGETS + 7, 7, MOST_TARGETS)
    assert found.items[0].tier == 0
    assert next_of(index, ["db"]).fallen == ["b0000", "b0001"]
    assert single_points_of(index, 5).points[0].business == 2


def test_there_are_never_more_users_than_the_rules_say():
    services = [Entity(id=f"b{n}", kind=Kind.BUSINESS_SERVICE, users=700 - n) for n in range(3)]
    index = Topology.build([*services, Entity(id="db")], [Dependency(consumer=s.id, provider="db") for s in services])
    for total, high in ((None, 2097), (1000, 1000), (100, 700)):
        text = f"severity: {{users_total: {total}}}\n" if total else ""
        rules, problems = parse_rules({"r.yaml": text})
        assert rules is not None, problems
        found = single_points_of(index, 5, rules)
        assert (found.points[0].users, found.rules) == ((700, high), rules.version), "at least those of the largest"


def run(folder: Path, *arguments: str, code: int = 0) -> str:
    done = program.run("risk", *arguments, "--catalogue", "c", cwd=folder)
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "shop.yaml").write_text(CATALOGUE, encoding="utf-8")
    (tmp_path / "c" / "rack.yaml").write_text(RACK, encoding="utf-8")
    return tmp_path


def test_the_command_tells_risk_in_words_and_as_json(folder: Path):
    words = run(folder)
    assert "pay (tier 0): 0.12 % (exact, 83% of it by shared fates); alone: shared fate rack-1" in words
    assert "of 3 probabilities assumed" in words
    found = json.loads(run(folder, "first", "--json", "--worlds", "500"))
    assert [one["entity"] for one in found["items"]] == ["pay-1"]


def test_the_command_tells_what_would_go_down_next(folder: Path):
    words = run(folder, "pay", "--down", "first")
    assert "With pay-1 down; probability to go down next within 24 h:" in words
    assert "pay (tier 0): 2.1 % (exact, 5% of it by shared fates); alone: pay-2, shared fate rack-1" in words
    assert json.loads(run(folder, "--down", "pay-1", "--down", "pay-2", "--json"))["fallen"] == ["pay"]


def test_the_command_lists_single_points(folder: Path):
    words = run(folder, "--single-points")
    assert "shared fate rack-1: pay (tier 0, 900 users), by pay-1 → pay" in words
    assert "mail: shop (tier 1, 500 users) after 30 min, by mail → checkout → shop" in words
    assert "g of pay (1 of 2: pay-1, pay-2) falls with shared fate rack-1: pay (tier 0, 900 users)" in words
    assert json.loads(run(folder, "--single-points", "--json"))["hollow_total"] == 1


def test_the_command_says_what_is_wrong(folder: Path):
    assert "knows no entity 'chekout', 'nobody'; did you mean checkout?" in run(
        folder, "chekout", "--down", "nobody", code=1
    )
    assert "leave out ENTITY" in run(folder, "--single-points", "pay", code=1)
    assert run(folder, "--worlds", "1", code=2)


def test_what_only_degrades_is_told_apart_in_words(tmp_path: Path):
    (tmp_path / "c").mkdir()
    shop = "{id: shop, kind: business_service, depends_on: [{on: ads, semantics: soft, factor: 0.2}]}"
    text = f"entities: [{shop}, {{id: ads}}]"
    (tmp_path / "c" / "c.yaml").write_text(text, encoding="utf-8")
    assert "1 failures only degrade:\n  ads: shop, down to 80 %" in run(tmp_path, "--single-points")


def test_small_percentages_keep_three_digits():
    assert [percent(share) for share in (0, 1, 0.0504, 1.234e-9)] == ["0 %", "100 %", "5.04 %", "1.23e-07 %"]


def test_a_group_with_members_that_only_soften_takes_nothing_down():
    index = Topology.build(
        [Entity(id="shop", kind=Kind.BUSINESS_SERVICE)]
        + [Entity(id=name, continuity=Continuity(failure=500_000)) for name in ("a", "b")],
        [Dependency(consumer="shop", provider=name, semantics=Semantics.SOFT, group="g") for name in ("a", "b")],
        [Group(consumer="shop", name="g", need=2)],
    )
    assert risk_of(index).items[0].probability == 0
    assert single_points_of(index, 5).points == []
    assert [one.failure.name for one in single_points_of(index, 5).degrading] == ["a", "b"]
