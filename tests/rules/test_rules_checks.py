"""Every check has one file, one page and one bad example, and tells exactly its own mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from rules.checks.registry import CHECKS
from rules.parse import parse_rules

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data" / "rules"
HELPING = {"__init__", "registry"}


def told(id: str) -> str:
    """What the operator reads about the bad example of a check."""
    names = [f"bad-{id}.yaml", f"also-{id}.yaml"]
    files = {name: (DATA / name).read_text() for name in names if (DATA / name).exists()}
    _, problems = parse_rules(files, sinks=("chat", "pager") if id == "unknown-sink" else None)
    lines = [f"{'warning ' if p.warning else ''}{p.check} {p}{f' ({p.hint})' if p.hint else ''}" for p in problems]
    return "".join(f"{line}\n" for line in lines)


def test_files_pages_examples_and_registered_checks_are_the_same_set() -> None:
    files = {
        path.stem.replace("_", "-") for path in (ROOT / "rules" / "checks").glob("*.py") if path.stem not in HELPING
    }
    pages = {path.stem for path in (ROOT / "docs" / "rules").glob("*.md")} - {
        "index",
        "severity",
        "gates",
        "escalation",
        "tickets",
    }
    examples = {path.stem.removeprefix("bad-") for path in DATA.glob("bad-*.yaml")}
    assert files == pages == examples == set(CHECKS)


@pytest.mark.parametrize("id", sorted(CHECKS))
def test_the_bad_example_is_told_in_the_words_beside_it(id: str) -> None:
    assert told(id) == (DATA / f"bad-{id}.txt").read_text()


@pytest.mark.parametrize("id", sorted(CHECKS))
def test_the_bad_example_breaks_its_own_check_and_no_other(id: str) -> None:
    found = {line.removeprefix("warning ").split()[0] for line in told(id).splitlines()}
    assert found == {id}


@pytest.mark.parametrize("id", sorted(CHECKS))
def test_a_page_says_what_is_wrong_and_how_to_mend_it(id: str) -> None:
    page = (ROOT / "docs" / "rules" / f"{id}.md").read_text()
    assert page.startswith(f"# {id}\n")
    assert "\n## Mend\n" in page


@pytest.mark.parametrize("id", sorted(CHECKS))
def test_the_mended_example_on_its_page_is_accepted(id: str) -> None:
    page = (ROOT / "docs" / "rules" / f"{id}.md").read_text()
    good = page.split("\n## Mend\n")[1].split("```yaml\n")[1].split("```")[0]
    rules, problems = parse_rules({"good.yaml": good})
    assert rules is not None
    assert problems == []
