"""Indicators and margins of recovery that say nothing, contradict themselves, or could never be met."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite

from rules.errors import Flaw
from rules.matchers import Matcher, checked
from rules.recovery import SHARES, IndicatorRule, Tolerance

ID = "bad-recovery"
MOST_SHARE = 10.0
LONGEST = 10_000
LEAST_SETTLE, LONGEST_SETTLE = 0, 86_400_000
LEAST_STEP, LONGEST_STEP = 1000, 600_000


def tolerance(value: object) -> Tolerance:
    """A margin: ``10%`` of the baseline, or a number in the indicator's unit. Raises `Flaw`."""
    text = value.strip() if isinstance(value, str) else ""
    relative = text.endswith("%")
    try:
        size = float(text.removesuffix("%"))
    except ValueError:
        size = -1.0
    size = size / 100 if relative else size
    if not (isfinite(size) and size > 0) or (relative and size > MOST_SHARE):
        raise Flaw(ID, f"not a margin: {value!r}", "write 10% (of the baseline), or a number above 0 in its unit")
    return Tolerance(size, relative)


def metric(value: object) -> Matcher:
    """The name of a metric, or ``~`` and an RE2 pattern of names. Raises `Flaw` (also bad-regex)."""
    text = value.strip() if isinstance(value, str) else ""
    if not text.removeprefix("~") or len(text) > LONGEST:
        raise Flaw(ID, f"not a metric: {value!r}", "write a metric's name, or ~ and a pattern of names")
    return checked(Matcher("__name__", "=~" if text.startswith("~") else "=", text.removeprefix("~")))


def consistent(rule: IndicatorRule) -> IndicatorRule:
    """The indicator itself. Raises one `Flaw` with all that is wrong."""
    wrong = "; ".join(_wrong(rule))
    if wrong:
        raise Flaw(ID, wrong)
    return rule


def _wrong(rule: IndicatorRule) -> Iterator[str]:
    if (rule.metric is None) is not bool(rule.expr):
        yield "metric or expr: one of them"
    if rule.prometheus and not rule.expr:
        yield "prometheus means nothing without expr"
    if rule.expr and rule.kind is None:
        yield "kind is missing: an expr has no name to take it from"
    if not LEAST_STEP <= rule.step <= LONGEST_STEP:
        yield "step: from 1s to 10m"
    if rule.objective is not None and (rule.kind not in ("errors", "success") or rule.unit not in SHARES):
        yield "objective: only of errors and success, with unit ratio or percent"
    if rule.objective is not None and rule.margin is not None:
        yield "objective and margin: one of them"


def settle(value: int) -> int:
    """A settle time. Raises `Flaw`."""
    if not LEAST_SETTLE <= value <= LONGEST_SETTLE:
        raise Flaw(ID, f"settle is {value} ms", "at most 1d")
    return value
