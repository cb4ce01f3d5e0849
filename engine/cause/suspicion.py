"""How much of its own trouble an entity is to blame for, by what was measured of it and of its providers.

* A series counts by how far it moved (`worth`), a latency also by whether anybody can feel it: an increase that is
  small beside what its consumers usually take is none of their trouble (`MATERIAL`).
* What its providers explain is excused: the increase of a provider's latency, or errors, over the entity's own. The
  rest is the entity's.
* Saturation is nobody's fault but the entity's, traffic hardly a fault at all.
* Spans and logs speak for themselves: self time, time on all ways to it, failures that no child had.
* A business service or process does nothing itself: what its providers do not explain is handed on to them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from math import log1p

import msgspec

from engine.evidence.felt import consumers_of
from engine.evidence.kinds import Kind
from engine.evidence.profile import DEVIATES, Around, Profile
from topology.model import Kind as EntityKind
from topology.model import Semantics, Topology

LEAST = 2.0
"""Standard deviations below which a shift is worth nothing …"""
ENOUGH = 12.0
"""… and so many above which it is worth everything."""
RARE = 0.5
"""Each episode of the history that was as bad leaves this share of a shift."""
MATERIAL = 0.1
"""A latency that rises by this share of the longest usual one above it is felt in full."""
SATURATED = 0.9
BUSY = 0.2
EXCUSED = 0.9
"""How much of its trouble an entity's providers can excuse."""
HANDED_ON = 0.6
FROM_LOGS = 0.6
FROM_SPANS = 1.3
SURE = 0.95
CROSSED = 2
"""Entities in a row that nothing is measured of, on the way to a provider."""
CAUSING = frozenset({Kind.LATENCY, Kind.ERRORS})
BUSINESS = frozenset({EntityKind.BUSINESS_SERVICE, EntityKind.BUSINESS_PROCESS})


class Trail(msgspec.Struct, frozen=True):
    """What speaks for one entity, 0 … 1 each: its series (``kind`` and metric of the strongest), spans and logs;
    ``excused`` by its providers; ``strength`` of all together. ``measured``: there is something to go by."""

    strength: float = 0.0
    series: float = 0.0
    kind: str = ""
    metric: str = ""
    excused: float = 0.0
    spans: float = 0.0
    logs: float = 0.0
    handed: float = 0.0
    measured: bool = False


class Suspicion:
    """Trails of entities in one window, each made once."""

    def __init__(
        self,
        topology: Topology,
        profile: Around,
        spans: Callable[[str], float | None],
        logs: Callable[[str], float | None],
    ) -> None:
        self.topology = topology
        self._profile = profile
        self._spans = spans
        self._logs = logs
        self._known: dict[str, Trail] = {}
        self._deviating: dict[str, frozenset[Kind]] = {}
        self._longest: dict[str, float] = {}
        self._providers: dict[str, tuple[str, ...]] = {}
        self._consumers: dict[str, tuple[str, ...]] = {}
        self._needed: dict[str, tuple[str, ...]] = {}

    def profile(self, entity: str) -> Profile:
        """What its series show."""
        return self._profile(entity)

    def prepare(self, entities: Collection[str]) -> None:
        """Look at once at what the trails of many entities will ask for."""
        self._profile.fetch(entities)
        late = [one for one in entities if Kind.LATENCY in self._profile(one).shifts]
        self._profile.fetch(dict.fromkeys(other for one in late for other in self._above(one)))
        frontier = [one for one in entities if not CAUSING.isdisjoint(self._profile(one).shifts)]
        for _ in range(CROSSED + 1):
            near = dict.fromkeys(other for one in frontier for other in self._needs(one))
            self._profile.fetch(near)
            frontier = [one for one in near if not any(self.deviates(one, kind) for kind in CAUSING)]

    def trail(self, entity: str) -> Trail:
        """What speaks for an entity."""
        known = self._known.get(entity)
        if known is None:
            known = self._known[entity] = self._make(entity)
        return known

    def spans(self, entity: str) -> float:
        """What its spans say, as in its trail, without making it."""
        known = self._known.get(entity)
        return known.spans if known is not None else self._spans(entity) or 0.0

    def measured(self, entity: str) -> bool:
        """Is there anything to go by? As its trail says, without making it."""
        known = self._known.get(entity)
        if known is not None:
            return known.measured
        return self._profile(entity).measured or self._spans(entity) is not None or self._logs(entity) is not None

    def _make(self, entity: str) -> Trail:
        own, kind, metric, excused = self._series(entity)
        spans, logs = self._spans(entity), self._logs(entity)
        handed = self._handed(entity)
        parts = (own, min(SURE, FROM_SPANS * (spans or 0.0)), FROM_LOGS * (logs or 0.0), handed)
        none = 1.0
        for part in parts:
            none *= 1.0 - part
        measured = self._profile(entity).measured or spans is not None or logs is not None
        return Trail(1.0 - none, own, kind, metric, excused, spans or 0.0, logs or 0.0, handed, measured)

    def _series(self, entity: str) -> tuple[float, str, str, float]:
        """(worth, kind, metric, share excused) of the series that says most."""
        best = (0.0, "", "", 0.0)
        for kind, found in self._profile(entity).shifts.items():
            value, excused = self.worth(entity, kind), 0.0
            if kind in CAUSING:
                excused = self._excused(entity, kind, value) if value else 0.0
                value *= 1 - EXCUSED * excused
            else:
                value *= SATURATED if kind is Kind.SATURATION else BUSY
            best = max(best, (value, kind.value, found.metric, excused))
        return best

    def worth(self, entity: str, kind: Kind) -> float:
        """0 … 1: how far the entity's series of a kind moved, as far as it is news and matters."""
        found = self._profile(entity).shifts.get(kind)
        if found is None:
            return 0.0
        score = found.score * RARE**found.before
        if kind is Kind.LATENCY:
            score *= self._material(entity, found.level)
        return 0.0 if score <= LEAST else min(1.0, log1p(score - LEAST) / log1p(ENOUGH))

    def moved(self, entity: str, kind: Kind) -> float:
        """By how much, in the unit of the kind; 0 where it did not deviate."""
        found = self._profile(entity).shifts.get(kind)
        return found.level if found is not None and self.deviates(entity, kind) else 0.0

    def deviates(self, entity: str, kind: Kind) -> bool:
        """Did the entity's series of a kind deviate?"""
        known = self._deviating.get(entity)
        if known is None:
            shifts = self._profile(entity).shifts
            known = frozenset(kind for kind, one in shifts.items() if one.score * RARE**one.before >= DEVIATES - 1)
            self._deviating[entity] = known
        return kind in known

    def _material(self, entity: str, level: float) -> float:
        longest = self._longest.get(entity)
        if longest is None:
            near = self._above(entity)
            self._profile.fetch(near)
            longest = self._longest[entity] = max(self._profile(one).usual_latency for one in near)
        return min(1.0, max(0.0, level) / (MATERIAL * longest)) if longest > 0 else 1.0

    def _above(self, entity: str) -> tuple[str, ...]:
        known = self._consumers.get(entity)
        if known is None:
            known = self._consumers[entity] = (entity, *consumers_of(self.topology, entity))
        return known

    def _excused(self, entity: str, kind: Kind, value: float) -> float:
        """Share of its shift that its providers' shifts explain."""
        mine = self._profile(entity).shifts[kind].level
        total = 0.0
        for provider in self.measured_providers(entity):
            theirs = self.moved(provider, kind)
            if theirs > 0:
                total += min(1.0, theirs / max(mine, 1e-12)) * min(1.0, self.worth(provider, kind) / value)
        return min(1.0, total)

    def measured_providers(self, entity: str) -> tuple[str, ...]:
        """Its providers, and beyond those that nothing is measured of."""
        known = self._providers.get(entity)
        if known is None:
            known = self._providers[entity] = tuple(self._look_down(entity))
        return known

    def _look_down(self, entity: str) -> Iterator[str]:
        seen = {entity}
        frontier = [entity]
        for _ in range(CROSSED + 1):
            near = [one for one in dict.fromkeys(p for one in frontier for p in self._needs(one)) if one not in seen]
            seen.update(near)
            self._profile.fetch(one for one in near if one not in self._deviating)
            following = []
            for one in near:
                if any(self.deviates(one, kind) for kind in CAUSING):
                    yield one
                else:
                    following.append(one)
            frontier = sorted(following)

    def _needs(self, entity: str) -> tuple[str, ...]:
        known = self._needed.get(entity)
        if known is None:
            found = (d.provider for d in self.topology.providers(entity) if d.semantics is not Semantics.INFO)
            known = self._needed[entity] = tuple(found)
        return known

    def _handed(self, entity: str) -> float:
        """What a business service above, whose trouble nothing else explains, leaves to its providers."""
        entities = self.topology.entities
        left = 0.0
        for d in self.topology.consumers(entity):
            above = entities.get(d.consumer)
            if above is not None and above.kind in BUSINESS and d.semantics is not Semantics.INFO:
                left = max(left, self._series(d.consumer)[0])
        return HANDED_ON * left
