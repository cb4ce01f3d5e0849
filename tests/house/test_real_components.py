"""A run that lacked a real component says so at its end, and fails where components are required."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).resolve().parents[1] / "conftest.py"
SUITE = """
import pytest

@pytest.mark.real("prometheus")
def test_with_prometheus():
    raise AssertionError("ran without its component")

def test_without():
    pass
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    shutil.copy(CONFTEST, tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = real\n")
    (tmp_path / "test_suite.py").write_text(SUITE)
    return tmp_path


def run(suite: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    nothing_installed = {"PATH": str(suite), **environment}
    return subprocess.run(command, cwd=suite, env=nothing_installed, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["one process", "two workers"])
def test_an_absent_component_skips_its_tests_and_ends_the_run_with_their_list(suite, options):
    done = run(suite, *options)
    assert done.returncode == 0, done.stdout
    assert "1 passed, 1 skipped" in done.stdout
    assert "NOT TESTED: real components are absent" in done.stdout
    assert "1 test(s) skipped: absent real component: prometheus (script/parts, as root on Debian)" in done.stdout


def test_where_components_are_required_an_absent_one_fails(suite):
    done = run(suite, HEADWATER_REQUIRE_PARTS="1")
    assert done.returncode == 1
    assert "1 passed, 1 error" in done.stdout
