"""Whether what is down can still be back within its RTO: the time gone, and the time to restore what it hangs on.

The estimate is that of the path by which the failure reached an entity: cause first, each in its turn. What else must
come back before it can only make it later, so a breach that is predicted here is never too early.
"""

from __future__ import annotations

from collections.abc import Iterable

from engine.outcomes import RtoView
from engine.signals import Millis
from topology.impact import Impact
from topology.model import Entity, Topology

SECOND: Millis = 1000


def rto_of(topology: Topology, rows: Iterable[tuple[Impact, Entity | None]]) -> list[RtoView]:
    """Every entity that is down and has an RTO, the first to be breached first."""
    found = [
        _rto(topology, hit, entity.rto)
        for hit, entity in rows
        if entity is not None and entity.rto is not None and hit.high == 0
    ]
    return sorted(found, key=lambda one: (one.breach_at, one.entity))


def _rto(topology: Topology, hit: Impact, rto: int) -> RtoView:
    """From ``breach_at`` on the time gone and the time to restore are together more than the RTO."""
    restore, missing = 0, []
    for name in hit.path:
        entity = topology.entities.get(name)
        if entity is None or entity.continuity.restore is None:
            missing.append(name)
        else:
            restore += entity.continuity.restore
    left = rto - restore
    return RtoView(
        entity=hit.entity,
        rto=rto,
        restore=restore,
        breach_at=hit.at if left < 0 else hit.at + left * SECOND + 1,
        missing=tuple(missing),
    )
