"""What a missed alert costs, as operators declare it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rules.evidence import EvidencePolicy
from rules.parse import parse_rules
from rules.ruleset import RuleSet

ROOT = Path(__file__).parents[2]


def declared(text: str) -> EvidencePolicy:
    rules, problems = parse_rules({"rules.yaml": text})
    assert rules is not None, problems
    return rules.evidence


def test_the_documented_example_is_the_default() -> None:
    page = (ROOT / "docs" / "evidence.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```yaml\n(evidence:.*?)```", page, re.DOTALL)
    assert declared(block) == EvidencePolicy() == RuleSet.default().evidence


def test_what_is_not_said_keeps_its_default() -> None:
    found = declared("evidence: {missed: {1: never, 3: 12, else: 2}, wait_most: 5m}")
    assert [found.cost(tier) for tier in (0, 1, 2, 3, 4, None)] == [None, None, 20.0, 12.0, 2.0, 2.0]
    assert (found.wait_most, found.wait_samples) == (300_000, EvidencePolicy().wait_samples)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("evidence:\n  missed:\n    0: 5\n", "rules.yaml:1: evidence: missed: tier 0 has a cost"),
        ("evidence:\n  missed:\n    1: 60\n    x: 5\n", "rules.yaml:4: x: not a tier: 'x'"),
        ("evidence:\n  missed:\n    1: 0.2\n", "rules.yaml:3: 1: not a cost: '0.2'"),
        ("evidence:\n  missed:\n    1: nan\n", "rules.yaml:3: 1: not a cost: 'nan'"),
        ("evidence:\n  missed: {1: 5}\n", "an alert of tier 2 costs more than one of tier 1"),
        ("evidence:\n  missed: {3: never}\n", "an alert of tier 3 costs more than one of tier 2"),
        ("evidence:\n  wait_most: 5s\n", "wait_most is 5000 ms"),
        ("evidence:\n  wait_samples: 0\n", "wait_samples is 0"),
        ("modes: {contradicted: enforce}\n", "no rule 'contradicted'"),
    ],
)
def test_what_cannot_be_is_told_with_its_line(text: str, place: str) -> None:
    rules, problems = parse_rules({"rules.yaml": text})
    assert rules is None
    assert any(place in str(problem) for problem in problems)


def test_a_stored_version_keeps_the_costs() -> None:
    rules, _ = parse_rules({"rules.yaml": "evidence: {missed: {1: 500}}"})
    assert rules is not None
    again = RuleSet.decode(rules.encode())
    assert (again.version, again.evidence) == (rules.version, rules.evidence)
    assert again.version != RuleSet.default().version
