"""Boundary cases, each with its article: thresholds, unknowns, bounds, month ends, weekends, holidays, DST."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from rules.regimes import Given, Interval, Regime, Value, evaluate, explained
from rules.regimes.form import RegimeSettings
from rules.regimes.loading import declared, shipped

DATA = Path(__file__).parents[1] / "data" / "rules" / "regimes"
CRITERIA: list[dict[str, Any]] = yaml.safe_load((DATA / "criteria.yaml").read_text())
DEADLINES: list[dict[str, Any]] = yaml.safe_load((DATA / "deadlines.yaml").read_text())


def regime(id: str, settings: dict[str, Any]) -> Regime:
    [found] = declared({id: RegimeSettings.model_validate(settings)}, ())
    return found


def value(raw: Any) -> Value:
    return Interval(*raw) if isinstance(raw, list) else raw


def millis(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def name(row: dict[str, Any]) -> str:
    return f"{row['regime']} {row['article']}: {row['why']}"


@pytest.mark.parametrize("row", CRITERIA, ids=name)
def test_a_criterion_at_its_boundary(row: dict[str, Any]) -> None:
    found = regime(row["regime"], {"entity_type": row["entity"]} if "entity" in row else {})
    facts = {id: Given(value(raw)) for id, raw in row["facts"].items()}
    assert facts.keys() <= {fact.id for fact in found.facts}
    result = evaluate(found, facts, millis("2026-03-02T00:00:00+00:00"))
    answers = {criterion.id: criterion.answer for criterion in result.criteria} | {"classification": result.answer}
    assert answers[row["asks"]].value == row["answer"]


@pytest.mark.parametrize("row", DEADLINES, ids=name)
def test_a_deadline_at_its_boundary(row: dict[str, Any]) -> None:
    said = row["settings"]
    place = {key: said[key] for key in ("zone", "country") if key in said}
    settings = {"facts": said.get("facts", {}), "unchecked": said.get("unchecked", False)}
    settings |= {"entity_type": said["entity"]} if "entity" in said else {}
    found = regime(row["regime"], settings | ({"calendar": place} if place else {}))
    [clock] = [clock for clock in found.clocks if clock.id == row["clock"]]
    result = explained(clock, {id: millis(text) for id, text in row["marks"].items()}, found.calendar)
    assert result.at == (millis(row["due"]) if row["due"] else None)
    assert result.provisional == row.get("provisional", False)
    assert result.because or result.promptly or result.waits_for


def test_every_enabled_regime_has_boundary_cases() -> None:
    wanted = {regime.id for regime in shipped() if regime.enabled}
    assert wanted <= {row["regime"] for row in CRITERIA} | {row["regime"] for row in DEADLINES}
