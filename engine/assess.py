"""What an incident means: verdicts of its alerts, its cause, its impact, its severity; revised when they change."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import xxhash

from engine.assumptions import breaks, tell_broken
from engine.cause.rank import rank
from engine.clocks import judge_regimes
from engine.context import Context
from engine.correlate.graph import Node, SymptomGraph
from engine.correlate.partition import Trouble
from engine.escalation import raise_to
from engine.evidence.model.weights import weighed
from engine.evidence.verdict import Term, verdict
from engine.forecast import come_true, tell_jointly
from engine.grounds import grounds
from engine.harm import Rows, facts_of, harm_of, obligations_of, shown
from engine.incidents import call_people, follow_alerts, watch_declaration
from engine.inquiry import Inquiry
from engine.lifecycle import OPEN
from engine.members import follow
from engine.pinned import pin
from engine.reach import impact_of
from engine.reasons import Verdict
from engine.regime_facts import observe
from engine.restoration import turns
from engine.severity import judge
from engine.signals import Millis
from engine.stance import take_stances
from engine.state import Incident
from engine.telling import CHANGED, tell_incident, telling_digest

SECOND: Millis = 1000
_Said = tuple[Verdict, tuple[Term, ...]]
_BEST = (Verdict.CONFIRMED, Verdict.UNVERIFIABLE, Verdict.CONTRADICTED)
ROWS_PER_MILLI = 20
"""Impacted entities that lengthen the wait until the next look by a millisecond."""


def refresh(
    context: Context, incident: Incident, graph: SymptomGraph, trouble: Trouble, now: Millis, *, final: bool
) -> bool:
    """Bring an incident in line with its trouble; whether there was anything to look at."""
    nodes = [graph.nodes[i] for i in trouble.nodes]
    follow_alerts(context, incident, nodes, now)
    signature, why = _signature(context, incident, nodes), ""
    changed = signature != incident.signature or final
    if changed:
        incident.signature = signature
        inquiry = Inquiry(context, graph, trouble, now)
        _verdicts(context, incident, graph, trouble, inquiry)
        take_stances(context, incident, graph, trouble, inquiry, now)
        why = _assess(context, incident, graph, trouble, inquiry, now)
    pin(context, incident)
    if why and incident.revision:
        context.revise(incident, now, why)  # before it is declared for it: each change has its own reason
    _say(context, incident, now, why)
    return changed


def recount(context: Context, incident: Incident, nodes: list[Node], now: Millis) -> None:
    """Bring an incident in line with its trouble, of which nothing has changed but counts (`engine.growth`)."""
    follow_alerts(context, incident, nodes, now)
    signature = _signature(context, incident, nodes)
    if signature != incident.signature:
        incident.signature, incident.facts = signature, replace(incident.facts, at=now)
    _say(context, incident, now, "")


def _say(context: Context, incident: Incident, now: Millis, why: str) -> None:
    """Declare it if it is time, revise it, and tell whom it concerns."""
    watch_declaration(context, incident, now)
    context.revise(incident, now, "" if incident.revision else "opened")
    if incident.told and telling_digest(incident) != incident.told_digest:
        tell_incident(context, incident, "update", now, why or CHANGED)
    call_people(context, incident, now, why)


def _signature(context: Context, incident: Incident, nodes: list[Node]) -> str:
    looks = context.domain(incident.domain).looks
    rows = sorted((node.entity, node.version) for node in nodes)
    about = (rows, context.state.topology, context.state.rules, looks)
    return xxhash.xxh3_64_hexdigest(msgspec.msgpack.encode(about))


def _verdicts(context: Context, incident: Incident, graph: SymptomGraph, trouble: Trouble, inquiry: Inquiry) -> None:
    """A verdict for every alert; that of an entity is the best of its alerts."""
    linked: dict[int, set[str]] = {}
    for index in trouble.nodes:
        for link in graph.links[index]:
            linked.setdefault(index, set()).add(graph.nodes[link.provider].entity)
            linked.setdefault(link.provider, set()).add(graph.nodes[index].entity)
    cells = context.domain(incident.domain).cells
    incident.confirmed = 0
    inquiry.prepare()
    for index in trouble.nodes:
        node = graph.nodes[index]
        best = _of_node(context, incident, node, inquiry, linked.get(index, set()))
        if node.telling:
            cells[node.entity].verdict, cells[node.entity].terms = best


def _of_node(context: Context, incident: Incident, node: Node, inquiry: Inquiry, neighbours: set[str]) -> _Said:
    """Verdicts of a node's alerts, and the best of them."""
    measured = inquiry.measured(node.entity)
    found: list[_Said] = []
    for start, wave in inquiry.waves(node):
        shared = tuple(inquiry.shared_terms(node, wave, start, neighbours))
        if measured:
            found += _of_wave(context, incident, wave, inquiry, start, shared)
        else:
            found.append(_alike(context, incident, wave, shared))
    return min(found, key=lambda said: _BEST.index(said[0]))


def _of_wave(
    context: Context, incident: Incident, wave: list[int], inquiry: Inquiry, start: Millis, shared: tuple[Term, ...]
) -> list[_Said]:
    """Verdicts of alerts that began together; alike for those of one metric that took the same course, until the time
    to look at them is over."""
    model, over = context.state.learning.model, inquiry.over(start)
    known: dict[object, tuple[Term, ...]] = {}
    alike: dict[object, _Said] = {}
    every: list[_Said] = []
    for number in wave:
        alert = context.state.alerts[number]
        key = (alert.metric or alert.name, inquiry.course(alert))
        if key not in known:
            known[key] = (*inquiry.own_terms(alert, start), *shared)
            terms = weighed(model, known[key])
            alike[key] = verdict(terms)[0], terms
        said = alike[key]
        if over:
            terms = weighed(model, inquiry.standing(alert, known[key]))
            said = verdict(terms)[0], terms
        if (alert.verdict, alert.terms) != said:
            context.changed.add(number)
            alert.verdict, alert.terms = said
        incident.confirmed += said[0] is Verdict.CONFIRMED
        every.append(said)
    return every


def _alike(context: Context, incident: Incident, wave: list[int], shared: tuple[Term, ...]) -> _Said:
    """The same for all alerts of a wave. What was said before stays the same object, so that equal terms need not be
    compared alert by alert."""
    alerts = context.state.alerts
    terms = weighed(context.state.learning.model, shared)
    said = (verdict(terms)[0], terms)
    first = alerts[wave[0]]
    if (first.verdict, first.terms) == said:
        said = first.verdict, first.terms
    what, terms = said
    for number in wave:
        alert = alerts[number]
        if alert.terms is not terms:
            if (alert.verdict, alert.terms) != said:
                context.changed.add(number)
            alert.verdict, alert.terms = said
    if what is Verdict.CONFIRMED:
        incident.confirmed += len(wave)
    return said


def reassess_due(context: Context, name: str, due: Millis) -> None:
    """Timers ``severity`` and ``exposure``: time alone, or what was seen of a store's copies, may have changed it."""
    incident = context.state.incidents.get(name)
    if incident is not None:
        reassess(context, incident, due)


def reassess(context: Context, incident: Incident, now: Millis, why: str = "") -> None:
    """Impact, severity and escalation anew, of the same alerts and cause. A closed incident keeps what was said."""
    nodes = _nodes(context, incident) if incident.state in OPEN else []
    came = ""
    if nodes:
        hits, objectives = incident.impact, incident.objectives
        changed = _harm(context, incident, nodes, now)
        pin(context, incident)
        came = come_true(context, incident, hits, objectives, now)
        why = "; ".join(filter(None, (why, came, changed)))
        domain = context.domain(incident.domain)
        for entity in incident.reach:
            domain.cover.setdefault(entity, incident.id)
    context.revise(incident, now, why)
    if nodes:
        watch_declaration(context, incident, now)
        context.revise(incident, now, "")
    if incident.told and (came or telling_digest(incident) != incident.told_digest):
        lines = (came[:1].upper() + came[1:],) if came else ()
        tell_incident(context, incident, "update", now, why or CHANGED, lines=lines)
    call_people(context, incident, now, why)


def _nodes(context: Context, incident: Incident) -> list[Node]:
    """As they were when the domain was last settled."""
    cells = context.domain(incident.domain).cells
    found = [
        node
        for entity in incident.entities
        if entity in cells
        for node in cells[entity].nodes
        if incident.id in node.owners
    ]
    return sorted(found, key=lambda node: (node.start, node.entity))


def _harm(context: Context, incident: Incident, nodes: list[Node], now: Millis) -> str:
    """What it hits, how severe that is and who must hear of it; why that has changed. Sets when to look again."""
    before = incident.impact
    rows = impact_of(context, incident, nodes, now)
    jointly = tell_jointly(context, incident, before, now)
    harm = harm_of(context, incident, rows, now)
    assumed, incident.harm = incident.harm.assumptions, shown(harm)
    broken = tell_broken(context, incident, assumed, now)
    hit = any(impact.low < 1000 for impact, _ in rows)
    incident.users = (harm.users.low, harm.users.high) if hit else None
    incident.obligations = obligations_of(rows)
    facts = facts_of(harm, incident, nodes, hit)
    result, severer = judge(context, incident, facts, now)
    further = raise_to(context, incident, facts, result, rows, now)
    incident.facts = facts
    if context.rules.regimes or incident.regimes:
        observe(incident, rows, harm, facts, context.state.topology)
    duties = judge_regimes(context, incident, now)
    _look_again(context, incident, rows, now)
    return "; ".join(filter(None, (jointly, broken, severer, further, duties)))


def _look_again(context: Context, incident: Incident, rows: Rows, now: Millis) -> None:
    """At the next moment at which a duration is reached or a buffer spent; not more often than the work allows."""
    moments = [step.at for impact, _ in rows for step in impact.later[:1]]
    moments += [impact.at for impact, _ in rows if impact.at > now]
    moments += turns(incident, now) + breaks(incident.harm.assumptions)
    buffers = [(at + SECOND - 1) // SECOND * SECOND for at in moments if at > now]
    lapse = context.rules.next_change(incident.facts)
    due = min((*buffers, *(() if lapse is None else (lapse,))), default=None)
    if due is None or not incident.firing:
        context.timers.cancel("severity", incident.id)
    else:
        context.timers.set(max(due, now + 1 + len(rows) // ROWS_PER_MILLI), "severity", incident.id)


def _assess(
    context: Context, incident: Incident, graph: SymptomGraph, trouble: Trouble, inquiry: Inquiry, now: Millis
) -> str:
    """Cause, impact and severity, with a line in the timeline for each that changed; why the severity has."""
    cells = context.domain(incident.domain).cells

    def confirmed(entity: str) -> bool:
        return entity in cells and cells[entity].verdict is Verdict.CONFIRMED

    suspicion = inquiry.suspicion()
    ranking = rank(graph, trouble, inquiry.own, suspicion, confirmed)
    nodes = sorted((graph.nodes[i] for i in trouble.nodes), key=lambda n: (n.start, n.entity))
    incident.onset = nodes[0].start
    incident.entities = tuple(dict.fromkeys(n.entity for n in nodes))
    incident.candidates, incident.abstained, incident.silent = ranking.candidates, ranking.abstained, trouble.silent
    before = incident.cause
    incident.cause = None if ranking.abstained else ranking.candidates[0].entity
    if incident.cause != before:
        text = f"Cause: {incident.cause}" if incident.cause else f"No cause named: {ranking.abstained}"
        facts = {"before": before, "score": ranking.candidates[0].score if ranking.candidates else None}
        context.tell(incident.id, incident.domain, now, "cause", text, facts=facts)
    why = _harm(context, incident, nodes, now)
    follow(context, incident, graph, trouble, now)
    incident.candidates = grounds(suspicion, incident.candidates, incident.entities)
    return why
