"""What is known of incidents that are over, kept up to date with the store, and the readiness that follows from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from threading import Lock

from engine.drills import of_drill
from engine.outcomes import IncidentView
from engine.ports import Clock, Page, Reader
from engine.readiness.coverage import Coverage, Watched, coverage
from engine.readiness.phases import Past, past
from engine.readiness.report import Figure, Readiness, Registry, readiness
from engine.sending import Link
from engine.signals import Millis
from engine.state import CoreState
from rules.ruleset import RuleSet
from topology.model import Topology

OVER = ("resolved", "reviewed", "dismissed", "merged")
DAY: Millis = 86_400_000
PAGE, MOST = 200, 10_000
REFRESHED: Millis = 30_000
"""The store is asked at most this often."""
LATE: Millis = 5_000
"""Revisions stored while the store was asked the last time are asked for again."""
DUPLICATE = "duplicate"


class Book:
    """Readable from any thread. Reads of the store raise `engine.errors.StoreUnavailable`."""

    def __init__(
        self,
        reader: Reader,
        tickets: Callable[[str], Sequence[Link]],
        state: Callable[[], CoreState | None],
        topology: Callable[[], Topology],
        rules: Callable[[], RuleSet],
        clock: Clock,
        registry: Registry,
    ) -> None:
        self._reader, self._tickets, self._state = reader, tickets, state
        self._topology, self._rules, self._clock = topology, rules, clock
        self.registry = registry
        self._lock = Lock()
        self._past: dict[str, tuple[Past, int]] = {}
        self._asked: Millis | None = None

    def past(self) -> list[tuple[Past, int]]:
        """Incidents that are over, in the order in which they were opened, each with its duplicate tickets."""
        return [row for row in self._known() if not of_drill(row[0].incident)]

    def drilled(self) -> list[Past]:
        """The same of drills."""
        return [one for one, _ in self._known() if of_drill(one.incident)]

    def _known(self) -> list[tuple[Past, int]]:
        with self._lock:
            now = self._clock()
            if self._asked is None or now - self._asked >= REFRESHED:
                since = None if self._asked is None else self._asked - LATE
                for view in _changed(self._reader, since):
                    self._learn(view)
                self._asked = now
            return sorted(self._past.values(), key=lambda row: (row[0].opened_at, row[0].incident))

    def _learn(self, view: IncidentView) -> None:
        found = past(self._reader.revisions(view.id))
        if found is None:
            self._past.pop(view.id, None)
            return
        second = sum(link.state == DUPLICATE for link in self._tickets(view.id))
        self._past[view.id] = found, second
        if len(self._past) > MOST:
            del self._past[min(self._past, key=lambda id: self._past[id][0].opened_at)]

    def period(self, days: int) -> tuple[Millis, Millis]:
        """The last so many days, until now."""
        now = self._clock()
        return now - days * DAY, now + 1

    def covered(self) -> list[Coverage]:
        """Of the topology and rules in force."""
        topology = self._topology()
        return coverage(topology, watched(topology, self._rules(), self._state()))

    def figures(self, since: Millis, until: Millis) -> list[Figure]:
        """What other parts add, and how old the topology is."""
        versions = self._reader.versions("topology")
        current = next((one for one in versions if one.id == self._topology().version), None)
        age = None if current is None else (self._clock() - current.at) / 1000
        staleness = Figure(
            id="topology_age_seconds", unit="seconds", value=age, text="Since the topology in force was first seen."
        )
        return [staleness, *self.registry.figures(since, until)]

    def readiness(self, since: Millis, until: Millis) -> Readiness:
        """Of a period."""
        rows = self.past()
        state = self._state()
        second = sum(count for one, count in rows if since <= one.opened_at < until)
        return readiness(
            [one for one, _ in rows],
            None if state is None else state.learning,
            self.covered(),
            self.figures(since, until),
            since,
            until,
            duplicates=second,
        )


def watched(topology: Topology, rules: RuleSet, state: CoreState | None) -> Watched:
    """Entities with signs of life, probes and known baselines."""
    known = (topology.resolve(probe.entity) for probe in rules.content.probes)
    probes = frozenset(id for id in known if id)
    if state is None:
        return Watched(probes=probes)
    names = {name for pulse in list(state.pulses.values()) for name in (pulse.source, *pulse.of.values())}
    beats = frozenset(id for name in names if (id := topology.resolve(name)))
    usual = frozenset(entity for entity, series in list(state.telemetry.series.items()) if len(series))
    return Watched(heartbeats=beats, probes=probes, baselines=usual)


def _changed(reader: Reader, since: Millis | None) -> Iterator[IncidentView]:
    """The latest revisions of incidents that are over, or no longer, and changed since; at most `MOST`."""
    states = OVER if since is None else ()
    yield from _pages(partial(reader.incidents, state=states, since=since))


def _pages(read: Callable[..., Page]) -> Iterator[IncidentView]:
    cursor = ""
    for _ in range(MOST // PAGE):
        page = read(cursor=cursor, limit=PAGE)
        yield from (one for one in page.items if isinstance(one, IncidentView))
        cursor = page.next
        if not cursor:
            return
