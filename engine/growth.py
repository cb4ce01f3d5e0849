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
from engine.correlate.graph import Node
from engine.reasons import Reason, Verdict
from engine.settled import Settled
from engine.signals import Millis
from engine.state import Alert, Cell, Domain, Incident
from engine.words import WEIGHT
from rules.words import RANK

MARGIN: Millis = 1_000
"""Looks for lapse of time are rounded up to seconds."""


def keep(context: Context, domain: Domain, nodes: list[Node], incident: str) -> None:
    """Its only trouble was just looked at from the ground up: keep it, unless evidence goes on by itself."""
    state = context.state
    measured = state.telemetry.series or state.logs.entities or state.traces.entities or state.answers or state.copies
    if len(domain.open) == 1 and not domain.glue and not measured:
        context.settled[domain.name] = Settled(nodes, incident)


def grown(context: Context, domain: Domain, now: Millis) -> Settled | None:
    """The domain as it was settled, with the alerts that have come since; None when it is to be settled anew."""
    known = context.settled.get(domain.name)
    if known is None:
        return None
    incident = context.state.incidents[known.incident]
    if not _steady(context, domain, incident, now):
        return None
    came: dict[str, list[Alert]] = {}
    for alert in known.came:
        came.setdefault(alert.entity, []).append(alert)
    homes: dict[str, Node] = {}
    for entity, alerts in came.items():
        home = _home(domain.cells[entity], known.incident, now)
        if home is None:
            return None
        one = context.state.alerts[home.alerts[0]]
        if not all(_alike(home, one, alert, now) for alert in alerts):
            return None
        homes[entity] = home
    for entity in sorted(homes):
        _grow(context, domain.cells[entity], homes[entity], came[entity])
    incident.confirmed += sum(alert.verdict is Verdict.CONFIRMED for alert in known.came)
    domain.dirty.clear()
    known.came = []
    return known


def _steady(context: Context, domain: Domain, incident: Incident, now: Millis) -> bool:
    """Would its impact, severity and members be the same now, if they were looked at again?"""
    if len(domain.open) != 1 or not incident.firing or not incident.revision or incident.touched is not None:
        return False
    if context.rules.regimes or incident.regimes or incident.impact_total > len(incident.impact):
        return False
    if incident.onset_provisional and now >= incident.onset + context.rules.correlation.lateness:
        return False
    due = context.timers.when("severity", incident.id)
    if due is not None and due - MARGIN - incident.impact_total <= now:
        return False
    if incident.objectives and (incident.restoring_at is not None or _buffered(context, incident)):
        return False
    return not any(
        at is not None and at > now
        for hit in incident.impact
        for at in (hit.at, hit.degraded_at, hit.down_at, hit.held_until)
    )


def _buffered(context: Context, incident: Incident) -> bool:
    """Has the time that anything hit needs to come back to do with a buffer, which is filled or spent as time goes?"""
    providers = context.topology.providers
    return any(dependency.buffer for hit in incident.impact for dependency in providers(hit.entity))


def _home(cell: Cell, incident: str, now: Millis) -> Node | None:
    """The entity's node that fires and takes in what comes; None where making its nodes anew may change them."""
    if any(node.pin or 0 < node.until <= now for node in cell.nodes):
        return None
    home = next((node for node in cell.nodes if node.telling and node.end is None), None)
    if home is None or home.settling or home.owners != {incident: len(home.alerts)}:
        return None
    return home


def _alike(node: Node, one: Alert, alert: Alert, now: Millis) -> bool:
    """Does an alert say nothing that those of the node, of which ``one`` is one, have not said?"""
    return (
        alert.reason is Reason.SAME_ENTITY
        and alert.incident == one.incident
        and alert.spell.firing(now)
        and not alert.flapping
        and alert.spell.start >= node.start
        and (not node.metric or node.metric == alert.metric)
        and WEIGHT[alert.word] >= TELLING_WEIGHT
        and RANK[alert.word] <= RANK[node.firing_word]
        and (alert.starved or not node.starved)
        and (node.security or not alert.security)
        and (node.internal or not alert.internal)
        and alert.verdict is one.verdict
        and alert.terms == one.terms
    )


def _grow(context: Context, cell: Cell, home: Node, came: Sequence[Alert]) -> None:
    """As `engine.cells` would make its nodes anew: alerts are in the order of their starts and numbers."""
    alerts = context.state.alerts
    last = (alerts[home.alerts[-1]].spell.start, home.alerts[-1])
    for alert in came:
        place = (alert.spell.start, alert.no)
        if place > last:
            home.alerts.append(alert.no)
            last = place
        else:
            insort(home.alerts, alert.no, key=lambda number: (alerts[number].spell.start, number))
        home.until = min(home.until, alert.spell.expires)
    home.firing += len(came)
    home.owners = {came[0].incident: len(home.alerts)}
    for node in cell.nodes:
        context.state.node_version += 1
        node.version = context.state.node_version
        node.events = sum([alerts[number].events for number in node.alerts])
