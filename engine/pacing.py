"""How loops that failed wait before they try again: a clock that only moves on, chance, and a way to wait."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import msgspec


class Pacing(msgspec.Struct, frozen=True):
    """Handed in, so that a simulation decides about all three. Times in seconds; ``chance`` is in [0, 1)."""

    monotonic: Callable[[], float] = time.monotonic
    chance: Callable[[], float] = random.random
    sleep: Callable[[float], None] = time.sleep

    def within(self, seconds: float) -> float:
        """A moment in the second half of so many seconds from now: so that not all come back at once."""
        return self.monotonic() + seconds * (0.5 + self.chance() / 2)
