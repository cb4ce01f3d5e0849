"""Telling the access system that access is granted or revoked: publications for the audience ``access``.

They go through the outbox like all others: stored with the decision, sent under a key of their own until the receiver
has confirmed them, and in order for one grant. Drills change no access.
"""

from __future__ import annotations

from engine.context import Context
from engine.drills import DRILL
from engine.outcomes import Publication
from engine.response_views import Grant
from engine.signals import Millis
from engine.state import Incident

ACCESS = "access"
"""The audience."""


def tell_access(context: Context, incident: Incident, grant: Grant, action: str, now: Millis) -> None:
    """``action`` is grant or revoke. A grant keeps the id that it was given first, also in another incident."""
    if context.state.lane == DRILL:
        return
    id = grant.id if "/" in grant.id else f"{incident.id}/{grant.id}"
    origin = id.split("/", 1)[0]
    body = {
        "grant": id,
        "incident_id": incident.id,
        "person": grant.person,
        "system": grant.system,
        "minutes": grant.minutes,
        "until": grant.until,
        "why": grant.why,
        "requested_by": grant.by,
        "approved_by": grant.granted_by,
        "state": grant.state,
        "ended_at": grant.ended_at,
        "ended_by": grant.ended_by,
    }
    publication = Publication(
        key=f"{id}.{action}",
        incident=origin,
        revision=incident.revision,
        generation=incident.generation,
        action=action,
        audience=ACCESS,
        not_before=now,
        created_at=now,
        body=body,
        alone=True,
    )
    context.out.outbox.append(publication)
    context.recorder.publication(incident.domain, publication)
