"""Whether a recovery time objective is missed, or will be for certain: as predicted while it lasts, as it was after."""

from __future__ import annotations

from collections.abc import Iterable

from engine.signals import Millis
from engine.state import Incident
from topology.impact import Impact
from topology.model import Entity
from topology.objectives import CANNOT_EXCLUDE, RTO, YES


def missed(incident: Incident, rows: Iterable[tuple[Impact, Entity | None]], at: Millis) -> bool | None:
    """None: it cannot be excluded, because the time to restore something is not known."""
    if not incident.firing:
        return any(
            entity is not None and entity.rto is not None and hit.high == 0 and at - hit.at > entity.rto * 1000
            for hit, entity in rows
        )
    said = {one.breach for one in incident.objectives if one.kind == RTO}
    return True if YES in said else None if CANNOT_EXCLUDE in said else False
