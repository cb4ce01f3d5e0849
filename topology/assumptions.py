"""What a what-if question assumes, and what that means for a topology: spells of own health, and a topology altered.

Times are milliseconds after the question's moment 0, when all that has no time of its own sets in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from topology import latency
from topology.altered import Altered
from topology.model import Dependency, Entity, Group, Semantics, Topology

SITE_FACTS = ("site", "host", "rack", "zone", "region")
"""Facts that name what an entity runs on or stands in."""


class Fault(msgspec.Struct, frozen=True, omit_defaults=True):
    """An entity's own health from ``after`` on."""

    entity: str
    health: int = 0
    after: int = 0


class Window(msgspec.Struct, frozen=True, omit_defaults=True):
    """Planned maintenance: the entity is out from ``after`` for ``duration``. Its consumers are hit, not maintained."""

    entity: str
    duration: int
    after: int = 0


class NewDependency(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A dependency as it would be, instead of all that ``consumer`` has on ``provider`` now. What is None is as in the
    other members of its group, else as in `topology.model.Dependency`."""

    consumer: str
    provider: str
    semantics: Semantics | None = None
    factor: int | None = None
    buffer: int | None = None
    group: str = ""
    weight: int | None = None
    timeout: int | None = None


class NewGroup(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A group as it would be; what is None stays as it is."""

    consumer: str
    name: str
    need: int | None = None
    capacity: int | None = None


class Changes(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Another topology: ``entities`` that are new (ids), ``without`` pairs (consumer, provider)."""

    entities: tuple[str, ...] = ()
    dependencies: tuple[NewDependency, ...] = ()
    without: tuple[tuple[str, str], ...] = ()
    groups: tuple[NewGroup, ...] = ()


class Assumptions(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """``slow``: entity -> added delay. ``fates``: shared fates that strike. ``lost``: sites or hosts, with all that is
    part of them or names them in a fact (`SITE_FACTS`). ``restored``: up again, whatever their state now."""

    faults: tuple[Fault, ...] = ()
    slow: dict[str, int] = {}
    maintenance: tuple[Window, ...] = ()
    fates: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    restored: tuple[str, ...] = ()
    changes: Changes = Changes()


class Spell(NamedTuple):
    """An own health between two moments (``end`` None: for good), and why: the words of the question."""

    entity: str
    health: int
    start: int
    end: int | None
    why: str
    planned: bool = False


def spells(topology: Topology, assumed: Assumptions) -> list[Spell]:
    """What the assumptions do to entities themselves, each once per reason."""
    found = [
        Spell(f.entity, f.health, f.after, None, "down" if f.health == 0 else f"degraded to {f.health}")
        for f in assumed.faults
    ]
    found += [Spell(w.entity, 0, w.after, w.after + w.duration, "in maintenance", True) for w in assumed.maintenance]
    for entity in topology.entities.values() if assumed.fates else ():
        struck = sorted(set(assumed.fates).intersection(entity.continuity.fates))
        found += [Spell(entity.id, 0, 0, None, f"down with {fate}") for fate in struck]
    for place in assumed.lost:
        held = inside(topology, place)
        found += [Spell(one, 0, 0, None, "lost" if one == place else f"lost with {place}") for one in held]
    return found


def inside(topology: Topology, place: str) -> list[str]:
    """An entity and all that is part of it, directly or not, and what names it in a fact, with all parts of that."""
    parts: dict[str, list[str]] = {}
    for entity in topology.entities.values():
        holders = {entity.part_of, *(entity.facts.get(fact, "") for fact in SITE_FACTS)} if entity.facts else ()
        for holder in holders or (entity.part_of,):
            if holder and holder != entity.id:
                parts.setdefault(holder, []).append(entity.id)
    found: set[str] = set()
    front = [place]
    while front:
        here = front.pop()
        if here not in found:
            found.add(here)
            front += parts.get(here, ())
    return sorted(found & topology.entities.keys())


def altered(topology: Topology, changes: Changes) -> Topology:
    """The topology with the changes; itself when there are none."""
    if changes == Changes():
        return topology
    pairs = {*changes.without, *((d.consumer, d.provider) for d in changes.dependencies)}
    return Altered(
        topology,
        entities=[Entity(id=id) for id in changes.entities],
        added=[_filled(topology, new) for new in changes.dependencies],
        removed=[d for consumer, provider in pairs for d in topology.providers(consumer) if d.provider == provider],
        groups=[_regrouped(topology, new) for new in changes.groups],
    )


def delayed(topology: Topology, waits: Mapping[str, latency.Wait]) -> tuple[Topology, list[Spell]]:
    """The topology in which those who give up waiting depend on what stands for the late answer, and that this is down.

    It needs the late entity as well, so it is down whenever that one is.
    """
    given_up = list(latency.timed_out(topology, waits))
    if not given_up:
        return topology, []
    providers = sorted({d.provider for d in given_up})
    stand_ins = {provider: latency.late(provider) for provider in providers}
    added = [msgspec.structs.replace(d, provider=stand_ins[d.provider].id) for d in given_up]
    added += [Dependency(consumer=one.id, provider=provider) for provider, one in stand_ins.items()]
    seen = Altered(
        topology,
        entities=stand_ins.values(),
        added=added,
        removed=given_up,
        stands_for={one.id: provider for provider, one in stand_ins.items()},
    )
    return seen, [Spell(one.id, 0, 0, None, "late") for one in stand_ins.values()]


def resolved(topology: Topology, assumed: Assumptions) -> Assumptions:
    """The same with ids instead of aliases. Names that the topology does not have stay as they are."""

    def id(name: str) -> str:
        return topology.resolve(name) or name

    changes = assumed.changes
    return msgspec.structs.replace(
        assumed,
        faults=tuple(msgspec.structs.replace(f, entity=id(f.entity)) for f in assumed.faults),
        slow={id(entity): delay for entity, delay in assumed.slow.items()},
        maintenance=tuple(msgspec.structs.replace(w, entity=id(w.entity)) for w in assumed.maintenance),
        lost=tuple(map(id, assumed.lost)),
        restored=tuple(map(id, assumed.restored)),
        changes=msgspec.structs.replace(
            changes,
            dependencies=tuple(
                msgspec.structs.replace(d, consumer=id(d.consumer), provider=id(d.provider))
                for d in changes.dependencies
            ),
            without=tuple((id(consumer), id(provider)) for consumer, provider in changes.without),
            groups=tuple(msgspec.structs.replace(g, consumer=id(g.consumer)) for g in changes.groups),
        ),
    )


def knows(topology: Topology, what: str, name: str) -> bool:
    """Whether the topology has an ``entity`` (by id or alias), a ``shared fate`` or a ``site or host`` of this name."""
    if what == "entity":
        return topology.resolve(name) is not None
    if what == "shared fate":
        return name in topology.fates or any(name in entity.continuity.fates for entity in topology.entities.values())
    return bool(inside(topology, topology.resolve(name) or name))


def _regrouped(topology: Topology, new: NewGroup) -> Group:
    now = topology.groups.get((new.consumer, new.name)) or Group(consumer=new.consumer, name=new.name)
    return Group(
        consumer=new.consumer,
        name=new.name,
        need=now.need if new.need is None else new.need,
        capacity=now.capacity if new.capacity is None else new.capacity,
    )


def _filled(topology: Topology, new: NewDependency) -> Dependency:
    """A new member is like the others of its group."""
    like = Dependency(consumer=new.consumer, provider=new.provider, group=new.group)
    if new.group and new.semantics is None:
        fellow = next((d for d in topology.providers(new.consumer) if d.group == new.group), like)
        like = msgspec.structs.replace(fellow, provider=new.provider, timeout=0)
    said = {field: value for field in new.__struct_fields__ if (value := getattr(new, field)) is not None}
    return msgspec.structs.replace(like, **said)
