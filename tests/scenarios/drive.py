"""Drives the real core on a simulated clock and keeps what it said: no store, no sleeping.

`Driven` is what the service loop is in production: it stamps positions and arrivals, fires timers between
arrivals, and collects outcomes. Events of the scenario keep their own number, whatever order they arrive in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engine.core import Core
from engine.library import Library
from engine.outcomes import (
    AlertView,
    Decision,
    IncidentView,
    LedgerChange,
    LedgerEntry,
    Outcomes,
    Publication,
    TimelineEntry,
)
from engine.signals import Activation, Millis, Signal
from rules.ruleset import RuleSet
from topology.model import Topology

Arrival = tuple[Millis, tuple[Signal, ...]]
"""When one record arrives, and the signals in it."""


class Driven:
    """A core, and everything it has said so far."""

    def __init__(self, topology: Topology, rules: RuleSet | None = None, start: Millis = 0) -> None:
        self.library = Library()
        self.core = Core(self.library)
        self.position = 0
        self.now = start
        self.ledger: dict[str, LedgerEntry | LedgerChange] = {}
        self.history: dict[str, list[LedgerEntry | LedgerChange]] = {}
        self.revisions: dict[str, list[IncidentView]] = {}
        self.timeline: list[TimelineEntry] = []
        self.outbox: list[Publication] = []
        self.alerts: dict[int, AlertView] = {}
        self.decisions: list[Decision] = []
        self.feed(start, (Activation("topology", self.library.add_topology(topology)),))
        if rules is not None:
            self.feed(start, (Activation("rules", self.library.add_rules(rules)),))

    def feed(self, now: Millis, signals: Sequence[Signal]) -> int:
        """One record arrives at ``now`` (never before the last one); returns its position."""
        self.now = max(self.now, now)
        self.position += 1
        self._keep(self.core.handle(self.position, signals, self.now))
        return self.position

    def pass_time(self, until: Millis, step: Callable[[], Millis] | None = None) -> None:
        """Fire the timers due by ``until``; with ``step``, look in between as well, as a live loop does."""
        while step is not None and self.now + (ahead := step()) < until:
            self.now += ahead
            self._keep(self.core.tick(self.now))
        self.now = max(self.now, until)
        self._keep(self.core.tick(self.now))

    def restart(self) -> None:
        """Carry on from a snapshot."""
        self.core = Core.restore(self.core.snapshot(), self.library)

    def _keep(self, said: Outcomes) -> None:
        for entry in said.ledger:
            self._place(f"{self.position}-{entry.index}", entry)
        for change in said.changes:
            self._place(change.event, change)
        self.alerts |= {view.no: view for view in said.departed}
        self.alerts |= {number: self.core.alert_view(number) for number in said.alerts}
        for view in said.incidents:
            self.revisions.setdefault(view.id, []).append(view)
        self.timeline += said.timeline
        self.outbox += said.outbox
        self.decisions += said.decisions

    def _place(self, event: str, entry: LedgerEntry | LedgerChange) -> None:
        self.ledger[event] = entry
        self.history.setdefault(event, []).append(entry)

    def incidents(self) -> list[IncidentView]:
        """The latest revision of every incident that was not merged into another, oldest first."""
        latest = (revisions[-1] for revisions in self.revisions.values())
        return sorted((view for view in latest if not view.merged_into), key=lambda view: (view.opened_at, view.id))

    def told(self) -> list[IncidentView]:
        """The incidents that people heard of: declared or told, and not merged away."""
        return [view for view in self.incidents() if view.told or view.declared_at is not None]

    def incident_of(self, event: str) -> str:
        """The incident an alert event is in now, merges followed; empty if in none.

        An event that was only counted (a repeat) is where its alert is.
        """
        entry = self.ledger[event]
        found = entry.incident or self.alerts[entry.alert].incident
        while found in self.revisions and self.revisions[found][-1].merged_into:
            found = self.revisions[found][-1].merged_into
        return found
