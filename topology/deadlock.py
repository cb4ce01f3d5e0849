"""Entities that wait for each other when they are cold, and a start order that gets them up again.

Own health healed, entities come up from the current state; what then still waits is in a circle of hard needs, or waits
for one. Each circle is opened by starting one of its entities without what it waits for: the one with the fewest needs
to bypass, then with the most entities that wait for it (after P. Eades, X. Lin, W. F. Smyth, A fast and effective
heuristic for the feedback arc set problem, Inf. Process. Lett. 47, 1993; the smallest set is NP-hard to find).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from topology.components import strong_components
from topology.prerequisites import Need

EXACT = 50
"""So many times the circles that are left are looked for; what is left then is started in one order."""


@dataclass(frozen=True, slots=True)
class Bypass:
    """``entity`` is to be started although these ``providers`` (of ``group``, if named) are still down."""

    entity: str
    providers: tuple[str, ...]
    group: str = ""


@dataclass(frozen=True, slots=True)
class Deadlock:
    """``stays_down``: who does not come up by itself though all causes are healed. ``bypasses``: the proposed manual
    starts, in their order."""

    stays_down: frozenset[str]
    bypasses: tuple[Bypass, ...]


NO_DEADLOCK = Deadlock(frozenset(), ())


def deadlock(needs: Mapping[str, Sequence[Need]]) -> Deadlock:
    """Linear in the needs for each circle opened, up to `EXACT`."""
    coldness = _Coldness(needs)
    coldness.come_up(entity for entity in needs if not needs[entity])
    stays_down = frozenset(coldness.waiting)
    bypasses: list[Bypass] = []
    rounds = 0
    while coldness.waiting:
        for circle in coldness.circles():
            for entity in circle if rounds >= EXACT else circle[:1]:
                if entity in coldness.waiting:
                    bypasses += coldness.unmet(entity)
                    coldness.come_up([entity])
        rounds += 1
    return Deadlock(stays_down, tuple(bypasses))


class _Coldness:
    def __init__(self, needs: Mapping[str, Sequence[Need]]) -> None:
        self.waiting = set(needs)
        self._needs = needs
        self._lacking = {entity: [need.least for need in wanted] for entity, wanted in needs.items()}
        self._open = {entity: len(wanted) for entity, wanted in needs.items()}
        self._users: dict[str, list[tuple[str, int]]] = {}
        for entity, wanted in needs.items():
            for place, need in enumerate(wanted):
                for provider in need.providers:
                    self._users.setdefault(provider, []).append((entity, place))

    def come_up(self, entities: Iterable[str]) -> None:
        """These start, and all that then can."""
        front = list(entities)
        while front:
            provider = front.pop()
            if provider not in self.waiting:
                continue
            self.waiting.discard(provider)
            for entity, place in self._users.get(provider, ()):
                self._lacking[entity][place] -= 1
                if self._lacking[entity][place] == 0:
                    self._open[entity] -= 1
                    if self._open[entity] == 0:
                        front.append(entity)

    def unmet(self, entity: str) -> list[Bypass]:
        """What an entity still waits for."""
        return [
            Bypass(entity, tuple(p for p in need.providers if p in self.waiting), need.group)
            for need, lacking in zip(self._needs[entity], self._lacking[entity], strict=True)
            if lacking > 0
        ]

    def circles(self) -> list[list[str]]:
        """The circles that wait for nothing outside of them; in each, whom to start first, comes first."""
        waits = {
            entity: sorted({provider for one in self.unmet(entity) for provider in one.providers})
            for entity in sorted(self.waiting)
        }
        circle_of = strong_components(waits)
        members: dict[str, list[str]] = {}
        for entity, circle in circle_of.items():
            members.setdefault(circle, []).append(entity)
        closed = {
            circle
            for circle, found in members.items()
            if all(circle_of.get(p) == circle for entity in found for p in waits[entity])
        }
        wanted: dict[str, int] = {}
        for entity, providers in waits.items():
            for provider in providers:
                wanted[provider] = wanted.get(provider, 0) + (circle_of.get(entity) == circle_of.get(provider))
        return [
            sorted(members[circle], key=lambda e: (self._open[e], -wanted.get(e, 0), e)) for circle in sorted(closed)
        ]
