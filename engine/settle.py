"""Settling a domain: the provisional place of an alert at once, the partition of all of them shortly after.

An alert is placed when it arrives, by what the open incidents already explain. Within the settle time the whole domain
is partitioned anew (`engine.correlate`), as a function of the set of alerts alone; incidents keep their identity, merge
and split accordingly. A last pass follows when the allowed lateness is over (law 4).
"""

from __future__ import annotations

from engine.assess import recount, refresh
from engine.cells import depart, enter, nodes
from engine.clocks import forget_observed
from engine.context import Context
from engine.correlate.graph import Horizon, SymptomGraph
from engine.correlate.identity import Assignment, assign
from engine.correlate.partition import Join, Trouble, partition
from engine.growth import grown, keep
from engine.incidents import begin, incident_of, merge, open_incident, reopen, resolve, sees
from engine.lifecycle import OPEN, State, Trigger
from engine.reasons import Disposition, Reason
from engine.signals import Millis
from engine.stance import WAIT_LEAST, awaits, look_later
from engine.state import Alert, Domain, Incident

PER_MILLI = 100
"""Live alerts of a domain that lengthen the wait by a millisecond: settling costs time by their number."""
URGENT_MOST: Millis = 400
"""Longest wait when something may change the partition: an entity newly in trouble, an alert that nothing explains."""
MOST: Millis = 5_000
"""Longest wait when only counts and times change."""


def place(context: Context, alert: Alert, now: Millis) -> tuple[Disposition, Reason]:
    """Admit an alert to correlation: where it belongs as far as can be said at once."""
    waits = awaits(context, alert)
    disposition, reason = _place(context, alert, now, waits=waits)
    if waits and disposition in (Disposition.OPENED, Disposition.ATTACHED):
        look_later(context, context.domain(alert.domain), now + WAIT_LEAST)
        return Disposition.HELD, Reason.AWAITING_EVIDENCE
    return disposition, reason


def _place(context: Context, alert: Alert, now: Millis, *, waits: bool) -> tuple[Disposition, Reason]:
    domain = context.domain(alert.domain)
    enter(context, alert)
    settling = domain.urgent
    pass_later(context, domain, now)
    known = incident_of(context, alert) if alert.incident else None
    if known is not None and known.state is State.RESOLVED and known.told:
        reopen(context, known, now, "an alert of it fires again")
    if known is not None and known.state in OPEN:
        known.alerts.add(alert.no)
        touch(context, domain.name, now)
        if alert.admitted and alert.reason is not Reason.SETTLING:
            return alert.disposition, alert.reason
        return Disposition.ATTACHED, Reason.REFIRED
    found = context.state.incidents.get(domain.cover.get(alert.entity, ""))
    if found is not None and found.state in OPEN and sees(context, found, alert):
        alert.incident = found.id
        found.alerts.add(alert.no)
        same = alert.entity in found.entities
        if same:
            cell = domain.cells[alert.entity]
            alert.verdict, alert.terms = cell.verdict, cell.terms
        touch(context, domain.name, now, urgent=not same)
        return Disposition.ATTACHED, Reason.SAME_ENTITY if same else Reason.EXPLAINED_BY_CAUSE
    touch(context, domain.name, now, urgent=True)
    if settling and alert.mapped:
        alert.incident = ""
        return Disposition.HELD, Reason.SETTLING
    if context.state.storm and not alert.mapped and _sheltered(context, domain, alert):
        return Disposition.ATTACHED, Reason.STORM
    incident = open_incident(context, domain, alert, now)
    if context.state.storm and not alert.mapped:
        context.state.storms.parent = incident.id
    alert.incident = incident.id
    if not waits:
        begin(context, incident, alert, now)
    incident.alerts.add(alert.no)
    domain.cover[alert.entity] = incident.id
    return Disposition.OPENED, Reason.NEW_TROUBLE if alert.mapped else Reason.UNMAPPED


def pass_later(context: Context, domain: Domain, now: Millis) -> None:
    """A last pass, when nothing that belongs to what is known can still be on its way."""
    last_pass = (now + context.rules.correlation.lateness) // 1000 * 1000 + 1000
    if last_pass != domain.last_pass:
        domain.last_pass = last_pass
        context.timers.set(last_pass, "final", domain.name)


def _sheltered(context: Context, domain: Domain, alert: Alert) -> bool:
    """In a storm the alerts of unknown entities share one incident. The first of them opens it."""
    storm = context.state.storms
    domain.glue[alert.no] = storm.mark
    parent = context.state.incidents.get(storm.parent)
    if parent is None or parent.state not in OPEN or parent.domain != domain.name:
        return False
    alert.incident = parent.id
    parent.alerts.add(alert.no)
    return True


def withdraw(context: Context, alert: Alert, now: Millis) -> None:
    """Take an alert out of correlation (a gate closed behind it)."""
    domain = context.domain(alert.domain)
    depart(context, alert)
    incident = context.state.incidents.get(alert.incident)
    if incident is not None:
        incident.alerts.discard(alert.no)
        forget_observed(incident)
    alert.incident = ""
    touch(context, domain.name, now, urgent=True)


def touch(context: Context, name: str, now: Millis, *, urgent: bool = False) -> None:
    """Something changed in the domain: settle it soon. The wait grows with the domain's live alerts, so that a storm is
    not partitioned all the time."""
    domain = context.domain(name)
    if domain.urgent or (domain.settle_at and not urgent):
        return
    wait = context.rules.correlation.settle + domain.weight // PER_MILLI
    due = now + min(wait, URGENT_MOST if urgent else MOST)
    domain.urgent = urgent
    if not domain.settle_at or due < domain.settle_at:
        domain.settle_at = due
        context.timers.set(due, "settle", name)


def settle_due(context: Context, name: str, due: Millis) -> None:
    """Timer ``settle``."""
    domain = context.domain(name)
    domain.settle_at, domain.urgent = 0, False
    settle(context, domain, due, final=False)
    domain.weight = sum(len(cell.alerts) for cell in domain.cells.values())


def evidence_due(context: Context, name: str, due: Millis) -> None:
    """Timer ``evidence``: look again at what was measured, or what was waited for."""
    domain = context.domain(name)
    domain.look_at, domain.looked_at = 0, due
    domain.looks += 1
    if domain.open:
        settle(context, domain, due, final=False)


def final_due(context: Context, name: str, due: Millis) -> None:
    """Timer ``final``: nothing that belongs to what is known can still be on its way."""
    settle(context, context.domain(name), due, final=True)


def settle(context: Context, domain: Domain, now: Millis, *, final: bool) -> None:
    """Bring the domain's incidents in line with its live alerts."""
    known = None if final else grown(context, domain, now)
    if known is not None:
        recount(context, context.state.incidents[known.incident], known.nodes, now)
    else:
        _anew(context, domain, now, final=final)


def _anew(context: Context, domain: Domain, now: Millis, *, final: bool) -> None:
    """Partition the domain's live alerts, and look at each trouble that has changed."""
    context.settled.pop(domain.name, None)
    limits = context.rules.correlation
    horizon = Horizon(limits.window, limits.recover_after, limits.group_wait)
    graphs = [
        SymptomGraph(part, context.topology, horizon) for part in nodes(context, domain, horizon, now, anew=final)
    ]
    found = [(graph, trouble) for graph in graphs for trouble in partition(graph)]
    found = _glued(domain, found, context.state.storms.marks)
    owners = [_owners(graph, trouble) for graph, trouble in found]
    ages = {i: _age(context.state.incidents[i]) for i in domain.open}
    decided = assign(owners, ages)
    incidents = _named(context, domain, found, decided, now)
    for old, place_ in sorted(decided.merged.items()):
        merge(context, context.state.incidents[old], incidents[place_], now)
    domain.cover = {}
    for (graph, trouble), incident in zip(found, incidents, strict=True):
        _join(context, graph, trouble, incident, now)
    looked = [
        refresh(context, incident, graph, trouble, now, final=final)
        for (graph, trouble), incident in zip(found, incidents, strict=True)
    ]
    for incident_id in sorted(domain.open):
        _close_if_empty(context, context.state.incidents[incident_id], now)
    for incident_id in sorted(domain.open):
        _cover(context, domain, context.state.incidents[incident_id])
    if looked == [True]:
        graph, trouble = found[0]
        keep(context, domain, [graph.nodes[i] for i in trouble.nodes], incidents[0].id)


def _owners(graph: SymptomGraph, trouble: Trouble) -> dict[str, int]:
    """How many of a trouble's alerts were in which incident."""
    counts: dict[str, int] = {}
    for index in trouble.nodes:
        for incident, count in graph.nodes[index].owners.items():
            counts[incident] = counts.get(incident, 0) + count
    return counts


def _glued(
    domain: Domain, found: list[tuple[SymptomGraph, Trouble]], storms: list[int]
) -> list[tuple[SymptomGraph, Trouble]]:
    """Join the troubles that a person merged, directly or over a third one, and what a storm holds together."""
    if not domain.glue:
        return found
    result: list[tuple[SymptomGraph, Trouble, set[int]]] = []
    for graph, trouble in found:
        marks = {domain.glue[a] for i in trouble.nodes for a in graph.nodes[i].alerts if a in domain.glue}
        homes = [place_ for place_, (other, _, held) in enumerate(result) if other is graph and held & marks]
        why = Reason.STORM if marks and marks <= set(storms) else Reason.MANUAL
        for place_ in homes[1:]:
            _absorb(result[homes[0]][1], result[place_][1], why)
            marks |= result[place_][2]
        if homes:
            _absorb(result[homes[0]][1], trouble, why)
            result[homes[0]][2].update(marks)
        else:
            result.append((graph, trouble, marks))
        result = [row for place_, row in enumerate(result) if place_ not in homes[1:]]
    return [(graph, trouble) for graph, trouble, _ in result]


def _absorb(home: Trouble, trouble: Trouble, why: Reason) -> None:
    home.roots += trouble.roots
    home.nodes += trouble.nodes
    home.joins |= {i: Join(why, join.because) for i, join in trouble.joins.items()}


def _age(incident: Incident) -> tuple[int, int, str]:
    return (0 if incident.told else 1, incident.opened_at, incident.id)


def _named(
    context: Context,
    domain: Domain,
    found: list[tuple[SymptomGraph, Trouble]],
    decided: Assignment,
    now: Millis,
) -> list[Incident]:
    """The incident of every trouble: the one that goes on, or a new one."""
    incidents = []
    for place_, (graph, trouble) in enumerate(found):
        name = decided.incident[place_]
        if name is not None:
            incidents.append(context.state.incidents[name])
            continue
        first = context.state.alerts[graph.nodes[trouble.roots[0]].alerts[0]]
        incident = open_incident(context, domain, first, now, split_from=decided.split_from[place_])
        incidents.append(incident)
    return incidents


def _join(context: Context, graph: SymptomGraph, trouble: Trouble, incident: Incident, now: Millis) -> None:
    """Give every member its incident and disposition, with the reason of its join."""
    for index in (trouble.roots[0], *trouble.nodes):  # the root's alert is the one that opens it
        node = graph.nodes[index]
        if node.owners == {incident.id: len(node.alerts)} and not node.settling:
            continue
        for number in node.alerts:
            _move(context, context.state.alerts[number], incident, trouble.joins[index], now)
        node.owners = {incident.id: len(node.alerts)}
        node.settling = False


def _move(context: Context, alert: Alert, incident: Incident, join: Join, now: Millis) -> None:
    before = alert.incident
    if before == incident.id and alert.reason is not Reason.SETTLING:
        return
    known = context.state.incidents.get(before)
    if known is not None and known is not incident:
        known.alerts.discard(alert.no)
        if known.state in OPEN:
            forget_observed(known)
    alert.incident = incident.id
    incident.alerts.add(alert.no)
    if alert.kept_back:
        return
    if awaits(context, alert) and alert.reason is Reason.SETTLING:
        look_later(context, context.domain(alert.domain), now + WAIT_LEAST)
        context.redispose(alert, Disposition.HELD, Reason.AWAITING_EVIDENCE, now)
        return
    if begin(context, incident, alert, now) and not before:
        context.redispose(alert, Disposition.OPENED, Reason.NEW_TROUBLE, now)
        return
    reason = Reason.EXPLAINED_BY_CAUSE if join.reason is Reason.NEW_TROUBLE else join.reason
    if before and before != incident.id:
        reason = Reason.SPLIT if incident.split_from == before else Reason.MERGED
    context.redispose(alert, Disposition.ATTACHED, reason, now)


def _close_if_empty(context: Context, incident: Incident, now: Millis) -> None:
    """An incident whose alerts were all taken out of correlation has nothing left to say."""
    if not incident.alerts:
        resolve(context, incident, Trigger.CLOSE, now, "All its alerts were kept back by gates")


def _cover(context: Context, domain: Domain, incident: Incident) -> None:
    """What the incident explains: its own entities first, then everything its cause reaches."""
    for entity in incident.entities:
        domain.cover.setdefault(entity, incident.id)
    for entity in incident.reach:
        domain.cover.setdefault(entity, incident.id)
