"""The timer queue of law 3: timers fire in (due, kind, key) order, each with ``now`` equal to its due time."""

from __future__ import annotations

import heapq

from engine.signals import Millis

Timer = tuple[Millis, str, str]
"""(due, kind, key)"""


class TimerQueue:
    """A heap of timers. Setting a timer again moves it; a moved or cancelled one never fires.

    >>> queue = TimerQueue()
    >>> queue.set(30, "expiry", "7")
    >>> queue.set(10, "settle", "shop")
    >>> queue.due()
    10
    >>> queue.pop(20)
    (10, 'settle', 'shop')
    >>> queue.pop(20) is None
    True
    """

    __slots__ = ("_due", "_heap")

    def __init__(self, timers: list[Timer] | None = None) -> None:
        self._heap: list[Timer] = []
        self._due: dict[tuple[str, str], Millis] = {}
        for due, kind, key in timers or ():
            self.set(due, kind, key)

    def set(self, due: Millis, kind: str, key: str) -> None:
        """Fire at ``due``, instead of any earlier setting of (kind, key)."""
        if self._due.get((kind, key)) != due:
            self._due[kind, key] = due
            heapq.heappush(self._heap, (due, kind, key))

    def cancel(self, kind: str, key: str) -> None:
        """Never fire, unless set again."""
        self._due.pop((kind, key), None)

    def pending(self, kind: str, key: str) -> bool:
        """Is (kind, key) set?"""
        return (kind, key) in self._due

    def when(self, kind: str, key: str) -> Millis | None:
        """When (kind, key) is due; None when it is not set."""
        return self._due.get((kind, key))

    def due(self) -> Millis | None:
        """When the next timer is due."""
        heap = self._heap
        while heap and self._due.get(heap[0][1:]) != heap[0][0]:
            heapq.heappop(heap)
        return heap[0][0] if heap else None

    def pop(self, now: Millis) -> Timer | None:
        """The next timer due by ``now``, taken out; None when there is none."""
        due = self.due()
        if due is None or due > now:
            return None
        timer = heapq.heappop(self._heap)
        del self._due[timer[1:]]
        return timer

    def shift(self, kinds: frozenset[str], after: Millis, by: Millis) -> None:
        """Move all timers of these kinds that are due later than ``after``."""
        for (kind, key), due in list(self._due.items()):
            if kind in kinds and due > after:
                self.set(due + by, kind, key)

    def snapshot(self) -> list[Timer]:
        """All timers, sorted."""
        return sorted((due, kind, key) for (kind, key), due in self._due.items())
