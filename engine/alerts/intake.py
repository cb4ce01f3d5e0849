"""From an alert event to its first disposition."""

from __future__ import annotations

import sys

import msgspec

from engine.alerts.admission import admit, ended, expire_later, forget_later, review, review_targets
from engine.alerts.inhibition import unwatch, watch
from engine.alerts.view import alert_view
from engine.cells import soil
from engine.context import Context
from engine.flapping import is_flapping, percent_change
from engine.heartbeats import pulse
from engine.reasons import Disposition, Reason
from engine.settle import touch
from engine.signals import AlertEvent, Millis
from engine.spell import NEVER, Spell, Step
from engine.stance import again
from engine.state import Alert
from engine.storms import note_new
from rules.ruleset import SEVERITY_LABELS
from topology.model import UNMAPPED

RETURNS = 50
"""Events with which an alert fired again that follow its disposition."""
NO_VALUES: dict[str, str] = {}
_strings = msgspec.json.Decoder(dict[str, str])


def take(context: Context, index: int, event: AlertEvent, now: Millis) -> None:
    """Give alert event ``index`` of the current position its disposition."""
    alert = context.by_fingerprint.get(event.labels.fingerprint)
    if alert is not None and _repeats(context, index, alert, event, now):
        return
    start, end, expires = _times(context, event, now)
    if alert is not None and alert.reason is Reason.HEARTBEAT:
        _beat(context, index, alert, event, now)
        return
    if alert is not None and _over(context, alert, start or end or now, now):
        _drop(context, alert, now)
        alert = None
    if end is not None:
        _resolve(context, index, alert, event, start, end, now)
    elif alert is None:
        _first(context, index, event, start or now, expires, now)
    else:
        _again(context, index, alert, event, start or now, expires, now)


def _repeats(context: Context, index: int, alert: Alert, event: AlertEvent, now: Millis) -> bool:
    """The hot path: the same firing alert again, nothing new but its expiry."""
    spell = alert.spell
    ends = event.ends_at
    if (
        alert.reason is Reason.HEARTBEAT
        or not event.firing
        or event.starts_at != spell.last_fire
        or spell.last_fire <= spell.last_end
        or now >= spell.expires
        or (event.annotations is not alert.annotations and event.annotations != alert.annotations)
        or event.value != alert.value
    ):
        return False
    if ends is None:
        ends = now + context.rules.correlation.resolve_timeout if event.resent else NEVER
    elif ends <= now:
        return False
    spell.expires = max(spell.expires, ends)
    alert.events += 1
    context.repeat(index, alert, Reason.REDELIVERED if event.key and event.key == alert.key else Reason.REPEAT)
    return True


def _times(context: Context, event: AlertEvent, now: Millis) -> tuple[Millis | None, Millis | None, Millis]:
    """(start, end if resolved, expiry if firing), with times in the future clamped to the arrival."""
    limits = context.rules.correlation
    start, ends = event.starts_at, event.ends_at
    if start is not None:
        start = None if start <= 0 else now if start > now + limits.future_skew else start
    if not event.firing:
        end = now if ends is None else min(ends, now + limits.future_skew)
        return start, max(end, start or 0), NEVER
    if ends is not None and event.resent and ends <= now:
        return start, ends, NEVER
    if ends is None or ends <= now:
        return start, None, now + limits.resolve_timeout if event.resent else NEVER
    return start, None, ends


def _over(context: Context, alert: Alert, at: Millis, now: Millis) -> bool:
    """Did the alert's spell end so long before ``at`` that a new one begins?"""
    end = alert.spell.end(now)
    return end is not None and at > end + context.rules.correlation.linger


def _drop(context: Context, alert: Alert, now: Millis) -> None:
    """A new spell makes a new alert of the fingerprint; the old one stays as long as an open incident holds it."""
    context.by_fingerprint.pop(alert.labels.fingerprint, None)
    alert.replaced = True
    if not alert.live:
        if alert.held_until is not None:
            context.redispose(alert, Disposition.SUPPRESSED, Reason.NEVER_REACHED_THRESHOLD, now, alert.rule)
            alert.held_until = None
            context.out.departed.append(alert_view(context, alert))
        context.conclude(alert, now)
        context.state.alerts.pop(alert.no, None)
        unwatch(context, alert)


def _beat(context: Context, index: int, alert: Alert, event: AlertEvent, now: Millis) -> None:
    """A heartbeat in the form of an alert that always fires."""
    alert.events += 1
    if event.firing and (event.ends_at is None or event.ends_at > now):
        labels = event.labels.as_dict()
        rule = context.rules.heartbeat(labels)
        if rule is not None:
            pulse(context, rule.source(labels), rule.every, now, now, rule.of(labels))
        context.enter(index, alert, Disposition.DUPLICATE, Reason.HEARTBEAT)
    else:
        context.enter(index, alert, Disposition.RESOLVED, Reason.HEARTBEAT)


def _new(context: Context, event: AlertEvent, labels: dict[str, str], spell: Spell, index: int) -> Alert:
    """An alert seen for the first time (or again after its spell was over), resolved to its entity."""
    state, rules, topology = context.state, context.rules, context.topology
    worded = event.annotations == b"{}" or not labels.keys().isdisjoint(SEVERITY_LABELS)
    notes = NO_VALUES if worded else _strings.decode(event.annotations)
    entity, fallback = None, ""
    for name in rules.names(labels):
        fallback = fallback or name
        entity = topology.resolve(name)
        if entity is not None:
            break
    name = sys.intern(rules.alert_name(labels))
    known = topology.entities[entity] if entity is not None else None
    number = state.next_alert
    state.next_alert += 1
    event_id = f"{state.position}-{index}"
    alert = Alert(
        number,
        event.labels,
        name,
        sys.intern(entity or fallback or name),
        known is not None,
        topology.domain(entity) if entity is not None else UNMAPPED,
        sys.intern(rules.severity_word(labels, notes)),
        spell,
        event_id,
        Disposition.HELD,
        Reason.SETTLING,
        event.annotations,
        event.url,
        event.value,
        last_event=event_id,
        key=event.key,
        metric=labels.get("metric", ""),
        security=bool(known and known.security),
        starved=context.starved(name, labels),
    )
    state.alerts[number] = alert
    context.by_fingerprint[event.labels.fingerprint] = alert
    if context.inhibits:
        watch(context, alert, labels)
    return alert


def _first(context: Context, index: int, event: AlertEvent, start: Millis, expires: Millis, now: Millis) -> None:
    """A new spell begins."""
    spell = Spell(start, start, 0, expires)
    labels = event.labels.as_dict()
    alert = _new(context, event, labels, spell, index)
    note_new(context, now)
    _begin(context, index, alert, labels, now)
    if expires != NEVER and alert.reason is not Reason.HEARTBEAT:
        expire_later(context, alert)
    context.changed.add(alert.no)


def _begin(context: Context, index: int, alert: Alert, labels: dict[str, str], now: Millis) -> None:
    """The first firing event of a spell: a sign of life, or something for the gates."""
    beat = context.heartbeat(alert.name, labels)
    if beat is not None:
        pulse(context, beat.source(labels), beat.every, now, now, beat.of(labels))
        alert.disposition, alert.reason, alert.rule = Disposition.SUPPRESSED, Reason.HEARTBEAT, beat.id
        context.enter(index, alert, alert.disposition, alert.reason)
    else:
        admit(context, index, alert, labels, now)


def _returned(context: Context, index: int, alert: Alert, event: AlertEvent, now: Millis) -> None:
    """It fires again inside its spell."""
    if alert.kept_back:
        again(context, alert, now)
        context.enter(index, alert, alert.disposition, alert.reason)
    elif alert.by_evidence:  # its incident is over: what it was suppressed for stays, this event is looked at anew
        alert.event, alert.returns = alert.last_event, ()
        admit(context, index, alert, event.labels.as_dict(), now)
    else:
        context.enter(index, alert, Disposition.UPDATED, Reason.REFIRED)
        if alert.disposition is not Disposition.SUPPRESSED:
            alert.returns = (*alert.returns, alert.last_event)[-RETURNS:]


def _again(
    context: Context, index: int, alert: Alert, event: AlertEvent, start: Millis, expires: Millis, now: Millis
) -> None:
    """A further firing event of a known spell: a repeat with news, a return, or one that comes late."""
    step = alert.spell.fire(start, expires, now, context.rules.content.flapping.tick)
    alert.events += 1
    alert.last_event = f"{context.state.position}-{index}"
    if expires != NEVER:
        expire_later(context, alert)
    changed = event.annotations != alert.annotations or event.value != alert.value
    if changed and step is not Step.LATE:
        _refresh(context, alert, event)
    context.changed.add(alert.no)
    if alert.reason is Reason.UNKNOWN_ALERT:
        alert.event = alert.last_event
        _begin(context, index, alert, event.labels.as_dict(), now)
        return
    if step is Step.REFIRED:
        _flap(context, alert, now)
        _returned(context, index, alert, event, now)
        review(context, alert, now, now, returned=True)
        review_targets(context, alert, event.labels.as_dict(), now)
    elif step is Step.LATE:
        context.enter(index, alert, Disposition.DUPLICATE, Reason.LATE)
    elif changed:
        context.enter(index, alert, Disposition.UPDATED, Reason.CONTENT_CHANGED)
        review(context, alert, now, now)
    else:
        reason = Reason.REDELIVERED if event.key and event.key == alert.key else Reason.REPEAT
        context.enter(index, alert, Disposition.DUPLICATE, reason)
    soil(context, alert)
    touch(context, alert.domain, now)


def _refresh(context: Context, alert: Alert, event: AlertEvent) -> None:
    """The newest text, value and severity of the sender."""
    notes = _strings.decode(event.annotations)
    alert.annotations, alert.value = event.annotations, event.value
    alert.word = sys.intern(context.rules.severity_word(event.labels.as_dict(), notes))


def _resolve(
    context: Context, index: int, alert: Alert | None, event: AlertEvent, start: Millis | None, end: Millis, now: Millis
) -> None:
    """The sender says that it is over."""
    if alert is None:
        spell = Spell(end if start is None else start, 0, end, 0, ((end, False),))
        alert = _new(context, event, event.labels.as_dict(), spell, index)
        alert.disposition, alert.reason = Disposition.RESOLVED, Reason.UNKNOWN_ALERT
        context.enter(index, alert, Disposition.RESOLVED, Reason.UNKNOWN_ALERT)
    else:
        step = alert.spell.resolve(start, end, now, context.rules.content.flapping.tick)
        alert.events += 1
        alert.last_event = f"{context.state.position}-{index}"
        _flap(context, alert, now)
        context.enter(index, alert, Disposition.RESOLVED, Reason.ENDED if step is Step.ENDED else Reason.LATE)
        ended(context, alert, now)
    forget_later(context, alert, now)
    context.changed.add(alert.no)


def _flap(context: Context, alert: Alert, now: Millis) -> None:
    """Notice the beginning and the end of flapping; while it lasts the alert counts as firing for its incident."""
    how, flips = context.rules.content.flapping, alert.spell.flips
    at = max(now, flips[-1][0]) if flips else now
    was, alert.flapping = alert.flapping, is_flapping(flips, at, was=alert.flapping, how=how)
    if alert.flapping:
        context.timers.set(now + how.tick, "flap", str(alert.no))
    if was != alert.flapping:
        alert.flapping_since = now if alert.flapping else None
        context.changed.add(alert.no)
        soil(context, alert)
        touch(context, alert.domain, now)
        if alert.incident:
            percent = round(percent_change(flips, at, how), 1)
            text = f"{alert.name} on {alert.entity} {'is' if alert.flapping else 'is no longer'} flapping"
            facts = {"flapping": alert.flapping, "alert": alert.no, "percent": percent, "method": how.method}
            context.tell(alert.incident, alert.domain, now, "flapping", f"{text} ({percent:g} %)", facts=facts)


def flap_due(context: Context, number: str, due: Millis) -> None:
    """Timer ``flap``: does it still flap?"""
    alert = context.state.alerts.get(int(number))
    if alert is not None and alert.flapping:
        _flap(context, alert, due)
