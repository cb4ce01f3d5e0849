"""What is kept back, judged and learned: over the API, as gauges, and on the command line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.api.live import CATALOGUE, Live, live
from tests.real.components import eventually
from tests.zygote import program

RULES = """\
gates:
  scope:
    - {id: works, match: {alertname: Worn}, entities: [db]}
    - {id: watched, match: {alertname: Seen}, entities: [mail]}
modes: {watched: shadow}
"""


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Two alerts suppressed by an enforced gate, one that a gate in shadow mode would have suppressed."""
    folder = tmp_path_factory.mktemp("kept")
    for name, text in (("catalogue", CATALOGUE), ("rules", RULES)):
        (folder / name).mkdir()
        (folder / name / "shop.yaml").write_text(text, encoding="utf-8")
    with live(folder) as served:
        assert served.send(
            *({"labels": {"alertname": "Worn", "service": "db", "n": str(n)}} for n in range(2)),
            {"labels": {"alertname": "Seen", "service": "mail"}},
        ).is_success
        eventually(lambda: served.get("/api/v1/suppressed", shadow=True)["total"] == 3, "three alerts")
        yield served


def command(served: Live, action: str, target: str, reason: str = "looked at it", **facts: str) -> Any:
    body = {"action": action, "target": target, "reason": reason, "facts": facts}
    return served.client.post("/api/v1/commands", json=body)


def headwater(served: Live, *words: str) -> str:
    done = program.run(*words, "--url", served.url)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _metrics(served: Live, needed: str) -> str:
    text = served.client.get("/metrics").text
    return text if needed in text else ""


def _with_evidence(served: Live, count: int) -> list[Any]:
    found: list[Any] = served.get("/api/v1/alerts", limit=500)["items"]
    return found if len(found) == count and all(alert["terms"] for alert in found) else []


def test_what_is_suppressed_is_listed_with_its_reason_and_what_would_let_it_in(kept: Live) -> None:
    found = kept.get("/api/v1/suppressed")
    assert found["total"] == 2
    first = found["items"][0]
    assert (first["entity"], first["disposition"], first["reason"]) == ("db", "suppressed", "out_of_scope")
    assert (first["rule"], first["shadow"], first["log_odds"]) == ("works", False, 0.0)
    assert first["would_flip"] == "works has to end, or to match no longer"
    assert found["versions"]["rules"]
    history = kept.get(f"/api/v1/alerts/{first['event']}/why")["history"]
    assert first["since"] == history[-1]["at"]


def test_the_list_has_pages_filters_and_what_is_in_shadow(kept: Live) -> None:
    first = kept.get("/api/v1/suppressed", shadow=True, limit=2)
    rest = kept.get("/api/v1/suppressed", shadow=True, limit=2, cursor=first["next"])
    numbers = [row["no"] for page in (first, rest) for row in page["items"]]
    assert numbers == sorted(numbers, reverse=True)
    assert (len(set(numbers)), first["total"], rest["next"]) == (3, 3, "")
    (shadow,) = kept.get("/api/v1/suppressed", shadow=True, rule="watched")["items"]
    assert (shadow["entity"], shadow["shadow"], shadow["rule"]) == ("mail", True, "watched")
    assert shadow["disposition"] in ("opened", "attached")
    assert kept.get("/api/v1/suppressed", entity="mail")["items"] == []


def test_a_judgement_stands_behind_the_rules_report_and_in_the_gauges(kept: Live) -> None:
    assert "no labelled outcome" in kept.get("/api/v1/rules/works/promotion")["verdict"]
    one, other = (row["no"] for row in kept.get("/api/v1/suppressed")["items"])
    assert command(kept, "judge_alert", str(one), verdict="false").status_code == 200
    assert command(kept, "judge_alert", str(other), verdict="false").status_code == 200
    said = kept.get("/api/v1/rules/works/promotion")
    assert (said["suppressed"], said["labelled"], said["false"], said["mode"]) == (2, 2, 2, "enforce")
    assert said["verdict"].startswith("2 labelled outcomes stand behind it; not enough to promote")
    watched = kept.get("/api/v1/rules/watched/promotion")
    assert (watched["would_have_suppressed"], watched["mode"]) == (1, "shadow")
    metrics = eventually(lambda: _metrics(kept, "headwater_suppression_precision{"), "the gauges")
    assert 'headwater_suppressed{rule="works"} 2.0' in metrics
    assert 'headwater_would_have_suppressed{rule="watched"} 1.0' in metrics
    assert 'headwater_suppression_precision{rule="works"} 1.0' in metrics
    assert 'headwater_suppression_recall{rule="works"} 1.0' in metrics


def test_a_judgement_that_makes_no_sense_is_refused(kept: Live) -> None:
    assert command(kept, "judge_alert", "1", verdict="perhaps").status_code == 409
    assert command(kept, "judge_alert", "999999", verdict="real").status_code == 409
    assert command(kept, "judge_alert", "1").status_code == 400
    assert command(kept, "judge_alert", "1", reason="", verdict="real").status_code == 400
    assert command(kept, "judge_incident", "INC-999", verdict="real").status_code == 404


def test_an_unknown_rule_has_no_report_and_cannot_be_promoted(kept: Live) -> None:
    assert kept.client.get("/api/v1/rules/nothing/promotion").status_code == 404
    refused = command(kept, "promote_rule", "nothing", mode="enforce")
    assert refused.status_code == 409
    assert "evidence.self_cleared" in refused.json()["detail"]
    rules = [one["rule"] for one in kept.get("/api/v1/evidence/promotions")["items"]]
    assert rules == ["catalogue-scope", "evidence.contradicted", "evidence.self_cleared", "watched", "works"]


def test_no_model_is_proposed_or_activated_without_outcomes(kept: Live) -> None:
    model = kept.get("/api/v1/evidence/model")
    assert (model["version"], model["model"]) == ("prior", None)
    said = kept.get("/api/v1/evidence/calibration")
    assert (said["candidate"], said["learned"]["real_needed"]) == ("", 299)
    assert "too few outcomes" in said["learned"]["refused"]
    assert len(said["in_force"]["bins"]) == 10
    refused = command(kept, "activate_model", "0123456789abcdef")
    assert refused.status_code == 409
    assert "too few outcomes" in refused.json()["detail"]
    assert command(kept, "activate_model", "prior").status_code == 409
    forged = command(kept, "activate_model", "0123456789abcdef", model="{}")
    assert forged.json()["errors"][0]["pointer"] == "/facts/model"
    assert command(kept, "activate_model", "0123456789abcdef", since="yesterday").status_code == 400


def test_the_command_line_tells_the_same(kept: Live) -> None:
    listed = headwater(kept, "suppressed", "--shadow")
    assert "Worn on db: suppressed (out_of_scope) by works since" in listed
    assert "Seen on mail: would be suppressed" in listed
    assert "3 in all." in listed
    assert msgspec.json.decode(headwater(kept, "suppressed", "--json"))["total"] == 2
    assert "Nothing waits for the audit." in headwater(kept, "suppressed", "--audit")
    report = headwater(kept, "evidence", "report")
    assert "Evidence is weighed by the shipped prior." in report
    assert "works (enforce): 2 suppressed, 0 would have been" in report
    assert "No model is proposed: too few outcomes" in headwater(
        kept, "evidence", "learn", "--to", "2090-01-01T00:00:00Z"
    )
    assert "works is in mode enforce" in headwater(kept, "evidence", "promotion", "works")


def test_what_outcomes_teach_is_in_force_once_a_person_activates_it(tmp_path: Path) -> None:
    (tmp_path / "catalogue").mkdir()
    (tmp_path / "catalogue" / "shop.yaml").write_text(CATALOGUE, encoding="utf-8")
    with live(tmp_path) as served:
        pairs = [{"service": service, "n": str(n)} for n in range(80) for service in ("db", "checkout")]
        assert served.send(*({"labels": {"alertname": "Slow", **pair}} for pair in pairs)).is_success
        weighed = eventually(lambda: _with_evidence(served, 160), "every alert has evidence")
        for alert in weighed:
            real = "real" if alert["entity"] == "db" else "false"
            assert command(served, "judge_alert", str(alert["no"]), verdict=real).status_code == 200
        said = served.get("/api/v1/evidence/calibration")
        version, learned = said["candidate"], said["learned"]
        assert (learned["real"], learned["false"], learned["by_source"]) == (80, 80, {"operator": 160})
        assert learned["candidate"]["weights"].keys() == {"neighbour_troubled"}
        assert version in headwater(served, "evidence", "learn")
        assert command(served, "activate_model", "0123456789abcdef").status_code == 409
        assert "done" in headwater(served, "evidence", "activate", version, "--reason", "measured")
        assert served.get("/api/v1/evidence/model")["version"] == version
        path = f"/api/v1/alerts/{weighed[0]['no']}"
        eventually(lambda: served.get(path)["terms"][0]["weight"] == version, "the new weight")
        term = served.get(path)["terms"][0]
        assert term["log_odds"] == learned["candidate"]["weights"]["neighbour_troubled"][0]
        assert term["facts"]["prior_log_odds"] == 0.8
        assert command(served, "activate_model", "prior").status_code == 200
        eventually(lambda: served.get(path)["terms"][0]["weight"] == "prior", "the prior again")


def test_the_data_on_disk_tell_it_too_once_the_server_has_stopped(tmp_path: Path) -> None:
    for name, text in (("catalogue", CATALOGUE), ("rules", RULES)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "shop.yaml").write_text(text, encoding="utf-8")
    with live(tmp_path) as served:
        served.send({"labels": {"alertname": "Worn", "service": "db"}})
        eventually(lambda: served.get("/api/v1/suppressed")["total"] == 1, "one alert")
        data = next(served.folder.rglob("headwater.db")).parent
    assert "Worn on db: suppressed" in program.run("suppressed", "--data", data).stdout
    done = program.run_fresh("evidence", "promotion", "nothing", "--data", data)
    assert (done.returncode, "there is no rule 'nothing'" in done.stderr) == (1, True)
