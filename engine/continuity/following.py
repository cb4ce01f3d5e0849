"""Tickets of their own for what an incident leaves to do: action items, and the problem record.

They go through the outbox like all others, under the incident ``INC-42/action-1``: ``open`` makes the ticket, ``link``
ties it to that of the incident, both ways, ``resolve`` closes it. Only ticketing systems hear of them (the audience
``follow_up``), those that the rules choose for the incident's ticket. Drills open none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from engine.context import Context
from engine.drills import DRILL
from engine.lifecycle import State
from engine.outcomes import Publication
from engine.response_views import ActionItem, Problem
from engine.routing import sinks_of, ticket_of
from engine.signals import Millis
from engine.state import Incident
from engine.telling import RELATED
from rules.routing import FOLLOW_UP


class Record(NamedTuple):
    """What a ticket of its own is about. ``at``: since when; ``name`` says in other tickets what it is."""

    id: str
    at: Millis
    name: str
    title: str
    lines: tuple[str, ...]
    owner: str = ""
    related: tuple[str, ...] = ()


def record_of(incident: str, id: str) -> str:
    """Under what something of an incident goes out. It keeps that when the incident becomes part of another one.

    >>> record_of("INC-42", "action-1"), record_of("INC-9", "INC-7/INC-42/action-1")
    ('INC-42/action-1', 'INC-42/action-1')
    """
    return "/".join(f"{incident}/{id}".split("/")[-2:])


def home_of(context: Context, record: str) -> Incident | None:
    """The incident that has it now; None: it is not known any more."""
    known = context.state.incidents
    found = known.get(record.partition("/")[0])
    while found is not None and found.state is State.MERGED:
        found = known.get(found.merged_into)
    return found if found is not None and found.begun else None


def action_opened(context: Context, incident: Incident, action: ActionItem, now: Millis) -> None:
    """Somebody has something to do: a ticket for it, with the owner as the assignee."""
    _open(context, incident, _of_action(incident, action), now)


def action_done(context: Context, incident: Incident, action: ActionItem, now: Millis, text: str) -> None:
    """It is done, and so is its ticket, wherever there is one."""
    _tell(context, incident, _of_action(incident, action), "resolve", now, news=[text])


def problem_opened(context: Context, incident: Incident, problem: Problem, now: Millis) -> None:
    """A ticket for the trouble behind several incidents, related to those of all of them."""
    record = Record(
        id=record_of(incident.id, problem.id),
        at=problem.at,
        name="Problem record",
        title=f"Problem: {problem.text}",
        lines=(
            f"Problem record of {incident.id}: {problem.text}",
            f"Opened by {problem.by}: {problem.why}",
            f"Earlier incidents: {', '.join(problem.earlier) or 'none is known'}",
        ),
        owner=problem.owner,
        related=(incident.id, *problem.earlier)[:RELATED],
    )
    _open(context, incident, record, now)


def _of_action(incident: Incident, action: ActionItem) -> Record:
    id = record_of(incident.id, action.id)
    return Record(
        id=id,
        at=action.at,
        name=f"Action {id} for {action.owner}",
        title=f"{id}: {action.text}",
        lines=(
            f"Action {id} ({action.kind}): {action.text}",
            f"Owner: {action.owner}",
            f"Due: {action.due or 'no date was said'}",
            f"Asked for by {action.by}, after incident {incident.id}",
        ),
        owner=action.owner,
        related=(incident.id,),
    )


def _open(context: Context, incident: Incident, record: Record, now: Millis) -> None:
    sinks = sinks_of(context, incident, "tickets")
    _tell(context, incident, record, "open", now, sinks=sinks)
    _tell(context, incident, record, "link", now, sinks=sinks, related=record.related)


def _tell(
    context: Context,
    incident: Incident,
    record: Record,
    action: str,
    now: Millis,
    *,
    news: list[str] | None = None,
    sinks: tuple[str, ...] | None = None,
    related: tuple[str, ...] = (),
) -> None:
    if context.state.lane == DRILL:
        return
    about = {"name": record.name, "title": record.title, "text": "\n".join(record.lines)}
    publication = Publication(
        key=f"{record.id}.{action}",
        incident=record.id,
        revision=incident.revision,
        generation=1,
        action=action,
        audience=FOLLOW_UP,
        not_before=now,
        created_at=now,
        body={
            "incident": {"id": incident.id, "opened_at": record.at},
            "record": about,
            "news": news or [],
            "ticket": _ticket(context, incident, record.owner),
        },
        sinks=sinks,
        related=related,
        alone=True,
    )
    context.out.outbox.append(publication)
    context.recorder.publication(incident.domain, publication)


def _ticket(context: Context, incident: Incident, owner: str) -> dict[str, Any]:
    """Queue and fields as the rules have them for the incident's ticket; the owner's, and of no priority of its own."""
    said = ticket_of(context, incident, "open")
    sinks = {name: _owned(one, owner) for name, one in said.pop("sinks", {}).items()}
    return _owned(said, owner) | ({"sinks": sinks} if sinks else {})


def _owned(ticket: Mapping[str, Any], owner: str) -> dict[str, Any]:
    kept = {key: value for key, value in ticket.items() if key != "priority"}
    return kept | ({"assignee": owner} if owner else {})
