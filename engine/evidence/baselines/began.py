"""Where the run of points began that leads up to a moment, for many series at once.

What was usual is taken from the points before the look-back, or, where those are too few, from those before the moment.
A run counts if it goes in the direction that does harm, holds up to the moment, has two points or more, and is news:
the history has no more than one episode that was nearly as bad (as `engine.evidence.shift` has it).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from engine.evidence.baselines.onset import HIT, LEAVE, onset
from engine.evidence.baselines.reading import HISTORY_NEEDED, Floats, history, points_of
from engine.evidence.baselines.rings import Ints
from engine.evidence.baselines.scale import usual
from engine.evidence.baselines.store import Store
from engine.signals import Millis

TRUST: Millis = 1_800_000
"""How far back the beginning of a deviation is looked for."""
HOLDS = 2
"""The last so many points up to the moment hold one that deviates …"""
LEAST = 2
"""… and the run has at least so many points."""
NEARLY, SOMETIMES = 0.7, 1
"""A point of the history this near to the worst is as bad; more such episodes, and it is no news."""


class Run(NamedTuple):
    """Of the series at ``place``: when its run began, the last point before (None: there is none), the worst point's
    value and score, what is usual, how far apart points lie (milliseconds), and how many the run has."""

    place: int
    at: Millis
    before: Millis | None
    usual: float
    seen: float
    score: float
    step: Millis
    points: int


def runs(store: Store, refs: Ints, harms: Sequence[int], around: Millis) -> Iterator[Run]:
    """The runs that lead up to ``around``; ``harms`` says for each series which direction does harm (0: either)."""
    times, values = points_of(store, refs)
    seen = np.isfinite(values) & (times <= around)
    past = history(times, values, around - TRUST)
    few = np.isfinite(past).sum(axis=1) < HISTORY_NEEDED
    past[few] = history(times, values, around)[few]
    centre, spread = usual(past)
    harm = np.array(harms, np.float64)[:, None]
    scores = (values - centre[:, None]) / spread[:, None]
    scores = np.where(harm == 0, scores, np.maximum(scores * harm, 0.0))
    told = np.isfinite(past).sum(axis=1) >= HISTORY_NEEDED
    strong = seen & (np.abs(scores) >= HIT) & (times >= around - TRUST)
    for place in np.flatnonzero(told & strong.any(axis=1)):
        rows = seen[place]
        found = _run(times[place][rows], values[place][rows], scores[place][rows])
        if found is None or found[0] < around - TRUST:
            continue
        at, before, value, score, step, points = found
        if _episodes(past[place], centre[place], spread[place], harms[int(place)], score) <= SOMETIMES:
            yield Run(int(place), at, before, float(centre[place]), value, score, step, points)


def _run(times: Ints, values: Floats, scores: Floats) -> tuple[Millis, Millis | None, float, float, Millis, int] | None:
    """(beginning, last point before it, worst value, its score, step, points) of the run that holds at the end."""
    if not (np.abs(scores[-HOLDS:]) >= HIT).any():
        return None
    at = onset(times, scores)
    if at is None:
        return None
    first = int(np.searchsorted(times, at))
    run = scores[first:]
    worst = first + int(np.argmax(np.abs(run)))
    points = int((np.abs(run) > LEAVE).sum())
    if points < LEAST:
        return None
    step = int(np.median(np.diff(times))) if len(times) > 1 else 0
    before = int(times[first - 1]) if first else None
    return at, before, float(values[worst]), round(abs(float(scores[worst])), 2), step, points


def _episodes(past: Floats, centre: float, spread: float, harm: int, score: float) -> int:
    known = (past[np.isfinite(past)] - centre) / spread
    bad = (known * harm if harm else np.abs(known)) >= NEARLY * score
    return int((bad & ~np.concatenate(([False], bad[:-1]))).sum())
