"""More of the same: new alerts of a trouble that change nothing about it but counts.

In a storm most new alerts say what others of their entity have said already. Where they fall into a node that fires,
and neither what they say nor the time that has passed can change the partition, a verdict, the cause, the impact or the
severity, the node takes them in and the incident is counted anew. The result is the one that settling anew would have.
`Settled` is forgotten at whatever else happens in the domain (`engine.cells.soil`, and `Core` for all other signals and
timers); where anything is measured, and where a domain has several troubles, none is kept.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence

from engine.cells import TELLING_WEIGHT
from engine.context import Context
from engine.correlate.graph import Node, SymptomGraph
from engine.correlate.partition import Trouble
from engine.reasons import Reason, Verdict
from engine.settled import Settled
from engine.signals import Millis
from engine.state import Alert, Cell, Domain, Incident
from engine.words import WEIGHT
from rules.words import RANK

MARGIN: Millis = 1_000
"""Looks for lapse of time are rounded up to seconds."""


def keep(context: Context, domain: Domain, graph: SymptomGraph, trouble: Trouble, incident: str) -> None:
    """Its only trouble was just looked at from the ground up: keep it, unless evidence goes on by itself."""
    state = context.state
    measured = state.telemetry.series or state.logs.entities or state.traces.entities or state.answers or state.copies
    if len(domain.open) == 1 and not domain.glue and not measured:
        context.settled[domain.name] = Settled(graph, trouble, incident)


def grown(context: Context, domain: Domain, now: Millis) -> Settled | None:
    """The domain as it was settled, with the alerts that have come since; None when it is to be settled anew."""
    known = context.settled.get(domain.name)
    if known is None:
        return None
    incident = context.state.incidents[known.incident]
    by_entity: dict[str, list[Alert]] = {}
    for alert in known.came:
        by_entity.setdefault(alert.entity, []).append(alert)
    cells = domain.cells
    if not _steady(context, domain, incident, now) or not all(
        _takes_in(cells[entity], known.incident, alerts, now) for entity, alerts in by_entity.items()
    ):
        return None
    for entity in sorted(by_entity):
        _grow(context, cells[entity].nodes[0], by_entity[entity])
    incident.confirmed += sum(alert.verdict is Verdict.CONFIRMED for alert in known.came)
    domain.dirty.clear()
    known.came = []
    return known


def _steady(context: Context, domain: Domain, incident: Incident, now: Millis) -> bool:
    """Would its impact, severity and members be the same now, if they were looked at again?"""
    if len(domain.open) != 1 or not incident.firing or not incident.revision or incident.touched is not None:
        return False
    if context.rules.regimes or incident.regimes or incident.objectives or incident.impact_total > len(incident.impact):
        return False
    if incident.onset_provisional and now >= incident.onset + context.rules.correlation.lateness:
        return False
    due = context.timers.when("severity", incident.id)
    if due is not None and due - MARGIN - incident.impact_total <= now:
        return False
    return not any(
        at is not None and at > now
        for hit in incident.impact
        for at in (hit.at, hit.degraded_at, hit.down_at, hit.held_until)
    )


def _takes_in(cell: Cell, incident: str, alerts: Sequence[Alert], now: Millis) -> bool:
    """Does the entity's node take these in without becoming another?"""
    if len(cell.nodes) != 1:
        return False
    node = cell.nodes[0]
    fires = node.telling and node.end is None and now < node.until
    if not fires or node.pin or node.settling or node.owners != {incident: len(node.alerts)}:
        return False
    return all(_alike(node, cell, incident, alert, now) for alert in alerts)


def _alike(node: Node, cell: Cell, incident: str, alert: Alert, now: Millis) -> bool:
    """Does an alert say nothing that those of the node have not said?"""
    return (
        alert.reason is Reason.SAME_ENTITY
        and alert.incident == incident
        and alert.spell.firing(now)
        and not alert.flapping
        and alert.spell.start >= node.start
        and (not node.metric or node.metric == alert.metric)
        and WEIGHT[alert.word] >= TELLING_WEIGHT
        and RANK[alert.word] <= RANK[node.firing_word]
        and (alert.starved or not node.starved)
        and (node.security or not alert.security)
        and (node.internal or not alert.internal)
        and alert.verdict is cell.verdict
        and alert.terms == cell.terms
    )


def _grow(context: Context, node: Node, came: Sequence[Alert]) -> None:
    """As `engine.cells` would make it anew: its alerts stay in the order of their starts and numbers."""
    alerts = context.state.alerts
    context.state.node_version += 1
    node.version = context.state.node_version
    for alert in came:
        if alert.spell.start > alerts[node.alerts[-1]].spell.start:
            node.alerts.append(alert.no)
        else:
            insort(node.alerts, alert.no, key=lambda number: (alerts[number].spell.start, number))
        node.until = min(node.until, alert.spell.expires)
    node.firing += len(came)
    node.owners = {came[0].incident: len(node.alerts)}
    node.events = sum([alerts[number].events for number in node.alerts])
