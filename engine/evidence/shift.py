"""How far a series has moved from what is usual for it, in the direction that does harm.

score = level / scale, where level is how far the two worst points of the window are from the median of the history (the
worst, where there are fewer than three), and scale = max(IQR / 1.349, floor · |median|).

A series that is flat and jumps now and then scores high with every jump. That is what ``before`` is for: the episodes
of the history, runs of points, that were nearly as bad. What happens every hour is no news.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from engine.evidence.kinds import Kind, seconds

HISTORY_NEEDED = 8
"""Points without which nothing is said."""
IQR_TO_SIGMA = 1.349
FLOOR = 0.01
"""Share of the median that a shift is measured by at least …"""
SUCCESS_FLOOR = 0.003
"""… and that of a share of successes, which has its usual value at its bound."""
NEARLY = 0.7
"""A point of the history this near to the level is as bad."""
WORST = 2
PERCENT = 100.0


class Shift(msgspec.Struct, frozen=True, array_like=True):
    """Of one series: ``score`` in standard deviations (negative: only the other way), ``level`` in the series' unit
    (shares of failures as a share, latencies in seconds where the name tells the unit), ``peak`` the score of its worst
    point, ``before`` episodes as bad in its history."""

    metric: str
    kind: Kind
    score: float
    peak: float
    level: float
    usual: float
    seen: float
    before: int
    points: int

    @property
    def usual_level(self) -> float:
        """What is usual, in the unit of ``level``."""
        return self.usual * unit(self.metric, self.kind, self.usual)


def unit(metric: str, kind: Kind, usual: float) -> float:
    """What one of the series' units is in the unit that levels are compared in."""
    if kind is Kind.LATENCY:
        return seconds(metric)
    return 1 / PERCENT if kind is Kind.SUCCESS and usual > 1.5 else 1.0  # in percent, not a share


def shift(metric: str, kind: Kind, history: Sequence[float], window: Sequence[float]) -> Shift | None:
    """None where there is too little to say anything.

    >>> found = shift("latency", Kind.LATENCY, [0.1, 0.11] * 10, [0.1, 0.4, 0.4])
    >>> found.before, round(found.level, 3)
    (0, 0.295)
    """
    if len(history) < HISTORY_NEEDED or not window:
        return None
    ordered = sorted(history)
    usual = _at(ordered, 0.5)
    spread = (_at(ordered, 0.75) - _at(ordered, 0.25)) / IQR_TO_SIGMA
    scale = max(spread, (SUCCESS_FLOOR if kind is Kind.SUCCESS else FLOOR) * abs(usual), 1e-9)
    harm = harm_of(kind)
    worst = sorted((_badness(harm, v - usual), v) for v in window)
    top = worst[-WORST:] if len(window) > WORST else worst[-1:]
    level = sum(bad for bad, _ in top) / len(top)
    bad = [level <= 0 or _badness(harm, v - usual) >= NEARLY * level for v in history]
    before = sum(now and not last for last, now in zip([False, *bad], bad, strict=False))
    moved = level * unit(metric, kind, usual)
    return Shift(metric, kind, level / scale, worst[-1][0] / scale, moved, usual, worst[-1][1], before, len(window))


def harm_of(kind: Kind) -> int:
    """The direction that does harm: up, down (successes), or either."""
    if kind is Kind.SUCCESS:
        return -1
    return 0 if kind in (Kind.TRAFFIC, Kind.OTHER) else 1


def _badness(harm: int, moved: float) -> float:
    return harm * moved if harm else abs(moved)


def _at(ordered: Sequence[float], share: float) -> float:
    """A quantile, interpolated linearly."""
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)
