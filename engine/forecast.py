"""What changes without an alert of the incident: a buffer is spent, an objective can no longer be met, another incident
hits members of the same group."""

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
    fallen = [one for one in incident.impact if one.low < _low(was, one.entity) and not _news(was, one)]
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


def tell_jointly(context: Context, incident: Incident, hits: Sequence[Impacted], now: Millis) -> str:
    """Tell what is worse off now because of other incidents too, and what no longer is; ``hits`` are those before.
    Returns it as the reason of a revision, "" when there is nothing."""
    was = {one.entity: one for one in hits}
    said = []
    fallen = [one for one in incident.impact if _news(was, one)]
    if fallen:
        others = list(dict.fromkeys(id for one in fallen for id in one.together))
        said.append(f"together with {_named(others)}: {_listed(fallen)}")
        _tell_with(context, incident, f"Hit {said[0]}", others, fallen, now)
    alone = {one.entity for one in incident.impact if not one.together}
    left = {one.entity for one in incident.impact}
    eased = [one for one in hits if one.together and (one.entity in alone or one.entity not in left)]
    if eased:
        others = list(dict.fromkeys(id for one in eased for id in one.together))
        names = _named([one.entity for one in eased])
        said.append(f"no longer hit together with {_named(others)}: {names}")
        _tell_with(context, incident, said[-1][:1].upper() + said[-1][1:], others, eased, now)
    return "; ".join(said)


def _tell_with(
    context: Context, incident: Incident, text: str, others: list[str], rows: Sequence[Impacted], now: Millis
) -> None:
    about = {"with": others, "entities": [one.entity for one in rows[:NAMED]], "total": len(rows)}
    context.tell(incident.id, incident.domain, now, "together", text, facts=about)


def _news(was: Mapping[str, Impacted], one: Impacted) -> bool:
    """Is it worse off than before, or at all, through others too?"""
    before = was.get(one.entity)
    return bool(one.together) and (before is None or not before.together or one.low < before.low)


def _low(was: Mapping[str, Impacted], entity: str) -> int:
    return was[entity].low if entity in was else UP


def _named(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")


def _listed(rows: Sequence[Impacted]) -> str:
    return _named([f"{one.entity} ({_state(one)})" for one in rows])


def _spent(fallen: Sequence[Impacted], was: Mapping[str, Impacted]) -> str:
    buffers = sorted({was[one.entity].held_by for one in fallen if one.entity in was} - {""})
    spent = f", as the buffer of {', '.join(buffers[:NAMED])} is spent" if buffers else ""
    return f"hit now{spent}: {_listed(fallen)}"


def _state(one: Impacted) -> str:
    if one.low == UP:
        return "at risk" if one.at_risk else "to come"
    worst = "down" if one.low == 0 else "degraded"
    return f"perhaps {worst}" if one.high == UP else worst


def _missed(one: Objective, begun: Millis | None) -> str:
    how = "even if its restoration begins now" if begun is None else "as its restoration takes longer"
    return f"the {one.kind.upper()} of {one.entity} will be missed {how}"
