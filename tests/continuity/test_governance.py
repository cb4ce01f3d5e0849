"""The report for governance over an outage that is over: a page, paper and a table of what is stored."""

from __future__ import annotations

import csv
import hashlib
import io
import re
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from api import bootstrap
from api.cli import app
from tests.continuity import played as stage
from tests.continuity.played import HOUR, MINUTE, Played, outage, play, review

DAY = 24 * HOUR
REGIME = "\nregimes:\n  gdpr: {entity_type: controller, calendar: {zone: Europe/Berlin, country: DE}}\n"
AUDITOR = f"  - {{name: eve, role: auditor, sha256: {hashlib.sha256(b'eve').hexdigest()}}}\n"
NASTY = '=HYPERLINK("http://x"),<script>alert(1)</script> – ж'


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """An outage with a duty of the GDPR that nobody meets, reviewed, and two days later."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(stage, "TOKENS", stage.TOKENS + AUDITOR)
        with outage(tmp_path_factory.mktemp("governance"), {"rules/g.yaml": REGIME}) as one:
            one.do("ada", "mark", reason="we know", regime="gdpr", mark="aware")
            play(one)
            review(one)
            one.do("ada", "add_action", text=NASTY, owner="team-data", due="2026-01-01")
            one.do(
                "ada", "record_exercise", "db-tabletop", passed="partly", people="lead=ada, scribe=bo", findings="slow"
            )
            one.later(2 * DAY)
            yield one


def report(played: Played, kind: str = "", who: str = "eve", **asked: str) -> httpx.Response:
    headers = {"authorization": f"Bearer {who}"}
    return played.served.client.get(f"/api/v1/governance{kind}", params=asked, headers=headers)


def day(played: Played, ago: int) -> str:
    now = datetime.fromtimestamp(bootstrap.now() / 1000, UTC) + timedelta(milliseconds=played._ahead[0])
    return (now - timedelta(days=ago)).date().isoformat()


def test_a_period_is_told_by_service_with_variance_and_cause(played: Played):
    told = report(played).json()
    (incident,) = told["incidents"]
    assert (incident["id"], incident["state"], incident["carried"]) == (played.id, "reviewed", False)
    assert [one["name"] for one in incident["phases"]][:3] == ["detection", "triage", "mobilisation"]
    services = {one["service"]: one for one in told["services"]}
    assert services["checkout"]["incidents"] == [played.id]
    assert (services["checkout"]["missed"], services["checkout"]["worst"] > 0) == (1, True)
    assert "vendor cloud-support did not answer in time" in services["checkout"]["causes"]


def test_a_period_is_told_by_regime_with_duties_met_and_missed(played: Played):
    (gdpr,) = report(played).json()["regimes"]
    assert (gdpr["regime"], gdpr["missed"], gdpr["met"], gdpr["cannot_exclude"]) == ("gdpr", 1, 0, [played.id])
    assert any("was due" in one and "not done" in one for one in gdpr["implications"])


def test_resources_drills_gaps_and_actions_are_those_of_the_record(played: Played):
    told = report(played).json()
    had = told["resources"]
    assert (had["people"], had["steps"], had["vendor_breaches"], had["grants"], had["measures"]) == (3, 4, 1, 1, 1)
    assert had["step_millis"] >= 35 * MINUTE
    assert [(one["id"], one["passed"]) for one in told["drills"]] == [("db-tabletop", "partly")]
    assert {one["kind"] for one in told["gaps"]} >= {"objective", "clock", "vendor", "deviation", "review", "exercise"}
    assert [(one["action"]["text"], one["state"]) for one in told["actions"]] == [
        ("a second replica", "open"),
        (NASTY, "overdue"),
    ]


def test_the_same_period_gives_the_same_bytes_whatever_happens_later(played: Played):
    period = {"from": day(played, 90), "to": day(played, 1)}
    before = {kind: report(played, kind, **period).content for kind in ("", ".html", ".pdf", ".csv")}
    done = {"action": "close_action", "target": played.id, "facts": {"action": "action-1"}, "reason": "there is one"}
    ada = {"authorization": "Bearer ada"}
    assert played.served.client.post("/api/v1/commands", json=done, headers=ada).status_code == 200
    played.later(MINUTE)
    after = {kind: report(played, kind, **period).content for kind in before}
    assert after == before
    assert report(played, "", **{"from": day(played, 9), "to": day(played, 8)}).json()["incidents"] == []


def test_a_strangers_text_is_text_on_the_page_on_paper_and_in_the_table(played: Played):
    page = report(played, ".html")
    assert "&lt;script&gt;" in page.text
    assert "<script>" not in page.text
    (digest,) = re.findall(r"style-src 'sha256-[^']+'", page.headers["content-security-policy"])
    assert digest
    assert "@media print" in page.text
    rows = list(csv.reader(io.StringIO(report(played, ".csv").text)))
    (cell,) = [row[3] for row in rows if "HYPERLINK" in row[3]]
    assert cell == f"'{NASTY}"
    paper = report(played, ".pdf")
    assert paper.headers["content-type"] == "application/pdf"
    assert paper.content.startswith(b"%PDF-")
    drawn = b"".join(_streams(paper.content))
    assert b"Services" in drawn
    assert b"checkout" in drawn


def _streams(pdf: bytes) -> Iterator[bytes]:
    for part in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL):
        try:
            yield zlib.decompress(part)
        except zlib.error:
            continue


def test_an_auditor_reads_it_a_viewer_does_not_and_a_period_is_over_before_it_is_told(played: Played):
    assert report(played, "", who="vic").status_code == 403
    assert report(played, ".pdf", who="cy").status_code == 200
    early = report(played, "", **{"to": day(played, 0)})
    assert (early.status_code, early.json()["errors"][0]["pointer"]) == (404, "/to")
    assert report(played, "", **{"from": day(played, 1), "to": day(played, 2)}).status_code == 404


def test_the_command_line_writes_it_into_a_file(played: Played, tmp_path: Path):
    def cli(*words: str) -> str:
        said = CliRunner().invoke(
            app, ["continuity", "governance", *words, "--url", played.served.url, "--token", "eve"]
        )
        return said.output + str(said.exception or "")

    path = tmp_path / "q3.pdf"
    said = cli("-o", str(path))
    assert path.read_bytes() == report(played, ".pdf").content
    assert f"{path.stat().st_size} bytes" in said.replace("\n", "")
    assert played.id in cli()
    assert "is over before" in cli("--to", "2999-01-01")
    assert "not .doc" in cli("-o", str(tmp_path / "q3.doc"))
