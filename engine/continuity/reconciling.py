"""Silences and rules that were changed during an incident: in the register of temporary measures by themselves, and
gone or accepted before the handover (practice 6.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec

from engine.context import Context
from engine.continuity.keeping import incident_of, keep, next_id
from engine.continuity.silences import silences_elsewhere, silences_of
from engine.lifecycle import OPEN
from engine.response_views import Measure
from engine.signals import Command, Millis, SilenceElsewhere
from engine.state import Incident

HEADWATER = "headwater"
RECONCILED = frozenset({"silence", "rules", "rule", "unread"})
"""Kinds of measures that stand against a handover."""
replace = msgspec.structs.replace


class Found(msgspec.Struct, frozen=True):
    """Something in force: its kind, its key within a source, what it is, and by whom."""

    kind: str
    key: str
    text: str
    by: str = ""
    before: str = ""


class Unread(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A source that could not be read, and why."""

    error: str


def worked_on(context: Context, incident: Incident) -> bool:
    """Is it declared, where there are playbooks to work by? Only then a register stands against its end."""
    declared = incident.begun and incident.state in OPEN and incident.declared_at is not None
    return declared and bool(context.rules.continuity.playbooks or incident.response.execution)


def silences_changed(context: Context, now: Millis) -> None:
    """A silence of Headwater was made, has begun or is over."""
    for incident in _worked_on(context):
        found = [
            Found("silence", one.id, f"silence {one.id} by {one.created_by}: {one.comment}", one.created_by)
            for one in silences_of(context, incident, now)
        ]
        register(context, incident, HEADWATER, ("silence",), found, now)


def rules_replaced(context: Context, before: str, now: Millis) -> None:
    """Other rules are in force than ``before``; back at those that an incident began with, nothing is left to do."""
    after = context.state.rules
    if not before or before == after:
        return
    for incident in _worked_on(context):
        first = next((one.before for one in _open(incident, HEADWATER, ("rules",))), before)
        text = f"rules {after} instead of {first}"
        found = [] if after == first else [Found("rules", after, text, before=first)]
        register(context, incident, HEADWATER, ("rules",), found, now)


def rule_promoted(context: Context, rule: str, before: str, actor: str, now: Millis) -> None:
    """A rule of suppression is in another mode."""
    mode = context.mode(rule)
    for incident in _worked_on(context):
        others = [one for one in _open(incident, HEADWATER, ("rule",)) if one.key != rule]
        first = next((one.before for one in _open(incident, HEADWATER, ("rule",)) if one.key == rule), before)
        found = [Found("rule", one.key, one.text, one.by, one.before) for one in others]
        if mode != first:
            found.append(Found("rule", rule, f"rule {rule} is in mode {mode} instead of {first}", actor, first))
        register(context, incident, HEADWATER, ("rule",), found, now)


def reconcile(context: Context, command: Command, now: Millis) -> None:
    """Look again at what is in force: here, and in each Alertmanager, whose silences are among the facts."""
    incident = incident_of(context, command)
    if not worked_on(context, incident):
        return
    silences_changed(context, now)
    for source, content in sorted(command.facts.items()):
        register(
            context, incident, source, ("silence", "unread"), list(_there(context, incident, source, content, now)), now
        )


def _there(context: Context, incident: Incident, source: str, content: str, now: Millis) -> Iterator[Found]:
    """What a source says. What cannot be read may hide a silence, so that it stands in the register itself; what was
    known of it before stays."""
    try:
        silences = msgspec.json.decode(content, type=list[SilenceElsewhere] | Unread)
    except (msgspec.DecodeError, ValueError):
        silences = Unread("its answer cannot be understood")
    if isinstance(silences, Unread):
        yield Found("unread", source, f"{source} could not be read: {silences.error[:300]}")
        yield from (Found(one.kind, one.key, one.text, one.by) for one in _open(incident, source, ("silence",)))
        return
    for one in silences_elsewhere(context, incident, silences, now):
        text = f"silence {one.id} of {source} by {one.by}, {one.matchers}: {one.comment}"
        yield Found("silence", one.id, text[:1000], one.by)


def register(
    context: Context, incident: Incident, source: str, kinds: Iterable[str], found: Iterable[Found], now: Millis
) -> None:
    """Bring the register up to date with what is in force: what is new is added, what is gone is reverted. What
    somebody has accepted stays accepted as long as it is the same."""
    kinds, known = tuple(kinds), incident.response.measures
    there = {(one.kind, one.key): one for one in found}
    for measure in _open(incident, source, kinds):
        if (measure.kind, measure.key) not in there:
            ended = replace(measure, state="reverted", ended_at=now, why="it is gone", version=measure.version + 1)
            known = tuple(ended if one.id == measure.id else one for one in known)
            _keep(context, incident, ended, f"Temporary measure {measure.id} is gone: {measure.text}", now, known)
    held = {(one.kind, one.key) for one in known if one.source == source and one.state != "reverted"}
    for place, one in there.items():
        if place in held:
            continue
        id = next_id(known, "measure")
        fresh = Measure(
            id=id, kind=one.kind, text=one.text, at=now, by=one.by, source=source, key=one.key, before=one.before
        )
        known = (*known, fresh)
        _keep(context, incident, fresh, f"Temporary measure {id} found ({one.kind}): {one.text}", now, known)


def _keep(
    context: Context, incident: Incident, one: Measure, text: str, now: Millis, known: tuple[Measure, ...]
) -> None:
    facts = {"id": one.id, "state": one.state, "source": one.source, "key": one.key}
    keep(context, incident, now, "measure", text, facts=facts, quiet=True, measures=known)


def _worked_on(context: Context) -> list[Incident]:
    incidents = context.state.incidents
    return [incidents[id] for id in sorted(incidents) if worked_on(context, incidents[id])]


def _open(incident: Incident, source: str, kinds: Iterable[str]) -> list[Measure]:
    known = incident.response.measures
    return [one for one in known if one.state == "open" and one.source == source and one.kind in kinds]


def unreconciled(incident: Incident) -> Iterator[str]:
    """Silences and changes of rules that are neither gone nor accepted."""
    for one in incident.response.measures:
        if one.state == "open" and one.kind in RECONCILED:
            yield f"measure {one.id} ({one.text[:200]}) is neither gone nor accepted"


RECONCILING: Mapping[str, Callable[[Context, Command, Millis], None]] = {"reconcile": reconcile}
