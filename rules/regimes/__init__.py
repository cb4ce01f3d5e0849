"""Regulatory regimes as data: criteria, classification and clocks that quote their articles. Advisory, not advice."""

from __future__ import annotations

from rules.regimes.deadlines import Due, due, explained, explained_all
from rules.regimes.evaluation import ClockResult, CriterionResult, Missing, RegimeResult, evaluate
from rules.regimes.model import Calendar, Clock, Facts, Given, Interval, Regime, Value
from rules.regimes.recurring import collectively, together
from rules.regimes.workdays import in_force

__all__ = [
    "Calendar",
    "Clock",
    "ClockResult",
    "CriterionResult",
    "Due",
    "Facts",
    "Given",
    "Interval",
    "Missing",
    "Regime",
    "RegimeResult",
    "Value",
    "collectively",
    "due",
    "evaluate",
    "explained",
    "explained_all",
    "in_force",
    "together",
]
