"""What never changes at a ticketing system, so that it need not be read again: its notes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from engine.publish.ticketing.api import Unreadable

MOST = 5_000

Value = TypeVar("Value")


class Kept(Generic[Value]):
    """The values that were asked for last, by id. Thread-safe."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._guard = threading.Lock()
        self._values: OrderedDict[str, Value] = OrderedDict()

    def get(self, id: str, read: Callable[[], Value]) -> Value | None:
        """The value, read now if it is not there; None, and not kept, when it cannot be read: it is too long, say."""
        with self._guard:
            if id in self._values:
                self._values.move_to_end(id)
                return self._values[id]
        try:
            value = read()
        except Unreadable:
            return None
        with self._guard:
            self._values[id] = value
            if len(self._values) > self._most:
                self._values.popitem(last=False)
        return value
