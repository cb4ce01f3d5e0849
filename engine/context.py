"""What every step of the core works on: the state, the rules and topology in force, the timers, the outcomes so far."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from engine.library import Library
from engine.lifecycle import Guards
from engine.outcomes import IncidentView, LedgerChange, LedgerEntry, Outcomes, TimelineEntry
from engine.reasons import Disposition, Reason
from engine.record import Recorder, counted_in
from engine.routes import Routes
from engine.settled import Settled
from engine.shards import ALONE, Shard
from engine.signals import Millis, Signal
from engine.state import Alert, CoreState, Domain, Incident
from engine.timers import TimerQueue
from engine.view import digest_of, view_of
from rules.exposure import ExposureRule
from rules.heartbeats import HeartbeatRule
from rules.ruleset import RuleSet
from topology.model import Topology


class Context:
    """Passed to every step; ``out`` and ``recorder`` belong to the call of the core that is under way."""

    ENTITIES_CACHED = 500_000

    def __init__(self, state: CoreState, library: Library, shard: Shard = ALONE) -> None:
        self.state = state
        self.library = library
        self.shard = shard
        self.timers = TimerQueue(state.timers)
        self.rules: RuleSet = library.rules(state.rules) if state.rules else RuleSet.default()
        self.topology: Topology = library.topology(state.topology) if state.topology else Topology.build()
        self.routes = Routes(self.rules, self.topology, shard.total)
        self.gated = self.inhibits = True
        self.beats_by_name = False
        self.names_without_beat: set[str] = set()
        self.starvation: dict[str, bool] = {}
        self.look_at_rules()
        self.by_fingerprint: dict[str, Alert] = {
            a.labels.fingerprint: a for a in state.alerts.values() if not a.replaced
        }
        self.sources: dict[tuple[str, ...], set[int]] = {}
        self.targets: dict[tuple[str, ...], set[int]] = {}
        self.entity_of: dict[str, tuple[str, str, ExposureRule | None]] = {}
        self.comparable: dict[str, bool] = {}
        self.guards: Guards[Incident] = Guards()
        self.changed: set[int] = set()
        self.settled: dict[str, Settled] = {}
        self.strays: list[Signal] = []
        self.out = Outcomes()
        self.counted = counted_in(shard)
        self.recorder = Recorder(self.counted)

    def look_at_rules(self) -> None:
        """What the rules in force never ask need not be asked for every alert."""
        self.gated = bool(self.state.silences) or self.rules.has_gates
        self.inhibits = bool(self.rules.inhibitions)
        matchers = [m for rule in self.rules.content.heartbeats for m in rule.matchers]
        self.beats_by_name = all(matcher.label == "alertname" for matcher in matchers)
        self.names_without_beat.clear()
        self.starvation.clear()

    def heartbeat(self, name: str, labels: Mapping[str, str]) -> HeartbeatRule | None:
        """The heartbeat that an alert is; asked once per alert name where the rules look at nothing else."""
        if name in self.names_without_beat:
            return None
        found = self.rules.heartbeat(labels)
        if found is None and self.beats_by_name:
            self.names_without_beat.add(name)
        return found

    def starved(self, name: str, labels: Mapping[str, str]) -> bool:
        """Whether an alert says that its entity gets too little to do; asked once per alert name."""
        known = self.starvation.get(name)
        if known is None:
            known = self.starvation[name] = self.rules.starved(labels)
        return known

    def domain(self, name: str) -> Domain:
        """The domain's state, made on first use."""
        found = self.state.domains.get(name)
        if found is None:
            found = self.state.domains[name] = Domain(name, {}, set(), set(), {}, {}, {})
        return found

    def count(self, disposition: str, by: int = 1) -> None:
        """Count alert events by current disposition."""
        self.state.counts[disposition] = self.state.counts.get(disposition, 0) + by

    def enter(
        self, index: int, alert: Alert, disposition: Disposition, reason: Reason, *, enforced: Disposition | None = None
    ) -> None:
        """The first disposition of an alert event. One that was only counted is wherever its alert is."""
        placed = disposition is Disposition.OPENED or disposition is Disposition.ATTACHED
        incident = alert.incident if placed else ""
        entry = LedgerEntry(index, alert.no, disposition, reason, incident, alert.rule, enforced)
        self.out.ledger.append(entry)
        self.recorder.ledger(alert.domain, entry)
        if disposition is Disposition.SUPPRESSED:
            self.kept_back(alert, alert.rule, reason, self.state.now)

    def repeat(self, index: int, alert: Alert, reason: Reason) -> None:
        """An event that says nothing new."""
        number = alert.no
        self.out.ledger.append(LedgerEntry(index, number, Disposition.DUPLICATE, reason))
        recorder = self.recorder
        if reason is recorder.reason:
            recorder.row.append((index, number))
        else:
            recorder.repeat(index, number, reason)

    def redispose(
        self,
        alert: Alert,
        disposition: Disposition,
        reason: Reason,
        now: Millis,
        rule: str = "",
        *,
        enforced: Disposition | None = None,
    ) -> None:
        """Change the current disposition of the event that began the alert's spell."""
        before = alert.disposition
        alert.disposition, alert.reason, alert.rule = disposition, reason, rule
        self.changed.add(alert.no)
        if alert.internal:
            return
        self._follow(alert, before, now)
        change = LedgerChange(alert.event, alert.no, now, before, disposition, reason, alert.incident, rule, enforced)
        self.out.changes.append(change)
        self.recorder.change(alert.domain, change)
        if disposition is Disposition.SUPPRESSED or enforced is Disposition.SUPPRESSED:
            self.kept_back(alert, rule, reason, now, shadow=disposition is not Disposition.SUPPRESSED)
        elif before is Disposition.SUPPRESSED:
            self.state.learning.release(alert.no)
        self.count(before, -1)
        self.count(disposition)

    def _follow(self, alert: Alert, before: Disposition, now: Millis) -> None:
        """Where the alert is suppressed, so are the later events of its spell that were counted with it; and back."""
        kept = alert.disposition is Disposition.SUPPRESSED
        if kept is (before is Disposition.SUPPRESSED):
            return
        was, is_now = (
            (Disposition.UPDATED, Disposition.SUPPRESSED) if kept else (Disposition.SUPPRESSED, Disposition.UPDATED)
        )
        reason = alert.reason if kept else Reason.REFIRED
        for event in alert.returns:
            change = LedgerChange(event, alert.no, now, was, is_now, reason, alert.incident, alert.rule)
            self.out.changes.append(change)
            self.recorder.change(alert.domain, change)
            self.count(was, -1)
            self.count(is_now)

    def kept_back(self, alert: Alert, rule: str, reason: Reason, now: Millis, *, shadow: bool = False) -> None:
        """Count for the rule that it suppressed an alert, or would have. What people did by hand is no rule's."""
        if rule and not alert.internal and reason is not Reason.MANUAL and reason is not Reason.HEARTBEAT:
            self.state.learning.keep(alert, rule, now, shadow=shadow)

    def conclude(self, alert: Alert, now: Millis) -> None:
        """An alert is about to be forgotten: what evidence said of it at last is kept for those who judge it later."""
        if not alert.internal and alert.reason is not Reason.HEARTBEAT:
            self.state.learning.close(alert, now)

    def tell(
        self,
        incident: str,
        domain: str,
        at: Millis,
        kind: str,
        text: str,
        *,
        actor: str = "",
        facts: Mapping[str, object] | None = None,
    ) -> None:
        """A line of an incident's timeline. One that has not begun has none, and what is said of no incident in all
        shards is said by the one that owns the domain."""
        known = self.state.incidents.get(incident)
        if (known is None and not self.shard.owns(domain)) or (known is not None and not known.begun):
            return
        entry = TimelineEntry(incident=incident, at=at, kind=kind, text=text, actor=actor, facts=dict(facts or {}))
        self.out.timeline.append(entry)
        self.recorder.timeline(domain, entry)

    def mode(self, rule: str) -> str:
        """Whether a rule's suppressions are enforced or shadowed; a person's promotion wins over the files, and what a
        person silenced at run time is silent."""
        if rule in self.state.silences:
            return "enforce"
        return self.state.modes.get(rule) or self.rules.mode(rule)

    def enforced(self, rule: str) -> bool:
        """Are a rule's suppressions carried out, not only recorded?"""
        return self.mode(rule) == "enforce"

    def view(self, incident: Incident, why: str) -> IncidentView:
        """The incident as its latest revision shows it."""
        return view_of(incident, why, self.versions())

    def revise(self, incident: Incident, now: Millis, why: str) -> IncidentView:
        """A new revision, if anything that it shows has changed. An incident of which every alert has been kept back
        has not begun, and is shown to nobody."""
        view = self.view(incident, why)
        if not incident.begun:
            return view
        digest = digest_of(view)
        if digest == incident.digest:
            return view
        incident.digest = digest
        incident.revision += 1
        incident.updated_at = now
        view = msgspec.structs.replace(
            view, revision=incident.revision, updated_at=now, why=why or "its alerts or evidence changed"
        )
        self.out.incidents.append(view)
        self.recorder.incident(view, digest)
        return view

    def versions(self) -> dict[str, str]:
        """What a decision made now is based on."""
        versions = {"topology": self.state.topology, "rules": self.state.rules}
        model = self.state.learning.model
        return versions if model is None else {**versions, "model": model.version}
