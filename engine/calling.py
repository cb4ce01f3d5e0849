"""Calling people: the roles that the rules ask for, the steps up while nobody acknowledges, and the crisis team.

A role is called once per generation; again only for names that it has gained since. What the rules ask for is called
whether or not somebody has acknowledged; an acknowledgement ends the steps up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from engine.context import Context
from engine.lifecycle import OPEN
from engine.people_views import Called, Declaration, Member
from engine.signals import Millis
from engine.state import Incident
from engine.telling import Manner, tell_incident
from rules.escalation import OWNERS, Step
from topology.model import Entity, Kind

SHOWN = 50
"""Names in a role."""
BUSINESS = frozenset({Kind.BUSINESS_SERVICE, Kind.BUSINESS_PROCESS})


def call(context: Context, incident: Incident, now: Millis, why: str = "") -> None:
    """Call the roles that the rules ask for and that were not called yet, once people are told of the incident at all;
    set when to go up a step, unless somebody has acknowledged."""
    if not incident.told or incident.state not in OPEN:
        context.timers.cancel("call", incident.id)
        return
    level = incident.escalation.level
    asked = [Called(role=r.role, names=r.names, level=level, at=now, why=r.why) for r in incident.escalation.reach]
    _call(context, incident, asked, now, f"escalation level {level}", because=why)
    first = incident.acknowledged_at is None and incident.call_due is None and incident.step == 0
    if first and incident.escalation.due is not None:
        incident.call_due = max(incident.escalation.due, now)
    _wait(context, incident)


def call_due(context: Context, name: str, due: Millis) -> None:
    """Timer ``call``: nobody has acknowledged in time; call those of the next step."""
    incident = context.state.incidents.get(name)
    if incident is None or incident.state not in OPEN or incident.acknowledged_at is not None:
        return
    steps = _steps(context, incident)
    if not steps:
        if incident.called:
            text = "Nobody has acknowledged, and nobody is left to be called"
            context.tell(name, incident.domain, due, "unacknowledged", text, facts={"level": incident.escalation.level})
        incident.call_due = None
        incident.step = len(context.rules.content.escalation.unacknowledged) + 1
        return
    number, step = steps[0]
    incident.step, incident.call_due = number + 1, due + step.within
    text = f"Nobody has acknowledged: {step.level} is called"
    context.tell(name, incident.domain, due, "unacknowledged", text, facts={"level": step.level})
    asked = [
        Called(role=role, names=names_of(context, incident, role), level=step.level, at=due, why="nobody acknowledged")
        for role in step.reach
    ]
    _call(context, incident, asked, due, "nobody has acknowledged")
    _wait(context, incident)


def acknowledged(context: Context, incident: Incident, by: str, now: Millis) -> None:
    """Somebody is on it: no further steps."""
    incident.acknowledged_by = by
    if incident.acknowledged_at is None:
        incident.acknowledged_at = now
    incident.call_due = None
    _wait(context, incident)


def begin_anew(context: Context, incident: Incident, now: Millis) -> None:
    """Another generation: nobody has acknowledged it, nobody was called for it."""
    incident.acknowledged_by, incident.acknowledged_at = "", None
    incident.called, incident.step, incident.call_due = (), 0, None
    incident.reopened_at = now
    incident.desk.disputes.clear()
    incident.desk.closed = []
    _wait(context, incident)


def formally(context: Context, incident: Incident, now: Millis, why: str, by: str) -> None:
    """The formal declaration, kept for audit; a crisis team follows with `activate`."""
    incident.declaration = Declaration(at=now, by=by, why=why, severity=incident.level)


def activate(context: Context, incident: Incident, now: Millis, why: str = "") -> None:
    """Activate the crisis team that the rules name for the severity, once it is formally declared, each role once; tell
    everybody that there is one."""
    declared = incident.declaration
    team = context.rules.content.escalation.team(incident.level)
    if declared is None or not team or not incident.told or incident.state not in OPEN:
        return
    known = {member.role for member in declared.team}
    new = [Member(role=role, names=names_of(context, incident, role)) for role in team if role not in known]
    if not new:
        return
    incident.declaration = msgspec.structs.replace(
        declared, team=(*declared.team, *new), team_at=declared.team_at or now
    )
    called = [Called(role=m.role, names=m.names, level=incident.level, at=now, why="crisis team") for m in new]
    incident.called = (*incident.called, *(one for one in called if _new(incident, one) is not None))
    by = declared.by or "the rules"
    text = f"Crisis team for {incident.level} activated: {_listed(new)}"
    facts = {
        "severity": incident.level,
        "declared_at": declared.at,
        "declared_by": declared.by,
        "why": declared.why,
        "team": [msgspec.to_builtins(member) for member in new],
    }
    context.tell(incident.id, incident.domain, now, "crisis_team", text, actor=declared.by, facts=facts)
    because = "" if declared.why == incident.level else f": {declared.why}"
    lines = (f"Formally declared {incident.level} by {by}{because}", text)
    how = Manner(
        also=_sinks(context, team), about={"declaration": msgspec.to_builtins(incident.declaration)}, because=why
    )
    tell_incident(context, incident, "declare", now, f"declared: {declared.why}", lines=lines, how=how)


def names_of(context: Context, incident: Incident, role: str, hit: Iterable[Entity] | None = None) -> tuple[str, ...]:
    """Who fills a role: the catalogue's owners, or those whom the rules name. ``hit`` is what is affected, if known."""
    known = context.topology.entities
    if role not in OWNERS:
        return context.rules.content.escalation.names(role)[:SHOWN]
    if role == "owners_of_cause":
        troubled = (incident.cause,) if incident.cause else incident.entities
        return _owners(known[name] for name in troubled if name in known)
    if hit is None:
        hit = [known[one.entity] for one in incident.impact if one.low < 1000 and one.entity in known]
    if role == "owners_of_business":
        return _owners(entity for entity in hit if entity.kind in BUSINESS)
    if role == "owners_of_critical":
        return _owners(entity for entity in hit if entity.continuity.critical)
    return _owners(hit)


def _owners(entities: Iterable[Entity]) -> tuple[str, ...]:
    return tuple(sorted({entity.owner for entity in entities if entity.owner}))[:SHOWN]


def _steps(context: Context, incident: Incident) -> list[tuple[int, Step]]:
    """The steps that are left above where it is, of roles that somebody fills and that were not called."""
    rules = context.rules.content.escalation
    called = {one.role for one in incident.called}
    return [
        (number, step)
        for number, step in enumerate(rules.unacknowledged)
        if number >= incident.step
        and any(role not in called and _filled(context, incident, role) for role in step.reach)
    ]


def _filled(context: Context, incident: Incident, role: str) -> bool:
    return bool(names_of(context, incident, role) or context.rules.content.escalation.sinks_of(role))


def _call(
    context: Context, incident: Incident, asked: Sequence[Called], now: Millis, why: str, because: str = ""
) -> None:
    """Tell those of the roles that somebody fills and that do not know yet."""
    rules = context.rules.content.escalation
    found = [one for one in (_new(incident, one) for one in asked) if one is not None]
    found = [one for one in found if one.names or rules.sinks_of(one.role)]
    if not found:
        return
    incident.called = (*incident.called, *found)
    roles = [{"role": one.role, "names": list(one.names)} for one in found]
    text = f"Called, as {why}: {_listed(found)}"
    facts = {"level": found[0].level, "roles": roles}
    context.tell(incident.id, incident.domain, now, "called", text, facts=facts)
    everywhere = any(not rules.sinks_of(one.role) for one in found)
    sinks = _sinks(context, [one.role for one in found])
    about = {"reach": {"level": found[0].level, "roles": roles}}
    how = Manner(
        audiences=("engineers",),
        sinks=None if everywhere else sinks,
        also=sinks if everywhere else (),
        about=about,
        because=because,
    )
    tell_incident(context, incident, "escalate", now, why, lines=(text,), how=how)


def _new(incident: Incident, asked: Called) -> Called | None:
    """The part of a call that is news: a role that was not called, or its names that were not."""
    before = [one for one in incident.called if one.role == asked.role]
    if not before:
        return asked
    known = {name for one in before for name in one.names}
    names = tuple(name for name in asked.names if name not in known)
    return msgspec.structs.replace(asked, names=names) if names else None


def _sinks(context: Context, roles: Iterable[str]) -> tuple[str, ...]:
    rules = context.rules.content.escalation
    return tuple(dict.fromkeys(sink for role in roles for sink in rules.sinks_of(role)))


def _listed(roles: Iterable[Called | Member]) -> str:
    said = (f"{one.role.replace('_', ' ')} ({', '.join(one.names[:5]) or 'nobody is named'})" for one in roles)
    return ", ".join(said)


def _wait(context: Context, incident: Incident) -> None:
    if incident.call_due is None:
        context.timers.cancel("call", incident.id)
    else:
        context.timers.set(incident.call_due, "call", incident.id)
