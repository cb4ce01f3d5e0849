"""What changed between two versions of a topology, as data and in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

import msgspec

from topology.continuity import Continuity, Contract, SharedFate
from topology.groups import UP
from topology.model import Dependency, Group, Topology

Key = TypeVar("Key", bound=tuple[str, ...])
Part = TypeVar("Part", bound=msgspec.Struct)


LONGEST_SHOWN = 200
"""So much of a value is shown in words; a sketch is longer."""


class Change(msgspec.Struct, frozen=True):
    """One field that differs, under its name in the catalogue: ``contract.rto`` is the rto of the contract."""

    field: str
    before: object
    after: object


class Changed(msgspec.Struct, frozen=True):
    """A part that is in both versions: its key and the fields that differ."""

    key: tuple[str, ...]
    changes: tuple[Change, ...]


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """From version ``before`` to ``after``; everything sorted by key.

    Dependencies are keyed (consumer, provider, group), groups (consumer, name), shared fates (name,). ``joined``: a
    domain after -> the domains before whose entities it now holds; ``split``: a domain before -> the domains after that
    hold its entities. Both look at entities that are in both versions.
    """

    before: str
    after: str
    entities_added: tuple[str, ...] = ()
    entities_removed: tuple[str, ...] = ()
    entities_changed: tuple[Changed, ...] = ()
    dependencies_added: tuple[Dependency, ...] = ()
    dependencies_removed: tuple[Dependency, ...] = ()
    dependencies_changed: tuple[Changed, ...] = ()
    groups_added: tuple[Group, ...] = ()
    groups_removed: tuple[Group, ...] = ()
    groups_changed: tuple[Changed, ...] = ()
    fates_added: tuple[SharedFate, ...] = ()
    fates_removed: tuple[SharedFate, ...] = ()
    fates_changed: tuple[Changed, ...] = ()
    joined: dict[str, tuple[str, ...]] = {}
    split: dict[str, tuple[str, ...]] = {}

    def __bool__(self) -> bool:
        return self.before != self.after

    def words(self) -> list[str]:
        """One line per difference."""
        lines = [f"+ {id}" for id in self.entities_added]
        lines += [f"- {id}" for id in self.entities_removed]
        lines += [f"~ {part.key[0]}: {_changes(part)}" for part in self.entities_changed]
        lines += [f"+ {_dependency(d)}" for d in self.dependencies_added]
        lines += [f"- {_dependency(d)}" for d in self.dependencies_removed]
        lines += [f"~ {p.key[0]} depends on {p.key[1]}: {_changes(p)}" for p in self.dependencies_changed]
        lines += [f"+ {_group(g)}" for g in self.groups_added]
        lines += [f"- {_group(g)}" for g in self.groups_removed]
        lines += [f"~ group {p.key[1]} of {p.key[0]}: {_changes(p)}" for p in self.groups_changed]
        lines += [f"+ shared fate {fate.name}" for fate in self.fates_added]
        lines += [f"- shared fate {fate.name}" for fate in self.fates_removed]
        lines += [f"~ shared fate {p.key[0]}: {_changes(p)}" for p in self.fates_changed]
        lines += [f"domains {', '.join(old)} are joined into {new}" for new, old in self.joined.items()]
        lines += [f"domain {old} is split into {', '.join(new)}" for old, new in self.split.items()]
        return lines


def diff(before: Topology, after: Topology) -> Difference:
    """What changed from one version to another."""
    old_edges = {(d.consumer, d.provider, d.group): d for d in before.content.dependencies}
    new_edges = {(d.consumer, d.provider, d.group): d for d in after.content.dependencies}
    old, new = before.entities, after.entities
    old_fates = {(fate.name,): fate for fate in before.content.fates}
    new_fates = {(fate.name,): fate for fate in after.content.fates}
    both = sorted(old.keys() & new.keys())
    return Difference(
        before=before.version,
        after=after.version,
        entities_added=tuple(sorted(new.keys() - old.keys())),
        entities_removed=tuple(sorted(old.keys() - new.keys())),
        entities_changed=_changed({(id,): old[id] for id in both}, {(id,): new[id] for id in both}),
        dependencies_added=_only(new_edges, old_edges),
        dependencies_removed=_only(old_edges, new_edges),
        dependencies_changed=_changed(old_edges, new_edges),
        groups_added=_only(after.groups, before.groups),
        groups_removed=_only(before.groups, after.groups),
        groups_changed=_changed(before.groups, after.groups),
        fates_added=_only(new_fates, old_fates),
        fates_removed=_only(old_fates, new_fates),
        fates_changed=_changed(old_fates, new_fates),
        joined=_gathered((after.domain(id), before.domain(id)) for id in both),
        split=_gathered((before.domain(id), after.domain(id)) for id in both),
    )


def _only(these: Mapping[Key, Part], those: Mapping[Key, Part]) -> tuple[Part, ...]:
    return tuple(these[key] for key in sorted(these.keys() - those.keys()))


def _changed(old: Mapping[Key, Part], new: Mapping[Key, Part]) -> tuple[Changed, ...]:
    return tuple(
        Changed(
            key,
            tuple(_differences(old[key], new[key])),
        )
        for key in sorted(old.keys() & new.keys())
        if old[key] != new[key]
    )


def _differences(old: msgspec.Struct, new: msgspec.Struct, around: str = "") -> Iterator[Change]:
    for field in old.__struct_fields__:
        before, after = getattr(old, field), getattr(new, field)
        if before == after:
            continue
        if isinstance(before, Continuity):
            yield from _differences(before, after)
        elif isinstance(before, Contract) and isinstance(after, Contract):
            yield from _differences(before, after, f"{field}.")
        else:
            yield Change(around + field, before, after)


def _gathered(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """Domain -> the domains of the other version that it shares entities with, where there are several."""
    found: dict[str, set[str]] = {}
    for here, there in pairs:
        found.setdefault(here, set()).add(there)
    return {here: tuple(sorted(there)) for here, there in sorted(found.items()) if len(there) > 1}


def _changes(part: Changed) -> str:
    return ", ".join(f"{c.field} {_value(c.before)} → {_value(c.after)}" for c in part.changes)


def _value(value: object) -> str:
    if value is None or value == "":
        return "none"
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, msgspec.Struct):
        said = ((field, part) for field in value.__struct_fields__ if (part := getattr(value, field)) not in (None, ""))
        return "(" + ", ".join(f"{field} {_value(part)}" for field, part in said) + ")"
    text = str(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def _dependency(dependency: Dependency) -> str:
    group = f", group {dependency.group}" if dependency.group else ""
    seen = ", discovered" if dependency.discovered else ""
    return f"{dependency.consumer} depends on {dependency.provider} ({dependency.semantics.value}{group}{seen})"


def _group(group: Group) -> str:
    capacity = "" if group.capacity is None else f", capacity {group.capacity / UP:g}"
    return f"group {group.name} of {group.consumer} (need {group.need}{capacity})"
