"""Checks a draft against itself and makes a topology of it: references, containment, groups, names.

Dependency cycles are legal; containment cycles are not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from topology.continuity import SharedFate
from topology.continuity_fields import gathered
from topology.draft import At, Draft, merged
from topology.errors import did_you_mean
from topology.groups import UP
from topology.model import Dependency, Entity, Group, Kind, Semantics, Topology
from topology.references import dangling

SEARCHED_FOR_HINTS = 20_000
"""Above so many entities no similar id is looked for; it would take longer than loading."""


def compile_draft(draft: Draft) -> Topology | None:
    """The topology; None, with all mistakes noted in the draft, when there are any."""
    entities = _entities(draft)
    _aliases(draft, entities)
    dependencies = _dependencies(draft)
    _groups(draft, dependencies)
    dangling(draft, entities)
    if draft.mistakes:
        return None
    groups = [
        Group(consumer=consumer, name=name, need=said.fields.get("need", 1), capacity=said.fields.get("capacity"))
        for (consumer, name), said in draft.groups.items()
    ]
    fates = [SharedFate(name=name, failure=said.fields.get("failure")) for name, said in draft.fates.items()]
    return Topology.build(entities.values(), dependencies, groups, fates)


def _entities(draft: Draft) -> dict[str, Entity]:
    wholes = {id: merged(draft, id, parts) for id, parts in draft.entities.items()}
    for child, parent, at in draft.parents:
        if child not in wholes:
            _dangling(draft, at, child, "contains")
        elif wholes[child].setdefault("part_of", parent) != parent:
            draft.wrong(at, f"{child!r} cannot be part of both {wholes[child]['part_of']!r} and {parent!r}")
    _containment(draft, wholes)
    entities = {}
    for id, whole in wholes.items():
        said = draft.defaults.get(whole.get("kind", Kind.SERVICE))
        entities[id] = Entity(id=id, **_canonical(said.fields | whole if said else whole))
    return entities


def _canonical(whole: dict[str, Any]) -> dict[str, Any]:
    """Lists and facts sorted, so that their order in a file does not make a version."""
    for field in whole.keys() & {"aliases", "obligations"}:
        whole[field] = tuple(sorted(set(whole[field])))
    if "facts" in whole:
        whole["facts"] = dict(sorted(whole["facts"].items()))
    whole["continuity"] = gathered(whole)
    return whole


def _containment(draft: Draft, wholes: dict[str, dict[str, Any]]) -> None:
    """Every entity is part of a known one, and none of itself. Each cycle is told once."""
    done: set[str] = set()
    for id, whole in wholes.items():
        parent = whole.get("part_of")
        if parent is not None and parent not in wholes:
            _dangling(draft, draft.entities[id][0].at, parent, "part_of")
        trail: dict[str, None] = {}
        here: str | None = id
        while here in wholes and here not in done and here not in trail:
            trail[here] = None
            here = wholes[here].get("part_of")
        if here is not None and here in trail:
            cycle = list(trail)[list(trail).index(here) :]
            start = cycle.index(min(cycle))
            cycle = [*cycle[start:], *cycle[: start + 1]]
            message = "a containment cycle: " + " is part of ".join(cycle)
            draft.wrong(draft.entities[cycle[0]][0].at, message)
        done.update(trail)


def _aliases(draft: Draft, entities: dict[str, Entity]) -> None:
    """Every name leads to one entity."""
    owners: dict[str, str] = {}
    for entity in entities.values():
        for alias in entity.aliases:
            at = draft.entities[entity.id][0].at
            other = owners.setdefault(alias, entity.id)
            if alias in entities and alias != entity.id:
                draft.wrong(at, f"the alias {alias!r} of {entity.id!r} is the id of another entity")
            elif other != entity.id:
                draft.wrong(at, f"the alias {alias!r} of {entity.id!r} is also an alias of {other!r}")


def _dependencies(draft: Draft) -> list[Dependency]:
    """All dependencies once, between known entities."""
    entities = draft.entities
    first: dict[tuple[str, str, str], tuple[Dependency, At]] = {}
    for dependency, at in draft.dependencies:
        consumer, provider = dependency.consumer, dependency.provider
        if consumer == provider:
            draft.wrong(at, f"{consumer!r} depends on itself")
            continue
        for id in (consumer, provider):
            if id not in entities:
                _dangling(draft, at, id, "a dependency names")
        known = first.setdefault((consumer, provider, dependency.group), (dependency, at))
        if known[1] is not at and (known[0] != dependency or known[1].file == at.file):
            draft.wrong(at, f"{consumer!r} depends on {provider!r} twice; first at {known[1]}")
    return [dependency for dependency, _ in first.values()]


def _dangling(draft: Draft, at: At, id: str, what: str) -> None:
    if id in draft.refused:
        return
    few = len(draft.entities) <= SEARCHED_FOR_HINTS
    hint = did_you_mean(id, draft.entities) if few else ""
    draft.wrong(at, f"{what} {id!r}, which is no entity", hint)


def _groups(draft: Draft, dependencies: Sequence[Dependency]) -> None:
    members: dict[tuple[str, str], list[Dependency]] = {key: [] for key in draft.groups}
    undeclared: set[tuple[str, str, str]] = set()
    for dependency in dependencies:
        if not dependency.group:
            continue
        if (key := (dependency.consumer, dependency.group)) in members:
            members[key].append(dependency)
        else:
            undeclared.add((dependency.consumer, dependency.provider, dependency.group))
    for dependency, at in draft.dependencies if undeclared else ():
        if (dependency.consumer, dependency.provider, dependency.group) in undeclared:
            names = [name for consumer, name in draft.groups if consumer == dependency.consumer]
            hint = did_you_mean(dependency.group, names)
            draft.wrong(at, f"{dependency.consumer!r} declares no group {dependency.group!r}", hint)
    for (consumer, name), found in members.items():
        if consumer in draft.refused:  # not all of its members could be read
            continue
        _group(draft, consumer, name, found)


def _group(draft: Draft, consumer: str, name: str, members: Sequence[Dependency]) -> None:
    fields, at = draft.groups[consumer, name]
    what = f"the group {name!r} of {consumer!r}"
    if not members:
        draft.wrong(at, f"{what} is named by no dependency")
        return
    if (need := fields.get("need", 1)) > len(members):
        draft.wrong(at, f"{what} needs {need} of {len(members)} members")
    total = sum(member.weight for member in members)
    if (capacity := fields.get("capacity")) is not None and capacity > total:
        draft.wrong(at, f"{what} needs a capacity of {capacity / UP:g}, but its members' weights sum to {total / UP:g}")
    kinds = {member.semantics for member in members}
    if Semantics.INFO in kinds:
        draft.wrong(at, f"{what} has an info member, which can neither carry nor break it")
    soft = {member.factor for member in members if member.semantics is Semantics.SOFT}
    if len(soft) > 1 or (soft and len(kinds) > 1):
        message = f"the members of {what} do not agree: all must be soft with one factor, or none"
        draft.wrong(at, message)
