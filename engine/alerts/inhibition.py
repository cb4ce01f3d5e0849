"""Inhibition between alerts: a firing source mutes targets that share the `equal` labels with it.

A source that began at most the group wait after its target still mutes it: a cascade often shows its symptom first.
"""

from __future__ import annotations

from engine.context import Context
from engine.reasons import Reason
from engine.state import Alert
from rules.gates import Gate


def watch(context: Context, alert: Alert, labels: dict[str, str]) -> None:
    """Remember an alert as a source and a target of the declared inhibitions."""
    for rule in context.rules.inhibitions:
        key = (rule.id, *rule.key(labels))
        if rule.source_matches(labels):
            context.sources.setdefault(key, set()).add(alert.no)
        if rule.target_matches(labels):
            context.targets.setdefault(key, set()).add(alert.no)


def unwatch(context: Context, alert: Alert) -> None:
    """Forget an alert."""
    if context.rules.inhibitions:
        labels = alert.labels.as_dict()
        for rule in context.rules.inhibitions:
            key = (rule.id, *rule.key(labels))
            context.sources.get(key, set()).discard(alert.no)
            context.targets.get(key, set()).discard(alert.no)


def watch_all(context: Context) -> None:
    """Build the index anew: after a restart, or when other rules come into force. The engine's own alerts mute none."""
    context.sources.clear()
    context.targets.clear()
    if context.rules.inhibitions:
        for alert in context.state.alerts.values():
            if not alert.internal:
                watch(context, alert, alert.labels.as_dict())


def inhibited_by(context: Context, alert: Alert, labels: dict[str, str]) -> Gate | None:
    """The first inhibition whose source was firing when this alert began."""
    for rule in context.rules.inhibitions:
        if not rule.target_matches(labels):
            continue
        for number in sorted(context.sources.get((rule.id, *rule.key(labels)), ())):
            source = context.state.alerts.get(number)
            if source is None or source is alert or not rule.inhibits(source.labels.as_dict(), labels):
                continue
            if _covers(context, source, alert):
                return Gate("suppress", Reason.INHIBITED, rule.id)
    return None


def targets_of(context: Context, alert: Alert, labels: dict[str, str]) -> list[int]:
    """Alerts that this one may mute."""
    found: set[int] = set()
    for rule in context.rules.inhibitions:
        if rule.source_matches(labels):
            found |= context.targets.get((rule.id, *rule.key(labels)), set())
    return sorted(found - {alert.no})


def _covers(context: Context, source: Alert, target: Alert) -> bool:
    now = context.state.now
    begin = target.spell.last_fire
    source_end, target_end = source.spell.end(now), target.spell.end(now)
    if source.spell.start > begin + context.rules.correlation.group_wait:
        return False
    if source_end is None:
        return True
    return source_end >= begin and target_end is not None and target_end <= source_end
