"""Taking in what another shard hands over: its alerts and incidents go on here as if they had always been here.

An alert of which something came here before the parcel did is one alert again: what was made of it here is folded into
it. Where both have an incident of one trouble, the domain is settled anew and the younger one merged, as ever.
"""

from __future__ import annotations

from collections.abc import Set

from engine.alerts.admission import expire_later, forget_later
from engine.alerts.inhibition import unwatch, watch
from engine.alerts.view import alert_view
from engine.cells import depart, enter
from engine.context import Context
from engine.envelope import decode
from engine.evidence.baselines.moving import divided, joined, keys
from engine.evidence.telemetry import Telemetry
from engine.handover.leaving import OF_INCIDENTS, hand_over
from engine.handover.parcel import Parcel, opened
from engine.heartbeats import ALERT_NAME
from engine.incidents import incident_of, merge
from engine.lifecycle import OPEN
from engine.outcomes import LedgerChange
from engine.reasons import Disposition, Reason
from engine.settle import pass_later, touch
from engine.signals import Handover, Millis
from engine.spell import NEVER, joined_spells
from engine.stance import look_later
from engine.state import Alert
from engine.storms import MARKS_KEPT
from engine.versions import resolve_again


def take_over(context: Context, part: Handover, now: Millis) -> None:
    """Take one part; a parcel is taken in with its last one. What was taken before changes nothing."""
    shared = context.state.shared
    if part.number <= shared.taken.get(part.source, 0):
        return
    shared.taken[part.source] = part.number
    body = shared.parts.pop(part.source, b"") + part.body
    if not part.last:
        shared.parts[part.source] = body
        return
    parcel = opened(body)
    if parcel.activated > shared.activated:
        shared.ahead.append((parcel.activated, body))
    else:
        _adopt(context, parcel, now)


def take_what_waited(context: Context, now: Millis) -> None:
    """Parcels of shards that were ahead, once their activation has been heard of here."""
    shared = context.state.shared
    ripe = [body for number, body in shared.ahead if number <= shared.activated]
    shared.ahead = [row for row in shared.ahead if row[0] > shared.activated]
    for body in ripe:
        _adopt(context, opened(body), now)


def _adopt(context: Context, parcel: Parcel, now: Millis) -> None:
    _incidents(context, parcel, now)
    for alert in parcel.alerts:
        _alert(context, parcel, alert, now)
    for due, kind, key in parcel.timers:
        context.timers.set(max(due, now), kind, key)
    _evidence(context, parcel)
    _series(context, parcel)
    if parcel.activated < context.state.shared.activated:
        for alert in parcel.alerts:
            if alert.no in context.state.alerts:
                resolve_again(context, alert)
        hand_over(context, now)
    touched = {alert.domain for alert in parcel.alerts} | {incident.domain for incident in parcel.incidents}
    for name in sorted(touched & context.state.domains.keys()):
        domain = context.state.domains[name]
        pass_later(context, domain, now)
        look_later(context, domain, now + context.rules.correlation.settle)
        touch(context, name, now, urgent=True)
    _after_settling(context, parcel, touched)
    if parcel.signals:
        context.strays += decode(parcel.signals).signals


def _after_settling(context: Context, parcel: Parcel, touched: Set[str]) -> None:
    """What an incident is looked at for, and became due on the way, waits until its domain is settled here: before,
    nobody can say which of its alerts still fire, and one whose group wait is over would never be declared."""
    domains, timers = context.state.domains, context.timers
    settled = max((domains[name].settle_at + 1 for name in touched & domains.keys()), default=0)
    for _, kind, key in parcel.timers:
        due = timers.when(kind, key)
        if kind in OF_INCIDENTS and due is not None and due < settled:
            timers.set(settled, kind, key)


def _incidents(context: Context, parcel: Parcel, now: Millis) -> None:
    state = context.state
    for incident in parcel.incidents:
        incident.signature = ""
        state.incidents[incident.id] = incident
        state.shared.moved.pop(incident.id, None)
        if incident.state in OPEN:
            context.domain(incident.domain).open.add(incident.id)
    state.storms.marks = list(dict.fromkeys([*state.storms.marks, *parcel.marks]))[-MARKS_KEPT:]
    if state.storm:
        state.storms.waiting |= set(parcel.waiting)
        return
    for name in parcel.waiting:  # the storm was the other shard's
        context.timers.set(now + context.rules.correlation.group_wait, "declare", name)


def _alert(context: Context, parcel: Parcel, alert: Alert, now: Millis) -> None:
    state = context.state
    state.alerts[alert.no] = alert
    context.changed.add(alert.no)
    for name in (str(alert.no), alert.event):
        state.shared.moved.pop(name, None)
    domain = context.domain(alert.domain)
    for table, given in ((domain.glue, parcel.glue), (domain.pins, parcel.pins)):
        if alert.no in given:
            table[alert.no] = given[alert.no]
    _known(context, alert, now)
    if alert.live:
        enter(context, alert)
    if alert.spell.expires != NEVER and alert.reason is not Reason.HEARTBEAT:
        expire_later(context, alert)
    labels = alert.labels.as_dict()
    if alert.internal:
        pulse = state.pulses.get(labels.get("heartbeat", ""))
        if alert.name == ALERT_NAME and pulse is not None and pulse.state == "dead":
            pulse.alert = alert.no
    elif context.inhibits:
        watch(context, alert, labels)


def _known(context: Context, alert: Alert, now: Millis) -> None:
    """Make it the alert of its fingerprint, unless one that came here meanwhile is of a later spell."""
    by_fingerprint, linger = context.by_fingerprint, context.rules.correlation.linger
    fingerprint = alert.labels.fingerprint
    if alert.replaced:
        return
    other = by_fingerprint.get(fingerprint)
    by_fingerprint[fingerprint] = alert
    if other is None:
        return
    end, other_end = alert.spell.end(now), other.spell.end(now)
    if end is not None and other.spell.start > end + linger:
        alert.replaced = True
        by_fingerprint[fingerprint] = other
    elif other_end is not None and alert.spell.start > other_end + linger:
        other.replaced = True
    else:
        _fold(context, other, alert, now)


def _fold(context: Context, young: Alert, alert: Alert, now: Millis) -> None:
    """What came here before the parcel was of the same spell."""
    alert.spell = joined_spells(alert.spell, young.spell)
    alert.events += young.events
    alert.last_event, alert.key = young.last_event, young.key
    if young.disposition is not Disposition.RESOLVED:
        alert.annotations, alert.value, alert.word = young.annotations, young.value, young.word
    incident = context.state.incidents.get(young.incident)
    if young.live:
        depart(context, young)
    young.incident, young.verdict = alert.incident, alert.verdict
    _counted(context, young, alert, now)
    young.spell.resolve(None, now, now)
    context.out.departed.append(alert_view(context, young))
    context.changed.discard(young.no)
    del context.state.alerts[young.no]
    unwatch(context, young)
    if not alert.spell.firing(now):
        forget_later(context, alert, now)
    if incident is not None and incident.state in OPEN:
        incident.alerts.discard(young.no)
        into = incident_of(context, alert) if alert.incident else None
        if not incident.alerts and into is not None and into.state in OPEN and into is not incident:
            merge(context, incident, into, now)


def _counted(context: Context, young: Alert, alert: Alert, now: Millis) -> None:
    """The event that began the young one is a repetition of the alert it belongs to, or its end: as any such it names
    no incident, for it is wherever its alert goes."""
    before, young.held_until = young.disposition, None
    young.replaced = True
    if young.internal:
        return
    ended = before is Disposition.RESOLVED
    young.disposition = Disposition.RESOLVED if ended else Disposition.DUPLICATE
    young.reason, young.rule = Reason.ENDED if ended else Reason.REPEAT, ""
    change = LedgerChange(young.event, alert.no, now, before, young.disposition, young.reason)
    context.out.changes.append(change)
    context.recorder.change(alert.domain, change)
    context.count(before, -1)
    context.count(young.disposition)


def _evidence(context: Context, parcel: Parcel) -> None:
    """What is known of entities. Of logs and spans that came here meanwhile the longer history stays."""
    state = context.state
    for name, case in parcel.cases:
        getattr(state.learning, name)[case.alert] = case
    for entity, changes in parcel.changes.items():
        known = state.changes.get(entity, [])
        merged = {(one.at, one.what, one.detail): one for one in (*changes, *known)}
        state.changes[entity] = [merged[key] for key in sorted(merged)]
    for entity, copies in parcel.copies.items():
        state.copies[entity] = {**state.copies.get(entity, {}), **copies}
    for entity, troubled in parcel.troubled.items():
        state.troubled[entity] = [*troubled, *state.troubled.get(entity, ())]
    state.answers.update(parcel.answers)
    state.logs.entities.update(parcel.logs)
    state.logs.groups = sum(len(one.groups) for one in state.logs.entities.values())
    state.logs.newest = max([state.logs.newest, *(one.lines.last for one in parcel.logs.values())])
    state.traces.entities.update(parcel.reporters)
    state.traces.edges.update(parcel.edges)
    state.traces.count()


def _series(context: Context, parcel: Parcel) -> None:
    """Series that came here meanwhile give way to the longer ones that are handed over."""
    if parcel.series is None:
        return
    state, given = context.state, keys(parcel.series)
    content, _ = divided(state.telemetry.packed(), lambda _, key: key in given)
    state.telemetry = Telemetry.unpacked(joined(content, parcel.series))
