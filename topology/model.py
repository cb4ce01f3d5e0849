"""The immutable, versioned topology. Its parts are in `topology.parts`.

Dependencies run consumer -> provider. A topology is never changed: loaders build a new one, whose version is
a hash of its canonical content. It is kept in columns; the structs of a large one are made when they are asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from topology.columns import Columns, Ints, columns_of, columns_of_content
from topology.components import cycle_roots, weak_roots
from topology.continuity import Assumption, SharedFate
from topology.packed import pack, unpack
from topology.parts import Content, Dependency, Entity, Group, Kind, Semantics
from topology.views import (
    MOST_KEPT,
    Dependencies,
    Entities,
    Groups,
    all_entities,
    all_groups,
    consumers,
    keep,
    providers,
)

if TYPE_CHECKING:
    from topology.compiled import Compiled

__all__ = ["UNMAPPED", "Content", "Dependency", "Entity", "Group", "Kind", "Semantics", "Topology"]

UNMAPPED = "unmapped"
"""The domain of entities that no catalogue names."""
ORDINARY = MOST_KEPT
"""Up to so many entities, and groups, are kept as structs from the start."""


class Topology:
    """The immutable index of one version.

    All look-ups are by entity id. Unknown ids have no dependencies and the domain "unmapped".
    """

    __slots__ = (
        "_aliases", "_columns", "_compiled", "_compounding", "_consumers", "_domains", "_doubtful", "_held",
        "_providers", "_relied", "_ring_roots", "_rings", "_roots", "entities", "fates", "groups", "version",
    )  # fmt: skip

    def __init__(self, content: Content | Columns, version: str = "") -> None:
        columns = content if isinstance(content, Columns) else columns_of_content(content)
        self._columns: Columns = columns
        self.version = version or _hash(pack(columns))
        self.entities: Mapping[str, Entity] = Entities(columns)
        self.groups: Mapping[tuple[str, str], Group] = Groups(columns)
        if len(self.entities) <= ORDINARY:
            self.entities = {entity.id: entity for entity in all_entities(columns)}
        if len(self.groups) <= ORDINARY:
            self.groups = {(group.consumer, group.name): group for group in all_groups(columns)}
        self.fates: Mapping[str, SharedFate] = {fate.name: fate for fate in columns.fates}
        self._aliases = _aliases(columns)
        self._providers: dict[str, tuple[Dependency, ...]] = {}
        self._consumers: dict[str, tuple[Dependency, ...]] = {}
        self._held = 0
        self._doubtful = columns.doubtful
        self._domains: dict[str, str] = {}
        self._rings: dict[str, str] = {}
        self._roots: Ints | None = None
        self._ring_roots: Ints | None = None
        self._compounding: frozenset[str] | None = None
        self._relied: dict[str, list[tuple[str, Assumption]]] | None = None
        self._compiled: Compiled | None = None

    @classmethod
    def build(
        cls,
        entities: Iterable[Entity] = (),
        dependencies: Iterable[Dependency] = (),
        groups: Iterable[Group] = (),
        fates: Iterable[SharedFate] = (),
    ) -> Topology:
        """A topology of parts in any order. The parts must be consistent; loaders see to that."""
        return cls(columns_of(entities, dependencies, groups, fates))

    @classmethod
    def decode(cls, content: bytes) -> Topology:
        """The topology of a stored version; those of before there were columns are JSON and keep their version."""
        if content.startswith(b"{"):
            return cls(msgspec.json.decode(content, type=Content), _hash(content))
        return cls(unpack(content), _hash(content))

    def encode(self) -> bytes:
        """The canonical content, to be stored under `version`."""
        return pack(self._columns)

    @property
    def content(self) -> Content:
        """All parts, sorted, made anew for whoever asks: half a kilobyte for an entity with its dependencies."""
        columns = self._columns
        return Content(
            tuple(all_entities(columns)), tuple(Dependencies(columns)), tuple(all_groups(columns)), columns.fates
        )

    @property
    def dependencies(self) -> Collection[Dependency]:
        """All dependencies, sorted, made one after the other."""
        return Dependencies(self._columns)

    @property
    def compiled(self) -> Compiled:
        """The compiled form, for work on all of it at once; made when first asked for."""
        if self._compiled is None:
            from topology.compiled import compile_columns  # noqa: PLC0415 - scipy costs 30 MB: only for who computes

            self._compiled = compile_columns(self._columns)
        return self._compiled

    def providers(self, entity: str) -> tuple[Dependency, ...]:
        """What an entity needs, sorted by provider."""
        found = self._providers.get(entity)
        return self._hold(self._providers, entity, providers(self._columns, entity)) if found is None else found

    def consumers(self, entity: str) -> tuple[Dependency, ...]:
        """Who needs an entity, sorted by consumer."""
        found = self._consumers.get(entity)
        return self._hold(self._consumers, entity, consumers(self._columns, entity)) if found is None else found

    def _hold(
        self, held: dict[str, tuple[Dependency, ...]], entity: str, found: tuple[Dependency, ...]
    ) -> tuple[Dependency, ...]:
        """Keep what was made, as far as memory is bounded."""
        self._held += len(found) + 1
        if self._held > MOST_KEPT:
            self._providers.clear()
            self._consumers.clear()
            self._held = len(found) + 1
        held[entity] = found
        return found

    def resolve(self, name: str) -> str | None:
        """The id of an entity known under this id or alias; ids win."""
        return name if name in self.entities else self._aliases.get(name)

    def relied_on(self, entity: str) -> Sequence[tuple[str, Assumption]]:
        """What other entities declare to take for granted of this one: (who, the assumption), sorted."""
        if self._relied is None:
            self._relied = _relied(self._columns)
        return self._relied.get(entity, ())

    def domain(self, entity: str) -> str:
        """The domain that decides on the entity: the declared one, else its connected component, named for the
        smallest id in it."""
        found = self._domains.get(entity)
        if found is None:
            found = self._domain(entity)
            keep(self._domains, entity, found)
        return found

    def _domain(self, entity: str) -> str:
        columns = self._columns
        if (number := columns.number(entity)) < 0:
            return UNMAPPED
        if declared := columns.entity_templates[int(columns.entity[number])].domain:
            return declared
        if self._roots is None:
            self._roots = weak_roots(len(columns.names), *_felt(columns))
        return columns.names[int(self._roots[number])]

    def component(self, entity: str) -> str:
        """The strongly connected component of an entity on a dependency cycle, named for its smallest id; else ""."""
        found = self._rings.get(entity)
        if found is None:
            found = self._ring(entity)
            keep(self._rings, entity, found)
        return found

    def _ring(self, entity: str) -> str:
        number = self._columns.number(entity)
        root = int(self._cycle_roots()[number]) if number >= 0 else -1
        return self._columns.names[root] if root >= 0 else ""

    def _cycle_roots(self) -> Ints:
        if self._ring_roots is None:  # linear in the topology, so only for those who ask
            self._ring_roots = cycle_roots(len(self._columns.names), *_felt(self._columns))
        return self._ring_roots

    @property
    def doubtful(self) -> bool:
        """Whether there are dependencies of which nobody said how a failure is felt."""
        return self._doubtful

    def compounding(self, entity: str) -> bool:
        """Whether a required capacity is shared around the entity's cycle, so that a lost share could compound."""
        if self._compounding is None:
            self._compounding = _compounding(self._columns, self._cycle_roots())
        return bool(self._compounding) and self.component(entity) in self._compounding


def _hash(content: bytes) -> str:
    return blake2b(content, digest_size=8).hexdigest()


def _aliases(columns: Columns) -> dict[str, str]:
    """Alias -> id of the first entity that has it."""
    aliases: dict[str, str] = {}
    named = np.array([bool(template.aliases) for template in columns.entity_templates], dtype=np.bool_)
    for number in np.flatnonzero(named[columns.entity]).tolist() if named.any() else ():
        for alias in columns.entity_templates[int(columns.entity[number])].aliases:
            aliases.setdefault(alias, columns.names[number])
    return aliases


def _relied(columns: Columns) -> dict[str, list[tuple[str, Assumption]]]:
    """What is assumed of each entity, and by whom."""
    found: dict[str, list[tuple[str, Assumption]]] = {}
    said = np.array([bool(template.continuity.assumptions) for template in columns.entity_templates], dtype=np.bool_)
    for number in np.flatnonzero(said[columns.entity]).tolist() if said.any() else ():
        for one in columns.entity_templates[int(columns.entity[number])].continuity.assumptions:
            found.setdefault(one.on, []).append((columns.names[number], one))
    for entries in found.values():
        entries.sort(key=lambda entry: (entry[0], entry[1].id))
    return found


def _felt(columns: Columns) -> tuple[Ints, Ints]:
    """(consumer, provider) of all dependencies but info."""
    consumer, provider = columns.consumers(), columns.provider
    felt = np.array([t.semantics is not Semantics.INFO for t in columns.dependency_templates], dtype=np.bool_)
    if felt.all():
        return consumer, provider
    passes = felt[columns.dependency]
    return consumer[passes], provider[passes]


def _compounding(columns: Columns, roots: Ints) -> frozenset[str]:
    """The components that hold a member of a capacity group together with its consumer."""
    wanted = [t.capacity is not None for t in columns.group_templates]
    if not any(wanted):
        return frozenset()
    names = sorted({template.name for template in columns.group_templates})
    number = {name: place for place, name in enumerate(names)}
    of_group = np.array([number[t.name] for t in columns.group_templates], dtype=np.int64)[columns.group]
    with_capacity = np.array(wanted, dtype=np.bool_)[columns.group]
    keys = columns.group_consumer[with_capacity] * np.int64(len(names)) + of_group[with_capacity]
    consumer, provider = columns.consumers(), columns.provider
    inside = np.flatnonzero((roots[consumer] >= 0) & (roots[consumer] == roots[provider]))
    groups = columns.of_dependencies(lambda d: number.get(d.group, -1), np.int64)[inside]
    consumer = consumer[inside]
    shared = (groups >= 0) & np.isin(consumer * np.int64(len(names)) + groups, keys)
    return frozenset(columns.names[root] for root in np.unique(roots[consumer[shared]]).tolist())
