"""What-if on the command line: real processes, readable answers, exit codes that a build server understands."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest
import yaml

from tests.api.live import CATALOGUE, live
from tests.zygote import program

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "whatif.md").read_text(encoding="utf-8")


BARE = {"PATH": "/usr/bin:/bin"}


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return program.run(*arguments, cwd=cwd, env=BARE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "catalogue").mkdir()
    (tmp_path / "catalogue" / "shop.yaml").write_text(CATALOGUE, encoding="utf-8")
    return tmp_path


def test_a_question_is_answered_in_words_and_as_json(folder):
    said = run("whatif", "ask", "--down", "mail", "--slow", "db=5s", "--at", "0s", "--at", "30m", cwd=folder).stdout
    assert "If mail is down:" in said
    assert "checkout answers 5 s later, waiting for db" in said
    assert "shop: down after 30 min" in said
    assert "After 30 min: SEV1, 3 down" in said
    assert re.search(r"topology and catalogue [0-9a-f]{16}, rules [0-9a-f]{16}$", said.strip())
    found = json.loads(run("whatif", "ask", "--degraded", "db=50%", "--json", cwd=folder).stdout)
    assert {hit["entity"]: hit["low"] for hit in found["moments"][0]["items"]} == {
        "db": 500,
        "checkout": 500,
        "shop": 500,
    }


def test_further_assumptions_come_from_a_file(folder):
    (folder / "more.yaml").write_text("down: [mail]\nchanges: {without: [{consumer: checkout, on: db}]}\n")
    asked = ("whatif", "ask", "--assume", "more.yaml", "--down", "db", "--json")
    (moment,) = json.loads(run(*asked, cwd=folder).stdout)["moments"]
    assert {hit["entity"] for hit in moment["items"] if hit["after"] == 0} == {"mail", "db"}


def test_everything_that_is_wrong_with_a_question_is_told_at_once(folder):
    asked = ("--down", "dbx", "--degraded", "db=1200", "--slow", "db=soon", "--at", "later", "--maintenance", "mail=x")
    done = run("whatif", "ask", *asked, cwd=folder)
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert lines[0] == "--down: the catalogue has no entity 'dbx' (did you mean db?)"
    for option in ("--degraded db", "--slow db", "--at", "--maintenance for"):
        assert any(line.startswith(f"{option}: ") for line in lines), (option, lines)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("ask",), "nothing is assumed"),
        (("ask", "--slow", "db"), "ENTITY=VALUE"),
        (("ask", "--assume", "nowhere.yaml"), "nowhere.yaml"),
        (("ask", "--down", "db", "--catalogue", "nowhere"), "no such catalogue"),
        (("run",), "whatif save"),
        (("diff", "--before", "abc"), "no such scenarios"),
    ],
)
def test_an_error_is_one_line_with_the_mend(folder, arguments: tuple[str, ...], words: str):
    done = run("whatif", *arguments, cwd=folder)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1), done.stderr
    assert words in done.stderr


def test_what_is_saved_passes_until_the_catalogue_changes(folder):
    saved = (
        "whatif",
        "save",
        "mail",
        "scenarios/mail.yaml",
        "--title",
        "No mail",
        "--down",
        "mail",
        "--at",
        "0s",
        "--at",
        "31m",
    )
    assert run(*saved, cwd=folder).returncode == 0
    assert run(*saved, cwd=folder).returncode == 1, "overwrites nothing"
    schema = json.loads(run("schema", "scenarios", cwd=folder).stdout)
    written = yaml.safe_load((folder / "scenarios" / "mail.yaml").read_text(encoding="utf-8"))
    jsonschema.validate(written, schema)
    (scenario,) = written["scenarios"]
    assert scenario["expect"][0]["entities"] == {"mail": 0}
    assert scenario["expect"][1]["entities"] == {"mail": 0, "checkout": 0, "shop": 0}
    assert scenario["times"]["shop"] == {"hit": "1800s", "down": "1800s"}
    passed = run("whatif", "run", cwd=folder)
    assert (passed.returncode, passed.stdout.splitlines()[0]) == (0, "ok      mail: No mail")

    (folder / "catalogue" / "shop.yaml").write_text(CATALOGUE.replace("30m", "2h"), encoding="utf-8")
    failed = run("whatif", "run", "--junit", "report.xml", cwd=folder)
    assert failed.returncode == 1
    assert "after 31 min: shop: expected at 0, is up" in failed.stdout
    assert "shop: expected down after 30 min, is down after 2 h" in failed.stdout
    assert "0 passed, 1 failed" in failed.stdout
    suite = ElementTree.parse(folder / "report.xml").getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("1", "1")
    assert suite.find("testcase/failure") is not None
    assert json.loads(run("whatif", "run", "--json", cwd=folder).stdout)["items"][0]["result"] == "failed"


def test_wrong_scenario_files_are_told_by_line_and_the_right_ones_are_run(folder):
    (folder / "scenarios").mkdir()
    (folder / "scenarios" / "a.yaml").write_text("scenarios:\n  - {id: a, assume: {down: [db]}}\n  - {id: b}\n")
    done = run("whatif", "run", cwd=folder)
    assert (done.returncode, done.stderr.strip()) == (1, "scenarios/a.yaml:3: 'assume' is missing")
    assert "ok      a" in done.stdout


def test_check_names_the_mistakes_of_scenarios_too(folder):
    (folder / "scenarios").mkdir()
    (folder / "scenarios" / "a.yaml").write_text("scenarios:\n  - {id: a, assume: {down: [db]}}\n")
    assert run("check", cwd=folder).returncode == 0
    (folder / "scenarios" / "b.yaml").write_text("scenarios:\n  - {id: b}\n  - id: c\n    assume: {down: [dbx]}\n")
    done = run("check", cwd=folder)
    assert done.returncode == 1
    assert done.stderr.splitlines()[:2] == [
        "scenarios/b.yaml:2: 'assume' is missing",
        "scenarios/b.yaml:4: the catalogue has no entity 'dbx'",
    ]


@pytest.mark.parametrize("command", ["ask", "save", "run", "diff"])
def test_help_has_an_example_that_begins_with_the_command(command: str, tmp_path):
    done = run("whatif", command, "--help", cwd=tmp_path)
    assert re.search(rf"Example:\s+headwater\s+whatif\s+{command}", " ".join(done.stdout.split()))


def test_a_difference_is_told_entity_by_entity(folder):
    (folder / "scenarios").mkdir()
    (folder / "scenarios" / "a.yaml").write_text("scenarios:\n  - {id: a, assume: {down: [db]}}\n")
    (folder / "after").mkdir()
    changed = CATALOGUE.replace("depends_on: [db,", "depends_on: [{on: db, semantics: soft, factor: 0.5},")
    (folder / "after" / "shop.yaml").write_text(changed, encoding="utf-8")
    asked = ("whatif", "diff", "--before", "catalogue", "--after", "after")
    said = run(*asked, cwd=folder)
    assert said.returncode == 0
    assert "  at the onset: checkout: down → at 500" in said.stdout.splitlines()
    assert "1 changed, 0 as before" in said.stdout
    assert run(*asked, "--exit-code", cwd=folder).returncode == 1
    same = run("whatif", "diff", "--before", "after", "--after", "after", "--exit-code", cwd=folder)
    assert (same.returncode, "0 changed, 1 as before" in same.stdout) == (0, True)


def test_a_version_that_the_server_has_kept_can_be_compared_with(tmp_path):
    with live(tmp_path) as world:
        version = world.get("/api/v1/topology")["version"]
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "a.yaml").write_text("scenarios:\n  - {id: a, assume: {down: [db]}}\n")
    (tmp_path / "catalogue" / "shop.yaml").write_text(CATALOGUE.replace("depends_on: [checkout]", "depends_on: []"))
    asked = ("whatif", "diff", "--before", version, "-c", "headwater.yaml", "--json")
    found = json.loads(run(*asked, cwd=tmp_path).stdout)
    assert found["before"]["topology"] == version != found["after"]["topology"]
    assert [one["subject"] for one in found["items"][0]["differences"]] == ["severity", "shop", "users"]


def test_the_examples_pass():
    asked = ("whatif", "run", "examples/scenarios", "--catalogue", "examples/catalogue", "--rules", "none")
    done = program.run_fresh(*asked, cwd=ROOT, env=BARE)
    assert done.returncode == 0, done.stdout


def test_what_the_document_shows_is_what_is_said(tmp_path):
    for name in ("catalogue", "scenarios"):
        (tmp_path / "examples" / name).mkdir(parents=True)
        for file in (ROOT / "examples" / name).iterdir():
            (tmp_path / "examples" / name / file.name).write_bytes(file.read_bytes())
    said = ""
    for block in re.findall(r"```sh\n(headwater .*?)```", TEXT, re.DOTALL):
        for line in block.strip().splitlines():
            done = run(*line.split()[1:], cwd=tmp_path)
            assert done.returncode == 0, (line, done.stderr)
            said += done.stdout
    (shown,) = re.findall(r"```text\n(.*?)```", TEXT, re.DOTALL)
    assert [line for line in shown.splitlines() if line not in said.splitlines()] == []


def test_the_yaml_of_the_document_is_right(tmp_path):
    assume, scenarios = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    (tmp_path / "s.yaml").write_text(scenarios, encoding="utf-8")
    indented = "".join(f"    {line}\n" for line in assume.splitlines())
    (tmp_path / "t.yaml").write_text(f"scenarios:\n  - id: changed\n{indented}", encoding="utf-8")
    catalogue = str(ROOT / "examples" / "catalogue")
    done = run("whatif", "run", "s.yaml", "t.yaml", "--catalogue", catalogue, cwd=tmp_path)
    assert done.returncode == 0, (done.stdout, done.stderr)


def test_every_option_of_the_document_exists():
    named = set(re.findall(r"--[a-z][a-z-]*", TEXT))
    helps = "".join(run("whatif", one, "--help", cwd=ROOT).stdout for one in ("ask", "run", "save", "diff"))
    assert {option for option in named if option not in helps} == set()
