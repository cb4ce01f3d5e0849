"""What an incident means: verdicts of its alerts, its cause, its impact, its severity; revised when they change."""

from __future__ import annotations

import msgspec
import xxhash

from engine.assumptions import breaks, tell_broken
from engine.cause.rank import Own, rank
from engine.clocks import judge_regimes
from engine.context import Context
from engine.correlate.graph import Node, SymptomGraph
from engine.correlate.partition import Trouble
from engine.escalation import raise_to
from engine.evidence.logs.change import rise as log_rise
from engine.evidence.logs.terms import claims_errors, log_terms
from engine.evidence.terms import neighbour_terms, telemetry_terms
from engine.evidence.traces.terms import trace_terms
from engine.evidence.traces.view import Looks
from engine.evidence.verdict import Term, verdict
from engine.forecast import come_true, tell_jointly
from engine.harm import Rows, facts_of, harm_of, obligations_of, shown
from engine.incidents import follow_alerts, watch_declaration
from engine.lifecycle import OPEN
from engine.reach import impact_of
from engine.reasons import Verdict
from engine.regime_facts import observe
from engine.restoration import turns
from engine.severity import judge
from engine.signals import Millis
from engine.state import Incident
from engine.telling import tell_incident, telling_digest

BEFORE: Millis = 60_000
"""Evidence counts from this long before an onset."""
CHANGE_WINDOW: Millis = 30 * 60_000
"""A change this long before an onset is a suspect."""
STARVED = 0.5
"""Share of its weight that an alert keeps that only says that an entity gets too little to do."""
SECOND: Millis = 1000
ROWS_PER_MILLI = 20
"""Impacted entities that lengthen the wait until the next look by a millisecond."""
STRONG = 20.0
"""A deviation of this many robust standard deviations is as strong as evidence gets."""


def refresh(
    context: Context, incident: Incident, graph: SymptomGraph, trouble: Trouble, now: Millis, *, final: bool
) -> None:
    """Bring an incident in line with its trouble."""
    nodes = [graph.nodes[i] for i in trouble.nodes]
    follow_alerts(context, incident, nodes, now)
    signature, why = _signature(context, nodes), ""
    if signature != incident.signature or final:
        incident.signature = signature
        _verdicts(context, incident, graph, trouble)
        why = _assess(context, incident, graph, trouble, now)
    if why and incident.revision:
        context.revise(incident, now, why)  # before it is declared for it: each change has its own reason
    watch_declaration(context, incident, now)
    context.revise(incident, now, "" if incident.revision else "opened")
    if incident.told and telling_digest(incident) != incident.told_digest:
        tell_incident(context, incident, "update", now, "what is known has changed")


def _signature(context: Context, nodes: list[Node]) -> str:
    rows = sorted((node.entity, node.version) for node in nodes)
    return xxhash.xxh3_64_hexdigest(msgspec.msgpack.encode((rows, context.state.topology, context.state.rules)))


def _verdicts(context: Context, incident: Incident, graph: SymptomGraph, trouble: Trouble) -> None:
    """A verdict per troubled entity, for all its alerts."""
    linked: dict[int, set[str]] = {}
    for index in trouble.nodes:
        for link in graph.links[index]:
            linked.setdefault(index, set()).add(graph.nodes[link.provider].entity)
            linked.setdefault(link.provider, set()).add(graph.nodes[index].entity)
    cells = context.domain(incident.domain).cells
    incident.confirmed = 0
    for index in trouble.nodes:
        node = graph.nodes[index]
        found = _terms(context, node, tuple(linked.get(index, ())))
        said, _ = verdict(found)
        incident.confirmed += len(node.alerts) if said is Verdict.CONFIRMED else 0
        cell = cells[node.entity]
        if (cell.verdict, cell.terms) == (said, found):
            found = cell.terms
        elif node.telling:
            cell.verdict, cell.terms = said, found
        for number in node.alerts:
            alert = context.state.alerts[number]
            if alert.terms is not found and (alert.verdict, alert.terms) != (said, found):
                context.changed.add(number)
            alert.verdict, alert.terms = said, found


def _terms(context: Context, node: Node, neighbours: tuple[str, ...]) -> tuple[Term, ...]:
    until = node.start + context.rules.correlation.window
    since = node.start - BEFORE
    found = list(neighbour_terms(neighbours))
    if node.entity in context.state.telemetry.series:
        found += telemetry_terms(context.state.telemetry, node.entity, node.metric, since, until)
    if node.entity in context.state.logs.entities:
        alerts = [context.state.alerts[number] for number in node.alerts]
        claims = all(claims_errors(f"{alert.name} {alert.metric}") for alert in alerts)
        found += log_terms(context.state.logs, node.entity, since, until, claims=claims)
    found += trace_terms(context.state.traces, node.entity, since, until)
    return tuple(found)


def own_evidence(context: Context, graph: SymptomGraph, looks: Looks, entity: str, onset: Millis) -> Own:
    """What is known of one entity around ``onset``."""
    nodes = [graph.nodes[i] for i in graph.at.get(entity, ())]
    weight = max((node.weight * (STARVED if node.starved else 1.0) for node in nodes), default=0.0)
    until = onset + context.rules.correlation.window
    scores = [d.score for d in context.state.telemetry.deviations(entity, onset - BEFORE, until)]
    strongest = min(1.0, max(scores, default=0.0) / STRONG)
    if log_rise(context.state.logs, entity, onset - BEFORE, until) is not None:
        strongest = max(strongest, 0.6)
    strongest = max(strongest, looks.at(onset - BEFORE, until).of(entity).own)
    changes = [c for c in context.state.changes.get(entity, ()) if onset - CHANGE_WINDOW <= c.at <= onset + BEFORE]
    last = max(changes, key=lambda c: (c.at, c.what, c.detail), default=None)
    return Own(weight, strongest, f"{last.what} {last.detail}".strip() if last else "")


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
        tell_incident(context, incident, "update", now, came or "what is known has changed")


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


def _assess(context: Context, incident: Incident, graph: SymptomGraph, trouble: Trouble, now: Millis) -> str:
    """Cause, impact and severity, with a line in the timeline for each that changed; why the severity has."""
    looks = Looks(context.state.traces)
    ranking = rank(graph, trouble, lambda entity, onset: own_evidence(context, graph, looks, entity, onset))
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
    return _harm(context, incident, nodes, now)
