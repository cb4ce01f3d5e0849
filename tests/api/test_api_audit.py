"""The audit of objectives over HTTP, as gauges, and on the command line."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.api.live import CATALOGUE, Live
from tests.zygote import program

ROOT = Path(__file__).resolve().parents[2]
OBJECTIVES = CATALOGUE + (
    "  - {id: till, rto: 1h, restore: 20m, owner: team-till, depends_on: [ledger]}\n"
    "  - {id: ledger, kind: database, owner: team-data, rto: 1h, restore: 10m}\n"
    "  - {id: psp, kind: third_party, contract: {expires: 2030-06-30}}\n"
)


def told(world: Live, **parameters: str) -> list[str]:
    return [one["check"] for one in world.get("/api/v1/catalogue/audit", **parameters)["items"]]


def test_a_reload_changes_the_audit_and_its_gauges(world: Live):
    file = world.folder / "catalogue" / "shop.yaml"
    before = world.get("/api/v1/catalogue/audit")
    assert before["versions"]["topology"] == world.get("/api/v1/topology")["version"]
    assert [one["check"] for one in before["items"]] == ["objective-missing"]
    assert before["counts"] == {"error": 0, "warning": 1, "info": 0}
    assert before["slack"] == {}
    text = world.client.get("/metrics").text
    assert 'headwater_catalogue_findings{check="objective-missing",severity="warning"} 1.0' in text
    assert "headwater_catalogue_slack_seconds{" not in text

    file.write_text(OBJECTIVES, encoding="utf-8")
    world.client.post("/api/v1/reload")
    after = world.get("/api/v1/catalogue/audit")
    assert after["versions"]["catalogue"] == world.get("/api/v1/topology")["version"]
    assert after["versions"] != before["versions"]
    worst = after["items"][0]
    assert worst["entities"] == worst["chain"] == ["till", "ledger"]
    assert (worst["check"], worst["severity"], worst["slack"]) == ("rto-chain", "error", -1200)
    assert worst["fix"] == {"entity": "ledger", "field": "rto", "value": 2400, "before": 3600}
    assert worst["owners"] == ["team-till", "team-data"]
    text = world.client.get("/metrics").text
    assert 'headwater_catalogue_findings{check="rto-chain",severity="error"} 1.0' in text
    assert 'headwater_catalogue_slack_seconds{objective="rto"} -1200.0' in text
    names = ("till", "ledger", "psp")
    assert not [
        line for line in text.splitlines() if "catalogue" in line and any(f'"{name}"' in line for name in names)
    ]


def test_the_day_of_the_audit_can_be_asked_for(world: Live):
    (world.folder / "catalogue" / "shop.yaml").write_text(OBJECTIVES, encoding="utf-8")
    world.client.post("/api/v1/reload")
    assert "contract-expired" not in told(world, date="2030-03-31")
    assert "contract-expired" in told(world, date="2030-04-01")
    assert world.get("/api/v1/catalogue/audit", date="2030-04-01")["on"] == "2030-04-01"


@pytest.mark.parametrize("day", ["tomorrow", "2026-02-30", "2026-13-01", ""])
def test_a_day_that_is_none_is_told(world: Live, day: str):
    answer = world.client.get("/api/v1/catalogue/audit", params={"date": day})
    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/date"]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return program.run("catalogue", "audit", *arguments, cwd=ROOT)


def test_the_command_line_says_the_same_and_fails_when_an_objective_cannot_be_met(tmp_path: Path):
    (tmp_path / "shop.yaml").write_text(OBJECTIVES, encoding="utf-8")
    done = run("--catalogue", str(tmp_path), "--date", "2030-06-01")
    assert done.returncode == 1
    assert done.stdout.splitlines()[:5] == [
        "error: rto-chain: till must be back within 1 h, but by the promises below it is back after 1 h 20 min, "
        "ledger being the last",
        "  by till → ledger",
        "  20 min missing",
        "  fix: set rto of ledger to 40 min (it is 1 h)",
        "  ask team-till, team-data",
    ]
    assert "1 error, 2 warnings, 0 info on 2030-06-01, topology " in done.stdout
    assert done.stdout.splitlines()[-1] == "least slack: RTO 20 min missing"
    found = json.loads(run("--catalogue", str(tmp_path), "--date", "2030-06-01", "--json").stdout)
    assert (found["total"], found["on"], found["items"][0]["slack"]) == (3, "2030-06-01", -1200)


def test_warnings_alone_do_not_fail(tmp_path: Path):
    (tmp_path / "shop.yaml").write_text(CATALOGUE, encoding="utf-8")
    done = run("--catalogue", str(tmp_path))
    assert done.returncode == 0
    assert "0 errors, 1 warning, 0 info on " in done.stdout


def test_wrong_use_is_told_in_one_line(tmp_path: Path):
    (tmp_path / "shop.yaml").write_text("entities: [{id: a, restore: soon}]", encoding="utf-8")
    for arguments, said in (
        (("--catalogue", str(tmp_path)), "restore: 'soon' is not a duration"),
        (("--catalogue", str(tmp_path / "none")), "no such catalogue"),
        (
            ("--catalogue", str(tmp_path), "--date", "2026-02-30"),
            "'2026-02-30' is not a date; write it like 2026-03-31",
        ),
    ):
        done = run(*arguments)
        assert done.returncode == 1
        assert said in done.stderr
        assert "Traceback" not in done.stderr


def test_the_command_of_the_page_runs():
    page = (ROOT / "docs/feasibility.md").read_text(encoding="utf-8")
    (line,) = [line for line in page.splitlines() if line.startswith("headwater catalogue audit ")]
    done = program.run_fresh(*line.split()[1:], cwd=ROOT)
    assert done.returncode == 1
    assert "error: contract-rto: by its contract payment-provider is back within 8 h" in done.stdout
