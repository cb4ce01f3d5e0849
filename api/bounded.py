"""Heavy analyses: one at a time, in the thread that asks, with the answers kept for the version they are of."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TypeVar, cast

from api.errors import overloaded

KEPT = 16
"""Answers."""
PATIENCE = 2.0
"""Seconds to wait for another analysis to end."""
LATER = 5.0
"""Seconds after which to ask again."""

Answer = TypeVar("Answer")


class Analyses:
    """A question is a hashable value that names the version of the topology it is about."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._running = threading.Lock()
        self._kept: OrderedDict[Hashable, object] = OrderedDict()

    def answer(self, question: Hashable, analyse: Callable[[], Answer]) -> Answer:
        """The kept answer, or a new one. Raises `api.errors.Problem` (503) while another analysis takes long."""
        found = self._kept.get(question)
        if found is None:
            if not self._running.acquire(timeout=self._patience):
                raise overloaded("Another analysis is running; they run one at a time.", LATER)
            try:
                found = self._kept.get(question) or analyse()
                self._kept[question] = found
                while len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
            finally:
                self._running.release()
        return cast(Answer, found)  # a question is of one analysis
