"""Four queues served by weight: deficit round robin over bytes (Shreedhar and Varghese, 1995,
https://doi.org/10.1145/217382.217453).

Within a lane the order is that of the offers. Each turn gives a lane bytes in proportion to its weight, so that a
thousand alerts need not wait behind a thousand bodies of telemetry a hundred times their size, and no lane starves.
"""

from __future__ import annotations

from collections import deque

from engine.ports import Record
from ingest.overload.policy import Lane

WEIGHTS = (8, 4, 2, 1)
"""By lane, most urgent first."""
QUANTUM = 4096
"""Bytes per turn and unit of weight: some five small alerts."""


class LaneQueues:
    """Not thread-safe."""

    def __init__(self, weights: tuple[int, ...] = WEIGHTS, quantum: int = QUANTUM) -> None:
        self._grants = tuple(weight * quantum for weight in weights)
        self._queues: tuple[deque[tuple[Record, int]], ...] = tuple(deque() for _ in weights)
        self._credit = [0] * len(weights)
        self._turn, self._granted = 0, False
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def push(self, lane: Lane, record: Record, size: int) -> None:
        """Put a record of so many bytes at the end of its lane."""
        self._queues[lane].append((record, size))
        self._length += 1

    def take(self, limit: int) -> list[Record]:
        """Up to ``limit`` records."""
        taken: list[Record] = []
        while self._length and len(taken) < limit:
            queue, lane = self._queues[self._turn], self._turn
            if len(queue) == self._length:  # nobody to be fair to
                some = [queue.popleft()[0] for _ in range(min(len(queue), limit - len(taken)))]
                taken += some
                self._length -= len(some)
                self._credit[lane] = 0
                continue
            if not self._granted:
                self._credit[lane] += self._grants[lane]
                self._granted = True
            while queue and len(taken) < limit and queue[0][1] <= self._credit[lane]:
                record, size = queue.popleft()
                self._credit[lane] -= size
                self._length -= 1
                taken.append(record)
            if not queue:
                self._credit[lane] = 0
            if not queue or len(taken) < limit:
                self._turn, self._granted = (lane + 1) % len(self._queues), False
        return taken

    def clear(self) -> list[Record]:
        """Take everything, lane by lane."""
        left = [record for queue in self._queues for record, _ in queue]
        for queue in self._queues:
            queue.clear()
        self._length = 0
        return left
