"""Flap detection by Nagios' weighted state transitions, with hysteresis.

Nagios Core, base/flapping.c: the last 21 states give 20 possible transitions, weighted linearly from 0.75 (oldest) to
1.25 (newest); the share of weighted transitions is compared with a high and a low threshold (30 % and 20 % by
default). Our stream has no fixed check cadence, so the state is resampled every minute.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.signals import Millis

TICK: Millis = 60_000
TRANSITIONS = 20
HISTORY = 21
LOW, HIGH = 20.0, 30.0


def percent_change(flips: Sequence[tuple[Millis, bool]], now: Millis) -> float:
    """Weighted share of state changes in the last 20 minutes, in percent (0 … 100).

    ``flips`` are the changes of state, (time, firing) in order. A minute in which the state changed and changed back
    counts as a change.

    >>> percent_change([(0, True)], 20 * 60_000)
    0.0
    """
    begin = now - TRANSITIONS * TICK
    total = 0.0
    for place in range(TRANSITIONS):
        low, high = begin + place * TICK, begin + (place + 1) * TICK
        if any(low < at <= high for at, _ in flips):
            total += 0.75 + place * 0.5 / (TRANSITIONS - 1)
    return 100.0 * total / TRANSITIONS


def is_flapping(flips: Sequence[tuple[Millis, bool]], now: Millis, *, was: bool) -> bool:
    """With hysteresis: it starts at 30 % and stops at 20 %."""
    if len(flips) < 3 and not was:
        return False
    percent = percent_change(flips, now)
    return percent > LOW if was else percent >= HIGH
