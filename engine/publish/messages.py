"""What topics say besides events: what an incident reaches, and whether service is back. As JSON, each by itself.

As for events, ``schema_version`` grows when a field changes its meaning or goes.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from engine.outcomes import Impacted, Publication
from engine.publish.event import VERSION
from engine.recovery_views import RecoveryView
from engine.signals import Millis


class Head(msgspec.Struct, kw_only=True):
    """Of which incident, as of which revision. ``key`` is that of the publication that it goes with."""

    key: str
    incident_id: str
    revision: int
    generation: int
    state: str
    title: str


class ImpactData(Head, kw_only=True):
    """``impact`` is cut as in the incident; ``impact_total`` counts all. ``users``: at least, and at most."""

    cause: str | None = None
    severity: str = ""
    impact: tuple[Impacted, ...] = ()
    impact_total: int = 0
    users: tuple[int, int | None] | None = None


class Impact(msgspec.Struct, kw_only=True):
    """What an incident reaches; times are milliseconds since 1970."""

    type: Literal["impact"] = msgspec.field()
    schema_version: int
    timestamp: Millis
    data: ImpactData


class RecoveryData(Head, kw_only=True):
    """``recovery`` is the comparison with the time before; ``held_open``: why the incident is not resolved yet."""

    recovery: RecoveryView
    closed_as: str = ""
    held_open: tuple[str, ...] = ()
    resolved_at: Millis | None = None


class Recovery(msgspec.Struct, kw_only=True):
    """Whether service is back; times are milliseconds since 1970."""

    type: Literal["recovery"] = msgspec.field()
    schema_version: int
    timestamp: Millis
    data: RecoveryData


_OF_IMPACT = ("state", "title", "cause", "impact", "impact_total", "users")
_OF_RECOVERY = ("state", "title", "recovery", "closed_as", "held_open", "resolved_at")


def impact(publication: Publication) -> bytes:
    """The same bytes for the same publication, whenever it is sent."""
    incident = _incident(publication)
    level = (incident.get("severity") or {}).get("level", "")
    return _message("impact", publication, {**_some(incident, _OF_IMPACT), "severity": level})


def recovery(publication: Publication) -> bytes | None:
    """The same for what is known of recovery; None where nothing is."""
    incident = _incident(publication)
    if not incident.get("recovery"):
        return None
    return _message("recovery", publication, _some(incident, _OF_RECOVERY))


def _incident(publication: Publication) -> dict[str, Any]:
    found: dict[str, Any] = publication.body.get("incident") or {}
    return found


def _some(incident: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: incident[name] for name in names if name in incident}


def _message(type: str, publication: Publication, data: dict[str, Any]) -> bytes:
    head = {
        "key": publication.key, "incident_id": publication.incident, "revision": publication.revision,
        "generation": publication.generation,
    }  # fmt: skip
    message = {
        "type": type, "schema_version": VERSION, "timestamp": publication.created_at, "data": {**head, **data}
    }  # fmt: skip
    return msgspec.json.encode(message, order="sorted")
