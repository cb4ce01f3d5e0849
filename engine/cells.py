"""Cells: the live alerts of a domain by entity, and the nodes of the symptom graph made of them.

A cell is made anew only when one of its alerts has changed, so that settling a domain costs time by the number of its
troubled entities, not by the number of their alerts; what only adds to a node is added to it (`engine.growth`).
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
    known = context.settled.get(domain.name)
    if known is not None:
        if alert.no in cell.alerts:
            del context.settled[domain.name]
        else:
            known.came.append(alert)
    cell.alerts.add(alert.no)
    domain.dirty.add(alert.entity)


def depart(context: Context, alert: Alert) -> None:
    """The alert takes part no longer."""
    alert.live = False
    domain = context.domain(alert.domain)
    cell = domain.cells.get(alert.entity)
    context.settled.pop(domain.name, None)
    if cell is not None:
        cell.alerts.discard(alert.no)
        domain.dirty.add(alert.entity)


def soil(context: Context, alert: Alert) -> None:
    """Something about the alert has changed."""
    if alert.live:
        context.settled.pop(alert.domain, None)
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


_Row = tuple[int, bool, Millis, int, Millis | None, Alert]
"""(pin, tells nothing, start, number, end, the alert); numbers differ, so rows are in order by the first four."""


def _make(context: Context, domain: Domain, entity: str, cell: Cell, horizon: Horizon, now: Millis) -> list[Node]:
    """Like spells that overlap, or nearly, are one node. What tells nothing is kept apart, so that it does not blur
    when the trouble began."""
    made: list[Node] = []
    run: list[_Row] = []
    last: Millis | None = None  # when the run ended
    for row in _rows(context, domain, cell, horizon, now):
        pin, silent, start, _, end, _ = row
        if not run:
            run, last = [row], end
        elif (last is None or start <= last + horizon.linger) and run[0][1] is silent and run[0][0] == pin:
            run.append(row)
            last = None if last is None or end is None else max(last, end)
        else:
            made.append(_node(context, entity, run, last))
            run, last = [row], end
    if run:
        made.append(_node(context, entity, run, last))
    return made


def _rows(context: Context, domain: Domain, cell: Cell, horizon: Horizon, now: Millis) -> list[_Row]:
    """The cell's alerts in order. Every alert of a troubled entity comes by here whenever one of them has changed."""
    alerts, pins, brief = context.state.alerts, domain.pins, horizon.brief
    rows: list[_Row] = []
    for number in cell.alerts:
        alert = alerts[number]
        spell = alert.spell
        start, end = spell.start, spell.last_end
        if end >= spell.last_fire or now >= (end := spell.expires):
            silent = end - start < brief or WEIGHT[alert.word] < TELLING_WEIGHT
            rows.append((pins.get(number, 0), silent, start, number, end, alert))
        else:
            rows.append((pins.get(number, 0), WEIGHT[alert.word] < TELLING_WEIGHT, start, number, None, alert))
    rows.sort()
    return rows


def _until(run: list[_Row]) -> Millis:
    """When the first of a run's alerts that fire ends, unless it is sent again."""
    return min([row[5].spell.expires for row in run if row[4] is None], default=0)


def _node(context: Context, entity: str, run: list[_Row], end: Millis | None) -> Node:
    """One node of the alerts of a run."""
    context.state.node_version += 1
    pin, silent, start, _, _, first = run[0]
    node = Node(
        entity, start, end, 0.0, [row[3] for row in run], not silent, starved=True, pin=pin,
        version=context.state.node_version, metric=first.metric, owners={}, until=_until(run),
    )  # fmt: skip
    owners, owner, owned, events = node.owners, first.incident, 0, 0
    word = firing_word = ""
    for _, _, _, _, ended, alert in run:
        events += alert.events
        if alert.incident != owner:
            owners[owner] = owners.get(owner, 0) + owned
            owner, owned = alert.incident, 0
        owned += 1
        if alert.word != word:
            word = alert.word
            node.weight = max(node.weight, WEIGHT[word])
            node.word = max(node.word, word, key=RANK.__getitem__)
        if ended is None or alert.flapping:
            node.firing += 1
            if word != firing_word:
                firing_word = word
                node.firing_word = max(node.firing_word, word, key=RANK.__getitem__)
        if not alert.starved:
            node.starved = False
        if alert.reason is Reason.SETTLING:
            node.settling = True
        if alert.security or alert.internal:
            node.security, node.internal = node.security or alert.security, node.internal or alert.internal
        if alert.metric != node.metric:
            node.metric = ""
    owners[owner] = owners.get(owner, 0) + owned
    node.events = events
    return node
