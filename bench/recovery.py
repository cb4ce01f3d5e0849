"""The recovery comparison on simulated series, beside Kayenta's documented classifier, and its cost.

AR(1) series about 100, normal, heavy-tailed (Student's t with 3 degrees of freedom) or seasonal (a day's wave of twice
the standard deviation below them), fixed seeds. Each is compared as production does it: windows of the same hour of
four past weeks against the time after a restoration, settle time 0. Kayenta's judge classifies by the Mann–Whitney
interval at confidence 0.98: a metric fails where the whole interval lies beyond a quarter of the estimated shift
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
from engine.recovery.shift import shift
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
    size = (count, length + WARM)
    noise = random.standard_t(3, size) / np.sqrt(3) if shape == "heavy" else random.normal(size=size)
    noise *= np.sqrt(1 - phi * phi)
    found = np.zeros_like(noise)
    for place in range(1, length + WARM):
        found[:, place] = phi * found[:, place - 1] + noise[:, place]
    return found[:, WARM:]


def wave(shape: str, length: int) -> Floats:
    """What a day's wave adds, in standard deviations."""
    found: Floats = (2.0 if shape == "seasonal" else 0.0) * np.sin(2 * np.pi * np.arange(length) / DAY)
    return found


def drawn(
    random: np.random.Generator, count: int, phi: float, shape: str, weeks: Sequence[int], after: int
) -> Iterator[tuple[list[Floats], Floats]]:
    """Pasts and time after of ``count`` unchanged series, in standard deviations."""
    season = wave(shape, max(*weeks, after))
    parts = [ar1(random, count, length, phi, shape) + season[:length] for length in (*weeks, after)]
    for row in range(count):
        yield [part[row] for part in parts[:-1]], parts[-1][row]


def window(occasion: Occasion, start: int, values: Floats) -> Window:
    times = start + MINUTE * np.arange(1, len(values) + 1)
    return Window(occasion=occasion, start=start, end=int(times[-1]), interval=MINUTE, times=times, values=values)


def compared(pasts: list[Floats], after: Floats, margin: float = 0.1) -> Comparison:
    """One series through production code. Windows begin at the same hour of the week."""
    indicator = Indicator(entity="e", name="latency", kind=Kind.LATENCY, margin=Margin(margin, relative=True))
    before = [window(Occasion.PAST_WEEK, RESTORED - (n + 1) * WEEK, values) for n, values in enumerate(pasts)]
    return compare(indicator, before, window(Occasion.AFTER, RESTORED, after), RESTORED, Settling(0))


def kayenta_fails(past: Floats, after: Floats) -> bool:
    """Mann–Whitney at confidence 0.98, tolerance 0.25, for a metric of which more is worse."""
    m, n = len(past), len(after)
    place = max(0, int(np.floor(m * n / 2 - 2.326 * np.sqrt(m * n * (m + n + 1) / 12))))
    every = np.partition(np.subtract.outer(after, past).ravel(), [place, m * n // 2])
    return bool(every[place] > 0.25 * abs(every[m * n // 2]))


def plain_flags(past: Floats, after: Floats) -> bool:
    """Mann–Whitney as it is in textbooks, two-sided 5 %: what neighbours say twice counts twice."""
    m, n = len(past), len(after)
    ordered = np.sort(past)
    above = (np.searchsorted(ordered, after, "left") + np.searchsorted(ordered, after, "right")).sum() / 2
    return bool(abs(above - m * n / 2) > 1.96 * np.sqrt(m * n * (m + n + 1) / 12))


def rates(  # noqa: PLR0913 - the axes of the simulation
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
    """Shares of series (standard deviation ``spread`` × level, shifted by ``change`` × what is usual in the window,
    wave and all) that the raw test flags, by verdict, that the plain test flags, and that Kayenta's classifier
    fails."""
    random = np.random.default_rng([seed, round(100 * phi), SHAPES.index(shape)])
    usual = 1 + spread * float(wave(shape, min(weeks)).mean())
    found = {"raw": 0, "plain": 0, "kayenta": 0, **{verdict.value: 0 for verdict in Recovery}}
    for pasts, later in drawn(random, count, phi, shape, weeks, after):
        before = [LEVEL * (1 + spread * past) for past in pasts]
        seen = LEVEL * (1 + spread * later + change * usual)
        one = compared(before, seen, margin)
        whole = one.difference if one.count == after else None
        raw = whole or shift(before, seen)
        found["raw"] += 2 * min(raw.p_higher, raw.p_lower) < 0.05
        found["plain"] += plain_flags(np.concatenate(before), seen)
        found[judge([one])[0].verdict.value] += 1
        found["kayenta"] += kayenta_fails(np.concatenate(before), seen)
    return {name: hits / count for name, hits in found.items()}


UNCHANGED, AT_MARGIN, TWICE = 0.0, 0.1, 0.2
HEAD = (
    "| series | φ | unchanged: flagged by plain Mann–Whitney | by the raw shift test | stated degraded or unstable "
    "| at the margin: stated restored | twice the margin: stated restored | unchanged: failed by Kayenta "
    "| at the margin: passed by Kayenta | twice: passed by Kayenta |\n|---|---|---|---|---|---|---|---|---|---|"
)


def back(found: dict[str, float]) -> float:
    """The share called restored or better."""
    return found[Recovery.RESTORED] + found[Recovery.IMPROVED]


def sizes(count: int = SERIES) -> Iterator[tuple[str, float, list[float]]]:
    """(shape, φ, cells of `HEAD`) with a spread of 20 %, a margin of 10 %, four weeks of an hour and an hour after."""
    for shape in SHAPES:
        for phi in MEMORIES:
            same, margin, twice = (
                rates(phi, shape, change=change, spread=0.2, count=count) for change in (UNCHANGED, AT_MARGIN, TWICE)
            )
            claimed = same[Recovery.RESIDUAL_DEGRADATION] + same[Recovery.UNSTABLE]
            ours = [same["plain"], same["raw"], claimed, back(margin), back(twice)]
            yield shape, phi, [*ours, same["kayenta"], 1 - margin["kayenta"], 1 - twice["kayenta"]]


def powers(count: int = SERIES) -> Iterator[tuple[str, float, float, float]]:
    """(what, expected, found, what the plain test finds) for the power that published tables lead to expect."""
    for after, wanted in ((5, 0.39), (10, 0.68), (15, 0.80), (20, 0.91)):
        found = rates(0.0, "normal", change=0.16, spread=0.2, weeks=(50,) * 4, after=after, count=count)
        yield f"shift of 0.8 sd, n = {after}, 200 before", wanted, found["raw"], found["plain"]
    for after, wanted in ((30, 0.70), (60, 0.90)):
        found = rates(0.0, "normal", change=0.1, spread=0.2, weeks=(50,) * 4, after=after, count=count)
        yield f"shift of 0.5 sd, n = {after}, 200 before", wanted, found["raw"], found["plain"]
    for phi, wanted in ((0.3, 1.0), (0.6, 0.96), (0.9, 0.36)):
        found = rates(phi, "normal", change=0.2, spread=0.2, weeks=(360,) * 4, after=60, count=count)
        yield f"shift of 1 sd, φ {phi}, n = 60, 1,440 before", wanted, found["raw"], found["plain"]
    for spread, margin, after, wanted in (
        (0.2, 0.1, 15, 0.52),
        (0.2, 0.1, 30, 0.77),
        (0.2, 0.1, 60, 0.94),
        (0.4, 0.2, 30, 0.78),
        (0.4, 0.2, 60, 0.93),
        (0.4, 0.1, 120, 0.68),
    ):
        found = rates(
            0.0, "normal", change=0.0, spread=spread, margin=margin, weeks=(120,) * 4, after=after, count=count
        )
        what = f"unchanged, spread {spread:.0%}, margin {margin:.0%}, n = {after}, 480 before: restored"
        yield what, wanted, back(found), float("nan")


def cost(count: int = 500) -> float:
    """Indicators compared and judged per CPU minute, with 300 samples before and 60 after."""
    random = np.random.default_rng(5)
    series = list(drawn(random, count, 0.6, "normal", (60,) * 5, 60))
    compared(*series[0])  # scipy is loaded
    begun = time.process_time()
    judge(
        [compared([LEVEL * (1 + 0.2 * past) for past in pasts], LEVEL * (1 + 0.2 * after)) for pasts, after in series]
    )
    return 60 * count / (time.process_time() - begun)


def report(repetitions: int, count: int = SERIES) -> tuple[str, Figures]:
    """The tables as Markdown, and all figures."""
    figures: Figures = {}
    lines = [HEAD]
    for shape, phi, cells in sizes(count):
        lines.append(f"| {shape} | {phi:g} | " + " | ".join(f"{100 * cell:.1f} %" for cell in cells) + " |")
        figures[f"recovery, {shape}, φ {phi:g}"] = {"headwater": cells[1:5], "plain": cells[:1], "kayenta": cells[5:]}
    lines += ["", "| power | expected | Headwater | plain Mann–Whitney |", "|---|---|---|---|"]
    for what, wanted, found, plain in powers(count):
        lines.append(f"| {what} | {wanted:.2f} | {found:.2f} | {'' if np.isnan(plain) else f'{plain:.2f}'} |")
        figures[f"recovery, {what}"] = {"headwater": [found], "expected": [wanted]}
    speeds = [cost() for _ in range(repetitions)]
    lines += [
        "",
        f"{np.median(speeds):,.0f} indicators compared per CPU minute ({min(speeds):,.0f} … {max(speeds):,.0f})",
    ]
    figures["recovery, indicators per CPU minute"] = {"headwater": speeds}
    return "\n".join(lines), figures


if __name__ == "__main__":
    print(report(3)[0])
