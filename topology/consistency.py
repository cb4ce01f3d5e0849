"""Checks a draft against itself and makes a topology of it: names, what is said of entities, containment.

Dependency cycles are legal; containment cycles are not. Dependencies and groups: `topology.linkage`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from topology.columns import Ints, Numbered, arranged
from topology.continuity import SharedFate
from topology.continuity_fields import gathered
from topology.declared import Declared
from topology.draft import Draft, Said, merged
from topology.linkage import Linkage
from topology.model import Entity, Group, Kind, Topology
from topology.references import dangling


def compile_draft(draft: Draft) -> Topology | None:
    """The topology; None, with all mistakes noted in the draft, when there are any."""
    declared = Declared(draft)
    said = _said(draft, declared)
    _containment(draft, declared, said)
    templates = _templates(draft, said)
    _aliases(draft, declared, said, templates)
    linkage = Linkage(draft, declared)
    if draft.references:
        dangling(draft, {declared.names[number]: templates[said[number]] for number in declared.by_row().tolist()})
    if draft.mistakes:
        return None
    return Topology(arranged(_numbered(draft, declared, said, templates, linkage)))


def _numbered(draft: Draft, declared: Declared, said: Ints, templates: dict[int, Entity], linkage: Linkage) -> Numbered:
    """All of it, without names that were mentioned but are no entities."""
    known = np.flatnonzero(declared.known)
    number = np.cumsum(declared.known, dtype=np.int32) - 1
    used = list(templates)
    template = np.zeros(len(draft.fields.all), dtype=np.int32)
    template[used] = np.arange(len(used))
    names = declared.names if len(known) == len(declared.names) else [declared.names[n] for n in known.tolist()]
    return Numbered(
        names=names,
        entity=template[said[known]],
        entity_templates=list(templates.values()),
        consumer=number[linkage.consumer],
        provider=number[linkage.provider],
        dependency=linkage.template,
        dependency_templates=draft.dependencies.templates.all,
        group_consumer=number[linkage.group_consumer],
        group=linkage.group,
        group_templates=[
            Group(consumer="", name=name, need=fields.get("need", 1), capacity=fields.get("capacity"))
            for name, fields in draft.group_fields.all
        ],
        fates=[SharedFate(name=name, failure=fate.fields.get("failure")) for name, fate in draft.fates.items()],
    )


def _said(draft: Draft, declared: Declared) -> Ints:
    """Entity -> the number of all that is said of it; -1 when nothing is."""
    said = np.full(len(declared.names), -1, dtype=np.int32)
    said[declared.entity] = declared.said
    several: dict[int, list[Said]] = {}
    for row in np.flatnonzero(declared.times[declared.entity] > 1).tolist():
        part = Said(draft.fields.all[declared.said[row]], draft.at(declared.place[row]))
        several.setdefault(int(declared.entity[row]), []).append(part)
    for number, parts in several.items():
        said[number] = draft.say(merged(draft, declared.names[number], parts))
    for child, parent, at in draft.parents:
        number = draft.numbers.get(child, -1)
        if number < 0 or not declared.known[number]:
            declared.missing(at, child, "contains")
            continue
        whole = draft.fields.all[said[number]]
        if (other := whole.get("part_of", parent)) != parent:
            draft.wrong(at, f"{child!r} cannot be part of both {other!r} and {parent!r}")
        said[number] = draft.say({"part_of": parent} | whole)
    return said


def _templates(draft: Draft, said: Ints) -> dict[int, Entity]:
    """Number of what is said -> the entity without its id, defaults included."""
    templates = {}
    for number in np.unique(said[said >= 0]).tolist():
        whole = draft.fields.all[number]
        default = draft.defaults.get(whole.get("kind", Kind.SERVICE))
        templates[number] = Entity(id="", **_canonical(default.fields | whole if default else dict(whole)))
    return templates


def _canonical(whole: dict[str, Any]) -> dict[str, Any]:
    """Lists and facts sorted, so that their order in a file does not make a version."""
    for field in whole.keys() & {"aliases", "obligations"}:
        whole[field] = tuple(sorted(set(whole[field])))
    if "facts" in whole:
        whole["facts"] = dict(sorted(whole["facts"].items()))
    whole["continuity"] = gathered(whole)
    return whole


def _containment(draft: Draft, declared: Declared, said: Ints) -> None:
    """Every entity is part of a known one, and none of itself. Each cycle is told once."""
    names = declared.names
    contained = np.array(["part_of" in fields for fields in draft.fields.all] + [False], dtype=np.bool_)
    by_row = declared.by_row()
    parents = {names[n]: draft.fields.all[said[n]]["part_of"] for n in by_row[contained[said[by_row]]].tolist()}
    done: set[str] = set()
    for id, parent in parents.items():
        if not declared.has(parent):
            declared.missing(declared.at(id), parent, "part_of")
        trail: dict[str, None] = {}
        here = id
        while here in parents and here not in done and here not in trail:
            trail[here] = None
            here = parents[here]
        if here in trail:
            cycle = list(trail)[list(trail).index(here) :]
            start = cycle.index(min(cycle))
            cycle = [*cycle[start:], *cycle[: start + 1]]
            draft.wrong(declared.at(cycle[0]), "a containment cycle: " + " is part of ".join(cycle))
        done.update(trail)


def _aliases(draft: Draft, declared: Declared, said: Ints, templates: dict[int, Entity]) -> None:
    """Every name leads to one entity."""
    owners: dict[str, str] = {}
    for id, alias in _named(declared, said, templates):
        other = owners.setdefault(alias, id)
        if alias != id and declared.has(alias):
            draft.wrong(declared.at(id), f"the alias {alias!r} of {id!r} is the id of another entity")
        elif other != id:
            draft.wrong(declared.at(id), f"the alias {alias!r} of {id!r} is also an alias of {other!r}")


def _named(declared: Declared, said: Ints, templates: dict[int, Entity]) -> Iterator[tuple[str, str]]:
    """(id, alias)"""
    if not any(template.aliases for template in templates.values()):
        return
    for number in declared.by_row().tolist():
        for alias in templates[int(said[number])].aliases:
            yield declared.names[number], alias
