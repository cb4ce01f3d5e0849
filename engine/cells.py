"""Cells: the live alerts of a domain by entity, and the nodes of the symptom graph made of them.

A cell is made anew only when one of its alerts has changed, so that settling a domain costs time by the number of its
troubled entities, not by the number of their alerts.
"""

from __future__ import annotations

from engine.context import Context
from engine.correlate.graph import Horizon, Node
from engine.reasons import Reason
from engine.signals import Millis
from engine.state import Alert, Cell, Domain
from engine.words import WEIGHT
from rules.words import RANK

TELLING_WEIGHT = 0.5
"""Weight from which an alert may explain others."""


def enter(context: Context, alert: Alert) -> None:
    """The alert takes part in correlation from now on."""
    alert.live = True
    domain = context.domain(alert.domain)
    cell = domain.cells.get(alert.entity)
    if cell is None:
        cell = domain.cells[alert.entity] = Cell(set(), [])
    cell.alerts.add(alert.no)
    domain.dirty.add(alert.entity)


def depart(context: Context, alert: Alert) -> None:
    """The alert takes part no longer."""
    alert.live = False
    domain = context.domain(alert.domain)
    cell = domain.cells.get(alert.entity)
    if cell is not None:
        cell.alerts.discard(alert.no)
        domain.dirty.add(alert.entity)


def soil(context: Context, alert: Alert) -> None:
    """Something about the alert has changed."""
    if alert.live:
        context.domain(alert.domain).dirty.add(alert.entity)


def nodes(context: Context, domain: Domain, horizon: Horizon, now: Millis, *, anew: bool) -> list[list[Node]]:
    """The nodes of all cells, sorted by entity; what a person split off is apart. ``anew``: make all of them."""
    for entity in sorted(domain.cells) if anew else sorted(domain.dirty):
        cell = domain.cells.get(entity)
        if cell is None:
            continue
        if cell.alerts:
            cell.nodes = _make(context, domain, entity, cell, horizon, now)
        else:
            del domain.cells[entity]
    domain.dirty.clear()
    parts: dict[int, list[Node]] = {}
    for entity in sorted(domain.cells):
        for node in domain.cells[entity].nodes:
            parts.setdefault(node.pin, []).append(node)
    return [parts[pin] for pin in sorted(parts)]


def _make(context: Context, domain: Domain, entity: str, cell: Cell, horizon: Horizon, now: Millis) -> list[Node]:
    """Like spells that overlap, or nearly, are one node. What tells nothing is kept apart, so that it does not blur
    when the trouble began."""
    rows = []
    for number in cell.alerts:
        alert = context.state.alerts[number]
        end = alert.spell.end(now)
        lasting = end is None or end - alert.spell.start >= horizon.brief
        telling = lasting and WEIGHT[alert.word] >= TELLING_WEIGHT
        rows.append((domain.pins.get(number, 0), not telling, alert.spell.start, number, end, alert))
    rows.sort(key=lambda row: row[:4])
    made: list[Node] = []
    for pin, silent, start, _, end, alert in rows:
        last = made[-1] if made else None
        near = last is not None and (last.end is None or start <= last.end + horizon.linger)
        if last is None or not near or last.telling is silent or last.pin != pin:
            context.state.node_version += 1
            last = Node(
                entity,
                start,
                end,
                0.0,
                [],
                not silent,
                starved=True,
                pin=pin,
                version=context.state.node_version,
                owners={},
            )
            made.append(last)
        _add(last, alert, end)
    return made


def _add(node: Node, alert: Alert, end: Millis | None) -> None:
    node.alerts.append(alert.no)
    node.end = None if node.end is None or end is None else max(node.end, end)
    node.weight = max(node.weight, WEIGHT[alert.word])
    node.starved = node.starved and alert.starved
    node.events += alert.events
    node.security = node.security or alert.security
    node.internal = node.internal or alert.internal
    node.owners[alert.incident] = node.owners.get(alert.incident, 0) + 1
    node.settling = node.settling or alert.reason is Reason.SETTLING
    if end is None or alert.flapping:
        node.firing += 1
        if RANK[alert.word] > RANK[node.firing_word]:
            node.firing_word = alert.word
    if RANK[alert.word] > RANK[node.word]:
        node.word = alert.word
    if alert.metric != node.metric:
        node.metric = alert.metric if len(node.alerts) == 1 else ""
