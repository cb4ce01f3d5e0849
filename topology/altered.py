"""A topology seen with changes, without copying it: what a what-if question assumes to be different.

It has the reading interface of `topology.model.Topology`, so that the production functions answer on it. Making it
costs what changes, asking it one look-up more.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from typing import cast

from topology.components import strong_components
from topology.continuity import Assumption
from topology.model import Content, Dependency, Entity, Group, Semantics, Topology


class Altered(Topology):
    """``base`` with entities, dependencies and groups added (a group takes the place of one of its name) and
    dependencies removed. ``content`` and ``version`` stay those of the base.

    ``stands_for`` names added entities that only stand for others (a late answer for who gives it): the base's cycles
    then hold for them too. Without it cycles are searched anew, as far as what is asked for can see.
    """

    __slots__ = (
        "_added", "_base", "_edited", "_edits", "_found", "_members", "_needed_by", "_needs_of", "_searched",
        "_stands_for",
    )  # fmt: skip

    def __init__(  # the base is not copied, so its constructor is not called
        self,
        base: Topology,
        *,
        entities: Iterable[Entity] = (),
        added: Iterable[Dependency] = (),
        removed: Iterable[Dependency] = (),
        groups: Iterable[Group] = (),
        stands_for: Mapping[str, str] | None = None,
    ) -> None:
        self._base, self._stands_for = base, stands_for or {}
        self._columns, self.version, self.fates = base._columns, base.version, base.fates
        self._added = {entity.id: entity for entity in entities}
        changed = {(group.consumer, group.name): group for group in groups}
        if self._added:  # a chain writes to its first mapping only
            self.entities = ChainMap(self._added, cast("MutableMapping[str, Entity]", base.entities))
        else:
            self.entities = base.entities
        if changed:
            self.groups = ChainMap(changed, cast("MutableMapping[tuple[str, str], Group]", base.groups))
        else:
            self.groups = base.groups
        more, fewer = list(added), set(removed)
        self._needs_of = _changed(base.providers, more, fewer, lambda d: d.consumer)
        self._needed_by = _changed(base.consumers, more, fewer, lambda d: d.provider)
        self._edits = ([], set(), []) if self._stands_for else (more, fewer, list(changed))
        self._doubtful = base.doubtful or any(dependency.doubtful for dependency in more)
        self._edited: bool | None = None
        self._searched: set[str] = set()
        self._found: dict[str, str] = {}
        self._members: dict[str, list[str]] = {}

    @property
    def unaltered(self) -> Topology:
        """The topology of the catalogue that all this is assumed of."""
        return self._base.unaltered if isinstance(self._base, Altered) else self._base

    @property
    def content(self) -> Content:
        """The base's: what is assumed is no version."""
        return self._base.content

    def providers(self, entity: str) -> tuple[Dependency, ...]:
        """What an entity needs, sorted by provider."""
        found = self._needs_of.get(entity)
        return self._base.providers(entity) if found is None else found

    def consumers(self, entity: str) -> tuple[Dependency, ...]:
        """Who needs an entity, sorted by consumer."""
        found = self._needed_by.get(entity)
        return self._base.consumers(entity) if found is None else found

    def resolve(self, name: str) -> str | None:
        """The id of an entity known under this id or alias."""
        return name if name in self._added else self._base.resolve(name)

    def relied_on(self, entity: str) -> Sequence[tuple[str, Assumption]]:
        """What others take for granted of an entity in the base: a question declares no assumptions."""
        return self._base.relied_on(entity)

    def domain(self, entity: str) -> str:
        """The domain in the base: a question moves no incident."""
        return self._base.domain(self._stands_for.get(entity, entity))

    def component(self, entity: str) -> str:
        """The strongly connected component of an entity on a dependency cycle, named for its smallest id; else ""."""
        if not self._turned():
            return self._base.component(self._stands_for.get(entity, entity))
        if entity not in self._searched:
            self._search(entity)
        return self._found.get(entity, "")

    def compounding(self, entity: str) -> bool:
        """Whether a required capacity is shared around the entity's cycle, so that a lost share could compound."""
        if not self._turned():
            return self._base.compounding(self._stands_for.get(entity, entity))
        ring = self.component(entity)
        return bool(ring) and any(
            group is not None and group.capacity is not None
            for member in self._members[ring]
            for d in self.providers(member)
            if d.group and self._found.get(d.provider) == ring
            for group in (self.groups.get((member, d.group)),)
        )

    def _turned(self) -> bool:
        """Whether any cycle, or the sharing of a capacity around one, may be other than in the base."""
        if self._edited is None:
            added, removed, groups = self._edits
            on_cycle = self._base.component
            self._edited = (
                any(on_cycle(consumer) for consumer, _ in groups)
                or any(on_cycle(d.consumer) and on_cycle(d.consumer) == on_cycle(d.provider) for d in removed)
                or any(d.semantics is not Semantics.INFO and self._needs(d.provider, d.consumer) for d in added)
            )
        return self._edited

    def _needs(self, consumer: str, provider: str) -> bool:
        """Whether one entity needs another, directly or not: searched from both ends, the smaller front first."""
        down, up = {consumer}, {provider}
        needed, needing = {consumer}, {provider}
        while down and up:
            if needed & up or needing & down:
                return True
            if len(down) <= len(up):
                down = {d.provider for e in down for d in self.providers(e) if d.semantics is not Semantics.INFO}
                down -= needed
                needed |= down
            else:
                up = {d.consumer for e in up for d in self.consumers(e) if d.semantics is not Semantics.INFO} - needing
                needing |= up
        return False

    def _search(self, entity: str) -> None:
        """The cycles among all that an entity needs: a component lies whole within it or outside of it."""
        needs: dict[str, list[str]] = {}
        front = [entity]
        while front:
            consumer = front.pop()
            if consumer in needs:
                continue
            needs[consumer] = [d.provider for d in self.providers(consumer) if d.semantics is not Semantics.INFO]
            front += needs[consumer]
        self._found |= strong_components(needs)
        for member in needs.keys() - self._searched:
            if ring := self._found.get(member):
                self._members.setdefault(ring, []).append(member)
        self._searched |= needs.keys()


def _changed(
    there: Callable[[str], tuple[Dependency, ...]],
    added: Iterable[Dependency],
    removed: set[Dependency],
    end: Callable[[Dependency], str],
) -> dict[str, tuple[Dependency, ...]]:
    """The dependencies at every ``end`` that changes, sorted as in the base."""
    more: dict[str, list[Dependency]] = {end(d): [] for d in removed}
    for dependency in added:
        more.setdefault(end(dependency), []).append(dependency)
    return {
        entity: tuple(
            sorted(
                [*(d for d in there(entity) if d not in removed), *new],
                key=lambda d: (d.consumer, d.provider, d.group, d.semantics),
            )
        )
        for entity, new in more.items()
    }
