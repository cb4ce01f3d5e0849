"""Heartbeats: a source that falls silent is late, then dead; its loss opens an incident and is never suppressed."""

from __future__ import annotations

from engine.cells import soil
from engine.context import Context
from engine.reasons import Disposition, Reason
from engine.settle import place, touch
from engine.signals import Labels, Millis
from engine.spell import NEVER, Spell
from engine.state import Alert, Pulse
from topology.model import UNMAPPED

LATE_AFTER = 1.5
"""Late after this many intervals without a sign of life."""
DEAD_AFTER = 3
"""Dead after this many."""
ALERT_NAME = "HeartbeatLost"


def pulse(context: Context, source: str, every: Millis, at: Millis, now: Millis) -> None:
    """A sign of life at ``at`` (clamped to ``now``)."""
    known = context.state.pulses.get(source)
    if known is None:
        known = context.state.pulses[source] = Pulse(source, every, min(at, now))
    known.every, known.last = every, max(known.last, min(at, now))
    if known.state == "dead" and known.alert is not None:
        _restored(context, known, now)
    known.state = "live"
    context.timers.set(known.last + round(every * LATE_AFTER), "late", source)
    context.timers.set(known.last + every * DEAD_AFTER, "dead", source)


def late_due(context: Context, source: str, due: Millis) -> None:
    """Timer ``late``."""
    known = context.state.pulses.get(source)
    if known is not None and known.state == "live":
        known.state = "late"


def dead_due(context: Context, source: str, due: Millis) -> None:
    """Timer ``dead``: open an incident on the source's entity."""
    known = context.state.pulses.get(source)
    if known is None or known.state == "dead":
        return
    known.state = "dead"
    state = context.state
    entity = context.topology.resolve(source)
    alert = Alert(
        state.next_alert,
        Labels.of({"alertname": ALERT_NAME, "heartbeat": source}),
        ALERT_NAME,
        entity or source,
        entity is not None,
        context.topology.domain(entity) if entity else UNMAPPED,
        "critical",
        Spell(known.last, known.last, 0, NEVER),
        "",
        Disposition.HELD,
        Reason.SETTLING,
        internal=True,
        events=0,
    )
    state.next_alert += 1
    state.alerts[alert.no] = alert
    known.alert = alert.no
    alert.disposition, alert.reason = place(context, alert, due)
    context.changed.add(alert.no)


def _restored(context: Context, known: Pulse, now: Millis) -> None:
    alert = context.state.alerts.get(known.alert) if known.alert is not None else None
    known.alert = None
    if alert is not None:
        alert.spell.resolve(None, now, now)
        context.changed.add(alert.no)
        soil(context, alert)
        touch(context, alert.domain, now)
        context.timers.set(now + context.rules.correlation.linger, "forget", str(alert.no))
