"""The house rules that no linter has: size, docstrings, imports that mean what they say."""

from __future__ import annotations

import ast
import importlib.metadata
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("api", "engine", "ingest", "rules", "topology")
LONGEST_MODULE = 400
LONGEST_FUNCTION = 60


def tracked(*patterns: str) -> list[Path]:
    """Tracked and new files; those that git ignores are nobody's business."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", *patterns]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def modules() -> dict[str, ast.Module]:
    sources = tracked("*.py")
    assert sources, "git lists no Python file: these tests need a checkout"
    return {str(path.relative_to(ROOT)): ast.parse(path.read_text(encoding="utf-8")) for path in sources}


def test_no_module_is_longer_than_400_lines():
    lengths = {str(p.relative_to(ROOT)): len(p.read_text(encoding="utf-8").splitlines()) for p in tracked("*.py")}
    assert {name: length for name, length in lengths.items() if length > LONGEST_MODULE} == {}


def test_no_function_is_longer_than_60_lines(modules):
    long = {
        f"{name}:{node.name}": length
        for name, tree in modules.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or node.lineno) - node.lineno + 1) > LONGEST_FUNCTION
    }
    assert long == {}


def test_every_module_of_the_packages_says_what_it_is_for(modules):
    silent = [name for name, tree in modules.items() if name.split("/")[0] in PACKAGES and not ast.get_docstring(tree)]
    assert silent == []


def test_no_module_has_a_name_that_says_nothing(modules):
    vague = {"common", "utils", "util", "models", "helpers", "helper", "misc", "shared"}
    assert [name for name in modules if vague & {part.removesuffix(".py") for part in name.split("/")}] == []


def test_no_installed_distribution_claims_one_of_our_import_names():
    claimed = importlib.metadata.packages_distributions()
    others = {name: set(claimed.get(name, ())) - {"headwater"} for name in PACKAGES}
    assert others == {name: set() for name in PACKAGES}


def test_the_only_reader_of_the_environment_is_settings(modules):
    readers = [
        name
        for name, tree in modules.items()
        if name.split("/")[0] in PACKAGES
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "environb", "getenv"}
    ]
    assert set(readers) <= {"api/settings.py"}


SHELL = {
    "failpoints", "feed", "group", "metrics", "pacing", "publish", "resume", "service", "storage", "submissions",
    "worker", "writer",
}  # fmt: skip
"""The parts of the engine that may have effects. All others are held to the contract of the core."""


def contract(name: str) -> dict[str, list[str]]:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    (found,) = [one for one in contracts if one["id"] == name]
    return dict(found)


def test_every_part_of_the_engine_is_either_core_or_shell(modules):
    parts = {Path(name).parts[1].removesuffix(".py") for name in modules if name.startswith("engine/")} - {"__init__"}
    core = {source.removeprefix("engine.") for source in contract("pure-core")["source_modules"]} - {
        "rules",
        "topology",
    }
    assert parts == core | SHELL
    assert core & SHELL == set()
