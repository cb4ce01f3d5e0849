"""Why an incident is as severe as it is: over HTTP and in words, from the numbers to the history."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from api.cli import app
from api.telling import incident_in_words
from tests.api.live import Live, alert, live
from tests.engine.laws import World
from tests.engine.severities import entity, only, sample
from tests.scenarios.world import chain
from topology.model import Kind

RULES = """\
severity:
  users_total: 1000000
escalation:
  roles: {duty_manager: [duty desk]}
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("severity")
    (folder / "rules").mkdir()
    (folder / "rules" / "rules.yaml").write_text(RULES, encoding="utf-8")
    with live(folder) as running:
        assert running.send(alert("DbDown", "db"), alert("Errors", "shop")).status_code == 200
        yield running


def test_the_severity_of_an_incident_is_explained_whole(served: Live):
    incident = served.incident_of("db")
    told = served.get(f"/api/v1/incidents/{incident['id']}/severity")
    assert told["severity"] == incident["severity"]
    assert (told["severity"]["level"], told["severity"]["computed"]) == ("SEV2", "SEV2")
    assert told["harm"]["users"] | {"method": ""} == {
        "low": 500,
        "high": 500,
        "estimate": None,
        "estimated": False,
        "method": "",
        "missing": [],
        "missing_total": 0,
    }
    assert told["harm"]["business_services"] == ["shop"]
    assert told["harm"]["exposure"][0]["missing"] == ["rpo"]
    assert {rule["id"] for rule in told["severity"]["open"]} >= {"data-loss-top-tier"}
    reach = {one["role"]: one["names"] for one in told["escalation"]["reach"]}
    assert reach["duty_manager"] == ["duty desk"]
    assert {line["kind"] for line in told["history"]} == {"severity", "escalation"}
    assert told["versions"]["topology"]
    assert told["versions"]["rules"]


def test_a_level_set_by_hand_is_part_of_the_explanation_until_it_is_withdrawn(served: Live):
    name = served.incident_of("db")["id"]
    path = f"/api/v1/incidents/{name}"
    body = {"reason": "a rehearsal", "facts": {"level": "SEV4"}}
    assert served.client.post(f"{path}/override_severity", json=body).json()["incident"]["severity"]["level"] == "SEV4"
    told = served.get(f"{path}/severity")["severity"]
    assert (told["level"], told["computed"], told["override"]["by"]) == ("SEV4", "SEV2", "local")
    assert served.client.post(f"{path}/withdraw_override", json={}).status_code == 400
    answer = served.client.post(f"{path}/withdraw_override", json={"reason": "over"})
    assert answer.json()["incident"]["severity"]["level"] == "SEV2"
    again = served.client.post(f"{path}/withdraw_override", json={"reason": "over"})
    assert (again.status_code, "nobody has set" in again.json()["detail"]) == (409, True)
    kinds = [line["kind"] for line in served.get(f"{path}/severity")["history"]]
    assert kinds[-2:] == ["override_withdrawn", "escalation"]


def test_an_unknown_incident_has_no_severity(served: Live):
    assert served.client.get("/api/v1/incidents/INC-0/severity").status_code == 404


def test_explain_tells_the_rules_what_is_missing_and_who_must_be_reached(served: Live, tmp_path: Path):
    name = served.incident_of("db")["id"]
    said = CliRunner().invoke(app, ["explain", name, "--url", served.url])
    assert said.exit_code == 0, said.output
    assert "Severity SEV2: user impact yes, data loss cannot be excluded" in said.output
    assert "business-down (SEV2: business shop, down" in said.output
    assert "Could be worse, were this known:" in said.output
    assert "data-loss-top-tier (SEV1): data_loss" in said.output
    assert "Data of db at stake: cannot be excluded (loss 0 s to open, no RPO; not known: rpo)." in said.output
    assert "Escalation: management, since" in said.output
    assert "duty_manager: duty desk, by" in said.output
    assert "500 users." in said.output


def test_the_words_tell_users_countries_functions_and_who_set_what():
    topology = chain(
        "pay -> ledger",
        "app -> ledger",
        entities=[
            entity("pay", Kind.BUSINESS_SERVICE, users=900, critical=True, regions=("DE", "FR"), owner="payments"),
            entity("app", Kind.BUSINESS_SERVICE, critical=False, regions=("US",)),
            entity("ledger", Kind.DATABASE, rpo=60),
        ],
    )
    world = World(topology)
    sample(world, "09:59:30", "pg_replication_lag_seconds", "ledger", 120)
    world.at("10:00").fire("ledger", "Down", severity="critical")
    world.at("10:01")
    view = only(world)
    world.at("10:02").command("override_severity", view.id, reason="a rehearsal", level="SEV4")
    words = incident_in_words(msgspec.to_builtins(only(world)), [], [])
    for line in (
        "At least 900 users (not said by app).",
        "Severity SEV4: user impact yes, data loss yes, regulatory no.",
        "Set by ada at 2026-09-22 10:02:00 UTC: a rehearsal. Computed: SEV2.",
        "Critical or important functions: pay.",
        "Used in DE, FR, US; 2 member states of the Union.",
        "Data of ledger at stake: yes (loss 2 min to 2 min, RPO 1 min).",
        "crisis_lead" if "crisis" in words else "duty_manager: nobody is named, by",
    ):
        assert line in words, words
