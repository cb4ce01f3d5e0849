"""Changing the response of an incident: kept, put into the timeline, told to those who work on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol, TypeVar

import msgspec

from engine.context import Context
from engine.errors import Conflict, Refused
from engine.lifecycle import OPEN
from engine.response_views import Deviation, Response
from engine.signals import Command, Millis
from engine.state import Incident
from engine.telling import INSIDE, Manner, tell_incident

MOST = 500
"""Things of a kind that an incident keeps."""


class Kept(Protocol):
    """One of several things of a kind."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def version(self) -> int:
        """How often it was changed."""


K = TypeVar("K", bound=Kept)


def incident_of(context: Context, command: Command, *, open_only: bool = True) -> Incident:
    """The incident that a command is about. Raises `Refused`."""
    found = context.state.incidents.get(command.target)
    if found is None or not found.begun:
        raise Refused(f"no incident {command.target!r} is open or was lately closed")
    if open_only and found.state not in OPEN:
        raise Refused(f"{found.id} is {found.state}")
    return found


def keep(  # noqa: PLR0913 - how it is said, and what changes
    context: Context,
    incident: Incident,
    now: Millis,
    kind: str,
    text: str,
    *,
    actor: str = "",
    facts: Mapping[str, object] | None = None,
    urgent: bool = False,
    quiet: bool = False,
    **changes: object,
) -> None:
    """Put ``changes`` in force and say so: in the timeline, and, unless ``quiet``, to those who work on it."""
    before = incident.response
    incident.response = msgspec.structs.replace(before, version=before.version + 1, **changes)
    context.tell(incident.id, incident.domain, now, kind, text, actor=actor, facts=facts)
    context.revise(incident, now, text)
    if incident.told and incident.state in OPEN and not quiet:
        tell_incident(
            context, incident, "update", now, text, lines=(text,), how=Manner(audiences=INSIDE, at_once=urgent)
        )


def deviated(response: Response, kind: str, text: str, at: Millis, by: str, task: str = "") -> tuple[Deviation, ...]:
    """The deviations with one more."""
    playbook = response.execution.playbook if response.execution else ""
    found = Deviation(kind=kind, text=text, at=at, by=by, playbook=playbook, task=task)
    return (*response.deviations, found)[-MOST:]


def one_of(things: Iterable[K], id: str, what: str, version: str = "") -> K:
    """The thing of an id; raises `Refused` where there is none, `Conflict` where it has changed since ``version``."""
    known = {one.id: one for one in things}
    if id not in known:
        raise Refused(f"no {what} {id!r}" + (f"; there are {', '.join(known)}" if known else ""))
    found = known[id]
    if version and version != str(found.version):
        raise Conflict(f"{what} {id} has changed since version {version}: it is at version {found.version}")
    return found


def among(things: Iterable[K], changed: K) -> tuple[K, ...]:
    """The things with one of them changed."""
    return tuple(changed if one.id == changed.id else one for one in things)


def next_id(things: Iterable[object], word: str) -> str:
    """An id for one more; raises `Refused` when there are too many."""
    count = sum(1 for _ in things)
    if count >= MOST:
        raise Refused(f"there are {MOST} of these already")
    return f"{word}-{count + 1}"


def words(text: str) -> tuple[str, ...]:
    """A list as people write it: separated by semicolons or new lines."""
    return tuple(part for one in text.replace("\n", ";").split(";") if (part := one.strip()))


def number(command: Command, fact: str, least: int, most: int) -> int:
    """A whole number among the facts. Raises `Refused`."""
    text = command.facts[fact].strip()
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise Refused(f"{fact} is a whole number from {least} to {most}, not {text[:50]!r}")
    return int(text)
