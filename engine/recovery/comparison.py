"""One indicator after restoration against its baseline: everything a verdict is made of, and what stands in its way."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from engine.evidence.baselines.scale import TINY
from engine.recovery.autocorrelation import memory
from engine.recovery.baseline import Baseline, Unused, baseline, levels
from engine.recovery.counts import counts
from engine.recovery.difference import Difference
from engine.recovery.indicator import Indicator, Measure, Worse
from engine.recovery.needed import minutes_to
from engine.recovery.proportions import proportions
from engine.recovery.resting import resting
from engine.recovery.samples import Samples, samples
from engine.recovery.shift import shift
from engine.recovery.stability import Stability, level_changes, stability, stretches
from engine.recovery.units import other_unit
from engine.recovery.window import Window
from engine.recovery.words import Recovery, Why
from engine.signals import Millis

FEWEST = 8
"""Samples after restoration without which nothing is said."""
EVENTS = 30
"""Events after restoration without which nothing is said of a share."""


class Settling(msgspec.Struct, frozen=True):
    """How long after restoration an indicator may still be on its way: the longer of ``least`` and three restarts."""

    least: Millis = 300_000
    restart: Millis = 0

    @property
    def time(self) -> Millis:
        """In milliseconds."""
        return max(self.least, 3 * self.restart)


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What was found of one indicator. ``standing`` and ``why`` are set where no statistics can help; ``since`` is the
    time from which the indicator counts as settled, ``count`` its samples from then on."""

    indicator: Indicator
    margin: float = 0.0
    since: Millis = 0
    count: int = 0
    interval: Millis = 0
    weeks: int = 0
    unused: tuple[Unused, ...] = ()
    sigma: float = 0.0
    difference: Difference | None = None
    stability: Stability | None = None
    standing: Recovery | None = None
    why: Why | None = None
    minutes: int | None = None


def compare(
    indicator: Indicator, before: Sequence[Window], after: Window, restored_at: Millis, settling: Settling | None = None
) -> Comparison:
    """Compare the samples that came after ``restored_at`` with the windows that were pinned."""
    past = baseline(indicator, before, after)
    since = restored_at + (settling or Settling()).time
    found = Comparison(
        indicator=indicator,
        since=since,
        interval=after.interval,
        weeks=past.weeks,
        unused=past.unused,
        sigma=past.sigma,
    )
    if past.why is not None:
        return _stands(found, Recovery.NO_BASELINE, past.why)
    if past.flat and _rests_at(indicator, past) is None:
        return _stands(found, Recovery.NO_BASELINE, Why.CONSTANT)
    settled = msgspec.structs.replace(after, start=max(after.start, min(since, after.end)))
    put = samples(settled, indicator.measure)
    margin = indicator.tolerated.of(_centre(past))
    found = msgspec.structs.replace(found, margin=margin, count=len(put))
    waiting = _waiting(put, after, since)
    if waiting is not None:
        return _stands(
            found, Recovery.INCONCLUSIVE, waiting, FEWEST - len(put) + max(0, since - after.end) / after.interval
        )
    return _settled(found, past, put, margin)


def _stands(found: Comparison, verdict: Recovery, why: Why, samples_more: float | None = None) -> Comparison:
    minutes = None if samples_more is None else minutes_to(max(1.0, samples_more), found.interval)
    return msgspec.structs.replace(found, standing=verdict, why=why, minutes=minutes)


def _waiting(put: Samples, after: Window, since: Millis) -> Why | None:
    if after.end <= since and len(after.times):
        return Why.SETTLING
    if not len(put):
        return Why.NO_DATA
    return Why.TOO_FEW if len(put) < FEWEST else None


def _settled(found: Comparison, past: Baseline, put: Samples, margin: float) -> Comparison:
    """Statistics, on samples enough, from the last change of level on if there is but one."""
    indicator = found.indicator
    phi = memory([past.values, [levels(put)]])
    why = _unusable(indicator, past, put, phi)
    if why is not None:
        return _stands(found, Recovery.INCONCLUSIVE, why)
    places = level_changes(past, put, phi)
    if len(places) == 1 and np.ptp(stretches(levels(put), places)) > margin:
        put, places = put.since(places[0]), []
        found = msgspec.structs.replace(found, since=int(put.times[0]), count=len(put))
        if len(put) < FEWEST:
            return _stands(found, Recovery.INCONCLUSIVE, Why.SETTLING, FEWEST - len(put))
    if indicator.measure is Measure.RATIO and put.totals.sum() < EVENTS:
        missing = EVENTS * len(put) / float(put.totals.sum()) - len(put)
        return _stands(found, Recovery.INCONCLUSIVE, Why.TOO_FEW_EVENTS, missing)
    return msgspec.structs.replace(
        found,
        difference=_difference(indicator, past, put, margin),
        stability=stability(indicator.measure, past, put, phi, margin, places),
    )


def _unusable(indicator: Indicator, past: Baseline, put: Samples, phi: float) -> Why | None:
    values = levels(put)
    usual = np.concatenate(past.values)
    best = indicator.rests_at
    if not past.flat:
        if np.ptp(values) <= TINY * max(1.0, abs(float(values[0]))) and not _is(float(values[0]), best):
            return Why.FROZEN
        if indicator.measure is not Measure.RATIO and other_unit(usual, values, phi) is not None:
            return Why.UNIT_CHANGED
    return None


def _difference(indicator: Indicator, past: Baseline, put: Samples, margin: float) -> Difference:
    if indicator.measure is Measure.RATIO:
        return proportions([(one.values, one.totals) for one in past.windows], (put.values, put.totals))
    best = _rests_at(indicator, past)
    if past.flat and best is not None:
        sign = 1.0 if indicator.direction is Worse.HIGHER else -1.0
        return resting(best, put.values, margin, sign, sum(map(len, past.windows)))
    if indicator.measure is Measure.COUNT:
        return counts(past.values, put.values)
    margin_of = indicator.tolerated
    return shift(past.values, put.values, margin_of.size if margin_of.relative else 0.0)


def _rests_at(indicator: Indicator, past: Baseline) -> float | None:
    """Its best value, if the series lay there."""
    best = indicator.rests_at
    if indicator.measure is Measure.RATIO:
        return best  # counted events say enough, whatever their share
    return best if best is not None and _is(float(past.values[0][0]), best) else None


def _is(value: float, best: float | None) -> bool:
    return best is not None and abs(value - best) <= TINY * max(1.0, abs(best))


def _centre(past: Baseline) -> float:
    return float(np.median(np.concatenate(past.values)))
