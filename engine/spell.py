"""The spell of one alert: what its events say together, whatever the order in which they came.

A *spell* is a run of firing times of one fingerprint with gaps shorter than `linger`. All that later stages need of
it is kept as maxima and minima over the set of its events, so late, repeated and reordered events (within the
allowed lateness) lead to the same spell (law 4).
"""

from __future__ import annotations

from enum import Enum

import msgspec

from engine.flapping import HISTORY, USUAL
from engine.signals import Millis

NEVER: Millis = 1 << 62


class Step(Enum):
    """What one event did to its alert."""

    NEW = "new"  # the first event of a new spell
    REPEAT = "repeat"  # nothing but perhaps a later expiry
    REFIRED = "refired"  # firing again inside the spell
    ENDED = "ended"  # resolved
    LATE = "late"  # about a time that later events have overtaken


class Spell(msgspec.Struct, gc=False, array_like=True):
    """Event times in milliseconds. ``start`` is the earliest firing, ``last_fire`` the latest one,
    ``last_end`` the latest explicit resolution (0: none), ``expires`` the latest announced expiry, ``flips`` the
    changes of state after ``start``."""

    start: Millis
    last_fire: Millis
    last_end: Millis = 0
    expires: Millis = 0
    flips: tuple[tuple[Millis, bool], ...] = ()

    def firing(self, now: Millis) -> bool:
        """Is it firing at ``now``?"""
        return self.last_fire > self.last_end and now < self.expires

    @property
    def since(self) -> Millis:
        """When it began to fire for the last time."""
        if not self.flips:
            return self.start
        return max((at for at, firing in self.flips if firing), default=self.start)

    def end(self, now: Millis) -> Millis | None:
        """When it ended, None while it fires."""
        if self.last_end >= self.last_fire:
            return self.last_end
        return None if now < self.expires else self.expires

    def fire(self, start: Millis, expires: Millis, now: Millis, tick: Millis = USUAL.tick) -> Step:
        """A firing event of this spell; ``tick`` as in `rules.flapping`."""
        was = self.firing(now)
        lapsed = self.expires if not was and self.last_fire > self.last_end else None
        self.expires = max(self.expires, expires)
        self.start = min(self.start, start)
        self.last_fire = max(self.last_fire, start)
        if not was and self.firing(now):
            if lapsed is not None:  # it was not sent again, and has ended by that
                self._flip(lapsed, tick, firing=False)
            self._flip(start if lapsed is None else max(start, lapsed + 1), tick, firing=True)
            return Step.REFIRED
        return Step.REPEAT if self.firing(now) else Step.LATE

    def resolve(self, start: Millis | None, end: Millis, now: Millis, tick: Millis = USUAL.tick) -> Step:
        """A resolved event of this spell; ``tick`` as in `rules.flapping`."""
        was = self.firing(now)
        if start is not None and start < self.start:
            self.start = start
        self.last_end = max(self.last_end, end)
        if self.last_fire > self.last_end:
            return Step.LATE
        if was:
            self._flip(end, tick, firing=False)
            return Step.ENDED
        return Step.LATE

    def _flip(self, at: Millis, tick: Millis, *, firing: bool) -> None:
        """Keep the first change of each tick: more of them would not count (`engine.flapping`)."""
        by_tick = {when // tick: (when, how) for when, how in sorted({*self.flips, (at, firing)}, reverse=True)}
        self.flips = tuple(sorted(by_tick.values()))[-HISTORY:]


def joined_spells(one: Spell, other: Spell) -> Spell:
    """Two spells of one fingerprint that are one: what their events say together.

    >>> joined_spells(Spell(10, 10, 0, 99), Spell(20, 20, 30, 99)).end(40)
    30
    """
    flips = tuple(sorted({*one.flips, *other.flips}))[-HISTORY:]
    return Spell(
        min(one.start, other.start),
        max(one.last_fire, other.last_fire),
        max(one.last_end, other.last_end),
        max(one.expires, other.expires),
        flips,
    )
