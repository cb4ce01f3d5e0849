"""What entities name besides what they depend on: assumed entities, shared fates, business units of an agreement."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from topology.draft import Draft
from topology.errors import did_you_mean
from topology.model import Entity


def dangling(draft: Draft, entities: Mapping[str, Entity]) -> None:
    """Notes every name that leads nowhere. Names that a refused entry may have introduced are not told."""
    if not draft.references:
        return
    units = {entity.continuity.unit for entity in entities.values()} - {""}
    for what, owner, name, at in draft.references:
        hint = ""
        if what == "entity" and name == owner:
            message = f"{owner!r} makes an assumption about itself"
        elif what == "entity" and not _known(name, entities, draft):
            message, hint = f"an assumption names {name!r}, which is no entity", did_you_mean(name, entities)
        elif what == "fate" and name not in draft.fates:
            message = f"{owner!r} shares the fate {name!r}, which no file declares"
            hint = did_you_mean(name, draft.fates) or "declare it under the top-level key fates"
        elif what == "unit" and name not in units and not draft.refused:
            message = f"an agreement names {name!r}, which is the unit of no entity"
            hint = did_you_mean(name, units)
        else:
            continue
        draft.wrong(at, message, hint)


def _known(name: str, entities: Collection[str], draft: Draft) -> bool:
    return name in entities or name in draft.refused
