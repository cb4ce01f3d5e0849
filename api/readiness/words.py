"""Readiness in words, and as rows for a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import StringIO

from engine.evidence.model.intervals import Share
from engine.readiness.figures import Attained, Duration, Trend
from engine.readiness.report import Readiness

_DIRECTIONS = {"longer": "longer than before", "shorter": "shorter than before", "no_change_shown": "no change shown"}
_ALARMS = (
    ("incidents_dismissed", "Incidents that were false alarms"),
    ("alerts_false", "Judged alerts that were false"),
    ("suppressed_real", "Judged alerts kept back that were real"),
)


def in_words(found: Readiness) -> list[str]:
    """Line by line."""
    lines = [f"{found.incidents} incident{'s' if found.incidents != 1 else ''} in the period."]
    lines += [_duration(one) for one in found.durations]
    lines += [f"{one.kind.upper()} met: {_attained(one)}" for one in found.objectives]
    lines += [f"Deadlines of {one.kind} met: {_attained(one)}" for one in found.deadlines]
    lines += [f"{text}: {_share(getattr(found.alarms, field))}" for field, text in _ALARMS]
    lines.append(f"Duplicate tickets: {found.duplicate_tickets}")
    for row in found.coverage:
        rest = f"; not: {', '.join(row.missing[:8])}" if row.missing else ""
        lines.append(f"{row.covered} of {row.count}: {row.text}{rest}")
    for figure in found.figures:
        value = "unknown" if figure.value is None else f"{figure.value:g} {figure.unit}"
        lines.append(f"{figure.text} {value}" + (f" ({'; '.join(figure.detail)})" if figure.detail else ""))
    return lines


def _duration(one: Duration) -> str:
    name = one.phase.replace("_", " ").capitalize()
    if one.median is None or one.p90 is None:
        return f"{name}: nothing measured"
    return f"{name}: median {span(one.median)}, 90 % within {span(one.p90)}, n = {one.count}; {_trend(one.trend)}"


def _trend(trend: Trend) -> str:
    return _DIRECTIONS.get(trend.direction) or f"too few for a trend ({trend.earlier} and {trend.later}, of 30 each)"


def _attained(one: Attained) -> str:
    return _share(one.met) + (f", {one.unknown} not known" if one.unknown else "")


def _share(one: Share) -> str:
    if one.value is None or one.low is None or one.high is None:
        return "none"
    return f"{one.hits} of {one.count} ({one.value:.0%}, 95 % interval {one.low:.0%} to {one.high:.0%})"


def span(seconds: float) -> str:
    """A duration for people.

    >>> span(42.4), span(600), span(8000), span(200000)
    ('42 s', '10 min', '2.2 h', '2.3 d')
    """
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 172_800 else f"{seconds / 86_400:.1f} d"


def as_csv(found: Readiness) -> str:
    """A row for each figure. Text that a spreadsheet would take for a formula begins with an apostrophe."""
    out = StringIO()
    writer = csv.writer(out)
    writer.writerow(("figure", "value", "unit", "count", "low", "high", "note"))
    for row in _rows(found):
        writer.writerow([guarded(cell) if isinstance(cell, str) else cell for cell in row])
    return out.getvalue()


def guarded(text: str) -> str:
    """https://owasp.org/www-community/attacks/CSV_Injection

    >>> guarded("=1+1"), guarded("cart")
    ("'=1+1", 'cart')
    """
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _rows(found: Readiness) -> Iterator[tuple[object, ...]]:
    for one in found.durations:
        for name in ("median", "p90", "longest", "mean"):
            yield f"{one.phase}_{name}", getattr(one, name), "seconds", one.count, None, None, one.trend.direction
    for attained in (*found.objectives, *found.deadlines):
        yield f"{attained.kind}_met", attained.met.value, "ratio", *_bounds(attained.met), f"{attained.unknown} unknown"
    for field, text in _ALARMS:
        value: Share = getattr(found.alarms, field)
        yield field, value.value, "ratio", *_bounds(value), text
    yield "duplicate_tickets", found.duplicate_tickets, "tickets", None, None, None, ""
    for row in found.coverage:
        yield f"coverage_{row.aspect}", row.covered, "entities", row.count, None, None, " ".join(row.missing)
    for figure in found.figures:
        yield figure.id, figure.value, figure.unit, figure.count, None, None, "; ".join(figure.detail)


def _bounds(one: Share) -> tuple[int, float | None, float | None]:
    return one.count, one.low, one.high
