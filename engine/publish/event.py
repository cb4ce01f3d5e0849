"""What the webhook and the log say: an event, as JSON.

``schema_version`` grows when a field changes its meaning or goes; that fields are added does not change it.
"""

from __future__ import annotations

from typing import Any

import msgspec

from engine.outcomes import IncidentView, Publication
from engine.publish.texts import Text, business, technical
from engine.signals import Millis

VERSION = 1


class Texts(msgspec.Struct, kw_only=True):
    """Both texts of the revision."""

    technical: Text
    business: Text


class Data(msgspec.Struct, kw_only=True):
    """The publication. ``news`` is what is new since the last one; ``ticket``, ``reach`` and ``declaration``
    are what the rules say of it; ``test``: nothing happened, somebody tries the sink."""

    key: str
    incident_id: str
    revision: int
    generation: int
    audience: str
    text: Texts
    incident: IncidentView
    why: str = ""
    news: tuple[str, ...] = ()
    ticket: dict[str, Any] = {}
    reach: dict[str, Any] = {}
    declaration: dict[str, Any] = {}
    test: bool = False


class Event(msgspec.Struct, kw_only=True):
    """One event. ``type`` is ``incident.`` and the action; times are milliseconds since 1970."""

    type: str
    schema_version: int
    timestamp: Millis
    data: Data


class Line(msgspec.Struct, kw_only=True):
    """One line of the log of publications."""

    schema_version: int
    key: str
    created_at: Millis
    action: str
    audience: str
    incident: str
    revision: int
    technical: Text
    business: Text


def event(publication: Publication) -> bytes:
    """The same bytes for the same publication, whenever it is sent; what a row of another version holds, it keeps."""
    texts = {"technical": technical(publication), "business": business(publication)}
    return msgspec.json.encode(
        {
            "type": f"incident.{publication.action}",
            "schema_version": VERSION,
            "timestamp": publication.created_at,
            "data": {
                "key": publication.key,
                "incident_id": publication.incident,
                "revision": publication.revision,
                "generation": publication.generation,
                "audience": publication.audience,
                "text": texts,
                **publication.body,
            },
        },
        order="sorted",
    )


def line(publication: Publication) -> bytes:
    """The line of a publication, without its end."""
    return msgspec.json.encode(
        Line(
            schema_version=VERSION, key=publication.key, created_at=publication.created_at,
            action=publication.action, audience=publication.audience, incident=publication.incident,
            revision=publication.revision, technical=technical(publication), business=business(publication),
        )
    )  # fmt: skip
