"""How often somebody may ask: a token bucket for each name. Pure; time is an argument, in milliseconds."""

from __future__ import annotations

from collections import OrderedDict

MOST = 10_000
"""Names that are remembered; the one that was heard of longest ago is forgotten first, and starts full again."""


class Buckets:
    """``second`` tokens flow into each bucket per second, up to ``burst``; a request takes one.

    >>> buckets = Buckets(2, 1)
    >>> buckets.take("ann", 0), buckets.take("ann", 0), buckets.take("ann", 500)
    (0.0, 0.5, 0.0)
    """

    def __init__(self, second: float, burst: float) -> None:
        self._second, self._burst = second, burst
        self._levels: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def take(self, name: str, now: int) -> float:
        """0 when a token was there, else the seconds until one will be."""
        level, then = self._levels.pop(name, (self._burst, now))
        level = min(self._burst, level + max(0, now - then) * self._second / 1000)
        taken = level >= 1
        self._levels[name] = (level - 1 if taken else level, now)
        if len(self._levels) > MOST:
            self._levels.popitem(last=False)
        return 0.0 if taken else (1 - level) / self._second
