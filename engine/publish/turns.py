"""Looks of several kinds at one receiver, each in its turn while the receiver cannot take them all.

A receiver that takes five requests a minute, and six tickets to be looked at every minute for duplicates: without turns
what people write into those tickets would never be read.
"""

from __future__ import annotations

import threading


class Turns:
    """Thread-safe. A kind that `wants` a look and was not the last to have one goes before the one that was."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wanting: set[str] = set()
        self._last = ""

    def wants(self, kind: str, whether: bool) -> None:
        """Say whether there is anything of this kind to be looked at."""
        with self._lock:
            if whether:
                self._wanting.add(kind)
            else:
                self._wanting.discard(kind)

    def may(self, kind: str) -> bool:
        """Whether a look of this kind comes next: not twice in a row while others wait."""
        with self._lock:
            return self._last != kind or not self._wanting - {kind}

    def had(self, kind: str) -> None:
        """A look of this kind was answered; one that was refused for now keeps its turn."""
        with self._lock:
            self._last = kind
