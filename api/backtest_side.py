"""One side of a back-test: a production core, and what of its outcomes the comparison needs.

Memory grows with the alerts that began and the incidents that opened in the span, not with the length of the log: some
half a kilobyte an alert, repeats are only counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from sys import intern

import msgspec

from engine.core import Core
from engine.outcomes import IncidentView, LedgerChange, LedgerEntry, Outcomes, Publication
from engine.reasons import Disposition, Reason
from engine.signals import Command, Millis, Signal
from engine.view import view_of

BEGAN = frozenset({Disposition.OPENED, Disposition.ATTACHED, Disposition.HELD, Disposition.SUPPRESSED})
KEPT_BACK = frozenset({Disposition.HELD, Disposition.SUPPRESSED})
ADMITTED = frozenset({Disposition.OPENED, Disposition.ATTACHED})
OF_PEOPLE = frozenset({"acknowledge", "assign", "declare", "restore", "override_severity", "reopen"})
"""Commands with which people say that an incident is a fault."""
HIT = 1000


class Placed(msgspec.Struct, gc=False):
    """An alert event that began a spell: where it is now, and which rules ever kept it back, as (rule, disposition).

    ``admitted``: it took part in correlation at some time."""

    alert: int
    at: Millis
    name: str
    entity: str
    disposition: Disposition
    reason: Reason
    incident: str = ""
    admitted: bool = False
    kept: tuple[tuple[str, str], ...] = ()


class Seen(msgspec.Struct):
    """An incident so far. ``tier`` is the best tier among what it hit; ``mine``: a part of its life is in the span."""

    id: str
    opened_at: Millis
    state: str = ""
    severity: str = ""
    worst: str = ""
    fired: tuple[str, ...] = ()
    cause: str | None = None
    abstained: str = ""
    why: str = ""
    entities: tuple[str, ...] = ()
    merged_into: str = ""
    told_at: Millis | None = None
    tier: int | None = None
    people: dict[str, None] = {}
    dismissed: bool = False
    mine: bool = True


class Watched:
    """A core whose outcomes are kept in brief. Seeded with what the core knows already."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.placed: dict[str, Placed] = {}
        self.incidents: dict[str, Seen] = {}
        self.sent: Counter[tuple[str, str]] = Counter()
        self.refused = 0
        self._waiting: dict[tuple[str, str], Millis] = {}
        self._names: dict[int, tuple[str, str]] = {}
        self._then = dict(core.counts)
        for alert in core.state.alerts.values():
            if not alert.internal and alert.disposition in BEGAN:
                row = LedgerEntry(0, alert.no, alert.disposition, alert.reason, alert.incident, alert.rule)
                self._place(alert.event, row, alert.spell.start)
        for incident in core.state.incidents.values():
            seen = self._see(view_of(incident, "", {}))
            seen.mine = False
            seen.told_at = incident.told_at if incident.told else None

    @property
    def counts(self) -> dict[str, int]:
        """Alert events of the span, and by disposition."""
        return {name: count - self._then.get(name, 0) for name, count in self.core.counts.items()}

    def handle(self, position: int, signals: Sequence[Signal], now: Millis) -> None:
        """One input; what people say of incidents is noted before it is obeyed."""
        for signal in signals:
            if isinstance(signal, Command) and (seen := self.incidents.get(signal.target)) is not None:
                if signal.action in OF_PEOPLE:
                    seen.people[f"{signal.action} by {signal.actor}"] = None
                seen.dismissed = signal.action == "false_alarm" or (seen.dismissed and signal.action != "reopen")
        self._keep(position, self.core.handle(position, signals, now), now)

    def tick(self, now: Millis) -> None:
        """Fire the timers due by now."""
        self._keep(0, self.core.tick(now), now)

    def home(self, incident: str) -> str:
        """The incident that this one was merged into at last."""
        seen = self.incidents.get(incident)
        while seen is not None and seen.merged_into:
            incident = seen.merged_into
            seen = self.incidents.get(incident)
        return incident

    def _keep(self, position: int, said: Outcomes, now: Millis) -> None:
        for entry in said.ledger:
            if entry.disposition in BEGAN:
                self._place(f"{position}-{entry.index}", entry, now)
        for change in said.changes:
            self._place(change.event, change, change.at)
        for view in said.incidents:
            self._see(view)
        for publication in said.outbox:
            self._send(publication)
        self.refused += sum(line.kind == "refused" for line in said.timeline)

    def _place(self, event: str, row: LedgerEntry | LedgerChange, at: Millis) -> None:
        placed = self.placed.get(event)
        if placed is None:
            alert = self.core.state.alerts.get(row.alert)
            name, entity = (alert.name, alert.entity) if alert else ("", "")
            placed = self.placed[event] = Placed(row.alert, at, name, entity, row.disposition, row.reason)
        placed.disposition, placed.reason = row.disposition, row.reason
        placed.incident = intern(row.incident) or placed.incident
        placed.admitted = placed.admitted or row.disposition in ADMITTED or row.reason is Reason.SETTLING
        if row.disposition in KEPT_BACK and row.rule:
            kept = (intern(row.rule), row.disposition.value)
            if kept not in placed.kept:
                placed.kept += (kept,)

    def _see(self, view: IncidentView) -> Seen:
        seen = self.incidents.get(view.id)
        if seen is None:
            seen = self.incidents[view.id] = Seen(view.id, view.opened_at, worst=view.severity.level, people={})
        seen.mine = True
        seen.state, seen.cause, seen.abstained, seen.why = view.state, view.cause, view.abstained, view.why
        seen.severity = view.severity.level
        seen.worst = min(seen.worst, view.severity.level)
        seen.fired = tuple(str(rule.get("id", "")) for rule in view.severity.fired)
        seen.entities, seen.merged_into = view.entities, view.merged_into
        tiers = [hit.tier for hit in view.impact if hit.tier is not None and hit.low < HIT]
        seen.tier = min((tier for tier in (*tiers, seen.tier) if tier is not None), default=None)
        return seen

    def _send(self, publication: Publication) -> None:
        """Count what would be told; updates that wait together stand for one."""
        key = (publication.incident, publication.audience)
        seen = self.incidents.get(publication.incident)
        if seen is not None and seen.told_at is None:
            seen.told_at = publication.not_before
        if publication.action == "update" and self._waiting.get(key) == publication.not_before:
            return
        self._waiting[key] = publication.not_before
        self.sent[publication.audience, publication.action] += 1
