"""Entities, dependencies and the immutable, versioned topology.

Dependencies run consumer -> provider. A topology is never changed: loaders build a new one, whose version is
a hash of its canonical content.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from hashlib import blake2b

import msgspec

from topology.components import strong_components
from topology.continuity import NOTHING_SAID, Continuity, SharedFate


class Kind(StrEnum):
    """What an entity is. ITIL calls an entity a configuration item."""

    SERVICE = "service"
    COMPONENT = "component"
    DATABASE = "database"
    QUEUE = "queue"
    HOST = "host"
    NETWORK_DEVICE = "network_device"
    SITE = "site"
    THIRD_PARTY = "third_party"
    BUSINESS_SERVICE = "business_service"
    BUSINESS_PROCESS = "business_process"


class Semantics(StrEnum):
    """How a provider's trouble reaches its consumer."""

    HARD = "hard"
    SOFT = "soft"
    ASYNC = "async"
    INFO = "info"


class Entity(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One node. ``tier`` 0 is the most critical; ``rto`` and ``rpo`` are seconds; ``users`` is a count.

    ``aliases`` are other names under which monitoring systems know it. ``scope`` False leaves it out of incident
    execution. ``obligations`` are ids that the rules define. ``facts`` are the operator's own key-value pairs.
    ``part_of`` is the entity that contains this one; containment alone carries no impact.
    """

    id: str
    kind: Kind = Kind.SERVICE
    name: str = ""
    owner: str = ""
    tier: int | None = None
    rto: int | None = None
    rpo: int | None = None
    users: int | None = None
    obligations: tuple[str, ...] = ()
    scope: bool = True
    security: bool = False
    domain: str = ""
    aliases: tuple[str, ...] = ()
    facts: dict[str, str] = {}
    part_of: str = ""
    continuity: Continuity = NOTHING_SAID


class Dependency(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """``consumer`` needs ``provider``. ``factor`` (thousandths) is for soft, ``buffer`` (seconds) for async.
    A provider that answers later than ``timeout`` (milliseconds; 0: none declared) is as good as down for it.

    ``group`` names a redundancy group of the consumer, in which this provider has ``weight`` (thousandths).
    """

    consumer: str
    provider: str
    semantics: Semantics = Semantics.HARD
    factor: int = 500
    buffer: int = 0
    group: str = ""
    weight: int = 1000
    timeout: int = 0


class Group(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A named redundancy group of ``consumer``: at least ``need`` members, and ``capacity`` (thousandths) if given."""

    consumer: str
    name: str
    need: int = 1
    capacity: int | None = None


class Content(msgspec.Struct, frozen=True, omit_defaults=True):
    """The canonical content of a topology, sorted; its JSON is what a version stores."""

    entities: tuple[Entity, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    groups: tuple[Group, ...] = ()
    fates: tuple[SharedFate, ...] = ()


class Topology:
    """The compiled, immutable index of one version.

    All look-ups are by entity id. Unknown ids have no dependencies and the domain "unmapped".
    """

    __slots__ = (
        "_components", "_compounding", "_consumers", "_domains", "_names", "_providers",
        "content", "entities", "fates", "groups", "version",
    )  # fmt: skip

    def __init__(self, content: Content) -> None:
        self.content = content
        self.version = blake2b(msgspec.json.encode(content), digest_size=8).hexdigest()
        self.entities: Mapping[str, Entity] = {entity.id: entity for entity in content.entities}
        self.groups: Mapping[tuple[str, str], Group] = {(g.consumer, g.name): g for g in content.groups}
        self.fates: Mapping[str, SharedFate] = {fate.name: fate for fate in content.fates}
        providers: dict[str, list[Dependency]] = {}
        consumers: dict[str, list[Dependency]] = {}
        for dependency in content.dependencies:
            providers.setdefault(dependency.consumer, []).append(dependency)
            consumers.setdefault(dependency.provider, []).append(dependency)
        self._providers = {key: tuple(value) for key, value in providers.items()}
        self._consumers = {key: tuple(value) for key, value in consumers.items()}
        self._names = _names(content.entities)
        self._domains = _domains(self.entities, content.dependencies)
        self._components: Mapping[str, str] | None = None
        self._compounding: frozenset[str] | None = None

    @classmethod
    def build(
        cls,
        entities: Iterable[Entity] = (),
        dependencies: Iterable[Dependency] = (),
        groups: Iterable[Group] = (),
        fates: Iterable[SharedFate] = (),
    ) -> Topology:
        """A topology of parts in any order. The parts must be consistent; loaders see to that."""
        return cls(
            Content(
                tuple(sorted(entities, key=lambda e: e.id)),
                tuple(sorted(dependencies, key=lambda d: (d.consumer, d.provider, d.group, d.semantics))),
                tuple(sorted(groups, key=lambda g: (g.consumer, g.name))),
                tuple(sorted(fates, key=lambda f: f.name)),
            )
        )

    @classmethod
    def decode(cls, content: bytes) -> Topology:
        """The topology of a stored version."""
        return cls(msgspec.json.decode(content, type=Content))

    def encode(self) -> bytes:
        """The canonical content, to be stored under `version`."""
        return msgspec.json.encode(self.content)

    def providers(self, entity: str) -> tuple[Dependency, ...]:
        """What an entity needs, sorted by provider."""
        return self._providers.get(entity, ())

    def consumers(self, entity: str) -> tuple[Dependency, ...]:
        """Who needs an entity, sorted by consumer."""
        return self._consumers.get(entity, ())

    def resolve(self, name: str) -> str | None:
        """The id of an entity known under this id or alias."""
        return self._names.get(name)

    def domain(self, entity: str) -> str:
        """The domain that decides on the entity: the declared one, else its connected component, named for the
        smallest id in it."""
        return self._domains.get(entity, UNMAPPED)

    def component(self, entity: str) -> str:
        """The strongly connected component of an entity on a dependency cycle, named for its smallest id; else ""."""
        if self._components is None:  # linear in the topology, so only for those who ask
            self._components = strong_components(
                {
                    consumer: [d.provider for d in dependencies if d.semantics is not Semantics.INFO]
                    for consumer, dependencies in self._providers.items()
                }
            )
        return self._components.get(entity, "")

    def compounding(self, entity: str) -> bool:
        """Whether a required capacity is shared around the entity's cycle, so that a lost share could compound."""
        if self._compounding is None:
            self._compounding = frozenset(
                self.component(d.consumer)
                for group in self.groups.values()
                if group.capacity is not None
                for d in self.providers(group.consumer)
                if d.group == group.name and self.component(d.consumer) == self.component(d.provider)
            ) - {""}
        return bool(self._compounding) and self.component(entity) in self._compounding


UNMAPPED = "unmapped"
"""The domain of entities that no catalogue names."""


def _names(entities: Iterable[Entity]) -> dict[str, str]:
    """Aliases and ids; ids win over aliases."""
    names: dict[str, str] = {}
    for entity in entities:
        for alias in entity.aliases:
            names.setdefault(alias, entity.id)
    names.update({entity.id: entity.id for entity in entities})
    return names


def _domains(entities: Mapping[str, Entity], dependencies: Iterable[Dependency]) -> dict[str, str]:
    """Entity -> domain, by union-find over hard, soft and async dependencies; declared names win."""
    parent = {entity: entity for entity in entities}

    def find(entity: str) -> str:
        while parent[entity] != entity:
            parent[entity] = parent[parent[entity]]
            entity = parent[entity]
        return entity

    for dependency in dependencies:
        if dependency.semantics is Semantics.INFO:
            continue
        a, b = find(dependency.consumer), find(dependency.provider)
        if a != b:
            parent[max(a, b)] = min(a, b)
    return {entity: entities[entity].domain or find(entity) for entity in entities}
