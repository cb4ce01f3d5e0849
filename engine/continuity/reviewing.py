"""The review after the incident: due within the time that the rules give, asked for until it is held; its actions."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from engine.clock_words import when
from engine.context import Context
from engine.continuity.catalogue import propose_edges
from engine.continuity.following import action_done, action_opened, home_of, record_of
from engine.continuity.keeping import among, incident_of, keep, next_id, one_of, words
from engine.disputes import CLOSED, name_of, note
from engine.errors import Conflict, Refused
from engine.lifecycle import OPEN, State, Trigger
from engine.response_views import ActionItem, Review
from engine.signals import Command, Millis, TicketEvent
from engine.state import Incident
from engine.telling import Manner, tell_incident

MOST = 5
"""How often somebody is reminded of a review."""
PATIENCE: Millis = 90 * 86_400_000
"""How long an incident stays at hand for an action that is not done."""
KEYS = 500
"""Changes of an incident's tickets that are remembered."""
replace = msgspec.structs.replace


def end_response(context: Context, incident: Incident, trigger: Trigger, now: Millis) -> None:
    """It is over: no more briefings, and a review is due where the rules ask for one or a playbook was used."""
    context.timers.cancel("brief", incident.id)
    response = incident.response
    incident.response = response = replace(response, next_briefing_at=None, briefing_overdue=False)
    policy = context.rules.continuity.review
    used = response.execution is not None or response.past
    why = "a playbook was used" if used else f"severity {incident.level}"
    wanted = used or (incident.level in policy.severities and context.rules.continuity.playbooks)
    if trigger is Trigger.DISMISS or incident.declared_at is None or not wanted:
        return
    propose_edges(context, incident, now)
    due = now + policy.within
    context.timers.set(due, "review", incident.id)
    text = f"A review with technical and business people is due by {when(due)}: {why}"
    facts = {"due": due, "why": why}
    review = Review(due=due, why=why)
    keep(context, incident, now, "review_due", text, facts=facts, quiet=True, review=review)


def awaited(incident: Incident, now: Millis) -> bool:
    """Is it kept at hand because its review is still to come, or somebody still has to do something?"""
    response = incident.response
    if any(one.done_at is None and now < one.at + PATIENCE for one in response.actions):
        return True
    return incident.state is State.RESOLVED and response.review is not None and response.review.reminded < MOST


def review_due(context: Context, name: str, due: Millis) -> None:
    """Timer ``review``: it was not held in time. People are reminded, at most `MOST` times."""
    incident = context.state.incidents.get(name)
    if incident is None or incident.state is not State.RESOLVED or incident.response.review is None:
        return
    review = incident.response.review
    if review.held_at is not None:
        return
    review = replace(review, reminded=review.reminded + 1)
    last = review.reminded >= MOST
    text = f"The review of {name} was due by {when(review.due)} and has not been held"
    text += "; nobody will be reminded again" if last else ""
    facts = {"due": review.due, "reminded": review.reminded}
    keep(context, incident, due, "review_overdue", text, facts=facts, quiet=True, review=review)
    how = Manner(audiences=("engineers", "stakeholders"), mark=f"review-{review.reminded}")
    tell_incident(context, incident, "overdue", due, text, lines=(text,), how=how)
    if not last:
        context.timers.set(due + context.rules.continuity.review.remind, "review", name)


def hold_review(context: Context, command: Command, now: Millis) -> None:
    """The review was held, with technical and business people."""
    incident = incident_of(context, command, open_only=False)
    if incident.state in OPEN:
        raise Refused(f"{incident.id} is {incident.state}: it is reviewed once it is resolved")
    before = incident.response.review or Review(due=now, why=f"asked by {command.actor}")
    if before.held_at is not None:
        raise Conflict(f"it was reviewed already, says {before.by}")
    technical, business = words(command.facts["technical"]), words(command.facts["business"])
    held = replace(
        before,
        held_at=now,
        by=command.actor,
        technical=technical,
        business=business,
        well=command.facts.get("well", ""),
        findings=command.facts["findings"],
    )
    context.timers.cancel("review", incident.id)
    late = f", {(now - held.due) // 3_600_000} h late" if now > held.due else ""
    text = f"Review held{late} with {', '.join((*technical, *business))}: {held.findings}"
    facts = {"technical": list(technical), "business": list(business), "late": now > held.due}
    keep(context, incident, now, "review_held", text, actor=command.actor, facts=facts, review=held)


def add_action(context: Context, command: Command, now: Millis) -> None:
    """A gap becomes something that somebody has to do."""
    incident = incident_of(context, command, open_only=False)
    known = incident.response.actions
    made = ActionItem(
        id=next_id(known, "action"),
        kind=command.facts.get("kind", "gap"),
        text=command.facts["text"],
        owner=command.facts["owner"],
        due=command.facts.get("due", ""),
        at=now,
        by=command.actor,
    )
    text = f"Action {made.id} for {made.owner}: {made.text}"
    facts = {"id": made.id, "kind": made.kind, "owner": made.owner, "due": made.due}
    keep(context, incident, now, "action", text, actor=command.actor, facts=facts, actions=(*known, made))
    action_opened(context, incident, made, now)
    tell = Manner(audiences=("tickets",), at_once=True, mark=made.id)
    if incident.told and incident.state not in OPEN:
        tell_incident(context, incident, "update", now, text, lines=(text,), how=tell)


def close_action(context: Context, command: Command, now: Millis) -> None:
    """It is done."""
    incident = incident_of(context, command, open_only=False)
    known = incident.response.actions
    found = one_of(known, command.facts["action"], "action", command.facts.get("version", ""))
    if found.done_at is not None:
        raise Conflict(f"action {found.id} is done, says {found.done_by}")
    if found.blocks and not command.reason.strip():
        raise Refused(f"action {found.id} is done with what came of it, as the reason")
    _done(context, incident, found, command.actor, command.reason or found.text, now)


def _done(context: Context, incident: Incident, found: ActionItem, actor: str, why: str, now: Millis) -> None:
    made = replace(found, done_at=now, done_by=actor, version=found.version + 1)
    text = f"Action {found.id} of {found.owner} is done: {why}"
    actions = among(incident.response.actions, made)
    keep(context, incident, now, "action", text, actor=actor, facts={"id": found.id}, actions=actions)
    action_done(context, incident, made, now, text)


def follow_back(context: Context, event: TicketEvent, now: Millis) -> bool:
    """Take a change of a ticket that an action or a problem record has: an action is done when its ticket is closed,
    unless the review waits for what came of it. All else is a line of the timeline. False: it is of nothing known."""
    incident = home_of(context, event.incident)
    if incident is None:
        return False
    key = f"{event.sink}/{event.remote}/{event.key}"
    if key in incident.desk.keys:
        return True
    incident.desk.keys = [*incident.desk.keys, key][-KEYS:]
    known = {record_of(incident.id, one.id): one for one in incident.response.actions}
    found = known.get(event.incident)
    if found is not None and found.done_at is None and (event.field, event.value) == ("state", CLOSED):
        actor = event.author or f"somebody in {event.sink}"
        if not found.blocks:
            _done(context, incident, found, actor, f"{name_of(event)} was closed by {actor}", now)
            return True
    text = f"{name_of(event)} of {event.incident}: {event.field} {event.value or 'none'}"
    note(context, replace(event, incident=incident.id), incident.domain, now, "ticket", text)
    return True


REVIEWING: Mapping[str, Callable[[Context, Command, Millis], None]] = {
    "hold_review": hold_review,
    "add_action": add_action,
    "close_action": close_action,
}
