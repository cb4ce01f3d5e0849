"""What the store's points say of a window of time: how far from usual, or why they cannot be used."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.evidence.baselines.counters import rates, rises_only
from engine.evidence.baselines.rings import Ints
from engine.evidence.baselines.scale import SHARE, TINY, middle, usual
from engine.evidence.baselines.seasons import HOUR
from engine.evidence.baselines.store import Store
from engine.evidence.baselines.units import LASTING, changed_unit
from engine.signals import Millis

LEAD: Millis = 900_000
"""What is taken for usual ends so long before the window, where there is that much history."""
LATEST = 5
"""Points whose median is what a series shows now."""
HISTORY_NEEDED = 8
"""Points before the window without which a series says nothing."""
SUSPECT = 5.0
"""From this many spreads on a change of the unit is looked for."""
Floats = NDArray[np.float64]
WARMING, SILENT, ENDED, UNIT = "warming", "no_samples", "ended", "unit_change"


class Reading(msgspec.Struct):
    """Per series: the signed score (NaN: none), what is usual and its spread, what was seen, in how many points.

    ``seasonal`` where the hour of the week explains more than the trailing points; ``why`` a series says nothing.
    """

    score: Floats
    usual: Floats
    spread: Floats
    seen: Floats
    samples: Ints
    seasonal: NDArray[np.bool_]
    why: list[str]


def points_of(store: Store, refs: Ints) -> tuple[Ints, Floats]:
    """Times and values; what looks like a counter as rates."""
    times, values = store.points(refs)
    counters = rises_only(values) & ((refs & 1) == 0)
    if counters.any():
        values[counters] = rates(times[counters], values[counters])
    return times, values


def history(times: Ints, values: Floats, since: Millis | Ints) -> Floats:
    """The points that tell what was usual before a moment (of each row), all others NaN."""
    lead = np.where(times < since - LEAD, values, np.nan)
    before = np.where(times < since, values, np.nan)
    enough = np.isfinite(lead).sum(axis=1) >= HISTORY_NEEDED
    return np.where(enough[:, None], lead, before)


def read(store: Store, refs: Ints, since: Millis, until: Millis | None = None) -> Reading:
    """Series in ``since … until`` against what was before; without ``until`` their `LATEST` points since then."""
    times, values = points_of(store, refs)
    inside = (times >= since) & np.isfinite(values)
    if until is None:
        inside[:, :-LATEST] = False
    else:
        inside &= times <= until
    window = np.where(inside, values, np.nan)
    samples = inside.sum(axis=1)
    past = history(times, values, since)
    centre, spread = usual(past)
    seen = middle(window)[0]
    told = (np.isfinite(past).sum(axis=1) >= HISTORY_NEEDED) & (samples > 0)
    score = np.where(told, (seen - centre) / spread, np.nan)
    why = _why(store, refs, told, samples)
    seasonal = _by_season(store, refs, np.where(inside, times, 0), score, centre, spread, seen)
    for place in np.flatnonzero((np.abs(score) >= SUSPECT) & (samples >= LASTING)):
        if changed_unit(float(centre[place]), float(spread[place]), window[place]) is not None:
            score[place], why[place] = np.nan, UNIT
    return Reading(score, centre, spread, seen, samples, seasonal, why)


def _by_season(
    store: Store, refs: Ints, times: Ints, score: Floats, centre: Floats, spread: Floats, seen: Floats
) -> NDArray[np.bool_]:
    """A deviation that the hour of the week explains is none: of the two scores the one nearer to 0 holds."""
    median, wide = store.at_hour(refs, times.max(axis=1) // HOUR)
    wide = np.maximum(wide, np.maximum(SHARE * np.abs(median), TINY))
    other = (seen - median) / wide
    apart = np.isfinite(other) & (np.sign(other) != np.sign(score))
    better: NDArray[np.bool_] = apart | (np.isfinite(other) & (np.abs(other) < np.abs(score)))
    score[better] = np.where(apart, 0.0, other)[better]
    centre[better], spread[better] = median[better], wide[better]
    return better


def _why(store: Store, refs: Ints, told: NDArray[np.bool_], samples: Ints) -> list[str]:
    found = []
    for place, usable in enumerate(told):
        if usable:
            found.append("")
        elif samples[place]:
            found.append(WARMING)
        else:
            found.append(ENDED if int(refs[place]) in store.ended else SILENT)
    return found
