"""The comparisons behind a recovery: of every indicator of some entities, what came since against what was usual."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np

from engine.context import Context
from engine.evidence.baselines.rings import SLOT
from engine.indicators import declared, of_rule, of_series
from engine.pinned import LEAD, onset_of
from engine.recovery.comparison import Comparison, Settling, compare
from engine.recovery.indicator import Indicator
from engine.recovery.window import Occasion, Window
from engine.recovery.words import Recovery, Why
from engine.recovery_points import levels_of
from engine.recovery_views import Pinned, Ranges, Stretch
from engine.signals import Millis
from engine.state import Incident
from engine.taint import Taint, taints
from rules.recovery import IndicatorRule

STALE: Millis = 180_000
"""What was last given so long ago says nothing of now."""


class Compared(msgspec.Struct, frozen=True):
    """A comparison, the ``usual`` values of its series, the ``id`` it was declared with, what its source said."""

    comparison: Comparison
    usual: Sequence[float] = ()
    id: str = ""
    detail: str = ""


def comparisons(
    context: Context, incident: Incident, names: Sequence[str], quiet: Millis, now: Millis
) -> Iterator[Compared]:
    """Of these entities, since ``quiet``."""
    taint = taints(context, incident)
    settling = Settling(least=context.rules.recovery.settle)
    seen: set[str] = set()
    for key, pinned in sorted(incident.pinned.items()):
        found = of_series(context, pinned.entity, pinned.metric, critical=pinned.critical)
        if pinned.entity in names and found is not None:
            seen.add(found[0])
            yield _pushed(context, (key, pinned, *found), quiet, now, taint, settling)
    for entity in names:
        for rule in declared(context, entity):
            if rule.expr:
                yield _asked(context, incident, (entity, rule), quiet, now, taint, settling)
            elif rule.id not in seen:
                yield _nothing(of_rule(context.rules.recovery, rule, entity), Why.NO_SERIES, rule.id)


def _pushed(
    context: Context,
    what: tuple[str, Pinned, str, Indicator],
    quiet: Millis,
    now: Millis,
    taint: Taint,
    settling: Settling,
) -> Compared:
    key, pinned, id, indicator = what
    telemetry = context.state.telemetry
    ref = telemetry.store.by_key.get(key, -1)
    times, values = telemetry.tracks.between(ref, quiet, now)
    before = _before(context, pinned)
    before = msgspec.structs.replace(before, tainted=taint(pinned.entity, before.start, before.end))
    after = _window(context, Occasion.AFTER, (quiet, now), times.tolist(), values.tolist(), before.interval)
    found = compare(indicator, [before], after, quiet, settling)
    if found.why is Why.NO_DATA and ref >= 0 and ref in telemetry.store.ended:
        found = msgspec.structs.replace(found, why=Why.ENDED, minutes=None)
    usual = levels_of(pinned.metric, np.array(pinned.times, np.int64), np.array(pinned.values))[1]
    return Compared(found, usual.tolist(), id)


def _before(context: Context, pinned: Pinned) -> Window:
    steps = np.diff(np.array(pinned.times, np.int64))
    interval = max(SLOT, int(np.median(steps))) if len(steps) else SLOT
    start = pinned.start
    if pinned.times:
        start = max(start, pinned.times[0] - interval)  # a series that is younger than the window is not full of holes
    return _window(context, Occasion.BEFORE_ONSET, (start, pinned.end), pinned.times, pinned.values, interval)


def _asked(
    context: Context,
    incident: Incident,
    what: tuple[str, IndicatorRule],
    quiet: Millis,
    now: Millis,
    taint: Taint,
    settling: Settling,
) -> Compared:
    """An indicator whose samples are asked for elsewhere. Without an answer nothing is claimed."""
    entity, rule = what
    indicator = of_rule(context.rules.recovery, rule, entity)
    given = incident.ranges.get(rule.id)
    if given is None:
        return _nothing(indicator, Why.NOT_ASKED, rule.id)
    before = list(_past(context, incident, given, entity, taint))
    detail = "; ".join(dict.fromkeys(given.said.values()))
    usual = [value for window in before for value in window.values.tolist() if not window.tainted]
    if not before and given.said:
        return _nothing(indicator, Why.NO_ANSWER, rule.id, detail)
    late = given.after is None or given.after.end <= quiet or now - given.after.end > STALE
    if before and late:
        found = Comparison(indicator=indicator, standing=Recovery.INCONCLUSIVE, why=Why.NO_ANSWER)
        return Compared(found, usual, rule.id, detail)
    after = given.after or Stretch(quiet, quiet + 1, rule.step, [], [])
    window = _stretched(context, Occasion.AFTER, msgspec.structs.replace(after, start=max(after.start, quiet)))
    return Compared(compare(indicator, before, window, quiet, settling), usual, rule.id, detail)


def _past(context: Context, incident: Incident, given: Ranges, entity: str, taint: Taint) -> Iterator[Window]:
    """The past weeks, and the time before the onset as far as it still is the onset."""
    for _, stretch in sorted(given.weeks.items()):
        yield _tainted(_stretched(context, Occasion.PAST_WEEK, stretch), entity, taint)
    if given.before is not None and given.before.end <= onset_of(incident) - LEAD:
        yield _tainted(_stretched(context, Occasion.BEFORE_ONSET, given.before), entity, taint)


def _tainted(window: Window, entity: str, taint: Taint) -> Window:
    return msgspec.structs.replace(window, tainted=taint(entity, window.start, window.end))


def _stretched(context: Context, occasion: Occasion, stretch: Stretch) -> Window:
    times, values = stretch.times, stretch.values
    return _window(context, occasion, (stretch.start, stretch.end), times, values, stretch.step)


def _window(
    context: Context,
    occasion: Occasion,
    span: tuple[Millis, Millis],
    times: Sequence[Millis],
    values: Sequence[float],
    interval: Millis,
) -> Window:
    start, end = span[0], max(span[0] + 1, span[1])
    policy = context.rules.recovery
    return Window(
        occasion=occasion,
        start=start,
        end=end,
        interval=interval,
        times=np.array(times, np.int64),
        values=np.array(values, np.float64),
        offset_start=policy.offset(start),
        offset_end=policy.offset(end),
    )


def _nothing(indicator: Indicator, why: Why, id: str, detail: str = "") -> Compared:
    return Compared(Comparison(indicator=indicator, standing=Recovery.NO_BASELINE, why=why), (), id, detail)
