"""What an access system is told: ``access.grant`` and ``access.revoke``, each once under its key, in order for a grant.

The receiver lets the named person in until ``until`` (milliseconds) at the latest, and not at all for a grant that was
revoked before. Everything else is as with the other web hooks: signed, with an idempotency key, tried until confirmed.
"""

from __future__ import annotations

import msgspec

from engine.continuity.granting import ACCESS
from engine.outcomes import Publication

__all__ = ["ACCESS", "VERSION", "access_event"]

VERSION = 1


def access_event(publication: Publication) -> bytes:
    """The same bytes for the same publication, whenever it is sent. A test (`headwater sink test`) names no grant."""
    test = "grant" not in publication.body
    body = {"test": True} if test else publication.body
    return msgspec.json.encode(
        {
            "type": "access.test" if test else f"access.{publication.action}",
            "schema_version": VERSION,
            "timestamp": publication.created_at,
            "data": {"key": publication.key, **body},
        },
        order="sorted",
    )
