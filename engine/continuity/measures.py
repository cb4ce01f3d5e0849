"""The register of temporary measures, and just-in-time access: what must be gone or accepted before an incident closes.

Access is requested for a person, granted by another one for so many minutes, and revoked, at the latest by its timer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import msgspec

from engine.context import Context
from engine.continuity.capacity import SCALING, ask_for_capacity_review
from engine.continuity.catalogue import check_change, propose_measure
from engine.continuity.granting import tell_access
from engine.continuity.keeping import among, incident_of, keep, next_id, number, one_of
from engine.continuity.silences import silences_of
from engine.errors import Conflict, Refused
from engine.response_views import Grant, Measure, Response
from engine.signals import Command, Millis
from engine.state import Incident

LONGEST = 24 * 60
"""Minutes that access may last."""
IN_USE = frozenset({"granted"})
replace = msgspec.structs.replace


def register_measure(context: Context, command: Command, now: Millis) -> None:
    """Something temporary was done: an override, a route, a raised threshold, more machines."""
    incident = incident_of(context, command)
    facts, known = command.facts, incident.response.measures
    made = Measure(
        id=next_id(known, "measure"),
        kind=facts["kind"],
        text=facts["text"],
        entity=facts.get("entity", ""),
        at=now,
        by=command.actor,
        field=facts.get("field", ""),
        value=facts.get("value", ""),
    )
    check_change(context, made.entity, made.field, made.value)
    text = f"Temporary measure {made.id} ({made.kind}): {made.text}"
    keep(context, incident, now, "measure", text, actor=command.actor, facts={"id": made.id}, measures=(*known, made))
    if made.kind == SCALING:
        ask_for_capacity_review(context, incident, made, command, now)


def revert_measure(context: Context, command: Command, now: Millis) -> None:
    """It is undone."""
    _end(context, command, now, "reverted")


def accept_measure(context: Context, command: Command, now: Millis) -> None:
    """It stays, and somebody answers for that."""
    _end(context, command, now, "accepted")


def _end(context: Context, command: Command, now: Millis, state: str) -> None:
    incident = incident_of(context, command)
    known = incident.response.measures
    found = one_of(known, command.facts["measure"], "measure", command.facts.get("version", ""))
    if found.state != "open":
        raise Conflict(f"measure {found.id} was {found.state} by {found.ended_by}")
    ended = replace(
        found, state=state, ended_at=now, ended_by=command.actor, why=command.reason, version=found.version + 1
    )
    text = f"Temporary measure {found.id} {state} by {command.actor}"
    text += f": {command.reason}" if command.reason else ""
    facts = {"id": found.id, "state": state}
    keep(context, incident, now, "measure", text, actor=command.actor, facts=facts, measures=among(known, ended))
    if state == "accepted":
        propose_measure(context, incident, ended, now)


def request_grant(context: Context, command: Command, now: Millis) -> None:
    """Somebody needs access to a system for a while."""
    incident = incident_of(context, command)
    known = incident.response.grants
    made = Grant(
        id=next_id(known, "grant"),
        person=command.facts["person"],
        system=command.facts["system"],
        minutes=number(command, "minutes", 1, LONGEST),
        why=command.reason,
        at=now,
        by=command.actor,
    )
    text = f"Access {made.id} asked: {made.person} to {made.system} for {made.minutes} min: {made.why}"
    _granted(context, incident, made, now, text, command.actor, (*known, made))


def approve_grant(context: Context, command: Command, now: Millis) -> None:
    """Another person than who asked, and than who gets it, allows it; it ends by itself."""
    incident, found = _grant(context, command, "requested")
    if command.actor in (found.by, found.person):
        concerned = " and ".join(dict.fromkeys((found.by, found.person)))
        raise Refused(f"{found.id} has to be allowed by somebody else than {concerned}")
    until = now + found.minutes * 60_000
    made = replace(
        found,
        state="granted",
        granted_at=now,
        granted_by=command.actor,
        until=until,
        version=found.version + 1,
    )
    context.timers.set(until, "grant", f"{incident.id}|{found.id}")
    text = f"Access {found.id} granted by {command.actor}: {found.person} to {found.system} for {found.minutes} min"
    _granted(context, incident, made, now, text, command.actor, among(incident.response.grants, made))
    tell_access(context, incident, made, "grant", now)


def refuse_grant(context: Context, command: Command, now: Millis) -> None:
    """It is not allowed, for a reason."""
    incident, found = _grant(context, command, "requested")
    _over(context, incident, found, now, "refused", command.actor, f": {command.reason}")


def revoke_grant(context: Context, command: Command, now: Millis) -> None:
    """It is taken back."""
    incident, found = _grant(context, command, "granted")
    _over(context, incident, found, now, "revoked", command.actor)


def grant_due(context: Context, key: str, due: Millis) -> None:
    """Timer ``grant``: its time is over."""
    name, _, id = key.partition("|")
    incident = context.state.incidents.get(name)
    found = next((one for one in incident.response.grants if one.id == id), None) if incident else None
    if incident is not None and found is not None and found.state in IN_USE:
        _over(context, incident, found, due, "expired", "")


def _grant(context: Context, command: Command, state: str) -> tuple[Incident, Grant]:
    incident = incident_of(context, command, open_only=False)
    id, version = command.facts["grant"], command.facts.get("version", "")
    found = one_of(incident.response.grants, id, "grant", version)
    if found.state != state:
        raise Conflict(f"grant {found.id} is {found.state}" + (f" by {found.ended_by}" if found.ended_by else ""))
    return incident, found


def _over(context: Context, incident: Incident, found: Grant, now: Millis, state: str, by: str, why: str = "") -> None:
    context.timers.cancel("grant", f"{incident.id}|{found.id}")
    ended = replace(found, state=state, ended_at=now, ended_by=by, version=found.version + 1)
    text = f"Access {found.id} of {found.person} to {found.system} {state}{f' by {by}' if by else ''}{why}"
    _granted(context, incident, ended, now, text, by, among(incident.response.grants, ended))
    if found.state in IN_USE:
        tell_access(context, incident, ended, "revoke", now)


def _granted(
    context: Context, incident: Incident, one: Grant, now: Millis, text: str, by: str, grants: tuple[Grant, ...]
) -> None:
    facts = {"id": one.id, "person": one.person, "system": one.system, "state": one.state, "until": one.until}
    keep(context, incident, now, "grant", text, actor=by, facts=facts, grants=grants)


def left_silent(context: Context, incident: Incident, now: Millis) -> Iterator[str]:
    """Silences that are still in force, unless they are in the register or somebody accepted them."""
    silences = [one for one in incident.response.measures if one.kind == "silence"]
    named = {one.key for one in silences} | {
        id for one in silences if one.state == "accepted" for id in one.text.split()
    }
    for silence in silences_of(context, incident, now):
        if silence.id not in named:
            yield f"silence {silence.id} by {silence.created_by} is still in force"


def left_of(response: Response) -> Iterator[str]:
    """Temporary measures and access that are still in force."""
    for one in response.measures:
        if one.state == "open":
            yield f"temporary measure {one.id} ({one.kind}: {one.text[:100]}) is neither reverted nor accepted"
    for grant in response.grants:
        if grant.state in IN_USE:
            yield f"access {grant.id} of {grant.person} to {grant.system} is not revoked"


MEASURES: Mapping[str, Callable[[Context, Command, Millis], None]] = {
    "register_measure": register_measure,
    "revert_measure": revert_measure,
    "accept_measure": accept_measure,
    "request_grant": request_grant,
    "approve_grant": approve_grant,
    "refuse_grant": refuse_grant,
    "revoke_grant": revoke_grant,
}
