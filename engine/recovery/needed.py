"""How much longer it takes until something can be said.

An interval's half width shrinks as the root of 1/a + 1/b, the worth of both sides. It has to become small enough for
the distance to the margin, with four chances in five that the answer then comes.
"""

from __future__ import annotations

from math import ceil, inf, isfinite

from engine.recovery.difference import Difference

POWER = 0.66
"""Share of the distance that the half width may have: 1.645 / (1.645 + 0.842)."""
NEAREST = 0.25
"""Share of the margin that the distance counts as at least."""
FEW, WIDE = 30.0, 2.0
"""Of fewer samples the interval is wider than it will be: at most so many standard deviations count."""
LONGEST = 24 * 60
"""Minutes beyond which waiting is no answer."""
MINUTE = 60_000


def minutes_more(found: Difference, sigma: float, margin: float, worse: float, count: int, interval: int) -> int | None:
    """Minutes until the verdict, given ``count`` samples ``interval`` ms apart; None: not within a day, or never with
    this baseline. ``worse`` is the estimate in the direction that does harm, ``sigma`` of samples in the same unit."""
    distance = max(abs(margin - max(worse, 0.0)), NEAREST * margin)
    half = max(found.high - found.estimate, found.estimate - found.low)
    now = 1 / max(found.worth_before, 1e-9) + 1 / max(found.worth_after, 1e-9)
    unit = half * half / now if isfinite(half) and half > 0 else inf
    if found.method == "hodges_lehmann" and found.worth_after < FEW:
        unit = min(unit, (WIDE * sigma) ** 2)
    if not 0 < unit < inf:
        return 1 if unit <= 0 else None
    left = (POWER * distance) ** 2 / unit - 1 / max(found.worth_before, 1e-9)
    if left <= 0:
        return None
    samples = count / max(found.worth_after, 1e-9) / left - count
    return minutes_to(samples, interval)


def minutes_to(samples: float, interval: int) -> int | None:
    """Minutes until there are so many more samples."""
    found = samples * interval / MINUTE if isfinite(samples) else inf
    return max(1, ceil(found)) if found <= LONGEST else None
