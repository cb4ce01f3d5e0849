"""How many are hit: bounds, never sums, because one person uses many services.

Of counts alone the union lies between the largest and the sum, and never beyond all there are. Theta sketches of the
users' ids give the union itself (A. Dasgupta, K. Lang, L. Rhodes, J. Thaler, A Framework for Estimating Stream
Expression Cardinalities, ICDT 2016), with bounds of two standard deviations once they estimate.
"""

from __future__ import annotations

import binascii
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from math import ceil, floor
from typing import Any, NamedTuple

from engine.outcomes import AmountView
from topology.altered import Altered
from topology.model import Entity, Kind, Semantics, Topology

Bounds = tuple[int, int | None]

SHOWN_MISSING = 50
"""Entities named that do not say how many; the total is always given."""
LG_NOMINAL = 14
"""Size of the union's own sketch, as a power of two: it estimates no worse than any that go into it, up to this."""
DEVIATIONS = 2
INFRASTRUCTURE = frozenset({Kind.HOST, Kind.NETWORK_DEVICE, Kind.SITE})


class Amount(NamedTuple):
    """What one entity says: a count, or a sketch; ``certain``: it is hit for sure."""

    entity: str
    amount: int | None
    certain: bool = True
    sketch: str = ""


class Union(NamedTuple):
    """The union of sketches: bounds, the estimate, and whether it is more than counted."""

    low: int
    high: int
    estimate: int
    estimated: bool


def together(said: Sequence[Amount], missing: Collection[str] = (), most: int | None = None) -> AmountView:
    """How many all of these have together; ``missing`` are those that do not say, ``most`` is how many there are."""
    unread = {one.entity for one in said if one.sketch and one.amount is None and not _readable(one.sketch)}
    gaps = sorted(unread.union(missing))
    read = [one for one in said if one.entity not in unread]
    sketched = [one for one in read if one.sketch and _readable(one.sketch)]
    counted = [one for one in read if one.amount is not None and one not in sketched]
    every = union(tuple(sorted({one.sketch for one in sketched})))
    sure = union(tuple(sorted({one.sketch for one in sketched if one.certain})))
    low = max([one.amount or 0 for one in counted if one.certain] + [sure.low])
    high = max(low, sum(one.amount or 0 for one in counted) + every.high)
    if most is not None:
        high = max(low, min(most, high))
    return AmountView(
        low=low,
        high=None if gaps else high,
        estimate=every.estimate if sketched and not counted and not gaps else None,
        estimated=every.estimated,
        method=_method(len(counted), len(sketched)),
        missing=tuple(gaps[:SHOWN_MISSING]),
        missing_total=len(gaps),
    )


def users_of(entities: Iterable[tuple[Entity, bool]], missing: Collection[str], most: int | None) -> AmountView:
    """The users of entities, of which each is hit for certain or not."""
    said = [
        Amount(entity.id, entity.users, certain, entity.continuity.sketch)
        for entity, certain in entities
        if entity.users is not None or entity.continuity.sketch
    ]
    return together(said, missing, most)


def faces_users(topology: Topology, entity: Entity) -> bool:
    """Whether its users are nobody else's: a business service or process, or something that nothing else needs.

    Infrastructure faces nobody: who feels its loss does so through what stands on it.
    """
    if entity.kind in (Kind.BUSINESS_SERVICE, Kind.BUSINESS_PROCESS):
        return True
    if entity.kind in INFRASTRUCTURE:
        return False
    return all(need.semantics is Semantics.INFO for need in topology.consumers(entity.id))


def everybody(topology: Topology) -> Bounds | None:
    """All users of the business services of a catalogue; None when no business service says how many it has.

    What is assumed to be different brings nobody new.
    """
    return _everybody(topology.unaltered if isinstance(topology, Altered) else topology)


@lru_cache(maxsize=2)
def _everybody(topology: Topology) -> Bounds | None:
    services = [entity for entity in topology.content.entities if entity.kind is Kind.BUSINESS_SERVICE]
    silent = [entity.id for entity in services if entity.users is None and not entity.continuity.sketch]
    if len(silent) == len(services):
        return None
    found = users_of(((entity, True) for entity in services), silent, None)
    return found.low, found.high


@lru_cache(maxsize=256)
def union(sketches: tuple[str, ...]) -> Union:
    """The union of readable sketches; of none, nobody."""
    if not sketches:
        return Union(0, 0, 0, False)
    import datasketches  # noqa: PLC0415 - few catalogues have sketches, and it takes its time

    gathered = datasketches.theta_union(LG_NOMINAL)
    for text in sketches:
        gathered.update(_read(text))
    found = gathered.get_result()
    low, high = found.get_lower_bound(DEVIATIONS), found.get_upper_bound(DEVIATIONS)
    return Union(floor(low), ceil(high), round(found.get_estimate()), found.is_estimation_mode())


@lru_cache(maxsize=1024)
def _readable(text: str) -> bool:
    try:
        _read(text)
    except (ValueError, IndexError, RuntimeError):
        return False
    return True


def _read(text: str) -> Any:
    from datasketches import compact_theta_sketch  # noqa: PLC0415

    return compact_theta_sketch.deserialize(binascii.a2b_base64(text))


def _method(counted: int, sketched: int) -> str:
    if not counted:
        return "sketch" if sketched else ""
    if sketched:
        return "bounds of counts and sketches"
    return "count" if counted == 1 else "bounds of counts"
