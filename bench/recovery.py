"""The recovery comparison on simulated series, beside Kayenta's documented classifier, and its cost.

AR(1) series about 100, normal, heavy-tailed (Student's t with 3 degrees of freedom) or seasonal (a day's wave of twice
the standard deviation below them), fixed seeds. Each is compared as production does it: windows of the same hour of four
past weeks against the time after a restoration, settle time 0. Kayenta's judge classifies by the Mann–Whitney interval at
confidence 0.98: a metric fails where the whole interval lies beyond a quarter of the estimated shift
(https://github.com/spinnaker/kayenta, MannWhitneyClassifier).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from engine.evidence.kinds import Kind
from engine.recovery.comparison import Comparison, Settling, compare
from engine.recovery.indicator import Indicator, Margin
from engine.recovery.judgement import judge
from engine.recovery.window import WEEK, Occasion, Window
from engine.recovery.words import Recovery

SERIES = 2000
MEMORIES = (0.0, 0.3, 0.6, 0.9)
SHAPES = ("normal", "heavy", "seasonal")
LEVEL = 100.0
MINUTE = 60_000
DAY = 1440
RESTORED = 100 * WEEK
WARM = 300
Floats = NDArray[np.float64]
Figures = dict[str, dict[str, list[float]]]


def ar1(random: np.random.Generator, count: int, length: int, phi: float, shape: str = "normal") -> Floats:
    """(count, length) values of mean 0 and variance 1, each row a series of its own."""
    heavy = shape == "heavy"
    noise = random.standard_t(3, (count, length + WARM)) / np.sqrt(3) if heavy else random.normal(size=(count, length + WARM))
    noise *= np.sqrt(1 - phi * phi)
    found = np.zeros_like(noise)
    for place in range(1, length + WARM):
        found[:, place] = phi * found[:, place - 1] + noise[:, place]
    return found[:, WARM:]


def drawn(
    random: np.random.Generator, count: int, phi: float, shape: str, weeks: Sequence[int], after: int
) -> Iterator[tuple[list[Floats], Floats]]:
    """Pasts and time after of ``count`` unchanged series, in standard deviations."""
    wave = 2.0 if shape == "seasonal" else 0.0
    longest = max(*weeks, after)
    season = wave * np.sin(2 * np.pi * np.arange(longest) / DAY)
    parts = [ar1(random, count, length, phi, shape) + season[:length] for length in (*weeks, after)]
    for row in range(count):
        yield [part[row] for part in parts[:-1]], parts[-1][row]


def window(occasion: Occasion, start: int, values: Floats) -> Window:
    times = start + MINUTE * np.arange(1, len(values) + 1)
    return Window(
        occasion=occasion, start=start, end=int(times[-1]), interval=MINUTE, times=times, values=values
    )


def compared(pasts: list[Floats], after: Floats, margin: float = 0.1) -> Comparison:
    """One series through production code. Windows begin at the same hour of the week."""
    indicator = Indicator(entity="e", name="latency", kind=Kind.LATENCY, margin=Margin(margin, relative=True))
    before = [window(Occasion.PAST_WEEK, RESTORED - (n + 1) * WEEK, values) for n, values in enumerate(pasts)]
    return compare(indicator, before, window(Occasion.AFTER, RESTORED, after), RESTORED, Settling(0))


def kayenta_fails(past: Floats, after: Floats) -> bool:
    """Mann–Whitney at confidence 0.98, tolerance 0.25, for a metric of which more is worse."""
    m, n = len(past), len(after)
    every = np.sort(np.subtract.outer(after, past).ravel())
    place = int(np.floor(m * n / 2 - 2.326 * np.sqrt(m * n * (m + n + 1) / 12)))
    return bool(every[max(0, place)] > 0.25 * abs(np.median(every)))


def rates(
    phi: float,
    shape: str,
    *,
    change: float,
    spread: float,
    margin: float = 0.1,
    weeks: Sequence[int] = (60, 60, 60, 60),
    after: int = 60,
    count: int = SERIES,
    seed: int = 1,
) -> dict[str, float]:
    """Shares of series (standard deviation ``spread`` × level, shifted by ``change`` × level) that the raw test flags,
    by verdict, and that Kayenta's classifier fails."""
    random = np.random.default_rng([seed, round(100 * phi), SHAPES.index(shape)])
    found = {"raw": 0, "kayenta": 0, **{verdict.value: 0 for verdict in Recovery}}
    for pasts, later in drawn(random, count, phi, shape, weeks, after):
        before = [LEVEL * (1 + spread * past) for past in pasts]
        seen = LEVEL * (1 + spread * later + change)
        one = compared(before, seen, margin)
        if one.difference is not None:
            found["raw"] += 2 * min(one.difference.p_higher, one.difference.p_lower) < 0.05
        found[judge([one])[0].verdict.value] += 1
        found["kayenta"] += kayenta_fails(np.concatenate(before), seen)
    return {name: hits / count for name, hits in found.items()}
