"""Giving away what another shard owns: after an activation all that is known of its domains, later what still comes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import TypeVar

from engine.alerts.inhibition import unwatch
from engine.clocks import forget_observed
from engine.context import Context
from engine.envelope import encode
from engine.evidence.baselines.moving import divided
from engine.evidence.telemetry import Telemetry
from engine.handover.parcel import Parcel, send
from engine.lifecycle import OPEN, State
from engine.routes import EVERYWHERE
from engine.settle import touch
from engine.shards import shard_of
from engine.signals import Command, Fetched, Millis, SampleTable, Signal, TicketEvent
from engine.state import Alert, Incident

MOST_MOVED = 200_000
"""Incidents, alerts and events of which it is remembered where they went."""
OF_ALERTS = ("gate", "forget", "flap")
OF_INCIDENTS = ("declare", "recover", "archive", "severity", "exposure", "clock", "proof", "call", "update")
OF_DOMAINS = ("settle", "evidence", "final")


Known = TypeVar("Known")


class _Leaving:
    """The parcels under way, by shard."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.parcels: dict[int, Parcel] = {}
        self._owner: dict[str, int] = {}

    def to(self, domain: str) -> Parcel | None:
        """The parcel that what belongs to this domain goes into; None: it stays."""
        shard = self._owner.get(domain)
        if shard is None:
            shard = self._owner[domain] = shard_of(domain, self.context.shard.total)
        if shard == self.context.shard.number:
            return None
        found = self.parcels.get(shard)
        if found is None:
            state = self.context.state
            found = self.parcels[shard] = Parcel(state.shared.activated, marks=list(state.storms.marks))
        return found

    def of_entity(self, entity: str) -> Parcel | None:
        """The parcel of what is known of an entity."""
        return self.to(self.context.topology.domain(entity))


def hand_over(context: Context, now: Millis) -> None:
    """Give away everything that belongs to domains of other shards, and forget it."""
    leaving = _Leaving(context)
    homes = {name: _home(context, incident) for name, incident in context.state.incidents.items()}
    for number in sorted(context.state.alerts):
        _alert(leaving, context.state.alerts[number])
    for name in sorted(homes):
        _incident(leaving, context.state.incidents[name], homes[name], now)
    for name in sorted(context.state.domains):
        if not context.shard.owns(name):
            del context.state.domains[name]
            _timers(leaving, OF_DOMAINS, name)
    _evidence(leaving)
    _series(leaving)
    for shard, parcel in sorted(leaving.parcels.items()):
        send(context, shard, parcel)


def pass_on(context: Context, signals: Sequence[Signal], place: int) -> list[tuple[int, Signal]]:
    """Send on what is another shard's; returns what is left, numbered from ``place`` on."""
    me = context.shard.number
    strays: dict[int, list[Signal]] = {}
    mine: list[tuple[int, Signal]] = []
    for number, signal in enumerate(signals, place):
        parts = context.routes.parts(signal) if isinstance(signal, SampleTable) else {_whose(context, signal): signal}
        for to, part in parts.items():
            if to in (me, EVERYWHERE):
                mine.append((number, part))
            else:
                strays.setdefault(to, []).append(part)
    for shard, passed in sorted(strays.items()):
        send(context, shard, Parcel(context.state.shared.activated, signals=encode(passed)))
    return mine


def _whose(context: Context, signal: Signal) -> int:
    """A core knows where things went that began in it."""
    if not isinstance(signal, Command | TicketEvent | Fetched):
        return context.routes.of(signal)
    target = signal.target if isinstance(signal, Command) else signal.incident.partition("/")[0]
    moved = context.state.shared.moved.get(target)
    return context.shard.number if moved is None else context.routes.of_domain(moved)


def _home(context: Context, incident: Incident) -> str:
    """The domain that an incident belongs to: one that is over goes where its alerts go, or what it is part of."""
    known = context.state.alerts
    seen: set[str] = set()
    while incident.state not in OPEN and incident.id not in seen:
        seen.add(incident.id)
        alerts = [number for number in incident.alerts if number in known]
        if alerts:
            return known[min(alerts)].domain
        into = context.state.incidents.get(incident.merged_into) if incident.state is State.MERGED else None
        if into is None:
            entity = next((name for name in incident.entities if name in context.topology.entities), None)
            return incident.domain if entity is None else context.topology.domain(entity)
        incident = into
    return incident.domain


def _alert(leaving: _Leaving, alert: Alert) -> None:
    parcel = leaving.to(alert.domain)
    if parcel is None:
        return
    context, state, number = leaving.context, leaving.context.state, alert.no
    parcel.alerts.append(alert)
    parcel.timers += _timers(leaving, OF_ALERTS, str(number))
    domain = context.domain(alert.domain)
    for table, into in ((domain.glue, parcel.glue), (domain.pins, parcel.pins)):
        if number in table:
            into[number] = table.pop(number)
    for name in ("cases", "audit", "judged"):
        case = getattr(state.learning, name).pop(number, None)
        if case is not None:
            parcel.cases.append((name, case))
    del state.alerts[number]
    if context.by_fingerprint.get(alert.labels.fingerprint) is alert:
        del context.by_fingerprint[alert.labels.fingerprint]
    unwatch(context, alert)
    for pulse in state.pulses.values() if alert.internal else ():
        if pulse.alert == number:
            pulse.alert = None
    _moved(context, alert.domain, (str(number), alert.event))


def _incident(leaving: _Leaving, incident: Incident, home: str, now: Millis) -> None:
    context = leaving.context
    parcel, state = leaving.to(home), context.state
    if parcel is None:
        gone = {number for number in incident.alerts if number not in state.alerts}
        if gone and incident.state in OPEN:
            incident.alerts -= gone
            forget_observed(incident)
            touch(context, incident.domain, now, urgent=True)
        return
    incident.domain = home
    here = {number for number in incident.alerts if number in state.alerts}
    incident.alerts -= here
    parcel.incidents.append(incident)
    parcel.timers += _timers(leaving, OF_INCIDENTS, incident.id)
    del state.incidents[incident.id]
    if incident.id in state.storms.waiting:
        state.storms.waiting.discard(incident.id)
        parcel.waiting.append(incident.id)
    _moved(context, home, (incident.id,))


def _timers(leaving: _Leaving, kinds: Iterable[str], key: str) -> list[tuple[Millis, str, str]]:
    timers = leaving.context.timers
    found = ((timers.when(kind, key), kind) for kind in kinds)
    taken = [(due, kind, key) for due, kind in found if due is not None]
    for _, kind, _ in taken:
        timers.cancel(kind, key)
    return taken


def _moved(context: Context, domain: str, names: Iterable[str]) -> None:
    moved = context.state.shared.moved
    for name in names:
        if name:
            moved.pop(name, None)
            moved[name] = domain
    for name in list(islice(moved, max(0, len(moved) - MOST_MOVED))):
        del moved[name]


def _evidence(leaving: _Leaving) -> None:
    state, traces, logs = leaving.context.state, leaving.context.state.traces, leaving.context.state.logs
    _table(leaving, state.changes, lambda parcel: parcel.changes)
    _table(leaving, state.copies, lambda parcel: parcel.copies)
    _table(leaving, state.troubled, lambda parcel: parcel.troubled)
    _table(leaving, logs.entities, lambda parcel: parcel.logs)
    gone = set(traces.entities)
    _table(leaving, traces.entities, lambda parcel: parcel.reporters)
    _table(leaving, traces.edges, lambda parcel: parcel.edges)
    gone -= set(traces.entities)
    if gone:
        traces.let_go(gone)
    traces.count()
    logs.groups = sum(len(one.groups) for one in logs.entities.values())
    for name, known in list(state.answers.items()):
        parcel = leaving.of_entity(leaving.context.topology.resolve(known.entity) or known.entity)
        if parcel is not None:
            parcel.answers[name] = state.answers.pop(name)


def _table(leaving: _Leaving, table: dict[str, Known], into: Callable[[Parcel], dict[str, Known]]) -> None:
    for entity in list(table):
        parcel = leaving.of_entity(entity)
        if parcel is not None:
            into(parcel)[entity] = table.pop(entity)


def _series(leaving: _Leaving) -> None:
    state = leaving.context.state
    targets: dict[int, set[str]] = {}
    for entity in state.telemetry.series:
        domain = leaving.context.topology.domain(entity)
        if leaving.to(domain) is not None:
            targets.setdefault(shard_of(domain, leaving.context.shard.total), set()).add(entity)
    if not targets:
        return
    content = state.telemetry.packed()
    for shard, entities in sorted(targets.items()):
        content, going = divided(content, lambda entity, _, chosen=entities: entity in chosen)  # type: ignore[misc]
        leaving.parcels[shard].series = going
    state.telemetry = Telemetry.unpacked(content)
