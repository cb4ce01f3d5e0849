"""The impact algebra, slow and obvious: every second, every entity, over and over until nothing changes."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import cache
from math import floor

from topology.model import Dependency, Group, Semantics, Topology


def reaches(index: Topology, start: str, end: str) -> bool:
    seen, todo = set(), [start]
    while todo:
        entity = todo.pop()
        for d in index.providers(entity):
            if d.semantics != "info" and d.provider not in seen:
                seen.add(d.provider)
                todo.append(d.provider)
    return end in seen


@cache
def soft(factor: int, g: int | Fraction) -> int:
    return 1000 - floor(Fraction(factor, 1000) * (1000 - g))


class Reference:
    """Healths of all entities for every second from 0 to ``horizon``: in the worst case, else (``worst`` False) in the
    best, in which what was only discovered passes nothing on. Cycles are the same in both: a member that counts by
    state only in one of them could be better off in the worst case."""

    def __init__(
        self, index: Topology, own: Mapping[str, int], since: Mapping[str, int], horizon: int, worst: bool = True
    ) -> None:
        self.index, self.own, self.since, self.worst = index, own, since, worst
        self.worlds: list[dict[str, int]] = []
        self.on_cycle = {
            (d.consumer, d.provider): reaches(index, d.provider, d.consumer) for d in index.content.dependencies
        }
        for second in range(horizon + 1):
            self.worlds.append(dict.fromkeys(index.entities, 1000))
            while True:
                new = {entity: self.health(entity, second) for entity in index.entities}
                if new == self.worlds[second]:
                    break
                self.worlds[second] = new

    def health(self, entity: str, second: int) -> int:
        values = [1000]
        if entity in self.own and self.since[entity] <= second:
            values.append(self.own[entity])
        real = [d for d in self.index.providers(entity) if d.semantics is not Semantics.INFO]
        real = [d for d in real if self.worst or d.group or not d.discovered]
        for d in real:
            if not d.group:
                factor = d.factor if d.semantics is Semantics.SOFT else 1000
                values.append(soft(factor, self.seen(d, second)))
        for name in {d.group for d in real if d.group}:
            values.append(self.group(entity, [d for d in real if d.group == name], second))
        return min(values)

    def seen(self, d: Dependency, second: int) -> int:
        if d.semantics is Semantics.ASYNC:
            second -= d.buffer
        return self.worlds[second][d.provider] if second >= 0 else 1000

    def group(self, entity: str, members: list[Dependency], second: int) -> int:
        return self.given(entity, members, [self.seen(d, second) for d in members])

    def at_risk(self, entity: str, second: int) -> bool:
        """Some group gives all it should, and one more loss would show; with all members up, no one loss would."""
        real = [d for d in self.index.providers(entity) if d.semantics is not Semantics.INFO and d.group]
        for name in {d.group for d in real}:
            members = [d for d in real if d.group == name]
            seen, full = [self.seen(d, second) for d in members], [1000] * len(members)
            whole = self.given(entity, members, seen) == 1000
            if whole and self.shows_one_loss(entity, members, seen) and not self.shows_one_loss(entity, members, full):
                return True
        return False

    def shows_one_loss(self, entity: str, members: list[Dependency], seen: list[int]) -> bool:
        losses = [[*seen[:i], 0, *seen[i + 1 :]] for i in range(len(seen))]
        return any(self.given(entity, members, loss) < 1000 for loss in losses)

    def given(self, entity: str, members: list[Dependency], seen: list[int]) -> int:
        name = members[0].group
        group = self.index.groups.get((entity, name)) or Group(consumer=entity, name=name)
        if group.capacity is not None:
            seen = [
                (1000 if s else 0) if self.on_cycle[d.consumer, d.provider] else s
                for d, s in zip(members, seen, strict=True)
            ]
        g: int | Fraction
        if len([s for s in seen if s > 0]) < group.need:
            g = 0
        elif group.capacity is None:
            g = sorted(seen)[-group.need]
        else:
            delivered = sum(d.weight * s for d, s in zip(members, seen, strict=True))
            g = min(Fraction(1000), Fraction(delivered, group.capacity))
        return soft(members[0].factor if members[0].semantics is Semantics.SOFT else 1000, g)
