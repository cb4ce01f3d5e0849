"""The facts of continuity as loaders say them, flat fields of an entity, and as the topology keeps them, one struct.

In a draft ``contract`` and ``agreement`` are mappings of their fields, ``assumptions`` a mapping of id -> its other
fields; durations are seconds, probabilities parts per million, lists tuples.
"""

from __future__ import annotations

from typing import Any

from topology.continuity import NOTHING_SAID, Agreement, Assumption, Continuity, Contract

FIELDS = frozenset(Continuity.__struct_fields__)
LISTS = ("fates", "regions")
"""United when several files speak of one entity."""
MAPPINGS = ("assumptions", "contract", "agreement")
"""Joined key by key when several files speak of one entity."""


def gathered(fields: dict[str, Any]) -> Continuity:
    """Takes the facts of continuity out of an entity's fields; sorted, so that their order in a file does not make a
    version. `NOTHING_SAID` itself when there are none."""
    said = {field: fields.pop(field) for field in fields.keys() & FIELDS}
    for field in said.keys() & set(LISTS):
        said[field] = tuple(sorted(set(said[field])))
    if "assumptions" in said:
        said["assumptions"] = tuple(Assumption(id=id, **rest) for id, rest in sorted(said["assumptions"].items()))
    if "contract" in said:
        said["contract"] = Contract(**said["contract"])
    if "agreement" in said:
        said["agreement"] = Agreement(**said["agreement"])
    found = Continuity(**said) if said else NOTHING_SAID
    return NOTHING_SAID if found == NOTHING_SAID else found
