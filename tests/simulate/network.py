"""A network that delays, loses, repeats and reorders, between monitoring systems that do not give up and the inbox."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable

from engine.ports import Record
from engine.signals import Millis
from ingest.decoders import decode
from ingest.errors import Overloaded
from ingest.inbox import HttpInbox
from tests.simulate.plant import Request

PATIENCE: Millis = 10_000
"""A sender that has heard nothing for so long sends again."""


class Network:
    """``inbox`` answers which inbox is there now (None: connection refused). While ``troubled`` things go wrong."""

    def __init__(self, dice: random.Random, inbox: Callable[[], HttpInbox | None]) -> None:
        self._dice, self._inbox = dice, inbox
        self.now: Millis = 0
        self.troubled = True
        self.acknowledged: set[bytes] = set()
        self.delivered: dict[bytes, int] = {}
        self.faults = 0
        self._events: list[tuple[Millis, int, Callable[[], None]]] = []
        self._count = 0
        self._open = 0

    @property
    def next(self) -> Millis | None:
        """When something happens."""
        return self._events[0][0] if self._events else None

    @property
    def idle(self) -> bool:
        """Whether every sender has heard yes."""
        return not self._open

    def submit(self, request: Request) -> None:
        """A sender will send this until it hears yes."""
        self._open += 1
        self._at(request.at, lambda: self._send(request))

    def run(self, until: Millis) -> None:
        """Everything that happens by then."""
        while self._events and self._events[0][0] <= until:
            at, _, happen = heapq.heappop(self._events)
            self.now = max(self.now, at)
            happen()
        self.now = max(self.now, until)

    def _at(self, when: Millis, happen: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._events, (when, self._count, happen))

    def _unlucky(self, chance: float) -> bool:
        struck = self.troubled and self._dice.random() < chance
        self.faults += struck
        return struck

    def _send(self, request: Request) -> None:
        if request.body in self.acknowledged:
            return
        for _ in range(2 if self._unlucky(0.1) else 1):  # twice: a proxy that tried again
            if not self._unlucky(0.1):
                self._at(self.now + self._travel(), lambda: self._arrive(request))
        self._at(self.now + PATIENCE, lambda: self._send(request))

    def _travel(self) -> Millis:
        return self._dice.randint(1, 4_000 if self.troubled else 50)

    def _arrive(self, request: Request) -> None:
        inbox = self._inbox()
        if inbox is None:
            return
        self.delivered[request.body] = self.delivered.get(request.body, 0) + 1
        record = Record("http", request.format, request.body, decoded=decode(request.format, request.body))
        try:
            inbox.offer(record, lambda error: self._answer(request, error))
        except Overloaded:
            return  # 503: it sends again

    def _answer(self, request: Request, error: Exception | None) -> None:
        if error is None and not self._unlucky(0.15):
            self._at(self.now + self._travel(), lambda: self._hear(request))

    def _hear(self, request: Request) -> None:
        if request.body not in self.acknowledged:
            self.acknowledged.add(request.body)
            self._open -= 1
