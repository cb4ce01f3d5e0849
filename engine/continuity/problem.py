"""A cause that comes back is a problem of its own: a record of it, opened by a person."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.context import Context
from engine.continuity.following import problem_opened
from engine.continuity.keeping import incident_of, keep, words
from engine.errors import Conflict
from engine.response_views import Problem
from engine.signals import Command, Millis
from engine.telling import RELATED


def open_problem(context: Context, command: Command, now: Millis) -> None:
    """Open it, for the incidents of the fact ``earlier`` too; without ``text`` it is about the cause."""
    incident = incident_of(context, command, open_only=False)
    before = incident.response.problem
    if before is not None:
        raise Conflict(f"{incident.id} has a problem record already, says {before.by}: {before.text}")
    earlier = dict.fromkeys(one for one in words(command.facts.get("earlier", "")) if one != incident.id)
    about = f"{incident.cause} is in trouble again and again" if incident.cause else f"what is behind {incident.id}"
    made = Problem(
        id="problem",
        text=command.facts.get("text", "") or about,
        why=command.reason,
        at=now,
        by=command.actor,
        owner=command.facts.get("owner", ""),
        earlier=tuple(earlier)[: RELATED - 1],
    )
    text = f"Problem record opened: {made.text} ({made.why})"
    facts = {"owner": made.owner, "earlier": list(made.earlier)}
    keep(context, incident, now, "problem", text, actor=command.actor, facts=facts, problem=made)
    problem_opened(context, incident, made, now)


PROBLEM: Mapping[str, Callable[[Context, Command, Millis], None]] = {"open_problem": open_problem}
