"""`headwater backtest` on the command line: words, JSON, exit codes."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from rules.ruleset import RuleSet
from tests.backtest.recorded import record
from tests.backtest.test_backtest import DAY, SHOP, SILENT_DB
from tests.zygote import program


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record(tmp_path_factory.mktemp("data"), SHOP, RuleSet.default(), DAY, end="13:00")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rules.yaml").write_text(SILENT_DB.replace('{service: "%s"}', "['service=~\"db|cart|shop\"']"))
    return tmp_path


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return program.run("backtest", *arguments)


def test_a_silenced_fault_is_told_and_is_exit_code_1(folder: Path, data: Path) -> None:
    done = run(folder, "--data", data)
    assert done.returncode == 1, done.stderr
    assert "FAULTS SILENCED: 1" in done.stdout
    assert "it hit tier 1; all its alerts would be kept back by quiet" in done.stdout
    assert "more than allowed: 1 silenced" in done.stderr


def test_json_holds_the_same_in_full(folder: Path, data: Path) -> None:
    done = run(folder, "--data", data, "--json", "--fail-on", "")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["counts"]["silenced"], said["incidents"], said["equal"]) == (1, [3, 2], False)
    assert said["silenced"][0]["incident"]["cause"] == "db"


@pytest.mark.parametrize(("allowed", "code"), [("gone=1", 0), ("gone", 1), ("any", 1), ("new,split,cause", 0)])
def test_only_more_than_is_allowed_fails(folder: Path, data: Path, allowed: str, code: int) -> None:
    assert run(folder, "--data", data, "--fail-on", allowed).returncode == code


def test_equal_rules_are_exit_code_0(tmp_path: Path, data: Path) -> None:
    done = run(tmp_path, "--data", data, "--fail-on", "any")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("no difference\n")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--from", "yesterday"), "not a time"),
        (("--fail-on", "everything"), "none of silenced"),
        (("--suppression", "off"), "enforce or shadow"),
        (("--from", "2026-09-22T12:00:00Z", "--to", "2026-09-22T11:00:00Z"), "not after"),
        (("--from", "2026-12-01T00:00:00Z"), "no input arrived"),
        (("--warm-up", "long"), "not a duration"),
        (("--catalogue", "nowhere"), "no such catalogue"),
    ],
)
def test_wrong_input_is_exit_code_2(folder: Path, data: Path, more: tuple[str, ...], said: str) -> None:
    done = run(folder, "--data", data, *more)
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr


def test_mistakes_in_the_rules_are_named_with_their_line(tmp_path: Path, data: Path) -> None:
    (tmp_path / "rules.yaml").write_text("correlation:\n  window: soon\n")
    done = run(tmp_path, "--data", data)
    assert done.returncode == 2
    assert "rules.yaml:2" in done.stderr


def test_no_data_is_exit_code_3(folder: Path, tmp_path: Path) -> None:
    done = run(folder, "--data", tmp_path / "none")
    assert done.returncode == 3
    assert "no input log" in done.stderr
