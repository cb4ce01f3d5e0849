"""Capacity that was added for a while is looked at afterwards (practice 6.6): an action that the review waits for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from engine.clock_words import EPOCH
from engine.context import Context
from engine.continuity.following import action_opened
from engine.continuity.keeping import keep, next_id
from engine.errors import Refused
from engine.response_views import ActionItem, Measure
from engine.signals import Command, Millis
from engine.state import Incident

SCALING = "scaling"
WITHIN = timedelta(days=14)
"""Until a capacity review is due, where nobody says otherwise."""


def ask_for_capacity_review(
    context: Context, incident: Incident, measure: Measure, command: Command, now: Millis
) -> None:
    """Temporary scaling was registered: its entity's owner, or whoever ``owner`` names, reviews capacity by ``due``."""
    entity = context.topology.entities.get(context.topology.resolve(measure.entity) or "")
    owner = command.facts.get("owner", "") or (entity.owner if entity is not None else "") or command.actor
    known = incident.response.actions
    about = f" of {measure.entity}" if measure.entity else ""
    made = ActionItem(
        id=next_id(known, "action"),
        kind="capacity",
        text=f"Review the capacity{about}, which took {measure.id}: {measure.text}",
        owner=owner,
        due=_day(command.facts.get("due", ""), now),
        at=now,
        by=command.actor,
        blocks=True,
    )
    text = f"Action {made.id} for {made.owner}, due {made.due}: {made.text}"
    facts = {"id": made.id, "kind": made.kind, "owner": made.owner, "due": made.due, "measure": measure.id}
    keep(context, incident, now, "action", text, actor=command.actor, facts=facts, actions=(*known, made))
    action_opened(context, incident, made, now)


def _day(asked: str, now: Millis) -> str:
    if not asked:
        return (EPOCH + timedelta(milliseconds=now) + WITHIN).date().isoformat()
    try:
        return date.fromisoformat(asked).isoformat()
    except ValueError:
        raise Refused(f"due is a date like 2026-10-31, not {asked[:50]!r}") from None


def blocking(incident: Incident) -> Iterator[str]:
    """What has to be done before its review is accepted."""
    for one in incident.response.actions:
        if one.blocks and one.done_at is None:
            yield f"action {one.id} of {one.owner}, due {one.due}, is not done: {one.text}"
