"""What telemetry shows of one entity around a moment: its worst shift of each kind, and how much it is asked to do."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.evidence.baselines.reading import points_of
from engine.evidence.kinds import FELT, Kind, counts_calls, family, kind_of
from engine.evidence.shift import Shift
from engine.evidence.shifts import shifts, split
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
TOGETHER = 1000
"""Entities whose profiles are made at once."""


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
        return max(found, key=lambda s: (s.peak, s.metric), default=None)

    def other(self, than: Kind, metric: str, besides: Collection[str] = ()) -> Shift | None:
        """The worst deviation of another kind than ``than``, not of that metric itself nor of those ``besides``."""
        left_out = {metric, *besides}
        found = [s for s in self.all if family(s.kind) is not family(than) and s.metric not in left_out and deviates(s)]
        found = [s for s in found if s.kind not in (Kind.TRAFFIC, Kind.OTHER)]
        return max(found, key=lambda s: (s.peak, s.metric), default=None)

    def of(self, metric: str) -> Shift | None:
        """The shift of one metric."""
        return next((s for s in self.all if s.metric == metric), None)


NOTHING = Profile()


def deviates(found: Shift) -> bool:
    """Is it a deviation, and news?"""
    return found.peak >= DEVIATES and found.before <= USUAL_SOMETIMES


class Profiles:
    """Profiles of entities, each made once; for one look at one domain, as of ``now``."""

    def __init__(self, telemetry: Telemetry, now: Millis) -> None:
        self._telemetry = telemetry
        self._now = now
        self._known: dict[tuple[str, Millis, Millis], Profile] = {}
        self._plain: dict[tuple[str, Millis, Millis], Profile] = {}
        self._feels: dict[tuple[str, Millis, Millis], bool] = {}

    def has(self, entity: str) -> bool:
        """Is anything measured of it?"""
        return entity in self._telemetry.series

    def around(self, entity: str, start: Millis, until: Millis) -> Profile:
        """From shortly before ``start`` (by its sampling interval) to ``until``."""
        until = min(until, self._now)
        key = (entity, start, until)
        known = self._known.get(key)
        if known is None:
            if not self.has(entity):
                return NOTHING
            self.fetch((entity,), start, until)
            known = self._known[key]
        return known

    def feels(self, entity: str, start: Millis, until: Millis) -> bool:
        """Does it show what consumers feel?"""
        key = (entity, start, until)
        known = self._feels.get(key)
        if known is None:
            known = self._feels[key] = self.around(entity, start, until).felt() is not None
        return known

    def fetch(self, entities: Iterable[str], start: Millis, until: Millis) -> None:
        """Make the profiles of many entities at once: the same as one by one, for a fraction of the cost."""
        self.fetch_each((one, start, until) for one in entities)

    def fetch_each(self, asked: Iterable[tuple[str, Millis, Millis]]) -> None:
        """The same, each (entity, start, until) in a window of its own."""
        keys = dict.fromkeys((entity, start, min(until, self._now)) for entity, start, until in asked)
        missing = [key for key in keys if key not in self._known and self.has(key[0])]
        for begin in range(0, len(missing), TOGETHER):
            some = missing[begin : begin + TOGETHER]
            self._plain = dict(zip(some, self._make_together(some), strict=True))
            self._known |= {key: self._make(*key) for key in some}
        self._plain = {}

    def _make(self, entity: str, start: Millis, until: Millis) -> Profile:
        """One of those that were made together, as it is used."""
        return self._plain[entity, start, until]

    def _make_together(self, keys: list[tuple[str, Millis, Millis]]) -> Iterator[Profile]:
        telemetry = self._telemetry
        telemetry.store.flush()
        members = [telemetry.series[entity].refs for entity, _, _ in keys]
        refs = [ref for of_one in members for ref in of_one]
        metrics = [telemetry.metric(ref) for ref in refs]
        kinds = [kind_of(metric) for metric in metrics]
        lengths = [len(of_one) for of_one in members]
        starts = np.repeat(np.array([start for _, start, _ in keys]), lengths)
        untils = np.repeat(np.array([until for _, _, until in keys]), lengths)
        times, values = points_of(telemetry.store, np.array(refs, np.int64))
        parts = split(times, values, starts, untils, lead=LEAD, steps=STEPS, recent=RECENT)
        every, moved = parts.every.tolist(), shifts(metrics, kinds, parts)
        row = 0
        for length in lengths:
            end = row + length
            calls = [parts.history[n] for n in range(row, end) if counts_calls(metrics[n])]
            found = [one for one in moved[row:end] if one is not None]
            yield _profile(found, calls, max(every[row:end], default=0))
            row = end


def _profile(found: list[Shift], calls: list[NDArray[np.float64]], step: Millis) -> Profile:
    """Of an entity's shifts, and the histories of what it is asked to do."""
    shifts_by: dict[Kind, Shift] = {}
    for moved in found:
        kind = family(moved.kind)
        if kind not in shifts_by or (moved.score, moved.metric) > (shifts_by[kind].score, shifts_by[kind].metric):
            shifts_by[kind] = moved
    usual = max((s.usual_level for s in found if s.kind is Kind.LATENCY), default=0.0)
    total, count = 0.0, 0
    for history in calls:
        values = history[np.isfinite(history)].tolist()
        total, count = total + sum(values), count + len(values)
    return Profile(shifts_by, tuple(found), usual, total / count if count else None, step)


class Around:
    """Profiles around one moment."""

    def __init__(self, profiles: Profiles, start: Millis, until: Millis) -> None:
        self._profiles = profiles
        self._start, self._until = start, until

    def __call__(self, entity: str) -> Profile:
        """Of one entity."""
        return self._profiles.around(entity, self._start, self._until)

    def fetch(self, entities: Iterable[str]) -> None:
        """Make those of many at once, which will be asked for."""
        self._profiles.fetch(entities, self._start, self._until)
