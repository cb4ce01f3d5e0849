"""Gates before correlation, and the second look at what they kept back (law 6)."""

from __future__ import annotations

import msgspec

from engine.alerts.inhibition import inhibited_by, targets_of, unwatch
from engine.alerts.view import alert_view
from engine.cells import soil
from engine.context import Context
from engine.heartbeats import expects
from engine.reasons import Disposition, Reason
from engine.settle import place, touch, withdraw
from engine.signals import Millis
from engine.spell import NEVER
from engine.state import Alert
from rules.gates import Gate, Subject

LOOK_AGAIN: Millis = 60_000
"""How soon an alert is looked at again whose value is past its clear line."""


def admit(context: Context, index: int, alert: Alert, labels: dict[str, str], now: Millis) -> None:
    """The first disposition of the event that begins a spell."""
    if not context.gated and not context.inhibits and _in_scope(context, alert):
        alert.disposition, alert.reason = place(context, alert, now)
        context.enter(index, alert, alert.disposition, alert.reason)
        return
    gate = _gate(context, alert, labels, alert.spell.last_fire, counted=False)
    if gate is not None and context.enforced(gate.rule):
        _keep_back(context, alert, gate)
        context.enter(index, alert, alert.disposition, alert.reason)
    else:
        alert.disposition, alert.reason = place(context, alert, now)
        enforced = None
        if gate is not None:
            enforced = Disposition.HELD if gate.action == "hold" else Disposition.SUPPRESSED
            if enforced is Disposition.SUPPRESSED:
                context.kept_back(alert, gate.rule, Reason(gate.reason), now, shadow=True)
        context.enter(index, alert, alert.disposition, alert.reason, enforced=enforced)
    review_targets(context, alert, labels, now)


def review(context: Context, alert: Alert, at: Millis, now: Millis, *, returned: bool = False) -> None:
    """Ask the gates again, at event time ``at``, and do what they say now. What a person closed while it fired stays
    closed until the alert has ended and ``returned``."""
    by_hand = alert.disposition is Disposition.SUPPRESSED and alert.reason is Reason.MANUAL
    if by_hand or alert.internal or not alert.spell.firing(now) or alert.reason is Reason.HEARTBEAT:
        return
    labels = alert.labels.as_dict()
    gate = _gate(context, alert, labels, at, counted=alert.admitted)
    if gate is not None and not context.enforced(gate.rule):
        gate = None
    if gate is None:
        if returned or not alert.admitted:
            _let_in(context, alert, now)
    elif gate.action == "suppress" or not alert.admitted:
        _keep_back_again(context, alert, gate, now)


def ended(context: Context, alert: Alert, now: Millis) -> None:
    """The alert stopped firing: its incident may be quiet, what it inhibited may come forward."""
    soil(context, alert)
    touch(context, alert.domain, now)
    if context.inhibits:
        review_targets(context, alert, alert.labels.as_dict(), now)


def gate_due(context: Context, number: str, due: Millis) -> None:
    """Timer ``gate``: a gate said to look again now."""
    alert = context.state.alerts.get(int(number))
    if alert is None:
        return
    end = alert.spell.end(due)
    if end is None:
        review(context, alert, due, due)
    elif alert.disposition is Disposition.HELD and alert.reason is Reason.BELOW_THRESHOLD:
        if alert.held_until is not None and end >= alert.held_until:
            _let_in(context, alert, due)
        else:
            context.redispose(alert, Disposition.SUPPRESSED, Reason.NEVER_REACHED_THRESHOLD, due, alert.rule)
        alert.held_until = None


def expire_later(context: Context, alert: Alert) -> None:
    """Look at the alert again when its announced end has passed. One timer serves all alerts of a second; it is set
    even if it is there, because own downtime moves it."""
    second = -(-alert.spell.expires // 1000)
    waiting = context.state.expiring.get(second)
    if waiting is None:
        waiting = context.state.expiring[second] = []
    context.timers.set(second * 1000, "expiry", str(second))
    waiting.append(alert.no)


def expiry_due(context: Context, second: str, due: Millis) -> None:
    """Timer ``expiry``: firing alerts that were not sent again have ended."""
    for number in dict.fromkeys(context.state.expiring.pop(int(second), ())):
        alert = context.state.alerts.get(number)
        if alert is None or alert.reason is Reason.HEARTBEAT or alert.spell.last_fire <= alert.spell.last_end:
            continue
        if alert.spell.expires > due:
            if alert.spell.expires != NEVER:
                expire_later(context, alert)
        elif not expects(context, alert):
            alert.spell.expires = due + context.rules.correlation.resolve_timeout
            expire_later(context, alert)
        else:
            context.changed.add(alert.no)
            ended(context, alert, due)
            forget_later(context, alert, due)


def forget_later(context: Context, alert: Alert, now: Millis) -> None:
    """An ended alert is remembered for the linger time and the allowed lateness."""
    limits = context.rules.correlation
    context.timers.set(now + limits.linger + limits.lateness, "forget", str(alert.no))


def forget_due(context: Context, number: str, due: Millis) -> None:
    """Timer ``forget``: the alert's life is over, unless it fires again, an open incident holds it, or it is held."""
    alert = context.state.alerts.get(int(number))
    if alert is None or alert.spell.firing(due):
        return
    if alert.live or alert.held_until is not None:
        forget_later(context, alert, due)
        return
    if alert.no in context.changed:
        context.out.departed.append(alert_view(context, alert))
    context.conclude(alert, due)
    del context.state.alerts[alert.no]
    unwatch(context, alert)
    if context.by_fingerprint.get(alert.labels.fingerprint) is alert:
        del context.by_fingerprint[alert.labels.fingerprint]


def _in_scope(context: Context, alert: Alert) -> bool:
    entity = context.topology.entities.get(alert.entity)
    return entity is None or entity.scope


def _gate(context: Context, alert: Alert, labels: dict[str, str], at: Millis, *, counted: bool) -> Gate | None:
    subject = _subject(context, alert, labels, at, counted=counted)
    for silence in context.state.silences.values():
        found = silence.gate(subject, at)
        if found is not None:
            return found
    if counted:
        probe = context.rules.gate(msgspec.structs.replace(subject, cleared_at=0), at, context.enforced)
        if probe is not None and probe.reason == Reason.BELOW_THRESHOLD:
            alert.cleared_at = at if alert.cleared_at is None else alert.cleared_at
            context.timers.set(at + LOOK_AGAIN, "gate", str(alert.no))
        else:
            alert.cleared_at = None
        subject = msgspec.structs.replace(subject, cleared_at=alert.cleared_at)
    gate = context.rules.gate(subject, at, context.enforced)
    if gate is not None and context.enforced(gate.rule):
        return gate
    inhibited = inhibited_by(context, alert, labels)
    if inhibited is not None and (gate is None or context.enforced(inhibited.rule)):
        return inhibited
    return gate


def _subject(context: Context, alert: Alert, labels: dict[str, str], at: Millis, *, counted: bool) -> Subject:
    entity = context.topology.entities.get(alert.entity) if alert.mapped else None
    return Subject(
        labels=labels,
        entity=alert.entity,
        kind=entity.kind if entity else "",
        tier=entity.tier if entity else None,
        in_scope=entity.scope if entity else True,
        security=alert.security,
        severity=alert.word,
        value=alert.value,
        starts_at=alert.spell.last_fire,
        firing_for=at - alert.spell.last_fire,
        counted=counted,
    )


def _keep_back(context: Context, alert: Alert, gate: Gate) -> None:
    held = gate.action == "hold"
    alert.disposition = Disposition.HELD if held else Disposition.SUPPRESSED
    alert.reason, alert.rule = Reason(gate.reason), gate.rule
    alert.held_until = gate.until if held else None
    if gate.until is not None:
        context.timers.set(gate.until, "gate", str(alert.no))


def _keep_back_again(context: Context, alert: Alert, gate: Gate, now: Millis) -> None:
    held = gate.action == "hold"
    disposition = Disposition.HELD if held else Disposition.SUPPRESSED
    if alert.admitted:
        withdraw(context, alert, now)
    below = alert.disposition is Disposition.SUPPRESSED and alert.reason is Reason.BELOW_THRESHOLD
    if below and gate.reason == Reason.NEVER_REACHED_THRESHOLD:
        return  # it had reached it, and is below again
    if (alert.disposition, alert.reason, alert.rule) != (disposition, gate.reason, gate.rule):
        context.redispose(alert, disposition, Reason(gate.reason), now, gate.rule)
    alert.held_until = gate.until if held else None
    if gate.until is not None:
        context.timers.set(gate.until, "gate", str(alert.no))


def _let_in(context: Context, alert: Alert, now: Millis) -> None:
    """Into correlation, or back into it."""
    if alert.admitted and alert.live:
        return
    disposition, reason = place(context, alert, now)
    if (disposition, reason) != (alert.disposition, alert.reason):
        context.redispose(alert, disposition, reason, now)
    alert.held_until = None


def review_targets(context: Context, alert: Alert, labels: dict[str, str], now: Millis) -> None:
    """It began or ceased to fire: ask the gates again about what it may mute."""
    for number in targets_of(context, alert, labels):
        target = context.state.alerts.get(number)
        if target is not None:
            review(context, target, now, now)
