"""What files say of a topology, before it is checked against itself. Every part remembers where it was said."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from functools import partial
from itertools import count
from typing import Any, Generic, NamedTuple, TypeVar, overload

import msgspec
import numpy as np
from numpy.typing import NDArray

from topology import values
from topology.columns import canonical
from topology.continuity_fields import LISTS, MAPPINGS
from topology.errors import Mistakes
from topology.model import Dependency, Kind
from topology.texts import Texts

Part = TypeVar("Part")


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


_LINE_BITS = 32
_LINE = (1 << _LINE_BITS) - 1


@overload
def file_of(place: int) -> int: ...
@overload
def file_of(place: NDArray[np.int64]) -> NDArray[np.int64]: ...
def file_of(place: int | NDArray[np.int64]) -> int | NDArray[np.int64]:
    """The number of the file that a place, or each of many, is in."""
    return place >> _LINE_BITS


class Table:
    """Rows of numbers, by column: some bytes each, whatever is said in them."""

    def __init__(self, types: str) -> None:
        self._columns = [array(type) for type in types]

    def append(self, *row: int) -> None:
        """Add one row."""
        for column, number in zip(self._columns, row, strict=True):
            column.append(number)

    def extend(self, *columns: NDArray[Any]) -> None:
        """Add many."""
        for column, numbers in zip(self._columns, columns, strict=True):
            column.frombytes(numbers.astype(column.typecode).tobytes())

    def columns(self) -> list[NDArray[Any]]:
        """The columns so far."""
        return [np.array(column, dtype=column.typecode) for column in self._columns]


class Sayings(Generic[Part]):
    """Numbers what is said, equal things alike."""

    def __init__(self) -> None:
        self.all: list[Part] = []
        self._numbers: dict[object, int] = {}

    def number(self, said: Part, key: object) -> int:
        """The number of what is said; ``key`` is its value as something that can be looked up."""
        number = self._numbers.setdefault(key, len(self.all))
        if number == len(self.all):
            self.all.append(said)
        return number


class Dependencies:
    """Dependencies as rows (consumer, provider, template, place)."""

    def __init__(self, names: dict[str, int], files: dict[str, int]) -> None:
        self.rows = Table("iiiq")
        self.templates: Sayings[Dependency] = Sayings()
        self._names, self._files = names, files

    def append(self, said: tuple[Dependency, At]) -> None:
        """One dependency, and where it was said."""
        dependency, at = said
        consumer, provider = (_number(self._names, end) for end in (dependency.consumer, dependency.provider))
        self.rows.append(consumer, provider, self.template(dependency), _place(self._files, at))

    def template(self, dependency: Dependency) -> int:
        """The number of what is said beside the ends."""
        key = msgspec.structs.astuple(dependency)[2:]
        return self.templates.number(msgspec.structs.replace(dependency, consumer="", provider=""), key)


class Draft:
    """Filled by the loaders, one file after the other; `topology.consistency` makes a topology of it.

    Names are numbered as they are mentioned, places packed into one number each. ``entities`` has the rows (entity,
    number of its fields, place), ``groups`` (consumer, number of name and fields, place), as many as files say.
    """

    def __init__(self) -> None:
        self.mistakes = Mistakes()
        self.numbers: dict[str, int] = {}
        self.ids = Texts(partial(_checked, self.numbers))
        self.files: dict[str, int] = {}
        self.entities = Table("iiq")
        self.fields: Sayings[dict[str, Any]] = Sayings()
        self.dependencies = Dependencies(self.numbers, self.files)
        self.groups = Table("iiq")
        self.group_fields: Sayings[tuple[str, Mapping[str, Any]]] = Sayings()
        self.parents: list[tuple[str, str, At]] = []  # (child, parent) that the parent named
        self.defaults: dict[Kind, Said] = {}
        self.fates: dict[str, Said] = {}
        self.references: list[Reference] = []
        self.refused: set[str] = set()  # ids whose entry is wrong: not missing, but not usable either

    def number(self, name: str) -> int:
        """The number of a name."""
        return _number(self.numbers, name)

    def place(self, at: At) -> int:
        """A place as a number; places of one file follow each other as its lines do."""
        return _place(self.files, at)

    def at(self, place: int) -> At:
        """The place of a number."""
        return At(list(self.files)[int(file_of(place))], int(place) & _LINE)

    def wrong(self, at: At, message: str, hint: str = "") -> None:
        """Note a mistake."""
        self.mistakes.add(at.file, at.line, message, hint)

    def entity(self, id: str, fields: dict[str, Any], at: At) -> None:
        """What one file says of an entity; another file may say more, the same file may not."""
        self.entities.append(self.number(id), self.say(fields), self.place(at))

    def say(self, fields: dict[str, Any]) -> int:
        """The number of an entity's fields."""
        return self.fields.number(fields, canonical.encode(fields))

    def group(self, consumer: str, name: str, fields: Mapping[str, Any], at: At) -> None:
        """What is said of a group; nothing said leaves its need at 1."""
        self.groups.append(self.number(consumer), self.say_group(name, fields), self.place(at))

    def say_group(self, name: str, fields: Mapping[str, Any]) -> int:
        """The number of a group's name and fields."""
        return self.group_fields.number((name, fields), (name, canonical.encode(fields)))

    def default(self, kind: Kind, fields: Mapping[str, Any], at: At) -> None:
        """What holds for the entities of a kind."""
        self.merge(self.defaults, kind, fields, at, f"the defaults for {kind.value}")

    def fate(self, name: str, fields: Mapping[str, Any], at: At) -> None:
        """A shared fate is declared."""
        self.merge(self.fates, name, fields, at, f"the shared fate {name!r}")

    def merge(self, into: dict[Any, Said], key: object, fields: Mapping[str, Any], at: At, what: str) -> None:
        """Add fields to what was said before, which they must not contradict."""
        said = into.get(key)
        if said is None:
            into[key] = Said(dict(fields), at)
            return
        for field, value in fields.items():
            if said.fields.setdefault(field, value) != value:
                self.wrong(at, f"{what} is said to have {field} {value!r}, but {said.fields[field]!r} at {said.at}")


def _number(numbers: dict[str, int], name: str) -> int:
    return numbers.setdefault(name, len(numbers))


def _place(files: dict[str, int], at: At) -> int:
    return _number(files, at.file) << _LINE_BITS | at.line


def _checked(numbers: dict[str, int], names: list[str]) -> list[int]:
    """The numbers of names from strangers. ValueError when one is none."""
    new = [values.name(name) for name in names if name not in numbers]
    numbers.update(zip(new, count(len(numbers)), strict=False))
    return list(map(numbers.__getitem__, names))


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
