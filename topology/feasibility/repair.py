"""A topology with one value changed, to see what a fix would do."""

from __future__ import annotations

from typing import Any

import msgspec

from topology.continuity import Contract
from topology.feasibility.findings import Fix
from topology.model import Entity, Topology

_OF_THE_ENTITY = {"rto", "rpo", "tier", "scope", "owner"}


def repaired(topology: Topology, fix: Fix) -> Topology:
    """The topology as it would be."""
    content = topology.content
    entities = (_changed(one, fix) if one.id == fix.entity else one for one in content.entities)
    return Topology.build(entities, content.dependencies, content.groups, content.fates)


def _changed(entity: Entity, fix: Fix) -> Entity:
    if fix.field in _OF_THE_ENTITY:
        return msgspec.structs.replace(entity, **{fix.field: fix.value})
    continuity = entity.continuity
    name, _, rest = fix.field.partition(".")
    value: Any = fix.value
    if name == "contract":
        value = _with(continuity.contract or Contract(), {rest: fix.value})
    elif name == "assumptions":
        id, _, inner = rest.rpartition(".")
        value = tuple(_with(one, {inner: fix.value}) if one.id == id else one for one in continuity.assumptions)
    return msgspec.structs.replace(entity, continuity=_with(continuity, {name: value}))


def _with(part: Any, fields: dict[str, Any]) -> Any:
    return msgspec.structs.replace(part, **fields)
