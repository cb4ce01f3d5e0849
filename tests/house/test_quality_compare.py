"""The gate on answer quality: what counts as a loss."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

PATH = Path(__file__).resolve().parents[2] / "script/quality_compare.py"


@pytest.fixture(scope="module")
def compare() -> ModuleType:
    spec = importlib.util.spec_from_file_location("quality_compare", PATH)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["quality_compare"] = module
    spec.loader.exec_module(module)
    return module


def fault(top1: float = 1.0, kept: int = 4, silenced: int = 0) -> dict[str, object]:
    return {
        "kind": "fault", "top1": top1, "top3": 1.0, "impact": None, "failed": False,
        "alerts": {
            "false": 100, "false_quietened": 80, "real": 4, "real_kept": kept, "faults_silenced": silenced,
        },
    }  # fmt: skip


def run(tmp_path: Path, name: str, **sets: list[dict[str, object]]) -> str:
    path = tmp_path / f"{name}.json"
    path.write_text(json.dumps({"sets": {key: {"rows": rows} for key, rows in sets.items()}}))
    return str(path)


@pytest.fixture
def baseline(compare, tmp_path) -> str:
    path = str(tmp_path / "quality" / "baseline.json")
    assert compare.main([run(tmp_path, "first", petshop=[fault()] * 10), path, "--write"]) == 0
    return path


def test_the_same_answers_lose_nothing(compare, tmp_path, baseline):
    assert compare.main([run(tmp_path, "again", petshop=[fault()] * 10), baseline]) == 0


def test_one_case_may_be_lost_and_two_may_not(compare, tmp_path, baseline, capsys):
    one, two = ([fault()] * (10 - lost) + [fault(top1=0.0)] * lost for lost in (1, 2))
    assert compare.main([run(tmp_path, "one", petshop=one), baseline]) == 0
    capsys.readouterr()
    assert compare.main([run(tmp_path, "two", petshop=two), baseline]) == 1
    assert capsys.readouterr().out == "petshop top1: 8 of 10 cases, was 10 of 10\n"


def test_two_silenced_faults_fail(compare, tmp_path, baseline, capsys):
    rows = [fault()] * 8 + [fault(silenced=1)] * 2
    assert compare.main([run(tmp_path, "silenced", petshop=rows), baseline]) == 1
    assert "not_silenced: 8 of 10" in capsys.readouterr().out


def test_a_fiftieth_of_the_alerts_may_change_and_more_may_not(compare):
    old = {"set": {"false_quiet": compare.Count(800, 1000, "alerts")}}
    for now, lines in ((790, 0), (780, 0), (779, 1)):
        assert len(list(compare.losses({"set": {"false_quiet": compare.Count(now, 1000, "alerts")}}, old))) == lines


def test_fewer_detections_are_no_loss_as_long_as_as_many_are_true(compare):
    old = {"nab": {"detections_true": compare.Count(40, 200, "detections")}}
    assert not list(compare.losses({"nab": {"detections_true": compare.Count(25, 100, "detections")}}, old))
    assert list(compare.losses({"nab": {"detections_true": compare.Count(10, 100, "detections")}}, old))


def test_a_set_or_a_case_that_is_no_longer_measured_is_a_loss(compare, tmp_path, baseline, capsys):
    assert compare.main([run(tmp_path, "gone", other=[fault()]), baseline]) == 1
    assert "petshop top1: no longer measured" in capsys.readouterr().out
    assert compare.main([run(tmp_path, "fewer", petshop=[fault()] * 9), baseline]) == 1
    assert "petshop top1: measured over 9 cases, was 10" in capsys.readouterr().out


def test_a_run_of_some_sets_is_compared_in_those_only(compare, tmp_path, baseline):
    other = run(tmp_path, "other", other=[fault()])
    assert compare.main([other, baseline]) == 1
    assert compare.main([other, baseline, "--partial"]) == 0


def test_a_missing_baseline_says_how_to_make_one(compare, tmp_path, capsys):
    assert compare.main([run(tmp_path, "new", petshop=[fault()]), str(tmp_path / "none.json")]) == 2
    assert "make quality-baseline" in capsys.readouterr().err
