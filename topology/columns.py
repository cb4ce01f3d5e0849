"""The content of a topology as columns of numbers, in canonical order: some 20 bytes for a dependency, both ways.

What is said of an entity beside its id, of a dependency beside its ends, of a group beside its consumer is a
*template*: a struct with these ids left empty. Equal ones are kept once, so that what is rarely said costs nothing.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from topology.continuity import SharedFate
from topology.parts import Content, Dependency, Entity, Group

Ints = NDArray[np.int32]
Part = TypeVar("Part", bound=msgspec.Struct)

_HALF = 16
_LOW = (1 << _HALF) - 1
_WIDEST_KEY = 1 << 62

canonical = msgspec.msgpack.Encoder(order="deterministic")
"""Equal structs have equal bytes, whatever the order of their mappings."""


@dataclass(frozen=True, slots=True, eq=False)
class Numbered:
    """Content as loaders number it, in any order. Names are distinct, and so are the groups.

    ``entity``: the template of each name. ``consumer``, ``provider`` (numbers of names) and ``dependency`` (templates):
    one per dependency. ``group_consumer`` and ``group`` (templates): one per group.
    """

    names: Sequence[str]
    entity: Ints
    entity_templates: Sequence[Entity]
    consumer: Ints
    provider: Ints
    dependency: Ints
    dependency_templates: Sequence[Dependency]
    group_consumer: Ints
    group: Ints
    group_templates: Sequence[Group]
    fates: Iterable[SharedFate]


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Entities are numbered by sorted id, dependencies by (consumer, provider, group, semantics), groups by (consumer,
    name). Templates are distinct, used and sorted, so that equal content has equal columns.

    The dependencies of consumer v are ``out_start[v] : out_start[v + 1]``; those on provider v are
    ``in_edge[in_start[v] : in_start[v + 1]]``.
    """

    names: list[str]
    entity: Ints
    entity_templates: tuple[Entity, ...]
    out_start: Ints
    provider: Ints
    dependency: Ints
    dependency_templates: tuple[Dependency, ...]
    in_start: Ints
    in_edge: Ints
    group_consumer: Ints
    group: Ints
    group_templates: tuple[Group, ...]
    fates: tuple[SharedFate, ...]

    def number(self, name: str) -> int:
        """The number of an entity; -1 when it is none."""
        place = bisect_left(self.names, name)
        return place if place < len(self.names) and self.names[place] == name else -1

    @property
    def doubtful(self) -> bool:
        """Whether trouble may as well not pass some of the dependencies."""
        return any(template.doubtful for template in self.dependency_templates)

    def consumers(self) -> Ints:
        """The consumer of every dependency."""
        return np.repeat(np.arange(len(self.names), dtype=np.int32), np.diff(self.out_start))

    def of_dependencies(self, field: Callable[[Dependency], Any], dtype: type[np.generic]) -> NDArray[Any]:
        """A column of what templates say, one value per dependency; read-only, and without memory of its own where all
        say the same."""
        said = np.array([field(template) for template in self.dependency_templates], dtype=dtype)
        if len(said) and (said == said[0]).all():
            return np.broadcast_to(said[0], len(self.dependency))
        return said[self.dependency]


def columns_of(
    entities: Iterable[Entity], dependencies: Iterable[Dependency], groups: Iterable[Group], fates: Iterable[SharedFate]
) -> Columns:
    """The columns of parts in any order. The last one said of an entity or a group counts. KeyError for a dependency
    or group of an entity that is not there."""
    known = {entity.id: entity for entity in entities}
    number = {name: place for place, name in enumerate(known)}
    said = {(group.consumer, group.name): group for group in groups}
    edges = dependencies if isinstance(dependencies, Sequence) else list(dependencies)
    entity_forms: Distinct[Entity] = Distinct()
    edge_forms: dict[tuple[Any, ...], int] = {}
    group_forms: Distinct[Group] = Distinct()
    return arranged(
        Numbered(
            names=list(known),
            entity=_ints(entity_forms.number(msgspec.structs.replace(e, id="")) for e in known.values()),
            entity_templates=entity_forms.templates,
            consumer=_ints(number[edge.consumer] for edge in edges),
            provider=_ints(number[edge.provider] for edge in edges),
            dependency=_ints(
                edge_forms.setdefault(msgspec.structs.astuple(edge)[2:], len(edge_forms)) for edge in edges
            ),
            dependency_templates=[
                Dependency(**dict(zip(Dependency.__struct_fields__, ("", "", *form), strict=True)))
                for form in edge_forms
            ],
            group_consumer=_ints(number[consumer] for consumer, _ in said),
            group=_ints(group_forms.number(msgspec.structs.replace(group, consumer="")) for group in said.values()),
            group_templates=group_forms.templates,
            fates=fates,
        )
    )


def columns_of_content(content: Content) -> Columns:
    """The columns of a content, which need not be sorted."""
    return columns_of(content.entities, content.dependencies, content.groups, content.fates)


class Distinct(Generic[Part]):
    """Numbers templates as they come; equal ones alike."""

    def __init__(self) -> None:
        self.templates: list[Part] = []
        self._numbers: dict[bytes, int] = {}

    def number(self, template: Part) -> int:
        """The number of a template."""
        number = self._numbers.setdefault(canonical.encode(template), len(self.templates))
        if number == len(self.templates):
            self.templates.append(template)
        return number


def arranged(loaded: Numbered) -> Columns:
    """The canonical columns. N log N in names, linear in dependencies."""
    names, rank = _ranked(loaded.names)
    entity, entity_templates = _templates(loaded.entity_templates, loaded.entity, lambda _: ())
    dependency, dependency_templates = _templates(
        loaded.dependency_templates, loaded.dependency, lambda d: (d.group, d.semantics.value)
    )
    group, group_templates = _templates(loaded.group_templates, loaded.group, lambda g: (g.name,))
    by_name = np.empty(len(names), dtype=np.int32)
    by_name[rank] = entity
    consumer, provider = rank[loaded.consumer], rank[loaded.provider]
    order = _order(len(names), len(dependency_templates), consumer, provider, dependency)
    if order is not None:
        consumer, provider, dependency = consumer[order], provider[order], dependency[order]
    group_consumer = rank[loaded.group_consumer]
    groups = np.lexsort((group, group_consumer))
    return Columns(
        names=names,
        entity=by_name,
        entity_templates=entity_templates,
        out_start=starts(consumer, len(names)),
        provider=provider,
        dependency=dependency,
        dependency_templates=dependency_templates,
        in_start=starts(provider, len(names)),
        in_edge=stable_order(provider),
        group_consumer=group_consumer[groups],
        group=group[groups],
        group_templates=group_templates,
        fates=tuple(sorted(loaded.fates, key=lambda fate: fate.name)),
    )


def starts(rows: Ints, count: int) -> Ints:
    """Where each of ``count`` runs begins in sorted rows, and the end of the last one."""
    return np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=count))]).astype(np.int32)


def stable_order(values: Ints) -> Ints:
    """A stable argsort of numbers >= 0, by two passes of counting sort: linear, several times faster than merging."""
    order = np.argsort((values & _LOW).astype(np.uint16), kind="stable").astype(np.int32)
    if len(values) and values.max() > _LOW:
        order = order[np.argsort((values >> _HALF).astype(np.uint16)[order], kind="stable")]
    return order


def _order(
    names: int, templates: int, consumer: Ints, provider: Ints, dependency: Ints
) -> NDArray[np.integer[Any]] | None:
    """The order by (consumer, provider, template); None when they are in it."""
    pair = consumer.astype(np.int64) * names + provider
    if names * names * max(templates, 1) > _WIDEST_KEY:
        return np.lexsort((dependency, pair))
    key = pair * templates + dependency
    return None if bool((key[1:] >= key[:-1]).all()) else np.argsort(key)


def _ranked(names: Sequence[str]) -> tuple[list[str], Ints]:
    """(names sorted, the place of each given one among them)."""
    order = sorted(range(len(names)), key=names.__getitem__)
    rank = np.empty(len(names), dtype=np.int32)
    rank[order] = np.arange(len(names), dtype=np.int32)
    return [names[number] for number in order], rank


def _templates(
    given: Sequence[Part], numbers: Ints, first: Callable[[Part], tuple[str, ...]]
) -> tuple[Ints, tuple[Part, ...]]:
    """The numbers after equal templates were united, unused ones left out and the rest sorted."""
    used: list[int] = np.flatnonzero(np.bincount(numbers, minlength=len(given))).tolist()
    templates = [_with_defaults(given[old]) for old in used]
    keys = [(*first(template), canonical.encode(template)) for template in templates]
    one_of = dict(zip(keys, templates, strict=True))
    place = {key: number for number, key in enumerate(sorted(one_of))}
    renumbered = np.zeros(len(given), dtype=np.int32)
    renumbered[used] = [place[key] for key in keys]
    return renumbered[numbers], tuple(one_of[key] for key in place)


def _with_defaults(template: Part) -> Part:
    """The same with the very objects that are the defaults: encoders leave out these, but not their equals."""
    fields = zip(template.__struct_fields__[::-1], template.__struct_defaults__[::-1], strict=False)
    changes = {
        field: default
        for field, default in fields
        if (value := getattr(template, field)) is not default and value == default
    }
    return msgspec.structs.replace(template, **changes) if changes else template


def _ints(numbers: Iterable[int]) -> Ints:
    return np.fromiter(numbers, dtype=np.int32)
