"""Entities and groups of a large topology as mappings over its columns: structs are made when asked for.

What was asked for lately is kept, up to `MOST_KEPT`; who walks over all of them keeps nothing.
"""

from __future__ import annotations

from collections.abc import Collection, ItemsView, Iterator, Mapping, ValuesView
from typing import Any, TypeVar

import msgspec
import numpy as np

from topology.columns import Columns
from topology.parts import Dependency, Entity, Group

MOST_KEPT = 1 << 17
"""So many structs are kept beside the columns, some 100 bytes each."""

Key = TypeVar("Key")
Value = TypeVar("Value")

_replace = msgspec.structs.replace


def keep(kept: dict[Key, Value], key: Key, value: Value) -> None:
    """Remember a value; everything is forgotten when there are too many."""
    if len(kept) >= MOST_KEPT:
        kept.clear()
    kept[key] = value


class _Made(Mapping[Key, Value]):
    """A mapping whose values are made one after the other when it is walked."""

    def _all(self) -> Iterator[Value]:
        raise NotImplementedError

    def values(self) -> ValuesView[Value]:
        return _Values(self)

    def items(self) -> ItemsView[Key, Value]:
        return _Items(self)


class _Values(ValuesView[Value]):
    _mapping: _Made[Any, Value]

    def __iter__(self) -> Iterator[Value]:
        return self._mapping._all()


class _Items(ItemsView[Key, Value]):
    _mapping: _Made[Key, Value]

    def __iter__(self) -> Iterator[tuple[Key, Value]]:
        return zip(self._mapping, self._mapping._all(), strict=True)


class Entities(_Made[str, Entity]):
    """Entities by id, sorted."""

    def __init__(self, columns: Columns) -> None:
        self._columns: Columns = columns
        self._kept: dict[str, Entity] = {}

    def __getitem__(self, id: str) -> Entity:
        found = self._kept.get(id)
        if found is not None:
            return found
        columns = self._columns
        if (number := columns.number(id)) < 0:
            raise KeyError(id)
        found = _replace(columns.entity_templates[int(columns.entity[number])], id=columns.names[number])
        keep(self._kept, id, found)
        return found

    def __contains__(self, id: object) -> bool:
        return isinstance(id, str) and self._columns.number(id) >= 0

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns.names)

    def __len__(self) -> int:
        return len(self._columns.names)

    def _all(self) -> Iterator[Entity]:
        return all_entities(self._columns)


class Groups(_Made[tuple[str, str], Group]):
    """Groups by (consumer, name), sorted."""

    def __init__(self, columns: Columns) -> None:
        self._columns: Columns = columns
        self._kept: dict[tuple[str, str], Group] = {}

    def __getitem__(self, key: tuple[str, str]) -> Group:
        found = self._kept.get(key)
        if found is not None:
            return found
        columns = self._columns
        consumer = columns.number(key[0])
        ends = np.searchsorted(columns.group_consumer, np.array([consumer, consumer + 1], dtype=np.int32))
        mine: list[int] = columns.group[ends[0] : ends[1]].tolist() if consumer >= 0 else []
        for template in mine:
            if columns.group_templates[template].name == key[1]:
                found = _replace(columns.group_templates[template], consumer=columns.names[consumer])
                keep(self._kept, key, found)
                return found
        raise KeyError(key)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return ((group.consumer, group.name) for group in self._all())

    def __len__(self) -> int:
        return len(self._columns.group)

    def _all(self) -> Iterator[Group]:
        return all_groups(self._columns)


class Dependencies(Collection[Dependency]):
    """Every dependency, sorted; nothing is kept."""

    def __init__(self, columns: Columns) -> None:
        self._columns: Columns = columns

    def __iter__(self) -> Iterator[Dependency]:
        columns = self._columns
        names, templates = columns.names, columns.dependency_templates
        rows = zip(_each(columns.consumers()), _each(columns.provider), _each(columns.dependency), strict=True)
        return (_replace(templates[number], consumer=names[c], provider=names[p]) for c, p, number in rows)

    def __len__(self) -> int:
        return len(self._columns.provider)

    def __contains__(self, dependency: object) -> bool:
        return isinstance(dependency, Dependency) and dependency in providers(self._columns, dependency.consumer)


def all_entities(columns: Columns) -> Iterator[Entity]:
    """Every entity, sorted by id; nothing is kept."""
    templates = columns.entity_templates
    return (
        _replace(templates[template], id=name)
        for name, template in zip(columns.names, _each(columns.entity), strict=True)
    )


def all_groups(columns: Columns) -> Iterator[Group]:
    """Every group, sorted by consumer and name; nothing is kept."""
    names, templates = columns.names, columns.group_templates
    return (
        _replace(templates[template], consumer=names[consumer])
        for consumer, template in zip(_each(columns.group_consumer), _each(columns.group), strict=True)
    )


def providers(columns: Columns, name: str) -> tuple[Dependency, ...]:
    """What an entity needs, sorted by provider."""
    if (number := columns.number(name)) < 0:
        return ()
    names, templates = columns.names, columns.dependency_templates
    consumer = names[number]
    edges = slice(columns.out_start[number], columns.out_start[number + 1])
    found = zip(columns.provider[edges].tolist(), columns.dependency[edges].tolist(), strict=True)
    return tuple([_replace(templates[number], consumer=consumer, provider=names[p]) for p, number in found])


def consumers(columns: Columns, name: str) -> tuple[Dependency, ...]:
    """Who needs an entity, sorted by consumer."""
    if (number := columns.number(name)) < 0:
        return ()
    names, templates = columns.names, columns.dependency_templates
    provider = names[number]
    edges = columns.in_edge[columns.in_start[number] : columns.in_start[number + 1]]
    ends = np.searchsorted(columns.out_start, edges, side="right") - 1
    found = zip(ends.tolist(), columns.dependency[edges].tolist(), strict=True)
    return tuple([_replace(templates[number], consumer=names[c], provider=provider) for c, number in found])


def _each(column: np.ndarray[Any, Any]) -> Iterator[int]:
    """The numbers of a column, some at a time."""
    size = 1 << 16
    for begin in range(0, len(column), size):
        yield from column[begin : begin + size].tolist()
