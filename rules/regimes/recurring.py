"""Recurring incidents: what they amount to together (2024/1772 Article 8(2), 2024/2690 Article 4)."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import inf

from rules.regimes.evaluation import evaluate
from rules.regimes.model import Fact, Facts, Given, Interval, Millis, Number, Regime, Value
from rules.regimes.values import Bound, Range, amount
from rules.ternary import Ternary


def together(regime: Regime, incidents: Sequence[Facts]) -> dict[str, Given]:
    """The facts of several incidents as those of one, each added up as its fact says (`Fact.together`).

    Facts about recurrence itself are none: the question is what the incidents are without it.
    """
    found: dict[str, Given] = {}
    for fact in regime.facts:
        given = [incident.get(fact.id, Given()) for incident in incidents]
        value = _value(fact, [item.value for item in given])
        if value is not None:
            found[fact.id] = Given(value, estimated=any(item.estimated for item in given), by="engine")
    return found


def collectively(regime: Regime, incidents: Sequence[Facts], at: Millis) -> Ternary:
    """Whether incidents that recur would be reportable if they were one."""
    return evaluate(regime, together(regime, incidents), at).answer


def _value(fact: Fact, values: list[Value | None]) -> Value | None:
    if fact.together == "none":
        return False if fact.kind == "truth" else 0
    if fact.kind == "truth":
        if any(value is True for value in values):
            return True
        return False if values and all(value is False for value in values) else None
    if fact.percent_of is not None and all(value is None for value in values):
        return None
    return _given(_added(fact, [amount(None if isinstance(value, bool) else value) for value in values]))


def _added(fact: Fact, ranges: list[Range]) -> Range:
    lows, highs = [item.low for item in ranges], [item.high for item in ranges]
    nothing = Fraction(0)
    if fact.together == "sum":
        return Range(sum(lows, nothing), sum(highs, nothing))
    if fact.together == "union":
        return Range(max(lows, default=nothing), sum(highs, nothing))
    return Range(max(lows, default=nothing), max(highs, default=nothing))


def _given(value: Range) -> Value | None:
    if value.known and value.high != inf:
        return _number(value.low)
    return Interval(_number(value.low), None if value.high == inf else _number(value.high))


def _number(bound: Bound) -> Number:
    return int(bound) if bound == int(bound) else float(bound)
