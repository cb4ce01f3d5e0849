"""What was forecast and has come true without an alert: a buffer is spent, an objective can no longer be met."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.context import Context
from engine.outcomes import Impacted
from engine.restoration import newly_missed
from engine.signals import Millis
from engine.state import Incident
from topology.objectives import Objective

UP = 1000
NAMED = 5
"""Entities named in a line of the timeline; the others are counted."""


def come_true(
    context: Context, incident: Incident, hits: Sequence[Impacted], objectives: Sequence[Objective], now: Millis
) -> str:
    """Tell, of an incident that was just looked at again, who is hit since and what will be missed; ``hits`` and
    ``objectives`` are those before. Returns it as the reason of a revision, "" when there is nothing."""
    was = {one.entity: one for one in hits}
    fallen = [one for one in incident.impact if one.low < (was[one.entity].low if one.entity in was else UP)]
    late = newly_missed(objectives, incident.objectives)
    said = [_spent(fallen, was)] if fallen else []
    if fallen:
        about: dict[str, object] = {"entities": [one.entity for one in fallen[:NAMED]], "total": len(fallen)}
        context.tell(incident.id, incident.domain, now, "impact", said[0], facts=about)
    for one in late:
        text = _missed(one, incident.restoring_at)
        about = {"entity": one.entity, "kind": one.kind, "due": one.due, "finish": one.finish}
        context.tell(incident.id, incident.domain, now, "objective", text, facts=about)
        said.append(text)
    return "; ".join(said[: 1 + NAMED])


def _spent(fallen: Sequence[Impacted], was: Mapping[str, Impacted]) -> str:
    names = ", ".join(f"{one.entity} ({_state(one)})" for one in fallen[:NAMED])
    more = f" and {len(fallen) - NAMED} more" if len(fallen) > NAMED else ""
    buffers = sorted({was[one.entity].held_by for one in fallen if one.entity in was} - {""})
    spent = f", as the buffer of {', '.join(buffers[:NAMED])} is spent" if buffers else ""
    return f"hit now{spent}: {names}{more}"


def _state(one: Impacted) -> str:
    worst = "down" if one.low == 0 else "degraded"
    return f"perhaps {worst}" if one.high == UP else worst


def _missed(one: Objective, begun: Millis | None) -> str:
    how = "even if its restoration begins now" if begun is None else "as its restoration takes longer"
    return f"the {one.kind.upper()} of {one.entity} will be missed {how}"
