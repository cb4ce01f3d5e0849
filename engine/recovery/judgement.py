"""From comparisons to verdicts, over all indicators of an incident at once.

What stands is the first that holds of: no baseline; not steady; surely worse and by more than the margin (sure after
the correction for so many looks); surely no worse than the margin (then restored, or improved where it is surely better
by more than the margin); else inconclusive, with the minutes it still takes. Where data is missing nothing is claimed.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from engine.recovery.comparison import Comparison
from engine.recovery.difference import Difference
from engine.recovery.indicator import Worse
from engine.recovery.multiplicity import discoveries
from engine.recovery.needed import minutes_more
from engine.recovery.words import Recovery, Why

SURELY = 0.05


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """An indicator's verdict. ``harm`` is the shift in the direction that does harm, ``least`` and ``most`` its 90 %
    interval, all in the indicator's unit; None where there is no comparison."""

    verdict: Recovery
    why: tuple[Why, ...]
    comparison: Comparison
    harm: float | None = None
    least: float | None = None
    most: float | None = None
    probability: float | None = None
    minutes: int | None = None


class Harm(msgspec.Struct, frozen=True):
    """A difference, seen in the direction that does harm, and the probabilities of such a one by chance."""

    estimate: float
    least: float
    most: float
    worse: float
    better: float


def harm(found: Difference, direction: Worse) -> Harm:
    """Turn a difference so that more is worse. Of both directions the one in which it lies."""
    if direction is Worse.HIGHER:
        return Harm(found.estimate, found.low, found.high, found.p_higher, found.p_lower)
    if direction is Worse.LOWER:
        return Harm(-found.estimate, -found.high, -found.low, found.p_lower, found.p_higher)
    either = min(1.0, 2 * min(found.p_higher, found.p_lower))
    least = max(found.low, -found.high, 0.0)
    return Harm(abs(found.estimate), least, max(found.high, -found.low), either, 1.0)


def judge(comparisons: Sequence[Comparison]) -> list[Judged]:
    """Verdicts in the order of the comparisons."""
    harms = [None if one.difference is None else harm(one.difference, one.indicator.direction) for one in comparisons]
    tested = [place for place, one in enumerate(harms) if one is not None]
    rejected = discoveries([one.worse for one in harms if one is not None])
    degraded = {place for place, said in zip(tested, rejected, strict=True) if said}
    return [_judged(one, harms[place], place in degraded) for place, one in enumerate(comparisons)]


def _judged(one: Comparison, seen: Harm | None, surely_worse: bool) -> Judged:
    if one.standing is not None and one.why is not None:
        return Judged(verdict=one.standing, why=(one.why,), comparison=one, minutes=one.minutes)
    if seen is None or one.difference is None or one.stability is None:
        return Judged(verdict=Recovery.INCONCLUSIVE, why=(Why.NO_DATA,), comparison=one)
    verdict, why = _said(one, seen, surely_worse)
    minutes = None
    if verdict is Recovery.INCONCLUSIVE:
        minutes = minutes_more(one.difference, one.sigma, one.margin, seen.estimate, one.count, one.interval)
    return Judged(
        verdict=verdict,
        why=why,
        comparison=one,
        harm=seen.estimate,
        least=seen.least,
        most=seen.most,
        probability=seen.worse,
        minutes=minutes,
    )


def _said(one: Comparison, seen: Harm, surely_worse: bool) -> tuple[Recovery, tuple[Why, ...]]:
    against = one.stability.against if one.stability else ()
    if against:
        return Recovery.UNSTABLE, against
    if surely_worse and seen.estimate > one.margin:
        return Recovery.RESIDUAL_DEGRADATION, (Why.BEYOND_MARGIN,)
    if one.stability and one.stability.gaps:
        return Recovery.INCONCLUSIVE, (Why.GAPS,)
    resting = one.difference is not None and one.difference.method == "exceedance"
    if one.margin <= 0 and not resting:
        return Recovery.INCONCLUSIVE, (Why.NO_MARGIN,)
    if seen.most < one.margin or (resting and seen.most <= one.margin):
        if seen.better < SURELY and -seen.estimate > one.margin:
            return Recovery.IMPROVED, (Why.BETTER,)
        return Recovery.RESTORED, (Why.AT_ITS_BEST if resting else Why.WITHIN_MARGIN,)
    return Recovery.INCONCLUSIVE, (Why.UNCERTAIN,)
