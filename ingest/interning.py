"""Bounded memory of pure functions: the same input costs one dictionary look-up."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Interned(dict[K, V], Generic[K, V]):
    """``interned[key]`` is ``make(key)``, computed at most once until the memory is full, then forgotten as a whole.

    ``entries`` bounds the number; keys longer than ``longest``, where given, are not remembered. An error of ``make``
    passes through and is not remembered. Because ``make`` is pure, forgetting changes no answer, only its cost; two
    threads at once at worst compute one answer twice.
    """

    def __init__(self, make: Callable[[K], V], *, entries: int, longest: int = 0) -> None:
        super().__init__()
        self._make = make
        self._entries = entries
        self._longest = longest

    def __missing__(self, key: K) -> V:
        value = self._make(key)
        if self._longest and len(key) > self._longest:  # type: ignore[arg-type]
            return value
        if len(self) >= self._entries:
            self.clear()
        self[key] = value
        return value
