"""Heartbeats: a source that falls silent is late, then dead; its loss opens an incident and is never suppressed.

How often a sign of life is due is declared, or learned: the 99th percentile of the gaps between the latest ones. A
source is dead after three times that, of a learned cadence never before two minutes.

While the source of an alert is not alive, the alert's not being sent again proves nothing: it does not end by that
(`expects`), and is given its time anew when the source is back.
"""

from __future__ import annotations

from collections.abc import Mapping

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
TICK: Millis = 60_000
"""A learned source is not late before one of these, and not dead before two."""
GAPS_KEPT, GAPS_NEEDED = 128, 5
SHARE = 0.99
COLD: Millis = 300_000
"""The cadence of a source of which too few gaps are known."""
ONE_BEAT: Millis = 1_000
"""Signs of life that lie closer are one, from several replicas of a sender."""
MOST_SOURCES = 10_000
"""Sources watched; further ones are counted and not watched, so that memory is bounded whatever is sent."""
ALERT_NAME = "HeartbeatLost"


def pulse(
    context: Context, source: str, every: Millis | None, at: Millis, now: Millis, of: Mapping[str, str] | None = None
) -> None:
    """A sign of life at ``at`` (clamped to ``now``), due ``every`` milliseconds (None: learned). ``of`` are the labels
    that name the source; alerts that have them all come from it."""
    state = context.state
    known = state.pulses.get(source)
    if known is None:
        if len(state.pulses) >= MOST_SOURCES:
            state.pulses_ignored += 1
            return
        known = state.pulses[source] = Pulse(source, COLD, min(at, now), of=dict(of or {}))
    elif every is None and known.state != "dead":
        _learn(known, min(at, now) - known.last)
    known.learned = every is None
    known.every = cadence(known.gaps) if every is None else every
    known.last = max(known.last, min(at, now))
    if known.state == "dead" and known.alert is not None:
        _restored(context, known, now)
    known.state = "live"
    if known.unsure:
        _ask_again(context, known, now)
    late, dead = round(known.every * LATE_AFTER), known.every * DEAD_AFTER
    context.timers.set(known.last + (max(late, TICK) if known.learned else late), "late", source)
    context.timers.set(known.last + (max(dead, 2 * TICK) if known.learned else dead), "dead", source)


def cadence(gaps: list[Millis]) -> Millis:
    """The gap that 99 of 100 do not exceed; `COLD` while too few are known.

    >>> cadence([60_000] * 4), cadence([60_000] * 9 + [75_000])
    (300000, 75000)
    """
    if len(gaps) < GAPS_NEEDED:
        return COLD
    return sorted(gaps)[min(len(gaps) - 1, int(len(gaps) * SHARE))]


def expects(context: Context, alert: Alert) -> bool:
    """Is the source of this alert alive, so that not being sent again means something? The alert is noted if not."""
    silent = [known for known in context.state.pulses.values() if known.state != "live" and known.of]
    if not silent:
        return True
    labels = alert.labels.as_dict()
    for known in silent:
        if known.of.items() <= labels.items():
            if alert.no not in known.unsure:
                known.unsure.append(alert.no)
                _tell_unsure(context, alert, known)
            return False
    return True


def late_due(context: Context, source: str, due: Millis) -> None:
    """Timer ``late``."""
    known = context.state.pulses.get(source)
    if known is not None and known.state == "live":
        known.state = "late"


def dead_due(context: Context, source: str, due: Millis) -> None:
    """Timer ``dead``: open an incident on the source's entity, in the shard that owns its domain."""
    known = context.state.pulses.get(source)
    if known is None or known.state == "dead":
        return
    known.state = "dead"
    state = context.state
    entity = context.topology.resolve(source)
    domain = context.topology.domain(entity) if entity else UNMAPPED
    if not context.shard.owns(domain):
        return
    alert = Alert(
        state.next_alert,
        Labels.of({"alertname": ALERT_NAME, "heartbeat": source}),
        ALERT_NAME,
        entity or source,
        entity is not None,
        domain,
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


def _learn(known: Pulse, gap: Millis) -> None:
    if gap >= ONE_BEAT:
        known.gaps = [*known.gaps, gap][-GAPS_KEPT:]


def _tell_unsure(context: Context, alert: Alert, known: Pulse) -> None:
    if alert.incident:
        text = f"{alert.name} on {alert.entity} was not sent again, and its source {known.source} is silent: not known"
        facts = {"alert": alert.no, "source": known.source, "state": known.state}
        context.tell(alert.incident, alert.domain, context.state.now, "source_silent", text, facts=facts)


def _ask_again(context: Context, known: Pulse, now: Millis) -> None:
    """The source is back: what it does not send again within the resolve timeout has ended."""
    for number in known.unsure:
        alert = context.state.alerts.get(number)
        if alert is not None and alert.spell.firing(now):
            alert.spell.expires = max(alert.spell.expires, now + context.rules.correlation.resolve_timeout)
    known.unsure = []


def _restored(context: Context, known: Pulse, now: Millis) -> None:
    alert = context.state.alerts.get(known.alert) if known.alert is not None else None
    known.alert = None
    if alert is not None:
        alert.spell.resolve(None, now, now)
        context.changed.add(alert.no)
        soil(context, alert)
        touch(context, alert.domain, now)
        context.timers.set(now + context.rules.correlation.linger, "forget", str(alert.no))
