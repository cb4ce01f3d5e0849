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

    def take(self, kind: str, *, scarce: bool) -> bool:
        """Whether a look of this kind may be made now; while looks are ``scarce`` not twice in a row if others wait."""
        with self._lock:
            if scarce and self._last == kind and self._wanting - {kind}:
                return False
            self._last = kind
            return True
