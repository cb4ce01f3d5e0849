"""What is likeliest so soon after a restoration that nothing can be stated: a leaning, never a gate.

What an incident does to series are stretches of at least `LASTING` samples that deviate in the direction that does
harm. Each counts, sample by sample, by the logarithm of its deviation, less where the series did the like before, and
less for what is merely busy than for what users feel. The sum over all series has a worst moment; the mean of its two
latest moments over that worst one says how much of the trouble is still there. One good sample after three bad ones
thus counts for half. The probability is a logistic function of that share; its middle and steepness were chosen on
the 47 ends of faults in Nezha's first day.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import exp

import msgspec
import numpy as np

from engine.evidence.baselines.scale import middle
from engine.evidence.kinds import Kind
from engine.recovery.window import Floats, Ints
from engine.recovery.words import Recovery
from engine.signals import Millis

HOT = 3.0
"""Robust standard deviations."""
LASTING = 3
LIKE = 0.7
"""A stretch before whose least deviation is this share of another's was like it."""
MOST_TOLD = 5.0
"""The most that one sample of one series counts."""
WEIGHTS = {Kind.LATENCY: 1.0, Kind.ERRORS: 1.0, Kind.SUCCESS: 1.0, Kind.SATURATION: 0.25}
"""Other kinds say nothing: traffic falls and rises for good reasons."""
LATEST = 2
"""Samples that say how it is now."""
BACK = 6
"""Samples back to which the worst moment is looked for."""
MIDDLE, STEEPNESS = 0.32, 10.0
SUREST = 0.95
"""A leaning is never surer: that is how often it was right where it was chosen."""
UNSEEN = 0.4
"""Probability that it is still degraded where no series shows any trouble."""
FEWEST = 12
"""Samples before, without which a series is not looked at."""


class Track(msgspec.Struct, frozen=True, kw_only=True):
    """A series before the incident, and since: values without NaN, in order of time."""

    kind: Kind
    before: Floats
    times: Ints
    values: Floats


class Leaning(msgspec.Struct, frozen=True):
    """The likelier of `restored` and `residual_degradation`, its probability, how much of the trouble is still there (0
    to 1), and how many series showed any."""

    verdict: Recovery
    probability: float
    present: float
    series: int


def lean(tracks: Iterable[Track], now: Millis, step: Millis) -> Leaning:
    """What is likeliest at ``now``, from samples ``step`` apart.

    >>> bad, good, times = np.full(4, 9.0), np.full(4, 1.0), np.arange(8) * 60_000
    >>> usual = np.array([1.0, 1.1, 0.9, 1.0] * 10)
    >>> back = Track(kind=Kind.LATENCY, before=usual, times=times, values=np.concatenate([bad, good]))
    >>> stays = Track(kind=Kind.LATENCY, before=usual, times=times, values=np.concatenate([good, bad]))
    >>> lean([back], 420_000, 60_000).verdict.value, lean([stays], 420_000, 60_000).verdict.value
    ('restored', 'residual_degradation')
    """
    moments = np.zeros(BACK + 1)
    series = 0
    for track in tracks:
        told = _told(track, now, step)
        series += bool(told.any())
        moments += told
    worst = float(moments.max())
    present = float(moments[:LATEST].mean()) / worst if worst > 0 else 0.0
    degraded = 1 / (1 + exp(-STEEPNESS * (present - MIDDLE))) if worst > 0 else UNSEEN
    verdict = Recovery.RESIDUAL_DEGRADATION if degraded > 0.5 else Recovery.RESTORED
    return Leaning(verdict, round(min(SUREST, max(degraded, 1 - degraded)), 3), round(present, 3), series)


def _told(track: Track, now: Millis, step: Millis) -> Floats:
    """What a series adds, by the number of samples before ``now``."""
    moments = np.zeros(BACK + 1)
    weight = WEIGHTS.get(track.kind, 0.0)
    if not weight or len(track.before) < FEWEST or not len(track.values):
        return moments
    centre, spread = (float(one[0]) for one in middle(track.before[None, :]))
    sign = -1.0 if track.kind is Kind.SUCCESS else 1.0
    usual = stretches(sign * (track.before - centre) / spread, 2)
    scores = sign * (track.values - centre) / spread
    for begin, end in stretches(scores, LASTING):
        least = float(scores[begin:end].min())
        like = sum(_least(track, usual_stretch, centre, spread, sign) >= LIKE * least for usual_stretch in usual)
        for place in range(begin, end):
            ago = round((now - int(track.times[place])) / step)
            if 0 <= ago <= BACK:
                moments[ago] += weight * min(MOST_TOLD, 1 + float(np.log2(scores[place] / HOT))) / (1 + like)
    return moments


def _least(track: Track, stretch: tuple[int, int], centre: float, spread: float, sign: float) -> float:
    begin, end = stretch
    return float((sign * (track.before[begin:end] - centre) / spread).min())


def stretches(scores: Floats, shortest: int) -> Sequence[tuple[int, int]]:
    """Where at least ``shortest`` successive scores are beyond `HOT`: (first, one after the last).

    >>> stretches(np.array([0.0, 4.0, 5.0, 0.0, 9.0]), 2)
    [(1, 3)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], scores > HOT, [False]]).astype(np.int8)))
    return [(int(begin), int(end)) for begin, end in edges.reshape(-1, 2) if end - begin >= shortest]
