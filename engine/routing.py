"""Where publications about an incident go, and what its ticket says beside the text: the rules, asked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from engine.context import Context
from engine.state import Incident
from rules.routing import RECORD, RouteFacts
from rules.ticketing import Ticketing, Wanted

UNTIL_OPEN = frozenset({"open", "reopen"})
"""Actions with which a ticket begins: what the ticket owns afterwards is said with them only."""


def facts_of(context: Context, incident: Incident) -> RouteFacts:
    """What routes and rules of tickets may match on. The owner is the cause's; of all troubled entities without one."""
    known = context.topology.entities
    troubled = (incident.cause,) if incident.cause else incident.entities
    owners = dict.fromkeys(known[name].owner for name in troubled if name in known)
    return RouteFacts(
        severity=incident.level,
        tier=incident.harm.tier,
        owner=tuple(owner for owner in owners if owner),
        domain=incident.domain,
        business=(*incident.harm.business_services, *incident.harm.business_processes),
        obligation=incident.obligations,
        entity=next(iter(troubled), ""),
    )


def sinks_of(context: Context, incident: Incident, audience: str) -> tuple[str, ...] | None:
    """The sinks that the routes choose for an audience, what writes all down among them; None: all that serve it."""
    found = context.rules.sinks(facts_of(context, incident)).get(audience) if context.rules.routes else None
    return None if found is None else with_record(found)


def with_record(sinks: Iterable[str]) -> tuple[str, ...]:
    """These, and the one that writes down everything."""
    return tuple(dict.fromkeys((*sinks, RECORD)))


def ticket_of(context: Context, incident: Incident, action: str) -> dict[str, Any]:
    """What the rules say of the ticket: for all sinks, and under ``sinks`` where they say something else for one."""
    rules = context.rules.content.tickets
    facts = facts_of(context, incident)
    plain = _ticket(context, incident, rules, rules.wanted(facts), action)
    own = {name: _ticket(context, incident, rules, rules.wanted(facts, name), action) for name in rules.sinks}
    own = {name: ticket for name, ticket in own.items() if ticket != plain}
    return {**plain, "sinks": own} if own else plain


def _ticket(context: Context, incident: Incident, rules: Ticketing, wanted: Wanted, action: str) -> dict[str, Any]:
    begins = action in UNTIL_OPEN
    said: dict[str, Any] = {"queue": wanted.queue}
    if begins or rules.owns.priority != "ticket":
        said["priority"] = wanted.priority
    if begins or rules.owns.assignee != "ticket":
        usual = assignee(context, incident, wanted.assignee) if begins or rules.owns.assignee == "headwater" else ""
        said["assignee"] = incident.assigned or usual
    said["fields"] = dict(wanted.fields)
    return {key: value for key, value in said.items() if value}


def assignee(context: Context, incident: Incident, named: str) -> str:
    """Who a ticket is given to: a name, or the first owner that the catalogue knows."""
    known = context.topology.entities
    if named == "owner_of_cause":
        return next(iter(facts_of(context, incident).owner), "")
    if named == "owner_of_business":
        hit = (*incident.harm.business_services, *incident.harm.business_processes)
        return next((known[name].owner for name in hit if name in known and known[name].owner), "")
    return named


def assignee_of(context: Context, incident: Incident, sink: str) -> str:
    """Who the ticket at a sink belongs to, as far as Headwater knows."""
    wanted = context.rules.content.tickets.wanted(facts_of(context, incident), sink)
    return incident.assigned or assignee(context, incident, wanted.assignee)


def priority_of(context: Context, incident: Incident, sink: str) -> str:
    """The priority that the rules give the ticket at a sink; empty: none."""
    return context.rules.content.tickets.wanted(facts_of(context, incident), sink).priority


def level_of(context: Context, incident: Incident, sink: str, priority: str, levels: Iterable[str]) -> str:
    """The severity that a priority at a sink stands for, "" when it stands for none."""
    return context.rules.content.tickets.level(facts_of(context, incident), sink, priority, levels)
