"""Interleaved rounds: plain work, Headwater's work, plain work again; the median of the ratios."""

from __future__ import annotations

import gc
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import NamedTuple

Clock = Callable[[], int]
Ready = Callable[[], object]
"""Work that is ready to be timed."""


class Work(NamedTuple):
    """``units`` (alerts, lines, samples) of Headwater's work beside plain work; both are made ready outside of what is
    timed, anew for every round."""

    name: str
    units: int
    ours: Callable[[], Ready]
    plain: Callable[[], Ready]


class Figures(NamedTuple):
    """Of one work: the median ratio, the quartiles of the rounds' ratios, microseconds of CPU per unit."""

    ratio: float
    low: float
    high: float
    micros: float


def measure(works: Sequence[Work], rounds: int, clock: Clock = time.process_time_ns) -> dict[str, Figures]:
    """Figures by name; ``clock`` counts nanoseconds of CPU. One more round comes first, to warm up."""
    ratios: dict[str, list[float]] = defaultdict(list)
    micros: dict[str, list[float]] = defaultdict(list)
    gc.collect()
    gc.freeze()  # what was there before is nobody's garbage
    for turn in range(rounds + 1):
        for work in works:
            before, ours, after = (_timed(ready, clock) for ready in (work.plain, work.ours, work.plain))
            if turn:
                ratios[work.name].append(2 * ours / max(1, before + after))
                micros[work.name].append(ours / 1000 / work.units)
    gc.unfreeze()
    return {name: _figures(found, micros[name]) for name, found in ratios.items()}


def _timed(ready: Callable[[], Ready], clock: Clock) -> int:
    work = ready()
    gc.collect()
    gc.disable()  # when it comes is chance
    try:
        begun = clock()
        result = work()
        taken = clock() - begun
    finally:
        gc.enable()
    del result
    return taken


def _figures(ratios: list[float], micros: list[float]) -> Figures:
    low, middle, high = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else 3 * ratios
    return Figures(middle, low, high, statistics.median(micros))
