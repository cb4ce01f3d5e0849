"""Assumptions as records: who agreed to them, and every incident and test that has broken them (practice 1.6)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import msgspec

from engine.continuity.figures import moment
from engine.errors import Refused
from engine.outcomes import IncidentView
from engine.readiness_views import Preparedness
from engine.signals import Millis
from topology.continuity import Assumption
from topology.model import Topology


class Broken(msgspec.Struct, kw_only=True, frozen=True):
    """``by`` an incident or exercise: ``state`` broken (or at_stake: away, but not yet for too long)."""

    by: str
    at: Millis
    state: str
    text: str = ""


class AssumedOf(msgspec.Struct, kw_only=True, frozen=True):
    """An assumption of ``entity``; ``state``: broken (something broke it since it was last reviewed) or holds, as far
    as is known. ``broken`` are all that broke or threatened it, latest first."""

    entity: str
    assumption: Assumption
    state: str
    broken: tuple[Broken, ...]


def assumed(topology: Topology, record: Preparedness, incidents: Iterable[IncidentView]) -> list[AssumedOf]:
    """All that the catalogue declares, broken ones first."""
    seen: dict[tuple[str, str], list[Broken]] = defaultdict(list)
    for view in incidents:
        for hit in view.harm.assumptions:
            seen[hit.entity, hit.id].append(Broken(by=view.id, at=hit.since, state=hit.state, text=hit.said_by))
    for held in record.exercises:
        for name in held.broke:
            entity, _, id = name.rpartition("/")
            seen[entity, id].append(Broken(by=held.exercise, at=held.at, state="broken", text=held.findings))
    rows = []
    for known in topology.entities.values():
        for one in known.continuity.assumptions:
            found = sorted(seen[known.id, one.id], key=lambda each: (-each.at, each.by))
            since = _reviewed(one)
            broken = any(each.state == "broken" and each.at >= since for each in found)
            rows.append(
                AssumedOf(
                    entity=known.id, assumption=one, state="broken" if broken else "holds", broken=tuple(found[:50])
                )
            )
    return sorted(rows, key=lambda row: (row.state != "broken", row.entity, row.assumption.id))


def _reviewed(one: Assumption) -> Millis:
    """The begin of the day of its review; what was broken on that day is told again."""
    return moment(one.reviewed) or 0


def named(topology: Topology, names: Iterable[str]) -> tuple[str, ...]:
    """``entity/assumption`` of assumptions that there are. Raises `Refused`."""
    found = []
    for name in names:
        entity, _, id = name.rpartition("/")
        known = topology.entities.get(topology.resolve(entity) or "")
        if known is None or id not in {one.id for one in known.continuity.assumptions}:
            raise Refused(f"no assumption {name!r}; they are written as entity/assumption")
        found.append(f"{known.id}/{id}")
    return tuple(found)
