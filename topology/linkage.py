"""Checks the dependencies and groups of a draft, all at once; only what is suspicious is looked at one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from topology.columns import Ints
from topology.declared import Declared, repetitions
from topology.draft import At, Draft, Said
from topology.errors import did_you_mean
from topology.groups import UP
from topology.model import Dependency, Semantics

Keys = NDArray[np.int64]


class Linkage:
    """All dependencies once: ``consumer``, ``provider`` (numbers of names), ``template``; and all groups:
    ``group_consumer``, ``group`` (number of name and fields). What is wrong with them is told."""

    def __init__(self, draft: Draft, declared: Declared) -> None:
        self._draft, self._declared = draft, declared
        self._templates = draft.dependencies.templates.all
        named = {d.group: None for d in self._templates if d.group} | {name: None for name, _ in draft.group_fields.all}
        self._group_names = list(named)
        place = {name: number for number, name in enumerate(self._group_names)}
        self._group_of = np.array([place.get(d.group, -1) for d in self._templates], dtype=np.int64)
        consumer, provider, template, at = draft.dependencies.rows.columns()
        self._tell_ends(consumer, provider, at)
        self._tell_discovered(consumer, provider, template, at)
        self._groups(place)
        self._tell_undeclared(consumer, provider, template, at)
        self.consumer, self.provider, self.template = self._once(consumer, provider, template, at)
        self._tell_groups()

    def _tell_ends(self, consumer: Ints, provider: Ints, place: Keys) -> None:
        draft, names, known = self._draft, self._declared.names, self._declared.known
        for row in np.flatnonzero((consumer == provider) | ~known[consumer] | ~known[provider]).tolist():
            at = draft.at(place[row])
            if consumer[row] == provider[row]:
                draft.wrong(at, f"{names[consumer[row]]!r} depends on itself")
                continue
            for end in (consumer[row], provider[row]):
                if not known[end]:
                    self._declared.missing(at, names[end], "a dependency names")

    def _tell_discovered(self, consumer: Ints, provider: Ints, template: Ints, place: Keys) -> None:
        """What a group gives is declared; nobody said that of a dependency that was only seen."""
        wrong = np.array([d.discovered and bool(d.group) for d in self._templates], dtype=np.bool_)
        if not wrong.any():
            return
        draft, names = self._draft, self._declared.names
        for row in np.flatnonzero(wrong[template]).tolist():
            group = self._templates[template[row]].group
            what = f"the dependency of {names[consumer[row]]!r} on {names[provider[row]]!r} is discovered"
            draft.wrong(
                draft.at(place[row]),
                f"{what}, and cannot be a member of the group {group!r}",
                "members are declared: leave out one of the two",
            )

    def _once(self, consumer: Ints, provider: Ints, template: Ints, place: Keys) -> tuple[Ints, Ints, Ints]:
        """Without repetitions: other files may say the same again, the same file may not."""
        draft, names = self._draft, self._declared.names
        kept = consumer != provider
        width = len(self._group_names) + 1
        keys = (consumer * np.int64(len(names)) + provider) * width + self._group_of[template] + 1
        for row, first in repetitions(keys):
            if not kept[row]:
                continue
            kept[row] = False
            at, earlier = draft.at(place[row]), draft.at(place[first])
            if template[row] != template[first] or at.file == earlier.file:
                what = f"{names[consumer[row]]!r} depends on {names[provider[row]]!r} twice"
                draft.wrong(at, f"{what}; first at {earlier}")
        if kept.all():
            return consumer, provider, template
        return consumer[kept], provider[kept], template[kept]

    def _groups(self, name: dict[str, int]) -> None:
        """All groups once, with all that is said of each."""
        draft, names = self._draft, self._declared.names
        consumer, said, place = draft.groups.columns()
        name_of = np.array([name[group] for group, _ in draft.group_fields.all], dtype=np.int64)
        keys = consumer * np.int64(len(self._group_names)) + name_of[said]
        self._group_keys, first, of = np.unique(keys, return_index=True, return_inverse=True)
        self.group_consumer, self.group, self._group_place = consumer[first], said[first], place[first]
        rows: dict[int, list[int]] = {}
        unlike = np.zeros(len(first), dtype=np.bool_)
        unlike[of[said != self.group[of]]] = True
        for row in np.flatnonzero(unlike[of]).tolist():
            rows.setdefault(int(of[row]), []).append(row)
        for group, parts in rows.items():
            whole: dict[object, Said] = {}
            what = draft.group_fields.all[said[parts[0]]][0]
            for row in parts:
                fields = draft.group_fields.all[said[row]][1]
                told = f"the group {what!r} of {names[consumer[row]]!r}"
                draft.merge(whole, what, fields, draft.at(place[row]), told)
            self.group[group] = draft.say_group(what, whole[what].fields)

    def _of_groups(self, consumer: Ints, template: Ints) -> tuple[Keys, Keys]:
        """(dependencies in groups, number of the group of each; -1 for one that is not declared)."""
        grouped = np.flatnonzero(self._group_of[template] >= 0)
        keys = consumer[grouped] * np.int64(len(self._group_names)) + self._group_of[template[grouped]]
        place = np.searchsorted(self._group_keys, keys)
        found = place < len(self._group_keys)
        found[found] = self._group_keys[place[found]] == keys[found]
        return grouped, np.where(found, place, -1)

    def _tell_undeclared(self, consumer: Ints, provider: Ints, template: Ints, place: Keys) -> None:
        draft, names = self._draft, self._declared.names
        grouped, group = self._of_groups(consumer, template)
        rows = grouped[group < 0]
        if not len(rows):
            return
        declared: dict[int, list[str]] = {}
        for owner, said in zip(self.group_consumer.tolist(), self.group.tolist(), strict=True):
            declared.setdefault(owner, []).append(draft.group_fields.all[said][0])
        for row in rows[consumer[rows] != provider[rows]].tolist():
            name = self._templates[template[row]].group
            hint = did_you_mean(name, declared.get(int(consumer[row]), ()))
            draft.wrong(draft.at(place[row]), f"{names[consumer[row]]!r} declares no group {name!r}", hint)

    def _tell_groups(self) -> None:
        """Sums over all groups find those that may be wrong."""
        draft = self._draft
        grouped, group = self._of_groups(self.consumer, self.template)
        grouped, group = grouped[group >= 0], group[group >= 0]
        template = self.template[grouped]
        count = len(self.group)

        def total(values: Sequence[float]) -> NDArray[np.float64]:
            weights = np.array(values, dtype=np.float64)[template]
            return np.bincount(group, weights, count).astype(np.float64)

        fields = [fields for _, fields in draft.group_fields.all]
        members = np.bincount(group, minlength=count)
        need = np.array([f.get("need", 1) for f in fields], dtype=np.int64)[self.group]
        capacity = np.array([f.get("capacity", 0) for f in fields], dtype=np.int64)[self.group]
        unusual = total([d.semantics is Semantics.INFO or d.semantics is Semantics.SOFT for d in self._templates])
        doubtful = (need > members) | (members == 0) | (unusual > 0)
        doubtful |= capacity > total([d.weight for d in self._templates])
        found: dict[int, list[Dependency]] = {number: [] for number in np.flatnonzero(doubtful).tolist()}
        inside = np.flatnonzero(doubtful[group])
        for number, said in zip(group[inside].tolist(), template[inside].tolist(), strict=True):
            found[number].append(self._templates[said])
        for number, parts in found.items():
            consumer = self._declared.names[self.group_consumer[number]]
            if consumer not in draft.refused:  # else not all of its members could be read
                name, said_of = draft.group_fields.all[self.group[number]]
                what, at = f"the group {name!r} of {consumer!r}", draft.at(self._group_place[number])
                _check(draft, what, said_of, at, parts)


def _check(draft: Draft, what: str, fields: Mapping[str, Any], at: At, members: Sequence[Dependency]) -> None:
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
