"""What people do in a ticket, taken into the incident."""

from __future__ import annotations

from engine.context import Context
from engine.signals import Millis, TicketEvent
from topology.model import UNMAPPED


def flow_back(context: Context, event: TicketEvent, now: Millis) -> None:
    """Note it in the timeline of the incident."""
    incident = context.state.incidents.get(event.incident)
    domain = incident.domain if incident else UNMAPPED
    facts = {"sink": event.sink, "ticket": event.remote, "field": event.field, "value": event.value}
    text = f"Ticket {event.remote}: {event.field} {event.value}"
    context.tell(event.incident, domain, now, "ticket", text, actor=event.author, facts=facts)
