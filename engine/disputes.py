"""Fields of a ticket that Headwater owns and people changed: they are set back, and the ticket is told why.

At most `MOST` times for a field and generation: two machines that disagree come to rest.
"""

from __future__ import annotations

from engine.context import Context
from engine.signals import Millis, TicketEvent
from engine.state import Incident
from engine.telling import Manner, tell_incident

MOST = 3
LONGEST = 2000
"""Characters of a ticket's text that are kept."""
OPENED, CLOSED = "open", "closed"


def dispute(context: Context, incident: Incident, event: TicketEvent, now: Millis, wanted: str, why: str) -> None:
    """Leave the incident as it is, and let the field be set back to ``wanted``, which is empty for nobody."""
    counts = incident.desk.disputes
    field = f"{event.sink}/{event.remote}/{event.field}"
    counts[field] = counts.get(field, 0) + 1
    text = f"{name_of(event)}: {event.field} {event.value[:LONGEST] or 'none'} does not hold: {why}"
    if counts[field] > MOST:
        text += f"; it was set back {MOST} times and is now left as it is"
    note(context, event, incident.domain, now, "disputed", text)
    if counts[field] > MOST or not incident.told:
        return
    about = {
        "sink": event.sink,
        "ticket": event.remote,
        "field": event.field,
        "value": event.value[:LONGEST],
        "wanted": wanted,
        "why": why,
        "by": event.author,
    }
    line = f"{_set_back(event, wanted)}: {why}"
    mark = str(sum(counts.values()))
    how = Manner(audiences=("tickets",), sinks=(event.sink,), about={"dispute": about}, mark=mark)
    tell_incident(context, incident, "disputed", now, why, lines=(line,), how=how)


def _set_back(event: TicketEvent, wanted: str) -> str:
    """What is done to the ticket, in its own history."""
    by = f" by {event.author}" if event.author else ""
    if event.field == "state":
        done = "closed" if wanted == OPENED else "opened"
        return f"This ticket was {done}{by} and is {'open' if wanted == OPENED else 'closed'} again"
    return f"{event.field.capitalize()} set back to {wanted or 'nobody'}, from {event.value[:100] or 'nobody'}{by}"


def still_firing(context: Context, incident: Incident, now: Millis) -> str:
    """Why an incident does not end with its ticket; empty when nothing of it fires."""
    alerts = context.state.alerts
    count = sum(alerts[number].spell.firing(now) for number in incident.alerts if number in alerts)
    fire = "1 alert still fires" if count == 1 else f"{count:,} alerts still fire"
    return f"the incident is not proven recovered: {fire}" if count else ""


def trouble_back(context: Context, incident: Incident, now: Millis) -> None:
    """The trouble is back, and people closed its tickets while it was quiet."""
    why = still_firing(context, incident, now) or "the incident is not proven recovered: an alert fires again"
    for place in incident.desk.closed:
        sink, _, remote = place.partition("/")
        event = TicketEvent(sink, remote, incident.id, "state", CLOSED, "")
        dispute(context, incident, event, now, OPENED, why)


def note(context: Context, event: TicketEvent, domain: str, now: Millis, kind: str, text: str) -> None:
    """A line of the incident's timeline about its ticket."""
    facts = {"sink": event.sink, "ticket": event.remote, "field": event.field, "value": event.value[:LONGEST]}
    context.tell(event.incident, domain, now, kind, text[: 2 * LONGEST], actor=event.author, facts=facts)


def name_of(event: TicketEvent) -> str:
    """The ticket, for people."""
    return f"Ticket {event.remote} ({event.sink})"
