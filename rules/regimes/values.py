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


def exact(number: int | float) -> Fraction:
    """The number that was written: 0.1 is a tenth."""
    return Fraction(str(number)) if isinstance(number, float) else Fraction(number)


def amount(value: Value | None) -> Range:
    """The bounds of a number; None is unknown."""
    if value is None:
        return UNKNOWN
    if isinstance(value, Interval):
        low = Fraction(0) if value.low is None else exact(value.low)
        return Range(low, inf if value.high is None else exact(value.high))
    return Range(exact(value), exact(value))


def percent(part: Range, whole: Range) -> Range:
    """100 · part / whole. Nothing is 0 % of anything; of nothing (whole 0) any part is more than every share."""
    return Range(_quotient(part.low, whole.high), _quotient(part.high, whole.low))


def _quotient(part: Bound, whole: Bound) -> Bound:
    if part == 0 or whole == inf:
        return Fraction(0)
    if part == inf or whole == 0:
        return inf
    return Fraction(part) * 100 / Fraction(whole)


def compare(value: Range, op: Operator, than: int | float) -> Ternary:
    """Yes if every number in the range compares so, no if none does."""
    limit = exact(than)
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


def words(value: Range, unit: str = "") -> str:
    """The range for people: 10 %, 8.3333 to 12.5 %, at least 2h 30m, unknown."""
    after = f" {unit}" if unit and unit != "s" else ""
    low, high = plain(value.low, unit), plain(value.high, unit)
    if value.known:
        return low + after
    if value.high == inf:
        return f"at least {low}{after}" if value.low else "unknown"
    return f"{low} to {high}{after}" if value.low else f"at most {high}{after}"


def plain(value: Bound, unit: str = "") -> str:
    """A number without needless zeros, seconds as hours, minutes and seconds; what is not exact has a "~"."""
    if isinstance(value, float) and not isfinite(value):
        return "unlimited"
    number = Fraction(value)
    if unit == "s" and number >= 60 and number.denominator == 1:
        minutes, seconds = divmod(number.numerator, 60)
        hours, minutes = divmod(minutes, 60)
        return " ".join(f"{n}{name}" for n, name in ((hours, "h"), (minutes, "m"), (seconds, "s")) if n)
    if unit == "s":
        return f"{plain(number)}s"
    if number.denominator == 1:
        return f"{number.numerator:,}"
    text = f"{float(number):.4f}".rstrip("0").rstrip(".")
    return text if Fraction(text) == number else f"~{text}"
