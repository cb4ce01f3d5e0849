"""Working together: who judges the impact first, briefings that are held in time, the handover at the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from engine.clock_words import when
from engine.context import Context
from engine.continuity.keeping import incident_of, keep, words
from engine.continuity.people import reach_of
from engine.continuity.reconciling import unreconciled
from engine.errors import Conflict, Refused
from engine.lifecycle import OPEN
from engine.response_views import Assessor, Briefing, Handover
from engine.signals import Command, Millis
from engine.state import Incident
from engine.telling import Manner, tell_incident
from rules.duty import on_call

replace = msgspec.structs.replace


def begin_response(context: Context, incident: Incident, now: Millis) -> None:
    """It is declared: an assessor from the duty roster, and the first briefing promised."""
    _assign(context, incident, now)
    promise_briefing(context, incident, now)


def _assign(context: Context, incident: Incident, now: Millis) -> None:
    """The first assessor of a generation is whoever is on duty; a gap is said, not hidden."""
    named = context.rules.continuity.assessor
    roster = context.rules.continuity.roster(named)
    if roster is None or incident.response.assessor is not None:
        return
    people = on_call(roster, now)
    if not people:
        missing = f"roster {named} has nobody on duty"
        found = Assessor(person="", roster=named, at=now, missing=missing)
        text = f"No first assessor: {missing}"
    else:
        found = Assessor(person=people[0], roster=named, at=now, reach=reach_of(context, named, people[0]))
        text = f"First assessor: {people[0]}, on duty in {named}"
    facts = {"person": found.person, "roster": named}
    keep(context, incident, now, "assessor", text, facts=facts, quiet=True, assessor=found)
    lines = (text + (f" ({found.reach})" if found.reach else ""),)
    tell_incident(context, incident, "escalate", now, text, lines=lines, how=Manner(audiences=("engineers",)))


def confirm_assessor(context: Context, command: Command, now: Millis) -> None:
    """The assessor has signed in and sees topology and catalogue: whoever can give this command can."""
    incident = incident_of(context, command)
    found = incident.response.assessor
    if found is None or not found.person:
        raise Refused(f"{incident.id} has no assessor; name one with take_assessment")
    if command.actor != found.person:
        raise Refused(f"the assessor is {found.person}; take_assessment makes it {command.actor}")
    text = f"{found.person} has access to topology {context.state.topology} and judges the impact"
    assessor = replace(found, confirmed_at=now)
    keep(context, incident, now, "assessor", text, actor=command.actor, assessor=assessor)


def take_assessment(context: Context, command: Command, now: Millis) -> None:
    """Somebody else judges the impact; that they can say so shows that they have access."""
    incident = incident_of(context, command)
    before = incident.response.assessor
    made = Assessor(person=command.actor, roster=before.roster if before else "", at=now, confirmed_at=now)
    text = f"{command.actor} judges the impact" + (f" instead of {before.person}" if before and before.person else "")
    keep(context, incident, now, "assessor", text, actor=command.actor, assessor=made)


def promise_briefing(context: Context, incident: Incident, since: Millis) -> None:
    """When teams are to be briefed next, by the severity in force."""
    every = dict(context.rules.continuity.briefings).get(incident.level)
    if every is None or incident.state not in OPEN:
        context.timers.cancel("brief", incident.id)
        if incident.response.next_briefing_at is not None:
            incident.response = replace(incident.response, next_briefing_at=None, briefing_overdue=False)
        return
    due = since + every
    incident.response = replace(incident.response, next_briefing_at=due, briefing_overdue=False)
    context.timers.set(due, "brief", incident.id)


def brief(context: Context, command: Command, now: Millis) -> None:
    """Teams were told how it stands."""
    incident = incident_of(context, command)
    response = incident.response
    held = Briefing(
        at=now,
        by=command.actor,
        text=command.facts["text"],
        teams=words(command.facts.get("teams", "")),
        late=response.briefing_overdue,
    )
    promise_briefing(context, incident, now)
    teams = f" to {', '.join(held.teams)}" if held.teams else ""
    text = f"Briefing by {held.by}{teams}: {held.text}"
    facts = {"teams": list(held.teams), "late": held.late}
    briefings = (*response.briefings, held)[-200:]
    keep(context, incident, now, "briefing", text, actor=held.by, facts=facts, urgent=True, briefings=briefings)


def brief_due(context: Context, name: str, due: Millis) -> None:
    """Timer ``brief``: no briefing was held in time. Those who work on it hear that, once for each promise."""
    incident = context.state.incidents.get(name)
    if incident is None or incident.state not in OPEN or incident.response.next_briefing_at is None:
        return
    if incident.level not in dict(context.rules.continuity.briefings):
        promise_briefing(context, incident, due)
        return
    text = f"Teams were to be briefed by {when(due)}, and nobody has"
    facts = {"due": due, "severity": incident.level}
    keep(context, incident, due, "briefing_overdue", text, facts=facts, quiet=True, briefing_overdue=True)
    how = Manner(audiences=("engineers",))
    tell_incident(context, incident, "overdue", due, text, lines=(text,), how=how)


def hand_over(context: Context, command: Command, now: Millis) -> None:
    """The crisis team offers the rest to a person: status, open risks, pending actions."""
    incident = incident_of(context, command)
    left = tuple(unreconciled(incident))
    if left:
        raise Refused(f"before the handover: {'; '.join(left)}")
    before = incident.response.handover
    made = Handover(
        to=command.facts["to"],
        text=command.facts["text"],
        risks=words(command.facts.get("risks", "")),
        actions=words(command.facts.get("actions", "")),
        at=now,
        by=command.actor,
        version=before.version + 1 if before else 0,
    )
    text = f"Handover offered to {made.to} by {made.by}: {made.text}"
    facts = {"to": made.to, "risks": list(made.risks), "actions": list(made.actions)}
    keep(context, incident, now, "handover", text, actor=made.by, facts=facts, urgent=True, handover=made)


def accept_handover(context: Context, command: Command, now: Millis) -> None:
    """The named person, and nobody else, takes it over."""
    incident = incident_of(context, command)
    found = incident.response.handover
    if found is None:
        raise Refused(f"nothing of {incident.id} was handed over")
    if found.accepted_at is not None:
        raise Conflict(f"{found.to} has accepted the handover already")
    if command.facts.get("version", str(found.version)) != str(found.version):
        raise Conflict(f"the handover was written anew: it is at version {found.version}")
    if command.actor != found.to:
        raise Refused(f"the handover is to {found.to}, not to {command.actor}")
    made = replace(found, accepted_at=now, version=found.version + 1)
    text = f"Handover accepted by {found.to}"
    keep(context, incident, now, "handover", text, actor=command.actor, urgent=True, handover=made)


COORDINATION: Mapping[str, Callable[[Context, Command, Millis], None]] = {
    "confirm_assessor": confirm_assessor,
    "take_assessment": take_assessment,
    "brief": brief,
    "hand_over": hand_over,
    "accept_handover": accept_handover,
}
