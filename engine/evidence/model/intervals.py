"""How sure a share is that was counted: Wilson's interval, and what can be claimed where nothing was seen."""

from __future__ import annotations

from math import ceil, log, sqrt

import msgspec

Z = 1.959964
"""95 %, both sides."""
Z_ONE_SIDE = 1.644854
CONFIDENCE = 0.95


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """``hits`` of ``count``; the share and its 95 % interval are None where nothing was counted."""

    hits: int
    count: int
    value: float | None = None
    low: float | None = None
    high: float | None = None


def share(hits: int, count: int) -> Share:
    """A share with Wilson's score interval (E. B. Wilson, JASA 22 (1927) 209-212).

    >>> share(9, 10)
    Share(hits=9, count=10, value=0.9, low=0.5958, high=0.9821)
    """
    if count == 0:
        return Share(hits=hits, count=count)
    low, high = wilson(hits, count, Z)
    return Share(hits=hits, count=count, value=round(hits / count, 4), low=round(low, 4), high=round(high, 4))


def wilson(hits: float, count: float, z: float) -> tuple[float, float]:
    """The score interval of ``hits`` in ``count`` > 0 trials."""
    p = hits / count
    spread = z * sqrt(p * (1 - p) / count + z * z / (4 * count * count))
    middle = p + z * z / (2 * count)
    return max(0.0, (middle - spread) / (1 + z * z / count)), min(1.0, (middle + spread) / (1 + z * z / count))


def at_most(hits: int, count: int) -> float:
    """The share that 95 % sure is not exceeded; exact where there were no hits (the rule of three, 3 / count, is its
    approximation: Hanley and Lippman-Hand, JAMA 249 (1983) 1743-1745), Wilson's one-sided bound elsewhere.

    >>> round(at_most(0, 299), 4), at_most(0, 0)
    (0.01, 1.0)
    """
    if count == 0:
        return 1.0
    return 1 - (1 - CONFIDENCE) ** (1 / count) if hits == 0 else wilson(hits, count, Z_ONE_SIDE)[1]


def needed(most: float) -> int:
    """How many without a hit it takes to claim that the share is at most this.

    >>> needed(0.01)
    299
    """
    return ceil(log(1 - CONFIDENCE) / log(1 - most))
