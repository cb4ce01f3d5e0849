"""Who fills the roles that playbooks name: whoever is on duty, else whom the rules or the catalogue name."""

from __future__ import annotations

from engine.calling import names_of
from engine.context import Context
from engine.errors import Refused
from engine.signals import Millis
from engine.state import Incident
from rules.duty import on_call
from rules.escalation import OWNERS


def holders(context: Context, incident: Incident, role: str, now: Millis) -> tuple[str, ...]:
    """Who fills a role now. A word that is neither a roster nor a role is a person. Nobody where a roster has a gap
    and the rules name nobody."""
    roster = context.rules.continuity.roster(role)
    if roster is not None and (found := on_call(roster, now)):
        return found
    named = names_of(context, incident, role)
    if named or roster is not None or role in OWNERS or role in dict(context.rules.content.escalation.roles):
        return named
    return (role,)


def authorised(context: Context, incident: Incident, role: str, person: str, now: Millis) -> None:
    """Raises `Refused` unless the person fills the role now."""
    known = holders(context, incident, role, now)
    if person not in known:
        there = f"; it is {', '.join(known)}" if known else "; nobody is named or on duty"
        raise Refused(f"{person} does not hold the authority {role!r}{there}")


def reach_of(context: Context, roster: str, person: str) -> str:
    """How to reach somebody of a roster; "" where that is not written."""
    found = context.rules.continuity.roster(roster)
    return dict(found.contacts).get(person, "") if found is not None else ""
