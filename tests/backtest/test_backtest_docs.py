"""The page on back-tests is true: its runs are made as they stand there, and every kind of difference has its row."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from api import files
from api.commands.backtest import KINDS
from engine.ports import Record
from ingest.timestamps import moment
from rules.ruleset import RuleSet
from tests.backtest.recorded import record
from tests.zygote import program

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "backtest.md").read_text(encoding="utf-8")
RULES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
ANSWERS = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def outage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's outage, recorded under the built-in rules."""
    topology, findings = files.topology_of(ROOT / "examples" / "demo" / "catalogue")
    assert topology is not None, findings
    lines = (ROOT / "examples" / "demo" / "outage.jsonl").read_bytes().splitlines()
    told = [(json.loads(line), line) for line in lines]
    records = [Record("http", "json", line, arrival=moment(d["t"])) for d, line in told if d["kind"] != "topology"]
    return record(tmp_path_factory.mktemp("outage"), topology, RuleSet.default(), records)


def _lasting(text: str) -> str:
    """Without what other parts of the engine may word or count otherwise: versions, reasons, severities, updates."""
    for part in (r"^rules \w+ → \w+\n", r" \(\w+\)", r" SEV\d", r", notifications .*"):
        text = re.sub(part, "", text, flags=re.MULTILINE)
    return text


@pytest.mark.parametrize(("place", "code"), [(0, 1), (1, 0)])
def test_the_runs_on_the_page_come_out_as_they_stand_there(outage: Path, tmp_path: Path, place: int, code: int) -> None:
    (tmp_path / "rules.yaml").write_text(RULES[place])
    done = program.run_fresh("backtest", tmp_path, "--data", outage)
    assert done.returncode == code, done.stderr
    assert _lasting(done.stdout) == _lasting(ANSWERS[place])


def test_every_kind_of_difference_is_explained() -> None:
    rows = re.findall(r"^\| (`.*?`) \|", PAGE, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", " ".join(rows))) == set(KINDS)
