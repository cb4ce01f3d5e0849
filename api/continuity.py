"""Continuity in the words of the API: playbooks as they stand, duty, tabletops, the report of an incident."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from api.continuity_schemas import (
    DutyOf,
    FollowUp,
    OnDuty,
    PlaybookOf,
    PlaybooksOf,
    ResponseOf,
    TabletopOf,
    VendorOf,
)
from api.schemas import Versions
from engine.continuity.applicability import drift, stale
from engine.continuity.figures import ReadinessOf, readiness_of
from engine.continuity.following import record_of
from engine.continuity.report import ReportOf, report_of
from engine.continuity.situation import situation
from engine.drills import of_drill
from engine.outcomes import IncidentView
from engine.ports import Clock, Reader, Version
from engine.readiness_views import Preparedness
from engine.sending import Link
from engine.signals import Millis
from engine.state import CoreState
from rules.duty import on_call, weaknesses
from rules.playbooks import Playbook, order, schedule
from rules.ruleset import RuleSet
from topology.diff import diff
from topology.impact import impact
from topology.model import Topology

EARLIER = 200
"""Incidents that are looked at for recurrence."""
SHOWN = 20
Tickets = Callable[[str], Sequence[Link]]


def checks_of(rules: RuleSet) -> frozenset[str]:
    """The ids of declared probes and data checks."""
    return frozenset({one.id for one in rules.probes} | {one.id for one in rules.data_checks})


def readiness(topology: Topology, rules: RuleSet, record: Preparedness, now: Millis) -> ReadinessOf:
    """How ready one is now."""
    return readiness_of(rules.continuity, topology, record, checks_of(rules), now)


class ReadinessGauges(Collector):
    """The figures of readiness as gauges, made for each scrape; what is not known has none."""

    def __init__(
        self,
        topology: Callable[[], Topology],
        rules: Callable[[], RuleSet],
        state: Callable[[], CoreState | None],
        clock: Clock,
        registry: CollectorRegistry,
    ) -> None:
        self._topology, self._rules, self._state, self._clock = topology, rules, state, clock
        registry.register(self)

    def describe(self) -> Iterable[Metric]:
        """Without asking for what is in force, which there is none of yet."""
        return [_family()]

    def collect(self) -> Iterator[Metric]:
        """The figures as they are now."""
        family, state = _family(), self._state()
        if state is not None:
            found = readiness(self._topology(), self._rules(), state.readiness, self._clock())
            for name, value in found.figures.items():
                if value is not None:
                    family.add_metric((name,), value)
        yield family


def _family() -> GaugeMetricFamily:
    text = "How ready one is between incidents; docs/continuity.md lists the figures."
    return GaugeMetricFamily("headwater_readiness", text, labels=("figure",))


def playbooks(topology: Topology, rules: RuleSet, record: Preparedness, now: Millis) -> PlaybooksOf:
    """All playbooks in force."""
    standings = list(readiness(topology, rules, record, now).playbooks)
    return PlaybooksOf(items=standings, at=now, versions=_versions(topology, rules))


def playbook_of(
    found: Playbook, topology: Topology, rules: RuleSet, version: Callable[[str, str], Version | None], now: Millis
) -> PlaybookOf:
    """One playbook against the topology in force, step by step."""
    plan = schedule(found.tasks, {}, 0)
    return PlaybookOf(
        playbook=found,
        order=order(found.tasks)[0],
        critical=plan.critical,
        takes=plan.finish,
        doubts=(*stale(found, now), *drift(found, topology, checks_of(rules))),
        changed=_changed(found, topology, version),
        at=now,
        versions=_versions(topology, rules),
    )


def _changed(found: Playbook, topology: Topology, version: Callable[[str, str], Version | None]) -> list[str]:
    """What differs, step by step, from the topology that it was proven against."""
    stored = version("topology", found.topology) if found.topology else None
    if stored is None or found.topology == topology.version:
        return []
    changes = diff(Topology.decode(stored.content), topology)
    touched = {one.key[0] for one in changes.entities_changed} | set(changes.entities_removed)
    ends = {(d.consumer, d.provider) for d in (*changes.dependencies_added, *changes.dependencies_removed)}
    ends |= {(one.key[0], one.key[1]) for one in changes.dependencies_changed}
    said = []
    for task in found.tasks:
        entity = topology.resolve(task.entity) or task.entity
        if entity in touched:
            said.append(f"step {task.id}: {entity} is described otherwise")
        said += [
            f"step {task.id}: {a} -> {b} is new, gone or otherwise"
            for a, b in sorted(ends)
            if entity and entity in (a, b)
        ]
    return said


def response_of(
    view: IncidentView, topology: Topology, rules: RuleSet, record: Preparedness, tickets: Tickets, now: Millis
) -> ResponseOf:
    """How an incident is being worked on; ``tickets`` is what sinks keep of an incident, or of what it left to do."""
    troubled = {view.cause, *view.entities, *(one.entity for one in view.impact)}
    fitting = [
        one
        for one in readiness(topology, rules, record, now).playbooks
        if troubled & {topology.resolve(name) or name for name in one.entities}
    ]
    return ResponseOf(
        incident=view.id,
        revision=view.revision,
        state=view.state,
        at=now,
        response=view.response,
        situation=situation(view, now),
        held_open=view.held_open,
        applicable=fitting,
        versions=_versions(topology, rules),
        tickets=list(_follow_ups(view, tickets)),
    )


def _follow_ups(view: IncidentView, tickets: Tickets) -> Iterator[FollowUp]:
    problem = view.response.problem
    for one in (*view.response.actions, *([problem] if problem else ())):
        for link in tickets(record_of(view.id, one.id)):
            yield FollowUp(id=one.id, sink=link.sink, remote=link.remote, url=link.url, state=link.state)


def with_earlier(reader: Reader, id: str, rules: RuleSet, facts: dict[str, str]) -> dict[str, str]:
    """The facts of a problem record with the earlier incidents of the same cause, as the report names them, unless a
    person names others."""
    found = None if "earlier" in facts else report(reader, id, rules)
    return facts if found is None else {**facts, "earlier": "; ".join(found.recurrences)}


def report(reader: Reader, id: str, rules: RuleSet) -> ReportOf | None:
    """The report of an incident; None where there is none of this id."""
    revisions = reader.revisions(id)
    if not revisions:
        return None
    cause = revisions[-1].cause
    page = reader.incidents(entity=cause, drill=of_drill(id), limit=EARLIER) if cause else None
    items = page.items if page is not None else []
    before = [one for one in items if isinstance(one, IncidentView) and one.opened_at < revisions[-1].opened_at]
    return report_of(revisions, reader.timeline(id), before, rules.continuity.playbooks)


def duty(topology: Topology, rules: RuleSet, record: Preparedness, at: Millis) -> DutyOf:
    """Who is on duty at a moment."""
    policy = rules.continuity
    due = {one.id: one for one in readiness_of(policy, topology, record, frozenset(), at).due if one.kind == "contact"}
    tried = {one.vendor: one for one in record.contacts}
    rosters = []
    for roster in policy.rosters:
        people = on_call(roster, at)
        reach = {person: where for person, where in roster.contacts if person in people}
        rosters.append(OnDuty(roster=roster.id, people=people, reach=reach, findings=weaknesses(roster, at)))
    vendors = []
    for vendor in policy.vendors:
        entity = topology.entities.get(topology.resolve(vendor.entity) or "")
        contract = entity.continuity.contract if entity is not None else None
        agreed = contract.response * 1000 if contract is not None and contract.response is not None else None
        last = tried.get(vendor.id)
        vendors.append(
            VendorOf(
                vendor=vendor.id,
                entity=vendor.entity,
                contract=contract.reference if contract is not None else "",
                response=vendor.response if vendor.response is not None else agreed,
                contacts=vendor.contacts,
                reached=None if last is None else last.reached,
                confirmed_at=None if last is None else last.at,
                overdue=due[vendor.id].overdue,
            )
        )
    return DutyOf(at=at, rosters=rosters, vendors=vendors)


def tabletop(entity: str, topology: Topology, rules: RuleSet) -> TabletopOf:
    """A scenario for people around a table, from what the engine says would happen if an entity failed."""
    hits = sorted(impact(topology, {entity: 0}).values(), key=lambda hit: (hit.at, hit.low, hit.entity))
    known = topology.entities
    books = [one for one in rules.continuity.playbooks if entity in {topology.resolve(e) or e for e in one.entities}]
    injects = [f"Minute 0: {entity} fails; its alerts arrive."]
    for hit in hits[:SHOWN]:
        if hit.entity == entity:
            continue
        word = "is down" if hit.low == 0 else "is degraded"
        path = " → ".join(hit.path)
        injects.append(f"Minute {hit.at // 60_000}: {hit.entity} {word} ({path}).")
    owners = {known[hit.entity].owner for hit in hits if hit.entity in known and known[hit.entity].owner}
    questions = [
        "Who declares, and who is told within the first five minutes?",
        f"Who of {', '.join(sorted(owners)[:5]) or 'nobody (no owners are declared)'} leads, and who writes?",
        *_objectives(topology, [hit.entity for hit in hits[:SHOWN]]),
        *(f"Playbook {one.id}: who decides on {t.id}?" for one in books for t in one.tasks if t.decision),
        *(f"Playbook {one.id}: gate {g.id} stays closed. What now?" for one in books for g in one.gates[:2]),
    ]  # fmt: skip
    roles = next((one.roles for one in rules.continuity.exercises if one.entity == entity and one.roles), ())
    return TabletopOf(
        entity=entity,
        title=f"{known[entity].name or entity} is lost; {len(hits) - 1} more are hit",
        roles=roles or ("lead", "scribe", "communication"),
        injects=injects,
        questions=questions,
        playbooks=tuple(one.id for one in books),
        versions=_versions(topology, rules),
    )


def _objectives(topology: Topology, hit: Iterable[str]) -> Iterator[str]:
    for name in hit:
        entity = topology.entities.get(name)
        if entity is not None and entity.rto is not None:
            yield f"{name}: is its RTO of {entity.rto // 60} min still met?"


def _versions(topology: Topology, rules: RuleSet) -> Versions:
    return Versions(topology.version, topology.version, rules.version)
