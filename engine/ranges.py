"""Samples that were asked for elsewhere: kept with their incident, so that its recovery is compared with them."""

from __future__ import annotations

from math import isfinite

from engine.context import Context
from engine.lifecycle import OPEN
from engine.recovery.window import Occasion
from engine.recovery_views import Ranges, Stretch
from engine.signals import Fetched

MOST_POINTS = 2_000
MOST_WEEKS = 8
SAID = 300


def take_fetched(context: Context, found: Fetched) -> None:
    """Keep what was given. What was pinned stays as it was; a failure takes nothing away that is known."""
    incident = context.state.incidents.get(found.incident)
    known = any(one.id == found.indicator and one.expr for one in context.rules.recovery.indicators)
    if incident is None or incident.state not in OPEN or not known:
        return
    ranges = incident.ranges.setdefault(found.indicator, Ranges())
    occasion = f"{found.occasion} {found.weeks}".removesuffix(" 0")
    ranges.said.pop(occasion, None)
    if found.said and len(ranges.said) <= MOST_WEEKS:
        ranges.said[occasion] = found.said[:SAID]
    stretch = _stretch(found)
    if stretch is not None:
        _put(ranges, found, stretch)


def _put(ranges: Ranges, found: Fetched, stretch: Stretch) -> None:
    if found.occasion == Occasion.AFTER:
        if ranges.after is None or stretch.end > ranges.after.end:
            ranges.after = stretch
    elif found.occasion == Occasion.BEFORE_ONSET:
        if ranges.before is None or (stretch.start, stretch.end) != (ranges.before.start, ranges.before.end):
            ranges.before = stretch
    elif found.occasion == Occasion.PAST_WEEK and 1 <= found.weeks <= MOST_WEEKS:
        known = ranges.weeks.get(found.weeks)
        if known is None or known.start != stretch.start:
            ranges.weeks[found.weeks] = stretch


def _stretch(found: Fetched) -> Stretch | None:
    """None where there are no samples, or what came is none."""
    points = zip(found.times, found.values, strict=False)
    inside = [(at, value) for at, value in points if found.start <= at <= found.end and isfinite(value)][-MOST_POINTS:]
    if not inside or found.step < 1:
        return None
    times, values = zip(*inside, strict=True)
    return Stretch(found.start, found.end, found.step, list(times), list(values))
