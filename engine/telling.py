"""What is told to whom: publications for the outbox, from one revision, for every audience in parallel."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from engine.context import Context
from engine.outcomes import Publication
from engine.signals import Millis
from engine.state import Incident
from rules.routing import AUDIENCES

SHOWN_IMPACT = 50
"""Impacted entities in a message; the message gives the total."""


def tell_incident(context: Context, incident: Incident, action: str, now: Millis, why: str) -> None:
    """Queue one publication per audience. Updates keep the group interval, and those that wait are due together, so
    that the last one stands for all; all else goes at once."""
    if not incident.begun:
        return
    first = not incident.told
    if not first and action == "update":
        context.revise(incident, now, why)
        if incident.told_revision == incident.revision:
            return  # nothing that anybody could see has changed
    incident.told = True
    not_before = now
    if action == "update" and incident.told_at is not None:
        waiting = incident.told_at > now
        interval = 0 if waiting else context.rules.correlation.group_interval
        not_before = max(now, incident.told_at + interval)
    incident.told_at = not_before
    incident.told_digest = telling_digest(incident)
    view = context.revise(incident, now, why) if first else context.view(incident, why)
    shown = msgspec.structs.replace(view, impact=view.impact[:SHOWN_IMPACT], regimes=())
    incident.told_revision = incident.revision
    body: dict[str, object] = {"incident": msgspec.to_builtins(shown), "why": why}
    for audience in AUDIENCES:
        publication = Publication(
            key=f"{incident.id}.{incident.generation}.{action}.{incident.revision}.{audience}",
            incident=incident.id,
            revision=incident.revision,
            generation=incident.generation,
            action=action,
            audience=audience,
            not_before=not_before,
            created_at=now,
            body=body,
        )
        context.out.outbox.append(publication)
        context.recorder.publication(incident.domain, publication)


def telling_digest(incident: Incident) -> str:
    """What people want to hear of when it changes."""
    asked = incident.override.seen if incident.override else ""  # whoever set a level hears when it is asked again
    about = (incident.level, asked, incident.escalation.level, str(incident.impact_total))
    broken = (f"{one.entity}/{one.id}" for one in incident.harm.assumptions if one.broken)
    back = (incident.recovery.verdict,) if incident.recovery else ()
    return "|".join((incident.state, incident.cause or "", *about, *back, *broken, *_regulatory(incident)))


def _regulatory(incident: Incident) -> Iterator[str]:
    """Which regimes say yes, and where their clocks with a deadline stand."""
    for id, case in sorted(incident.regimes.items()):
        if case.view is not None and case.view.answer == "yes":
            yield id
        for clock in sorted(case.clocks):
            one = case.clocks[clock]
            if one.due is not None:
                yield f"{id}/{clock} {one.state} {one.due} {one.provisional} {one.soon} {one.passed}"
