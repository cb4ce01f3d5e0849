"""What files say of a topology, before it is checked against itself. Every part remembers where it was said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from topology.continuity_fields import LISTS, MAPPINGS
from topology.errors import Mistakes
from topology.model import Dependency, Kind


class At(msgspec.Struct, frozen=True, gc=False):  # one per row: the collector need not look at them
    """A place in a file."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class Said(NamedTuple):
    """Fields, and where they were said."""

    fields: dict[str, Any]
    at: At


class Reference(NamedTuple):
    """``owner`` (an entity, else a default) names a ``what``: "entity" (by an assumption), "fate" or "unit"."""

    what: str
    owner: str
    name: str
    at: At


UNITED = ("aliases", "obligations", *LISTS)
JOINED = ("facts", *MAPPINGS)


class Draft:
    """Filled by the loaders, one file after the other; `topology.consistency` makes a topology of it."""

    def __init__(self) -> None:
        self.mistakes = Mistakes()
        self.entities: dict[str, list[Said]] = {}
        self.dependencies: list[tuple[Dependency, At]] = []
        self.groups: dict[tuple[str, str], Said] = {}
        self.parents: list[tuple[str, str, At]] = []  # (child, parent) that the parent named
        self.defaults: dict[Kind, Said] = {}
        self.fates: dict[str, Said] = {}
        self.references: list[Reference] = []
        self.names: dict[str, str] = {}  # names known to be well-formed, each kept once
        self.refused: set[str] = set()  # ids whose entry is wrong: not missing, but not usable either

    def wrong(self, at: At, message: str, hint: str = "") -> None:
        """Note a mistake."""
        self.mistakes.add(at.file, at.line, message, hint)

    def entity(self, id: str, fields: dict[str, Any], at: At) -> None:
        """What one file says of an entity; another file may say more, the same file may not."""
        said = self.entities.setdefault(id, [])
        for earlier in said:
            if earlier.at.file == at.file:
                self.wrong(at, f"the entity {id!r} is declared twice; first at {earlier.at}")
                return
        said.append(Said(fields, at))

    def group(self, consumer: str, name: str, fields: Mapping[str, Any], at: At) -> None:
        """What is said of a group; nothing said leaves its need at 1."""
        self._merge(self.groups, (consumer, name), fields, at, f"the group {name!r} of {consumer!r}")

    def default(self, kind: Kind, fields: Mapping[str, Any], at: At) -> None:
        """What holds for the entities of a kind."""
        self._merge(self.defaults, kind, fields, at, f"the defaults for {kind.value}")

    def fate(self, name: str, fields: Mapping[str, Any], at: At) -> None:
        """A shared fate is declared."""
        self._merge(self.fates, name, fields, at, f"the shared fate {name!r}")

    def _merge(self, into: dict[Any, Said], key: object, fields: Mapping[str, Any], at: At, what: str) -> None:
        said = into.get(key)
        if said is None:
            into[key] = Said(dict(fields), at)
            return
        for field, value in fields.items():
            if said.fields.setdefault(field, value) != value:
                self.wrong(at, f"{what} is said to have {field} {value!r}, but {said.fields[field]!r} at {said.at}")


def merged(draft: Draft, id: str, parts: Iterable[Said]) -> dict[str, Any]:
    """All that files say of one entity. Lists are united, facts joined key by key; the rest must not contradict."""
    whole: dict[str, Any] = {}
    said_at: dict[str, At] = {}
    for part in parts:
        for field, value in part.fields.items():
            if field not in whole:
                whole[field], said_at[field] = value, part.at
            elif field in UNITED:
                whole[field] = tuple(sorted({*whole[field], *value}))
            elif field in JOINED and all(whole[field].get(key, fact) == fact for key, fact in value.items()):
                whole[field] = whole[field] | value
            elif whole[field] != value:
                there = f"{_shown(whole[field])} at {said_at[field]}"
                draft.wrong(part.at, f"{id!r} is said to have {field} {_shown(value)}, but {there}")
    return whole


def _shown(value: object) -> str:
    return repr(str(value)) if isinstance(value, str) else str(value)
