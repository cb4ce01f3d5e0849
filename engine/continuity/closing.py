"""What stands against the end of an incident: steps that nobody did, temporary measures, access, a handover."""

from __future__ import annotations

from collections.abc import Iterator

from engine.context import Context
from engine.continuity.capacity import blocking
from engine.continuity.measures import left_of, left_silent
from engine.lifecycle import OPEN, State, Trigger
from engine.people_views import Declaration
from engine.response_views import Response
from engine.signals import Millis
from engine.state import Incident

SHOWN = 5
"""Steps that a refusal names."""


def guard_closing(context: Context) -> None:
    """Let no incident end, by itself or by a person, while something of its response is left."""
    for state in sorted(OPEN):
        for trigger in (Trigger.RECOVERED, Trigger.CLOSE):
            context.guards.add(state, trigger, lambda one: "; ".join(leftovers(context, one, context.state.now)))
    context.guards.add(State.RESOLVED, Trigger.REVIEW, lambda one: "; ".join(blocking(one)))


def leftovers(context: Context, incident: Incident, now: Millis) -> tuple[str, ...]:
    """Everything that is left, in words; empty when it may end."""
    if incident.response == Response() and not context.rules.continuity.playbooks:
        return ()
    silences = left_silent(context, incident, now)
    return (*left_of_response(incident.response, incident.declaration), *silences)


def left_of_response(response: Response, declaration: Declaration | None) -> tuple[str, ...]:
    """The same without silences, which only the engine's state knows."""
    return (*_steps(response), *left_of(response), *_handover(response, declaration))


def _steps(response: Response) -> Iterator[str]:
    running = response.execution
    if running is None or running.ended_at is not None:
        return
    left = running.open_tasks
    named = ", ".join(f"{one.id} ({one.state})" for one in left[:SHOWN])
    more = f" and {len(left) - SHOWN} more" if len(left) > SHOWN else ""
    yield f"playbook {running.playbook} is under way: {named}{more}"


def _handover(response: Response, declared: Declaration | None) -> Iterator[str]:
    """A crisis team that worked by a playbook hands over; what was offered has to be accepted."""
    found = response.handover
    if found is not None and found.accepted_at is None:
        yield f"the handover to {found.to} is not accepted"
    worked = response.execution is not None or response.past
    if found is None and worked and declared is not None and declared.team:
        yield "the crisis team has not handed over"
