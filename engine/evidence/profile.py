"""What telemetry shows of one entity around a moment: its worst shift of each kind, and how much it is asked to do."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

import msgspec

from engine.evidence.kinds import FELT, Kind, counts_calls, family, kind_of
from engine.evidence.shift import Shift, shift
from engine.evidence.telemetry import Telemetry
from engine.signals import Millis

DEVIATES = 5.0
"""Standard deviations from which a series counts as deviating."""
USUAL_SOMETIMES = 1
"""Episodes as bad in the history beyond which that is no news."""
STEPS = 1.5
"""Sampling intervals before an onset that belong to the window: an alert fires at the sample that shows it or later."""
LEAD: Millis = 60_000
RECENT = 12
"""Points from which the sampling interval is taken."""


class Profile(msgspec.Struct, frozen=True):
    """``shifts`` by kind (success and errors are one), ``usual_latency`` the largest usual one, ``calls`` per sample;
    ``measured``: some series says something. ``step`` is how often it is sampled, in milliseconds (0: unknown)."""

    shifts: dict[Kind, Shift] = {}
    all: tuple[Shift, ...] = ()
    usual_latency: float = 0.0
    calls: float | None = None
    step: Millis = 0

    @property
    def measured(self) -> bool:
        """Does any series say something?"""
        return bool(self.shifts)

    def felt(self) -> Shift | None:
        """The worst shift that consumers feel, if it is a deviation and news."""
        found = [s for s in self.all if s.kind in FELT and deviates(s)]
        return max(found, key=lambda s: (s.score, s.metric), default=None)

    def other(self, than: Kind, metric: str) -> Shift | None:
        """The worst deviation of another kind than ``than``, not of that metric itself."""
        found = [s for s in self.all if family(s.kind) is not family(than) and s.metric != metric and deviates(s)]
        found = [s for s in found if s.kind not in (Kind.TRAFFIC, Kind.OTHER)]
        return max(found, key=lambda s: (s.score, s.metric), default=None)

    def of(self, metric: str) -> Shift | None:
        """The shift of one metric."""
        return next((s for s in self.all if s.metric == metric), None)


NOTHING = Profile()


def deviates(found: Shift) -> bool:
    """Is it a deviation, and news?"""
    return found.score >= DEVIATES and found.before <= USUAL_SOMETIMES


class Profiles:
    """Profiles of entities, each made once; for one look at one domain, as of ``now``."""

    def __init__(self, telemetry: Telemetry, now: Millis) -> None:
        self._telemetry = telemetry
        self._now = now
        self._known: dict[tuple[str, Millis, Millis], Profile] = {}

    def has(self, entity: str) -> bool:
        """Is anything measured of it?"""
        return entity in self._telemetry.series

    def around(self, entity: str, start: Millis, until: Millis) -> Profile:
        """From shortly before ``start`` (by its sampling interval) to ``until``."""
        until = min(until, self._now)
        key = (entity, start, until)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._make(entity, start, until) if self.has(entity) else NOTHING
        return known

    def _make(self, entity: str, start: Millis, until: Millis) -> Profile:
        found: list[Shift] = []
        calls = [0.0, 0.0]
        step: Millis = 0
        for metric, history, window, every in _split(self._telemetry, entity, start, until):
            kind = kind_of(metric)
            step = max(step, every)
            if counts_calls(metric) and history:
                calls = [calls[0] + sum(history), calls[1] + len(history)]
            moved = shift(metric, kind, history, window)
            if moved is not None:
                found.append(moved)
        shifts: dict[Kind, Shift] = {}
        for moved in found:
            kind = family(moved.kind)
            if kind not in shifts or (moved.score, moved.metric) > (shifts[kind].score, shifts[kind].metric):
                shifts[kind] = moved
        usual = max((s.usual for s in found if s.kind is Kind.LATENCY), default=0.0)
        return Profile(shifts, tuple(found), usual, calls[0] / calls[1] if calls[1] else None, step)


def _split(
    telemetry: Telemetry, entity: str, start: Millis, until: Millis
) -> Iterator[tuple[str, list[float], list[float], Millis]]:
    """(metric, history, window, sampling interval) of every series of an entity."""
    for series in telemetry.series[entity].values():
        times = series.times
        few = times[-RECENT:]
        every = (few[-1] - few[0]) // (len(few) - 1) if len(few) > 1 else 0
        since = start - max(LEAD, int(STEPS * every))
        low, high = bisect_left(times, since), bisect_left(times, until + 1)
        yield series.metric, series.before(since), list(series.values[low:high]), every
