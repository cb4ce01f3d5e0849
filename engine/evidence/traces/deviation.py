"""How far a window is from the minutes before it: a stratified test of exceedances, and the ratio of seen to usual.

Each operation (or edge) is a stratum with a threshold of its own: the bin above which at most a tenth of its times lay
before. Exceedances in the window, what was to be expected and its variance are summed over the strata, so that the mix
of operations does not matter (Mantel and Haenszel 1959), and a fault that only lengthens some of the calls (a contended
CPU) shows like one that lengthens all. A share is tested and not a mean, so that one huge time is one exceedance.

Minutes differ by more than chance. The variance is multiplied by how much the shares of the minutes before differed,
by the median of their squared residuals, which a single bad minute does not move; with few minutes it is drawn to
`PRIOR`. Times shorter than usual are tested in the same way on the other side and have a negative score.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from math import sqrt
from statistics import median
from typing import NamedTuple

from engine.evidence.traces.cell import Cell
from engine.evidence.traces.tally import Tally, merged

TAIL = 0.1
"""Share of the usual times beyond a threshold."""
HISTORY = 8
"""Spans before the window without which an operation says nothing; as many as for a series."""
AT_LEAST = 3
"""Spans in the window below which it says nothing."""
PRIOR, PRIOR_MINUTES = 2.0, 4
"""How much more than by chance minutes differ before anything is known of it, and for how many minutes that counts."""
CHI2_MEDIAN = 0.455
"""Median of the chi-squared distribution with one degree of freedom."""
MOST = 99.0
"""Largest score told."""

Hits = Callable[[Tally], int]


class Stratum(NamedTuple):
    """One operation in the window and before it, and what was before by minute (or block)."""

    name: str
    window: Tally
    before: Tally
    minutes: Sequence[tuple[int, Tally]]


class Deviation(NamedTuple):
    """How far the window is from what is usual.

    ``score`` in standard deviations (negative: less than usual); ``usual`` and ``seen`` are milliseconds per span, or
    shares; ``ratio`` is seen : usual at the window's mix of operations. ``spans`` were seen in the window, ``history``
    before it in ``minutes`` minutes (or blocks). ``most`` is the operation that added the most.
    """

    score: float
    ratio: float
    usual: float
    seen: float
    spans: int
    history: int
    minutes: int
    most: str = ""


def strata(cells: Iterable[tuple[str, Cell]], low: int, high: int) -> list[Stratum]:
    """The operations with enough history that were seen in the minutes ``low … high``, by name."""
    found = []
    for name, cell in sorted(cells, key=_name):
        minutes = sorted(cell.before(low), key=_minute)
        before = merged(tally for _, tally in minutes)
        if before.spans >= HISTORY or before.measured >= HISTORY:
            window = merged(tally for _, tally in cell.within(low, high))
            if window.spans or window.bins:
                found.append(Stratum(name, window, before, minutes))
    return found


def time_deviation(found: Sequence[Stratum]) -> Deviation | None:
    """Of self time or network time; None where there are too few times in the window or before it."""
    timed = [s for s in found if s.before.measured >= HISTORY and s.window.bins]
    spans = sum(s.window.measured for s in timed)
    if spans < AT_LEAST:
        return None
    up = _score(timed, [partial(_above, place=_edge(s.before, top=True)) for s in timed], _measured)
    down = _score(timed, [partial(_below, place=_edge(s.before, top=False)) for s in timed], _measured)
    expected = [usual_time(s) * s.window.measured for s in timed]
    usual, seen = sum(expected), sum(s.window.total for s in timed)
    added = [(abs(s.window.total - e), s.name) for s, e in zip(timed, expected, strict=True)]
    return Deviation(
        score=up if up >= max(down, 0.0) else -max(down, 0.0),
        ratio=round((seen + spans) / (usual + spans), 4),  # a microsecond a span: the resolution
        usual=round(usual / spans / 1000, 4),
        seen=round(seen / spans / 1000, 4),
        spans=spans,
        history=sum(s.before.measured for s in timed),
        minutes=max(len(s.minutes) for s in timed),
        most=max(added)[1],
    )


def error_deviation(found: Sequence[Stratum]) -> Deviation | None:
    """Of the share of spans that failed although none of their children did."""
    counted = [s for s in found if s.before.spans >= HISTORY and s.window.spans]
    spans = sum(s.window.spans for s in counted)
    if spans < AT_LEAST:
        return None
    expected = sum(s.window.spans * s.before.origin / s.before.spans for s in counted)
    seen = sum(s.window.origin for s in counted)
    return Deviation(
        score=_score(counted, [_origin] * len(counted), _spans),
        ratio=round((seen + 0.5) / (expected + 0.5), 4),
        usual=round(expected / spans, 6),
        seen=round(seen / spans, 6),
        spans=spans,
        history=sum(s.before.spans for s in counted),
        minutes=max(len(s.minutes) for s in counted),
        most=max(counted, key=lambda s: (s.window.origin, s.name)).name,
    )


def usual_time(stratum: Stratum) -> float:
    """Median of the means of the minutes before, weighted by their spans, in microseconds."""
    means = sorted((tally.total / tally.measured, tally.measured) for _, tally in stratum.minutes if tally.bins)
    half = stratum.before.measured / 2
    for mean, spans in means:
        half -= spans
        if half <= 0:
            return mean
    return 0.0


def _edge(before: Tally, *, top: bool) -> int:
    """The bin beyond which at most `TAIL` of the times lie, at the top or at the bottom."""
    left = before.measured * TAIL
    place = 0
    for place in sorted(before.bins, reverse=top):
        left -= before.bins[place]
        if left < 0:
            break
    return place


def _above(tally: Tally, place: int) -> int:
    return tally.above(place)


def _below(tally: Tally, place: int) -> int:
    return tally.below(place)


def _minute(pair: tuple[int, Tally]) -> int:
    return pair[0]


def _name(pair: tuple[str, Cell]) -> str:
    return pair[0]


def _measured(tally: Tally) -> int:
    return tally.measured


def _origin(tally: Tally) -> int:
    return tally.origin


def _spans(tally: Tally) -> int:
    return tally.spans


def _score(found: Sequence[Stratum], hits: Sequence[Hits], size: Hits) -> float:
    """Hits of the window beyond those to be expected, in standard deviations."""
    excess = variance = 0.0
    by_minute: dict[int, list[float]] = {}
    for s, hit in zip(found, hits, strict=True):
        usual, spans = size(s.before), size(s.window)
        share = (hit(s.before) + 0.5) / (usual + 1.0)
        excess += hit(s.window) - spans * share
        variance += spans * share * (1.0 - share) * (1.0 + spans / usual)
        for minute, tally in s.minutes:
            of = by_minute.setdefault(minute, [0.0, 0.0, 0.0])
            of[0] += hit(tally) - size(tally) * share
            of[1] += size(tally) * share * (1.0 - share)
            of[2] += size(tally) * share
    squares = [of[0] ** 2 / of[1] for of in by_minute.values() if of[2] >= 1.0]
    seen = median(squares) / CHI2_MEDIAN if squares else 0.0
    spread = max(1.0, (PRIOR * PRIOR_MINUTES + seen * len(squares)) / (PRIOR_MINUTES + len(squares)))
    return round(max(-MOST, min(MOST, excess / sqrt(variance * spread))), 4)
