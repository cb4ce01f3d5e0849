"""The table of practices is true, and its check notices what it should."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def practices() -> ModuleType:
    spec = importlib.util.spec_from_file_location("practices", ROOT / "script/practices.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["practices"] = module
    spec.loader.exec_module(module)
    return module


def test_every_practice_names_a_test_that_looks_at_what_is_answered_or_published(practices):
    assert list(practices.wrong(ROOT / "docs/practices.md")) == []


SOURCES = {
    "skipped": "@pytest.mark.skip\ndef test_it(world):\n    assert world.get('/api/v1/totals')\n",
    "blind": "def test_it(world):\n    world.get('/api/v1/totals')\n    assert 1 + 1 == 2\n",
    "a dictionary": "def test_it(world):\n    assert {'a': 1}.get('a') == 1\n",
    "elsewhere": "def test_other(world):\n    assert world.get('/api/v1/totals')\n",
    "given up": "def test_it(world):\n    pytest.skip('later')\n    assert world.get('/api/v1/totals')\n",
}


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES.keys())
def test_a_test_that_proves_nothing_is_found_out(practices, tmp_path, monkeypatch, source):
    (tmp_path / "test_made.py").write_text(source)
    monkeypatch.setattr(practices, "ROOT", tmp_path)
    assert list(practices.tested("test_made.py::test_it"))


def test_an_answer_may_come_by_a_name_or_a_function(practices, tmp_path, monkeypatch):
    source = (
        "def rows(world):\n    return world.get('/api/v1/alerts')['items']\n"
        "def test_it(world):\n    found = rows(world)\n    for one in found:\n        assert one['name'] == 'x'\n"
    )
    (tmp_path / "test_made.py").write_text(source)
    monkeypatch.setattr(practices, "ROOT", tmp_path)
    assert list(practices.tested("test_made.py::test_it")) == []
