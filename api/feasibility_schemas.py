"""What the API and the command line answer about the feasibility of objectives."""

from __future__ import annotations

import msgspec

from api.schemas import Versions
from topology.feasibility.findings import Finding


class AuditOf(msgspec.Struct):
    """The audit of a catalogue: deadlines are compared with the date ``on`` (ISO 8601). ``counts``: findings by
    severity. ``slack``: by kind of objective the least that an entity has left, in seconds, negative when one cannot be
    met.
    ``items``: worst first, at most 500 over the API."""

    versions: Versions
    on: str
    total: int
    counts: dict[str, int]
    slack: dict[str, int]
    items: list[Finding]
