"""Which windows may stand for what is usual, and why the others may not.

The same hour of at least `WEEKS` past weeks, else those there are together with the time before onset, else that time
alone while it is near enough to the time after restoration to be of the same part of the day. A window that itself
contains an incident is told by its likeness to the others, where there are enough to say which is the odd one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec
import numpy as np

from engine.evidence.baselines.scale import SHARE, TINY
from engine.recovery.indicator import Indicator, Measure
from engine.recovery.samples import Samples, samples
from engine.recovery.window import Floats, Occasion, Window, hours_apart
from engine.recovery.words import Why
from engine.signals import Millis

WEEKS = 2
COVERAGE = 0.8
FEWEST = 8
"""Samples of a window."""
NEAR = 3.0
"""Hours, in the week of the clock on the wall, within which a past window is of the same part of the day."""
SAME_PART = 6.0
"""Hours after its end for which the time before onset is."""
ODD = 4.0
"""Robust standard deviations by which the median of a window with an incident lies apart from the others'."""
FAR, FAR_SHARE = 5.0, 0.1
"""Or so many samples so far from the usual level."""
ODD_RATE = 3.0
"""Of rates of events: times the usual one."""


class Unused(msgspec.Struct, frozen=True):
    """A window that is not used, and why."""

    occasion: Occasion
    start: Millis
    why: Why


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """The samples of the windows that are used; ``why`` there are none. ``sigma`` is the robust standard deviation
    within windows, ``weeks`` the number of past weeks among them."""

    windows: tuple[Samples, ...] = ()
    sigma: float = 0.0
    weeks: int = 0
    unused: tuple[Unused, ...] = ()
    why: Why | None = None

    @property
    def values(self) -> list[Floats]:
        """By window: levels, rates or counts; of ratios the shares."""
        return [levels(one) for one in self.windows]

    @property
    def flat(self) -> bool:
        """Are all values the same?"""
        every = np.concatenate(self.values)
        return bool(np.ptp(every) <= TINY * max(1.0, abs(float(every[0]))))


def levels(one: Samples) -> Floats:
    """Values, of ratios the shares."""
    return one.values / one.totals if len(one.totals) else one.values


def baseline(indicator: Indicator, windows: Sequence[Window], after: Window) -> Baseline:
    """Choose the windows that the time after restoration is compared with."""
    unused: list[Unused] = []
    found: dict[Occasion, list[Samples]] = {Occasion.PAST_WEEK: [], Occasion.BEFORE_ONSET: []}
    for window in sorted(windows, key=lambda one: one.start):
        put = samples(window, indicator.measure)
        why = _unusable(window, put, after)
        if why is None:
            found[window.occasion].append(put)
        else:
            unused.append(Unused(window.occasion, window.start, why))
    weeks, recent = found[Occasion.PAST_WEEK], found[Occasion.BEFORE_ONSET]
    used = weeks if len(weeks) >= WEEKS else [*weeks, *recent]
    if not used:
        return Baseline(unused=tuple(unused), why=_commonest(unused))
    if not recent and len(weeks) < WEEKS:
        return Baseline(unused=tuple(unused), why=Why.FEW_WEEKS)
    return _screened(indicator, used, unused, len(weeks))


def _unusable(window: Window, put: Samples, after: Window) -> Why | None:
    if window.tainted:
        return Why.TAINTED
    if window.clock_changed:
        return Why.DAYLIGHT_SAVING
    if window.occasion is Occasion.PAST_WEEK:
        apart, most = hours_apart(window, after), NEAR
    else:
        apart, most = (after.start - window.end) / 3_600_000, SAME_PART
    if apart > most:
        return Why.OTHER_HOUR
    return Why.INCOMPLETE if put.coverage < COVERAGE or len(put) < FEWEST else None


def _commonest(unused: Sequence[Unused]) -> Why:
    counted = Counter(one.why for one in unused)
    return max(counted, key=lambda why: (counted[why], why), default=Why.NO_WINDOWS)


def _screened(indicator: Indicator, used: list[Samples], unused: list[Unused], weeks: int) -> Baseline:
    """Without the windows that contain an incident."""
    sigma = float(np.median([_sigma(levels(one)) for one in used]))
    odd = _odd(indicator, used, sigma)
    left = [one for one, is_odd in zip(used, odd, strict=True) if not is_odd]
    for place, is_odd in enumerate(odd):
        if is_odd:
            occasion = Occasion.PAST_WEEK if place < weeks else Occasion.BEFORE_ONSET
            unused.append(Unused(occasion, int(used[place].times[0]), Why.CONTAINS_INCIDENT))
    if len(left) * 2 <= len(used):
        why = Why.CONTAINS_INCIDENT if len(used) == 1 else Why.WINDOWS_DISAGREE
        return Baseline(unused=tuple(unused), why=why)
    return Baseline(
        windows=tuple(left),
        sigma=float(np.median([_sigma(levels(one)) for one in left])),
        weeks=sum(not is_odd for is_odd in odd[:weeks]),
        unused=tuple(unused),
    )


def _odd(indicator: Indicator, used: list[Samples], sigma: float) -> list[bool]:
    """Of two that differ both are odd: nobody can say which contains the incident."""
    if indicator.measure in (Measure.COUNT, Measure.RATIO):
        middles = np.array([_rate(one) for one in used])
        reach = (ODD_RATE - 1) * abs(float(np.median(middles))) + indicator.tolerated.of(float(np.median(middles)))
        return [bool(far) for far in np.abs(middles - np.median(middles)) > reach]
    middles = np.array([np.median(one.values) for one in used])
    centre = float(np.median(middles))
    scale = max(sigma, SHARE * abs(centre), TINY)
    far = [float(np.mean(np.abs(one.values - centre) > FAR * scale)) > FAR_SHARE for one in used]
    apart = np.abs(middles - centre) * (2 if len(used) == 2 else 1) > ODD * scale
    return [bool(one or other) for one, other in zip(far, apart, strict=True)]


def _rate(one: Samples) -> float:
    return float(one.values.sum() / one.totals.sum()) if len(one.totals) else float(one.values.mean())


def _sigma(values: Floats) -> float:
    return 1.4826 * float(np.median(np.abs(values - np.median(values))))
