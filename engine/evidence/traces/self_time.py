"""Self time: what a span lasts without the union of its children.

The children's intervals are kept merged and sorted, so that a child may come at any time and costs a binary search.
A child that ran elsewhere has another clock. Where its interval does not lie within its parent's, it is moved to the
middle of it, as Jaeger's clock skew adjuster does
(https://github.com/jaegertracing/jaeger/tree/main/internal/uimodel/adjuster): no time of one host is ever subtracted
from a time of another. What a child lasts beyond its parent counts for nothing.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from engine.evidence.traces.tally import Micros


def within(start: Micros, duration: Micros, child: Micros, lasted: Micros, *, remote: bool) -> tuple[Micros, Micros]:
    """(from, to) of a child inside its parent, in microseconds since the parent's start; empty when from = to.

    >>> within(1000, 100, 1020, 30, remote=False), within(1000, 100, 990, 30, remote=False)
    ((20, 50), (0, 20))
    >>> within(1000, 100, 9_000_000, 30, remote=True), within(1000, 100, 0, 300, remote=True)
    ((35, 65), (0, 100))
    """
    low, high = child - start, child - start + lasted
    if remote and (low < 0 or high > duration):
        low = max(0, (duration - lasted) // 2)
        high = low + lasted
    low = min(max(low, 0), duration)
    return low, min(max(high, low), duration)


def cover(intervals: list[Micros], low: Micros, high: Micros) -> None:
    """Add an interval to a flat list of disjoint sorted ones [from, to, from, to, …], in place.

    >>> found = [0, 10, 20, 30]
    >>> cover(found, 10, 15); cover(found, 40, 50); cover(found, 25, 42); found
    [0, 15, 20, 50]
    """
    if low >= high:
        return
    first = bisect_left(intervals, low)
    last = bisect_right(intervals, high)
    # An odd place lies inside an interval (or at its end): it is extended instead of a new one begun.
    replacement = [] if first % 2 else [low]
    if last % 2 == 0:
        replacement.append(high)
    intervals[first:last] = replacement


def covered(intervals: list[Micros]) -> Micros:
    """The sum of disjoint intervals."""
    return sum(intervals[1::2]) - sum(intervals[::2])
