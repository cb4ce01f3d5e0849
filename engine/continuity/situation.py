"""A situation report, from one revision: the same facts for everybody, made, not written."""

from __future__ import annotations

from collections.abc import Iterator

from engine.clock_words import when
from engine.outcomes import IncidentView
from engine.response_views import NOT_NEEDED, SKIPPED, Execution
from engine.signals import Millis

SHOWN = 5


def situation(view: IncidentView, now: Millis) -> str:
    """How it stands, line by line."""
    return "\n".join(_lines(view, now))


def _lines(view: IncidentView, now: Millis) -> Iterator[str]:
    yield f"{view.id}, {view.severity.level}, {view.state}: {view.title}"
    yield f"Since {when(view.onset)}; cause: {view.cause or 'not known yet'}; {view.impact_total} entities hit"
    response = view.response
    if response.assessor is not None and response.assessor.person:
        yield f"Assessor: {response.assessor.person}"
    if response.execution is not None:
        yield from _playbook(response.execution, now)
    for call in response.vendors:
        if call.answered_at is None:
            yield f"Waiting for {call.vendor}" + (f" until {when(call.due)}" if call.due is not None else "")
    if view.recovery is not None:
        yield f"Recovery: {view.recovery.verdict}"
    if response.next_briefing_at is not None:
        yield f"Next briefing: {when(response.next_briefing_at)}"


def _playbook(running: Execution, now: Millis) -> Iterator[str]:
    """How far it is, what runs, and what it waits for."""
    needed = [one for one in running.tasks if one.state not in (NOT_NEEDED, SKIPPED)]
    done = sum(one.state == "done" for one in needed)
    yield f"Playbook {running.playbook}: {done} of {len(needed)} steps done"
    for one in running.tasks:
        if one.state in ("running", "failed"):
            yield f"  {one.id} {one.state}, {one.by}"
    if running.ended_at is None and running.finish is not None:
        late = f", {running.late // 60_000} min after its RTO" if running.late else ""
        yield f"Predicted end: {when(max(running.finish, now))}{late}; on {' → '.join(running.critical)}"
    closed = [gate for gate in running.gates if gate.state == "closed" and gate.at is not None]
    for gate in closed[:SHOWN]:
        yield f"Gate {gate.id} is closed: {gate.why}"
