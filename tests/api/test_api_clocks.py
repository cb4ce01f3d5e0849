"""Regulatory clocks over HTTP, on the command line, in words and in gauges."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest
from typer.testing import CliRunner

from api.cli import app
from engine.outcomes import Publication
from engine.publish.texts import business
from tests.api.live import Live, alert, live
from tests.real.components import eventually

RULES = """\
regimes:
  gdpr: {entity_type: controller, calendar: {zone: Europe/Berlin, country: DE}}
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("clocks")
    (folder / "rules").mkdir()
    (folder / "rules" / "rules.yaml").write_text(RULES, encoding="utf-8")
    with live(folder) as running:
        assert running.send(alert("DbDown", "db"), alert("Errors", "shop")).status_code == 200
        yield running


@pytest.fixture(scope="module")
def incident(served: Live) -> str:
    """An incident of which somebody is aware."""
    id: str = served.incident_of("db")["id"]
    answer = command(served, "mark", id, regime="gdpr", mark="aware")
    assert answer.status_code == 200, answer.text
    return id


def command(served: Live, action: str, target: str, **facts: str) -> httpx.Response:
    body = {"action": action, "target": target, "reason": "as we know", "facts": facts}
    return served.client.post("/api/v1/commands", json=body)


def cli(served: Live, *words: str) -> str:
    said = CliRunner().invoke(app, [*words, "--url", served.url])
    assert said.exit_code == 0, said.output
    return said.output


def test_the_clocks_of_an_incident_count_down_and_name_their_article_and_versions(served: Live, incident: str):
    told = served.get(f"/api/v1/incidents/{incident}/clocks")
    (first, *_) = told["clocks"]
    assert (first["clock"], first["article"], first["state"]) == ("notification", "33(1)", "running")
    assert 72 * 3600 - 120 < first["seconds_left"] <= 72 * 3600
    assert first["due"] - told["at"] == pytest.approx(first["seconds_left"] * 1000, abs=1000)
    (gdpr,) = told["regimes"]
    assert (gdpr["answer"], gdpr["missing"][0]["fact"]) == ("cannot_exclude", "personal_data_breach")
    assert {"regime", "mark", "clock"} <= {line["kind"] for line in told["history"]}
    assert all(told["versions"].values())
    assert served.client.get("/api/v1/incidents/INC-0/clocks").status_code == 404


def test_the_list_of_all_clocks_holds_deadlines_and_on_demand_what_waits(served: Live, incident: str):
    running = served.get("/api/v1/clocks")
    assert [(one["incident"], one["clock"]) for one in running["items"]] == [(incident, "notification")]
    everything = served.get("/api/v1/clocks", waiting=True, limit=1)
    assert everything["total"] > 1
    rest = served.get("/api/v1/clocks", waiting=True, cursor=everything["next"])
    assert len(rest["items"]) == everything["total"] - 1
    assert served.get("/api/v1/clocks", regime="dora")["items"] == []
    assert all(running["versions"].values())


def test_incidents_are_taken_together_under_a_regime(served: Live, incident: str):
    told = served.get("/api/v1/regimes/gdpr/together", incident=[incident])
    assert (told["answer"], told["incidents"], told["classification"]) == (
        "cannot_exclude",
        [incident],
        "notifiable personal data breach",
    )
    assert served.client.get("/api/v1/regimes/dora/together", params={"incident": incident}).status_code == 404


def test_a_bad_command_is_refused_with_everything_that_is_wrong(served: Live, incident: str):
    answer = command(served, "mark", incident, regime="gdpr", mark="awake", at="2099-01-01T00:00:00Z")
    assert answer.status_code == 409
    assert "no mark 'awake'; did you mean 'aware'?" in answer.json()["detail"]
    assert "at lies in the future" in answer.json()["detail"]
    answer = command(served, "give_fact", incident, regime="gdpr")
    assert {one["pointer"] for one in answer.json()["errors"]} == {"/facts/fact", "/facts/value"}


def test_the_command_line_gives_commands_and_tells_clocks(served: Live, incident: str):
    said = cli(
        served, "command", "give_fact", incident, "regime=gdpr", "fact=high_risk", "value=true", "--reason", "the DPO"
    )
    assert said.startswith(f"give_fact {incident}: done")
    said = cli(served, "clocks")
    assert f"{incident} gdpr: Notification to the supervisory authority" in said
    assert "left); whether it applies cannot be excluded." in said
    said = cli(served, "clocks", incident)
    assert "Ask first:" in said
    assert "aware: " in said
    assert "GDPR, notification of personal data breaches" in cli(served, "explain", incident)
    assert json.loads(cli(served, "clocks", incident, "--json"))["incident"] == incident
    refused = CliRunner().invoke(
        app, ["command", "dismiss_clock", incident, "regime=gdpr", "clock=none", "--reason", "x", "--url", served.url]
    )
    assert refused.exit_code == 1


def test_clocks_can_be_told_from_the_data_beside_the_engine(served: Live, incident: str):
    said = CliRunner().invoke(app, ["clocks", "--data", str(served.folder / "headwater-data"), "--waiting"])
    assert said.exit_code == 0, said.output
    assert f"{incident} gdpr: " in said.output


def test_gauges_count_deadlines_by_regime(served: Live, incident: str):
    def scraped() -> bool:
        return 'headwater_clocks_open{regime="gdpr"} 1.0' in served.client.get("/metrics").text

    assert eventually(scraped, "the gauge")
    text = served.client.get("/metrics").text
    assert 'headwater_clocks_overdue{regime="gdpr"} 0.0' in text
    assert 'headwater_clock_seconds_left{regime="gdpr"}' in text


def test_stakeholders_read_regime_clock_deadline_and_article(served: Live, incident: str):
    view = served.get(f"/api/v1/incidents/{incident}")["incident"]
    publication = Publication(
        key="k",
        incident=incident,
        revision=1,
        generation=1,
        action="update",
        audience="stakeholders",
        not_before=0,
        created_at=0,
        body={"incident": view},
    )
    (line,) = [line for line in business(publication).body.splitlines() if line.startswith("Deadline: ")]
    assert "gdpr: Notification to the supervisory authority to supervisory authority, due 20" in line
    assert "UTC (Regulation (EU) 2016/679, Article 33(1)); whether it applies cannot be excluded" in line
