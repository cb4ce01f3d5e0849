"""What people do in a ticket, taken into the incident as the rules say who owns which field.

A change is taken once, by its key; of two changes of one field the later one holds, in whatever order they are read.
What Headwater owns is set back, and the ticket is told why (`disputed`); what is taken is never written back where it
came from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.assess import reassess
from engine.cadence import written
from engine.calling import acknowledged
from engine.context import Context
from engine.continuity.reviewing import KEYS, follow_back
from engine.disputes import CLOSED, LONGEST, OPENED, dispute, name_of, note, still_firing
from engine.errors import Refused
from engine.incidents import reopen, resolve
from engine.judging import JUDGING_COMMANDS
from engine.lifecycle import OPEN, State, Trigger
from engine.routing import assignee_of, level_of, priority_of
from engine.settle import touch
from engine.severity import set_level, take_back
from engine.signals import Command, Millis, TicketEvent
from engine.state import Incident
from engine.telling import Manner, tell_incident
from rules.severity import LEVELS
from topology.model import UNMAPPED


def flow_back(context: Context, event: TicketEvent, now: Millis) -> None:
    """Take one change of a ticket."""
    if "/" in event.incident and follow_back(context, event, now):
        return
    incident = context.state.incidents.get(event.incident)
    if incident is None or not incident.begun:
        context.state.strange_tickets += 1
        note(context, event, UNMAPPED, now, "ticket", f"{name_of(event)}: {event.field} {event.value}")
        return
    key = f"{event.sink}/{event.remote}/{event.key}"
    desk = incident.desk
    if key in desk.keys:
        return
    desk.keys = [*desk.keys, key][-KEYS:]
    if event.field == "note":
        _take_note(context, incident, event, now)
        return
    if event.field not in _TAKE or incident.state is State.MERGED or _stale(incident, event, now):
        _say(context, incident, event, now, f"{name_of(event)}: {event.field} {event.value or 'none'}")
        return
    _TAKE[event.field](context, incident, event, now)


def _stale(incident: Incident, event: TicketEvent, now: Millis) -> bool:
    """Was the same field changed later, or is it of a ticket of an earlier generation? Remembers the latest change."""
    at = now if event.at is None else event.at
    if incident.reopened_at is not None and at < incident.reopened_at:
        return True
    field = f"{event.sink}/{event.remote}/{event.field}"
    latest = incident.desk.latest.get(field)
    if latest is not None and latest > (at, event.key):
        return True
    incident.desk.latest[field] = (at, event.key)
    return False


def _take_note(context: Context, incident: Incident, event: TicketEvent, now: Millis) -> None:
    if context.rules.content.tickets.owns.notes == "headwater":
        return
    note(context, event, incident.domain, now, "note", event.value[:LONGEST])
    written(context, incident, now)


def _take_assignee(context: Context, incident: Incident, event: TicketEvent, now: Millis) -> None:
    rules = context.rules.content.tickets
    wanted = assignee_of(context, incident, event.sink)
    if event.value == wanted:
        _say(context, incident, event, now, f"{name_of(event)}: assignee {event.value or 'none'}")
        return
    if rules.owns.assignee == "headwater":
        why = "who is assigned is decided in Headwater"
        dispute(context, incident, event, now, wanted, why)
        return
    incident.assigned = event.value
    _say(context, incident, event, now, f"Assigned to {event.value or 'nobody'}, in {name_of(event)}", kind="assigned")
    if event.value and rules.acknowledges and incident.acknowledged_at is None and incident.state in OPEN:
        acknowledged(context, incident, event.value, now)
        text = f"Acknowledged by {event.value}, who has taken {name_of(event)}"
        _say(context, incident, event, now, text, kind="acknowledged")
    if incident.told and incident.state in OPEN:
        why = f"{name_of(event)} was taken"
        tell_incident(context, incident, "update", now, why, how=Manner(audiences=("engineers",), at_once=True))
    else:
        context.revise(incident, now, "assigned in the ticket")


def _take_priority(context: Context, incident: Incident, event: TicketEvent, now: Millis) -> None:
    owner = context.rules.content.tickets.owns.priority
    wanted = priority_of(context, incident, event.sink)
    if not wanted or event.value.strip().casefold() == wanted.casefold():
        _say(context, incident, event, now, f"{name_of(event)}: priority {event.value or 'none'}")
        return
    level = level_of(context, incident, event.sink, event.value, LEVELS)
    if owner == "headwater" or (owner == "both" and not level):
        why = f"the priority follows from the severity, which is {incident.level}"
        if owner == "both":
            why = f"no severity has the priority {event.value[:100]!r}"
        dispute(context, incident, event, now, wanted, why)
        return
    if not level or incident.state not in OPEN:
        _say(context, incident, event, now, f"{name_of(event)}: priority {event.value or 'none'}")
        return
    reason = f"{name_of(event)} was given the priority {event.value}"
    if level != incident.severity.level:
        set_level(context, incident, level, _author(event), reason, now)
    elif incident.override is not None:
        take_back(context, incident, _author(event), reason, now)
    reassess(context, incident, now, reason)
    touch(context, incident.domain, now, urgent=True)


def _take_state(context: Context, incident: Incident, event: TicketEvent, now: Millis) -> None:
    closed = event.value == CLOSED
    desk, name = incident.desk, f"{event.sink}/{event.remote}"
    desk.closed = [*(one for one in desk.closed if one != name), *([name] if closed else [])]
    text = f"{name_of(event)} was {'closed' if closed else 'opened again'} by {_author(event)}"
    if closed:
        _closed(context, incident, event, now, text)
    elif incident.state in OPEN:
        _say(context, incident, event, now, text)
    elif context.rules.content.tickets.owns.state != "headwater" and incident.state is State.RESOLVED:
        reopen(context, incident, now, text, actor=_author(event), again=True)
        touch(context, incident.domain, now, urgent=True)
    else:
        why = f"the incident is {incident.state}; open it again in Headwater if the trouble is back"
        dispute(context, incident, event, now, CLOSED, why)


def _closed(context: Context, incident: Incident, event: TicketEvent, now: Millis, text: str) -> None:
    """The incident ends with its ticket only where the ticket owns its state and nothing fires any more."""
    if incident.state not in OPEN:
        _say(context, incident, event, now, text)
        return
    why = still_firing(context, incident, now)
    if why:
        dispute(context, incident, event, now, OPENED, why)
    elif context.rules.content.tickets.owns.state != "headwater":
        resolve(context, incident, Trigger.CLOSE, now, f"Closed: {text}", actor=_author(event))
    else:
        _say(context, incident, event, now, f"{text}; the incident stays open until its recovery is proven")


def _take_resolution(context: Context, incident: Incident, event: TicketEvent, now: Millis) -> None:
    real = context.rules.content.tickets.real(event.value)
    text = f"{name_of(event)}: resolution {event.value or 'none'}"
    if real is None:
        _say(context, incident, event, now, text)
        return
    facts = {"verdict": "real" if real else "false", "code": event.value}
    command = Command(_author(event), "judge_incident", incident.id, text, facts)
    try:
        JUDGING_COMMANDS["judge_incident"](context, command, now)
    except Refused as error:
        _say(context, incident, event, now, f"{text}, which says nothing of any alert: {error.detail}")


def _say(
    context: Context, incident: Incident, event: TicketEvent, now: Millis, text: str, kind: str = "ticket"
) -> None:
    note(context, event, incident.domain, now, kind, text)


def _author(event: TicketEvent) -> str:
    return event.author or f"somebody in {event.sink}"


_TAKE: Mapping[str, Callable[[Context, Incident, TicketEvent, Millis], None]] = {
    "state": _take_state,
    "assignee": _take_assignee,
    "priority": _take_priority,
    "resolution": _take_resolution,
}
