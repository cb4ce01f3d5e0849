"""Flap detection by weighted state transitions, with hysteresis.

Nagios Core, base/flapping.c: the last 21 states give 20 possible transitions, weighted linearly from 0.75 (oldest) to
1.25 (newest); the share of weighted transitions is compared with a high and a low threshold (30 % and 20 % by
default). Icinga 2, lib/icinga/checkable-flapping.cpp: a ring of 20 bits, weighted 0.80 + 0.02·i. Our stream has no
fixed check cadence, so the state is looked at every tick (a minute unless declared); one change at most counts.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.signals import Millis
from rules.flapping import Flapping, Method

TRANSITIONS = 20
HISTORY = 21
FEWEST = 3
"""Fewer changes never reach a threshold that anybody sets."""
WEIGHTS: dict[Method, tuple[float, ...]] = {
    "nagios": tuple(0.75 + place * 0.5 / (TRANSITIONS - 1) for place in range(TRANSITIONS)),
    "icinga": tuple(0.80 + place * 0.02 for place in range(TRANSITIONS)),
}
USUAL = Flapping()


def share(changes: Sequence[bool], method: Method = "nagios") -> float:
    """Weighted share of the 20 latest transitions that were changes, oldest first, in percent.

    >>> share([True] * 20), share([True] * 20, "icinga")
    (100.0, 99.0)
    """
    weighed = sum(weight for weight, changed in zip(WEIGHTS[method], changes, strict=True) if changed)
    return round(100.0 * weighed / TRANSITIONS, 9)


def percent_change(flips: Sequence[tuple[Millis, bool]], now: Millis, how: Flapping = USUAL) -> float:
    """Weighted share of the last 20 ticks in which the state changed, in percent (0 … 100).

    ``flips`` are the changes of state, (time, firing) in order. A tick in which the state changed and changed back
    counts as a change.

    >>> percent_change([(0, True)], 20 * 60_000)
    0.0
    """
    begin = now - TRANSITIONS * how.tick
    changed = [False] * TRANSITIONS
    for at, _ in flips:
        if begin < at <= now:
            changed[(at - begin - 1) // how.tick] = True
    return share(changed, how.method)


def is_flapping(flips: Sequence[tuple[Millis, bool]], now: Millis, *, was: bool, how: Flapping = USUAL) -> bool:
    """With hysteresis: it starts at the high threshold (Icinga: above it) and stops at the low one or below it."""
    if len(flips) < FEWEST and not was:
        return False
    percent = percent_change(flips, now, how)
    if was:
        return percent > how.low
    return percent > how.high if how.method == "icinga" else percent >= how.high
