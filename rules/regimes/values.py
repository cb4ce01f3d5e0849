"""Numbers known within bounds, and truths. Exact: thresholds compare fractions, never rounded quotients.

Every operation keeps the law of information: narrower inputs give narrower outputs, so that an answer once certain
stays what it is.
"""

from __future__ import annotations

from fractions import Fraction
from math import inf, isfinite
from typing import NamedTuple

from rules.regimes.model import Fact, Interval, Operator, Value
from rules.ternary import Ternary

Bound = Fraction | float
"""A fraction, or ±infinity."""


class Range(NamedTuple):
    """All numbers from ``low`` to ``high``, both included. Amounts are never negative."""

    low: Bound = Fraction(0)
    high: Bound = inf

    @property
    def known(self) -> bool:
        """Whether it is one number."""
        return self.low == self.high


UNKNOWN = Range()


def amount(value: Value | None) -> Range:
    """The bounds of a number; None is unknown."""
    if value is None:
        return UNKNOWN
    if isinstance(value, Interval):
        low = Fraction(0) if value.low is None else Fraction(value.low)
        return Range(low, inf if value.high is None else Fraction(value.high))
    return Range(Fraction(value), Fraction(value))


def percent(part: Range, whole: Range) -> Range:
    """100 · part / whole. Of nothing (whole 0) any part is more than every share; nothing of nothing is unknown."""
    return Range(_quotient(part.low, whole.high, Fraction(0)), _quotient(part.high, whole.low, inf))


def _quotient(part: Bound, whole: Bound, nothing: Bound) -> Bound:
    if whole == inf:
        return nothing if part == inf else Fraction(0)
    if part == inf:
        return inf
    if whole == 0:
        return inf if part else nothing
    return Fraction(part) * 100 / Fraction(whole)


def compare(value: Range, op: Operator, than: int | float) -> Ternary:
    """Yes if every number in the range compares so, no if none does."""
    limit = Fraction(than)
    if op in (">", ">="):
        above = value.low > limit or (op == ">=" and value.low == limit)
        never = value.high < limit or (op == ">" and value.high == limit)
    else:
        above = value.high < limit or (op == "<=" and value.high == limit)
        never = value.low > limit or (op == "<" and value.low == limit)
    return Ternary.YES if above else Ternary.NO if never else Ternary.CANNOT_EXCLUDE


def wrong(fact: Fact, value: Value | None) -> str:
    """What is wrong with a value given for a fact, in words; empty if nothing is."""
    if value is None:
        return ""
    if isinstance(value, bool) or fact.kind == "truth":
        return "" if isinstance(value, bool) == (fact.kind == "truth") else f"{fact.id} is a {fact.kind}, not {value!r}"
    bounds = [value.low, value.high] if isinstance(value, Interval) else [value]
    given = [bound for bound in bounds if bound is not None]
    if any(isinstance(bound, bool) or not isfinite(bound) or bound < 0 for bound in given):
        return f"{fact.id} is a number from 0 on, not {value!r}"
    if len(given) == 2 and given[0] > given[1]:
        return f"{fact.id}: the lower bound is above the upper one"
    return ""


def words(value: Range) -> str:
    """The range for people: 10, 8.33 to 12.5, at least 3, unknown."""
    if value.known:
        return plain(value.low)
    if value.high == inf:
        return f"at least {plain(value.low)}" if value.low else "unknown"
    return f"{plain(value.low)} to {plain(value.high)}" if value.low else f"at most {plain(value.high)}"


def plain(value: Bound) -> str:
    """A number without needless zeros; what is not exact has a "~"."""
    if isinstance(value, float) and not isfinite(value):
        return "unlimited"
    exact = Fraction(value)
    if exact.denominator == 1:
        return f"{exact.numerator:,}"
    text = f"{float(exact):.4f}".rstrip("0").rstrip(".")
    return text if Fraction(text) == exact else f"~{text}"
