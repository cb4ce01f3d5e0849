"""Which windows of the past are known not to be clean: another incident hit the entity then, or it was maintained."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from engine.context import Context
from engine.pinned import touched
from engine.signals import Millis
from engine.state import Incident, Trouble

KEPT: Millis = 35 * 86_400_000
"""Five weeks: the past weeks that a recovery is compared with, and what an incident may last."""
MOST = 32
"""Troubles kept of an entity."""
ENTITIES = 50_000

Taint = Callable[[str, Millis, Millis], str]
"""(entity, since, until) -> why that window is not clean, or ""."""


def remember(context: Context, incident: Incident, now: Millis) -> None:
    """An incident is over: when it hit which entity."""
    troubled = context.state.troubled
    since = incident.began.at if incident.began else incident.onset
    found = Trouble(incident.id, since, now if incident.quiet is None else incident.quiet)
    for entity in touched(incident):
        others = [one for one in troubled.pop(entity, ()) if one.incident != incident.id and one.until > now - KEPT]
        troubled[entity] = [*others, found][-MOST:]
    while len(troubled) > ENTITIES:
        del troubled[next(iter(troubled))]


def taints(context: Context, incident: Incident) -> Taint:
    """What speaks against windows of the entities of an incident."""
    domain = context.domain(incident.domain)
    others = (context.state.incidents[name] for name in sorted(domain.open) if name != incident.id)
    open_now = [
        (frozenset(touched(one)), Trouble(one.id, one.began.at if one.began else one.onset, 1 << 60)) for one in others
    ]

    def said(entity: str, since: Millis, until: Millis) -> str:
        over: Iterable[Trouble] = context.state.troubled.get(entity, ())
        known = (*over, *(trouble for names, trouble in open_now if entity in names))
        for trouble in known:
            if trouble.incident != incident.id and trouble.since < until and since < trouble.until:
                return trouble.incident
        return context.rules.maintained(entity, since, until)

    return said
