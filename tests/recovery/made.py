"""Series and windows for the scenarios: minutes around a restoration at noon, four past weeks and the hour before."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.evidence.kinds import Kind
from engine.recovery.comparison import Comparison, Settling, compare
from engine.recovery.indicator import Indicator
from engine.recovery.judgement import Judged, judge
from engine.recovery.window import WEEK, Occasion, Window

MINUTE = 60_000
HOUR = 60 * MINUTE
RESTORED = 150 * WEEK + 12 * HOUR
Floats = NDArray[np.float64]


def ar1(random: np.random.Generator, count: int, length: int, phi: float, *, heavy: bool = False) -> Floats:
    """(count, length), mean 0, variance 1."""
    size = (count, length + 200)
    noise = random.standard_t(3, size) / np.sqrt(3) if heavy else random.normal(size=size)
    noise *= np.sqrt(1 - phi * phi)
    found = np.zeros(size)
    for place in range(1, size[1]):
        found[:, place] = phi * found[:, place - 1] + noise[:, place]
    return found[:, 200:]


def level(count: int, seed: int, spread: float = 0.05, usual: float = 100.0, phi: float = 0.0) -> Floats:
    """A steady series."""
    found: Floats = usual * (1 + spread * ar1(np.random.default_rng(seed), 1, count, phi)[0])
    return found


def window(
    occasion: Occasion, start: int, values: Sequence[float] | Floats, totals: Sequence[float] | Floats | None = None
) -> Window:
    """A complete window of minutes; NaN leaves a hole."""
    seen = np.asarray(values, np.float64)
    times = start + MINUTE * np.arange(1, len(seen) + 1)
    every = None if totals is None else np.asarray(totals, np.float64)
    end = start + MINUTE * len(seen)
    return Window(occasion=occasion, start=start, end=end, interval=MINUTE, times=times, values=seen, totals=every)


def past(weeks: Sequence[Floats], totals: Floats | None = None) -> list[Window]:
    """Windows of the same hour, one, two … weeks ago."""
    return [window(Occasion.PAST_WEEK, RESTORED - (n + 1) * WEEK, values, totals) for n, values in enumerate(weeks)]


def after(values: Sequence[float] | Floats, totals: Sequence[float] | Floats | None = None) -> Window:
    return window(Occasion.AFTER, RESTORED, values, totals)


def usual_weeks(**how: float) -> list[Window]:
    return past([level(60, seed, **how) for seed in (11, 12, 13, 14)])


LATENCY = Indicator(entity="cart", name="latency", kind=Kind.LATENCY, unit="ms")
ERRORS = Indicator(entity="cart", name="errors", kind=Kind.ERRORS, unit="ratio")
AT_ONCE = Settling(0)


def seen(indicator: Indicator, before: Sequence[Window], later: Window, settling: Settling = AT_ONCE) -> Comparison:
    return compare(indicator, before, later, RESTORED, settling)


def verdict(
    indicator: Indicator, before: Sequence[Window], later: Window, settling: Settling = AT_ONCE
) -> tuple[str, list[str]]:
    """The verdict of one indicator alone, and its reasons."""
    one = judged(indicator, before, later, settling)
    return one.verdict.value, [why.value for why in one.why]


def judged(indicator: Indicator, before: Sequence[Window], later: Window, settling: Settling = AT_ONCE) -> Judged:
    return judge([seen(indicator, before, later, settling)])[0]
