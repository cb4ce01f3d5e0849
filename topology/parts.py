"""What a topology consists of: entities, dependencies, redundancy groups."""

from __future__ import annotations

from enum import StrEnum

import msgspec

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

    ``discovered``: calls were seen, but nobody said how a failure of the provider is felt. At worst as ``semantics``
    say, at best not at all. Members of groups are declared.
    """

    consumer: str
    provider: str
    semantics: Semantics = Semantics.HARD
    factor: int = 500
    buffer: int = 0
    group: str = ""
    weight: int = 1000
    timeout: int = 0
    discovered: bool = False

    @property
    def doubtful(self) -> bool:
        """Whether trouble may as well not pass: it is discovered, and no group of the consumer vouches for it."""
        return self.discovered and not self.group


class Group(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A named redundancy group of ``consumer``: at least ``need`` members, and ``capacity`` (thousandths) if given."""

    consumer: str
    name: str
    need: int = 1
    capacity: int | None = None


class Content(msgspec.Struct, frozen=True, omit_defaults=True):
    """The whole content of a topology, sorted, as structs."""

    entities: tuple[Entity, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    groups: tuple[Group, ...] = ()
    fates: tuple[SharedFate, ...] = ()
