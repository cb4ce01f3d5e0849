"""Where business units conflict over what they share: who wants what first, and what was agreed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import msgspec

from topology.feasibility.case import Case
from topology.model import Topology

_ANY_DAY = date(2000, 1, 1)
"""Conflicts have no deadline."""


class PriorityConflict(msgspec.Struct, frozen=True, kw_only=True):
    """``units`` that meet on ``provider``; ``rivals`` of them each want it back first, ``inverted`` is a unit needed
    sooner than the one that is served before it. ``services`` claim for them, ``owners`` answer for these. ``order``,
    ``by`` and ``on`` are the catalogue's agreement, if it names all units."""

    provider: str
    units: tuple[str, ...]
    rivals: tuple[str, ...]
    inverted: tuple[str, ...]
    services: tuple[str, ...]
    owners: tuple[str, ...]
    order: tuple[str, ...] = ()
    by: str = ""
    on: str = ""


def conflicts(topology: Topology) -> Iterator[PriorityConflict]:
    """All of them, signed or not, by provider."""
    case = Case(topology, _ANY_DAY, {})
    for found in sorted(case.shared, key=lambda one: case.names[one.provider]):
        rivals, inverted = found.rivals(), found.inverted() or ()
        if not rivals and not inverted:
            continue
        units = sorted(found.claims)
        services = [case.entities[number] for number in found.services(units)]
        agreed = found.agreement if not found.missing else None
        yield PriorityConflict(
            provider=case.names[found.provider],
            units=tuple(units),
            rivals=tuple(rivals),
            inverted=inverted,
            services=tuple(one.id for one in services),
            owners=tuple(sorted({one.owner for one in services if one.owner})),
            order=agreed.order if agreed is not None else (),
            by=agreed.by if agreed is not None else "",
            on=agreed.on if agreed is not None else "",
        )
