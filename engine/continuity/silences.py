"""Which silences mute something of an incident: Headwater's own, and those of an Alertmanager."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engine.context import Context
from engine.signals import Millis, SilenceElsewhere
from engine.state import Incident
from rules.errors import Flaw
from rules.gates import Silence
from rules.gates.gate import Subject
from rules.matchers import parse_matchers


def silences_of(context: Context, incident: Incident, now: Millis) -> Iterator[Silence]:
    """Silences that people made since the incident began, which are in force and mute something of it."""
    subjects = subjects_of(context, incident)
    for name in sorted(context.state.silences):
        silence = context.state.silences[name]
        if silence.starts_at >= began(incident) and any(silence.covers(one, now) for one in subjects):
            yield silence


def silences_elsewhere(
    context: Context, incident: Incident, found: Iterable[SilenceElsewhere], now: Millis
) -> Iterator[SilenceElsewhere]:
    """Those of an Alertmanager that were made or changed since the incident began, are not over, and mute an alert of
    it or name one of its entities."""
    subjects = subjects_of(context, incident)
    for one in found:
        if one.changed_at >= began(incident) and one.ends_at > now and _concerns(incident, one, subjects):
            yield one


def _concerns(incident: Incident, one: SilenceElsewhere, subjects: Iterable[Subject]) -> bool:
    try:
        matchers = parse_matchers(one.matchers)
    except Flaw:
        return True  # what cannot be understood is not taken for harmless
    muting = Silence(one.id, matchers, (), 0, 1)
    named = {matcher.value for matcher in matchers if matcher.op == "="}
    return any(muting.covers(subject, 0) for subject in subjects) or bool(named & set(incident.entities))


def subjects_of(context: Context, incident: Incident) -> list[Subject]:
    """Its alerts, as silences see them."""
    known = context.state.alerts
    alerts = (known[number] for number in sorted(incident.alerts) if number in known)
    return [Subject(labels=one.labels.as_dict(), entity=one.entity) for one in alerts]


def began(incident: Incident) -> Millis:
    """When it began."""
    return min(incident.onset, incident.opened_at)
