"""A broken assumption, or one at stake, in words. Every sentence rests on a field."""

from __future__ import annotations

from collections.abc import Callable

from engine.outcomes import AssumptionView

UP = 1000
NAMED = 5
"""Consumers that are named; the others are counted."""
Moment = Callable[[int], str]
"""Milliseconds, in words."""


def assumption_in_words(one: AssumptionView, since: Moment, breaks: Moment) -> str:
    """Whose assumption, what contradicts it, and who depends on what it is about; ``since`` and ``breaks`` tell when
    it was last up and when it may no longer be away."""
    text = f" “{one.text}”" if one.text else ""
    agreed = f", agreed by {one.agreed_by}" if one.agreed_by else ""
    observed = f"{one.on} is {_health(one)} {since(one.since)}, {_allowed(one, breaks)}"
    return f"{one.entity} takes for granted{text} ({one.id}{agreed}): {observed}{_consumers(one)}"


def _health(one: AssumptionView) -> str:
    if one.high == 0:
        return "down"
    if one.low != one.high:
        return f"at {one.low / 10:g} to {one.high / 10:g} %"
    return f"at {one.low / 10:g} %"


def _allowed(one: AssumptionView, breaks: Moment) -> str:
    if one.allowed is None:
        return "and nothing says for how long it may be"
    by = f"its contract {one.contract}".strip() if one.said_by == "contract" else "its RTO"
    span = _span(one.allowed)
    if one.state == "broken":
        return f"longer than the {span} that {by} allows"
    return f"{by} allows {span}: broken {breaks(one.due)}" if one.due is not None else f"{by} allows {span}"


def _consumers(one: AssumptionView) -> str:
    if not one.consumers:
        return ""
    names, more = ", ".join(one.consumers[:NAMED]), one.consumers_total - NAMED
    others = f" and {more} more" if more > 0 else ""
    return f"; {names}{others} {'relies' if one.consumers_total == 1 else 'rely'} on it"


def _span(seconds: int) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
