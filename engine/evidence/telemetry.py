"""What series show of an entity: how far from usual around a moment, since when, and what could not be used.

Deviation = (median of the window - median of the history) / spread: a robust z-score with floors (`baselines.scale`),
signed. The history ends some time before the window, as an alert fires some time after its trouble began; where the
hour of the week is known and explains more, it stands for the history. All answers depend on the samples alone, not on
their order (within the allowed lateness).
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import repeat
from operator import attrgetter
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.evidence.baselines import onset as onsets
from engine.evidence.baselines.began import TRUST, Run, runs
from engine.evidence.baselines.counters import is_counter
from engine.evidence.baselines.detector import Watched
from engine.evidence.baselines.packing import packed, unpacked
from engine.evidence.baselines.reading import HISTORY_NEEDED, LEAD, Reading, history, points_of, read
from engine.evidence.baselines.rings import COARSE_SLOTS, Ints
from engine.evidence.baselines.scale import usual
from engine.evidence.baselines.store import Store
from engine.evidence.baselines.track import Tracks
from engine.signals import Labels, Millis

MOST_SERIES = 100_000
"""Series kept; further ones are counted and not kept, so that memory is bounded whatever is sent."""
MOST_WATCHED = 2_000
"""Series in which anomalies are looked for as they come, and of which the last hour is kept; the first ones."""
LARGEST = 1e38
"""Values beyond it, infinities and NaN are counted and not kept: points are kept in four bytes."""
LATENESS: Millis = 120_000
"""How late a sample may be and still count in the search for anomalies."""
SAMPLED = 4
"""Points from which a series counts as sampled."""
PLAIN, PLAIN_WATCHED = 1, 2
_FINGERPRINT = attrgetter("fingerprint")


class Deviation(msgspec.Struct, frozen=True):
    """How far a series was from usual around a moment, in robust standard deviations. ``direction`` is up or down;
    ``baseline`` says what usual was taken from: ``trailing`` points or ``seasonal`` ones (the hour of the week)."""

    metric: str
    score: float
    usual: float
    seen: float
    samples: int
    direction: str = "up"
    baseline: str = "trailing"
    spread: float = 0.0


class Unusable(msgspec.Struct, frozen=True):
    """A series that says nothing of a window, and why: ``warming`` (too little history), ``no_samples``, ``ended`` (its
    sender said so), ``unit_change``."""

    metric: str
    reason: str


class Series(msgspec.Struct, frozen=True):
    """The points kept of one series, oldest first, counters as rates: ``old`` ones five minutes apart or more, then the
    recent ones (``times``, ``values``), all there are or half a minute apart."""

    metric: str
    times: list[Millis]
    values: list[float]
    old_times: list[Millis]
    old_values: list[float]
    ended: Millis | None

    def before(self, at: Millis) -> list[float]:
        """What was usual before a moment: the points until `LEAD` before it, or all before it if those are few."""
        found: list[float] = []
        for until in (at - LEAD, at):
            found = [
                *self.old_values[: bisect_left(self.old_times, until)],
                *self.values[: bisect_left(self.times, until)],
            ]
            if len(found) >= HISTORY_NEEDED:
                break
        return found


class Members:
    """The series of one entity; ``refs`` are their references in the store, sorted."""

    def __init__(self, telemetry: Telemetry, refs: Iterable[int] = ()) -> None:
        self.refs = sorted(refs)
        self._telemetry = telemetry

    def __len__(self) -> int:
        return len(self.refs)

    @property
    def comparable(self) -> bool:
        """Is any of them sampled often enough to show soon whether it deviates?"""
        store = self._telemetry.store
        store.flush()
        refs = np.array(self.refs, np.int64)
        return bool((np.isfinite(store.points(refs)[1]).sum(axis=1) >= SAMPLED).any())

    def values(self) -> Iterator[Series]:
        """Each series with its points."""
        return self._telemetry.points(self.refs)


class AnomalySeen(msgspec.Struct, frozen=True):
    """A stretch of time in which a series was not as usual. Until it is ``final`` it may be revised."""

    entity: str
    metric: str
    start: Millis
    end: Millis
    direction: str
    usual: float
    peak: float
    final: bool


def _no_one(_: str) -> bool:
    return False


_NONE = np.empty(0, np.int64)


class Telemetry:
    """Series by entity (``series``: their references); how many samples were for series beyond the limit (``ignored``).

    >>> telemetry = Telemetry()
    >>> minutes = tuple(range(0, 900_000, 60_000))
    >>> telemetry.add("cart", "f", "cpu", minutes, (*[10.0, 11.0] * 7, 30.0))
    >>> [(round(d.score, 1), d.direction) for d in telemetry.deviations("cart", 840_000, 840_000)]
    [(19.5, 'up')]
    """

    def __init__(self, most: int | None = None, most_watched: int | None = None) -> None:
        self.most = MOST_SERIES if most is None else most
        self.most_watched = MOST_WATCHED if most_watched is None else most_watched
        self.series: dict[str, Members] = {}
        self.ignored = 0
        self.store = Store()
        self.watched: dict[int, Watched] = {}
        self.tracks = Tracks()

    @property
    def count(self) -> int:
        """Series kept."""
        return self.store.count

    def add(
        self,
        entity: str,
        fingerprint: str,
        metric: str,
        times: tuple[Millis, ...],
        values: tuple[float, ...],
        kept: Callable[[str], bool] = _no_one,
    ) -> None:
        """Samples of one series. When all rows are taken, an idle series of an entity that is not ``kept`` leaves."""
        store = self.store
        ref = store.by_key.get(fingerprint)
        if ref is None:
            ref = self._place(entity, fingerprint, metric, max(times, default=0), kept)
            if ref < 0:
                self.ignored += len(times)
                return
        store.speaks(ref)
        watched = self.watched.get(ref)
        for at, value in zip(times, values, strict=True):
            if not abs(value) <= LARGEST:  # NaN neither
                self.ignored += 1
                continue
            if watched is not None:
                watched.add(at, float(value), LATENESS)
                self.tracks.add(ref, at, float(value))
            if store.add(ref, at, value):
                store.flush()

    def mark_plain(self, ref: int) -> None:
        """`add` would do nothing for samples of this series but take them; holds until `forget_plain`."""
        self.store.tables[ref & 1].marks[ref >> 1] = PLAIN_WATCHED if ref in self.watched else PLAIN

    def forget_plain(self) -> None:
        """No series is known to be plain any more."""
        for table in self.store.tables:
            table.marks[:] = 0

    def find(self, series: Sequence[Labels]) -> tuple[Ints, Ints]:
        """References of series, -1 for those that are not kept, and their marks: 0 where not known to be plain."""
        found = map(self.store.by_key.get, map(_FINGERPRINT, series), repeat(-1))
        refs = np.fromiter(found, np.int64, len(series))
        kept = refs >= 0
        marks = np.zeros(len(refs), np.int64)
        marks[kept] = self.store.column("marks", refs[kept])
        return refs, marks

    def extend(self, refs: Ints, marks: Ints, times: Ints, values: NDArray[np.float64]) -> None:
        """Samples of plain series, each series' in the order given; finite."""
        fine = np.abs(values) <= LARGEST
        if not fine.all():
            self.ignored += int((~fine).sum())
            refs, marks, times, values = refs[fine], marks[fine], times[fine], values[fine]
        for row in np.flatnonzero(marks == PLAIN_WATCHED).tolist():
            ref, at, value = int(refs[row]), int(times[row]), float(values[row])
            self.watched[ref].add(at, value, LATENESS)
            self.tracks.add(ref, at, value)
        self.store.extend(refs, times, values)

    def entities(self, refs: Ints) -> list[str]:
        """Whose series they are, each once."""
        names = self.store.names
        return [names[number] for number in set(self.store.column("entity", refs).tolist())]

    def stale(self, entity: str, fingerprint: str, at: Millis) -> None:
        """The series has ended: its absence from now on proves nothing."""
        ref = self.store.by_key.get(fingerprint)
        if ref is not None and self.entity(ref) == entity:
            self.store.ends(ref, at)

    def deviations(self, entity: str, since: Millis, until: Millis, but: str = "") -> Iterator[Deviation]:
        """Deviations of the entity's series in ``since … until`` from usual, without the metric ``but``."""
        refs = self._refs(entity, but)
        if len(refs):
            yield from self._told(refs, read(self.store, refs, since, until))

    def latest(self, entity: str, since: Millis) -> Iterator[Deviation]:
        """How far the latest points of the entity's series since a moment are from what was usual before it."""
        refs = self._refs(entity)
        if len(refs):
            yield from self._told(refs, read(self.store, refs, since))

    def unusable(self, entity: str, since: Millis, until: Millis, but: str = "") -> list[Unusable]:
        """The entity's series that say nothing of ``since … until``, and why."""
        refs = self._refs(entity, but)
        if not len(refs):
            return []
        why = read(self.store, refs, since, until).why
        return [Unusable(self.metric(int(ref)), reason) for ref, reason in zip(refs, why, strict=True) if reason]

    def onset(self, entity: str, around: Millis, but: str = "") -> Millis | None:
        """When the first of the entity's series began to deviate that did so up to ``around``; None: unknown."""
        refs = self._refs(entity, but)
        if not len(refs):
            return None
        times, values = points_of(self.store, refs)
        past = history(times, values, around - TRUST)
        few = np.isfinite(past).sum(axis=1) < HISTORY_NEEDED
        past[few] = history(times, values, around)[few]
        centre, spread = usual(past)
        found = []
        for row in np.flatnonzero(np.isfinite(past).sum(axis=1) >= HISTORY_NEEDED):
            seen = np.isfinite(values[row]) & (times[row] <= around)
            began = onsets.onset(times[row][seen], (values[row][seen] - centre[row]) / spread[row])
            if began is not None and began >= around - TRUST:
                found.append(began)
        return min(found, default=None)

    def runs(
        self, entities: Sequence[str], around: Millis, harm: Callable[[str], int]
    ) -> Iterator[tuple[str, str, Run]]:
        """(entity, metric, run) of their series that deviate up to a moment, in the direction that does ``harm``."""
        refs = np.concatenate([_NONE, *(self._refs(entity) for entity in entities if entity in self.series)])
        if len(refs):
            metrics = [self.metric(int(ref)) for ref in refs]
            for run in runs(self.store, refs, [harm(metric) for metric in metrics], around):
                yield self.entity(int(refs[run.place])), metrics[run.place], run

    def points(self, refs: Iterable[int]) -> Iterator[Series]:
        """Series with their points."""
        self.store.flush()
        asked = np.array(list(refs), np.int64)
        if not len(asked):
            return
        times, values = points_of(self.store, asked)
        for ref, at, numbers in zip(asked, times, values, strict=True):
            there = np.isfinite(numbers)
            recent, old = there.copy(), there.copy()
            recent[:COARSE_SLOTS] = old[COARSE_SLOTS:] = False
            yield Series(
                self.metric(int(ref)),
                at[recent].tolist(),
                numbers[recent].tolist(),
                at[old].tolist(),
                numbers[old].tolist(),
                self.store.ended.get(int(ref)),
            )

    def anomalies(self) -> list[AnomalySeen]:
        """The anomalies of all watched series, by start."""
        found = []
        for ref, watched in self.watched.items():
            seen, final = watched.anomalies()
            entity, metric = self.entity(ref), self.metric(ref)
            for number, one in enumerate(seen):
                told = AnomalySeen(
                    entity, metric, one.start, one.end, one.direction, one.usual, one.peak, number < final
                )
                found.append(told)
        return sorted(found, key=lambda one: (one.start, one.entity, one.metric, one.end))

    def warming(self) -> int:
        """How many of the watched series have too little history to say anything."""
        return sum(watched.detector.warming for watched in self.watched.values())

    def entity(self, ref: int) -> str:
        """Whose series it is."""
        return self.store.names[int(self.store.tables[ref & 1].entity[ref >> 1])]

    def metric(self, ref: int) -> str:
        """The series' metric."""
        return self.store.names[int(self.store.tables[ref & 1].metric[ref >> 1])]

    def packed(self) -> dict[str, Any]:
        """Plain data for a snapshot."""
        watched = [(ref, msgspec.msgpack.encode(one)) for ref, one in self.watched.items()]
        return {
            "most": self.most,
            "most_watched": self.most_watched,
            "ignored": self.ignored,
            "store": packed(self.store),
            "watched": watched,
            "tracks": self.tracks.packed(),
        }

    @classmethod
    def unpacked(cls, content: dict[str, Any]) -> Telemetry:
        """What `packed` gave; goes on exactly as the one that was packed."""
        found = cls(content["most"], content["most_watched"])
        found.ignored = content["ignored"]
        found.store = unpacked(content["store"])
        found.watched = {ref: msgspec.msgpack.decode(one, type=Watched) for ref, one in content["watched"]}
        found.tracks = Tracks.unpacked(content["tracks"])
        for ref in sorted(found.store.by_key.values()):
            found._members(found.entity(ref)).append(ref)
        return found

    def _place(self, entity: str, fingerprint: str, metric: str, at: Millis, kept: Callable[[str], bool]) -> int:
        """The reference of a series that is new; -1 when there is no room."""
        store = self.store
        if store.count < self.most:
            ref = store.new(fingerprint, entity, metric)
        else:
            ref, had = store.replace(fingerprint, entity, metric, at, kept)
            if ref < 0:
                return -1
            if self.watched.pop(ref, None) is not None:
                self.tracks.drop(ref)
            left = self.series[had].refs
            left.remove(ref)
            if not left:
                del self.series[had]
        insort(self._members(entity), ref)
        if len(self.watched) < self.most_watched:
            self.watched[ref] = Watched(is_counter(metric))
            self.tracks.open(ref)
        return ref

    def _members(self, entity: str) -> list[int]:
        found = self.series.get(entity)
        if found is None:
            found = self.series[entity] = Members(self)
        return found.refs

    def _refs(self, entity: str, but: str = "") -> Ints:
        self.store.flush()
        members = self.series.get(entity)
        refs = members.refs if members else ()
        return np.array([ref for ref in refs if not but or self.metric(ref) != but], np.int64)

    def _told(self, refs: Ints, said: Reading) -> Iterator[Deviation]:
        for place in np.flatnonzero(np.isfinite(said.score)):
            score = float(said.score[place])
            yield Deviation(
                self.metric(int(refs[place])),
                abs(score),
                float(said.usual[place]),
                float(said.seen[place]),
                int(said.samples[place]),
                "up" if score >= 0 else "down",
                "seasonal" if said.seasonal[place] else "trailing",
                float(said.spread[place]),
            )
