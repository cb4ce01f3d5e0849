"""What if: the production impact function asked about a world that is only assumed.

Assumptions become own healths over time and an altered topology; `topology.impact.impact` does the rest. Maintenance
ends, and what has ended is forgotten: an outage that is over before a buffer is spent is never felt. Between two ends
nothing heals, so each such phase is one call.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from topology import latency
from topology.altered import Altered
from topology.arithmetic import GroupSum, group_sums
from topology.assumptions import Assumptions, Fault, Spell, altered, delayed, spells
from topology.explanation import OWN, Link, chain
from topology.groups import UP
from topology.impact import Impact, Step, impact
from topology.model import Dependency, Entity, Semantics, Topology

LATER = "\x1flater"
"""Ends the id of the entity that stands for a further spell of one entity; no catalogue can have such an id."""


class Now(msgspec.Struct, frozen=True):
    """Own healths that hold anyway, and since when (milliseconds, at or before 0)."""

    own: dict[str, int] = {}
    since: dict[str, int] = {}


NOTHING = Now()
NOBODY_WAITS: Mapping[str, latency.Wait] = {}


class Hit(Impact):
    """An impact in an assumed world: what stands for others is shown as these."""

    __slots__ = ()

    @property
    def path(self) -> tuple[str, ...]:
        """The ids from the cause to the entity; a late answer is followed to whoever is slow."""
        ids: list[str] = []
        for id in map(real, chain(self.links, self.entity)):
            if id not in ids[-1:]:
                ids.append(id)
        return tuple(ids)


@dataclass(frozen=True, slots=True)
class Phase:
    """From ``start`` to ``end`` (None: for good) nothing heals. ``impacts`` are those at its start."""

    start: int
    end: int | None
    own: Mapping[str, int]
    since: Mapping[str, int]
    impacts: Mapping[str, Impact]


class World:
    """One assumed world over time: the phases, and each entity's course through them."""

    def __init__(
        self, index: Topology, happening: Sequence[Spell], waits: Mapping[str, latency.Wait] = NOBODY_WAITS
    ) -> None:
        self.index, self._names = _staged(index, happening)
        self._plain = None if waits else index
        self._waits = waits
        self._asked: dict[tuple[int, int], Mapping[str, Impact]] = {}
        self.phases = [self._phase(start, end, happening) for start, end in _spans(happening)]
        self._told: dict[int, dict[str, Impact]] = {}

    def at(self, moment: int) -> dict[str, Impact]:
        """The production function's answer at a moment, by entity; of real ones only."""
        if moment not in self._told:
            found = self._shown(self._impacts(self._phase_at(moment), moment))
            self._told[moment] = found if len(self.phases) == 1 else self._through_ends(found, moment)
        return self._told[moment]

    def steps(self, entity: str) -> tuple[Step, ...]:
        """An entity's changes of health, first to last; who only loses a margin has none."""
        steps = [Step(0, UP, UP)]
        for phase in self.phases:
            hit = phase.impacts.get(entity)
            changes = [Step(phase.start, hit.low, hit.high), *hit.later] if hit else [Step(phase.start, UP, UP)]
            for step in changes:
                if (phase.end is None or step.at < phase.end) and step[1:] != steps[-1][1:]:
                    steps.append(step)
        return tuple(steps[1:])

    def seen(self, dependency: Dependency, moment: int) -> int:
        """The least that a consumer sees of a provider at a moment: behind a buffer, as that was one buffer ago."""
        buffered = dependency.semantics is Semantics.ASYNC
        found = self._impacts(self._phase_at(moment), moment - 1000 * dependency.buffer if buffered else moment)
        return found[dependency.provider].low if dependency.provider in found else UP

    def sums(self, entity: str, moment: int) -> list[GroupSum]:
        """The arithmetic of an entity's groups that have a member below full health."""
        found = group_sums(self.index, entity, lambda dependency: self.seen(dependency, moment))
        return [msgspec.structs.replace(one, hit=tuple(sorted({real(id) for id in one.hit}))) for one in found]

    def _shown(self, found: Mapping[str, Impact]) -> dict[str, Impact]:
        """Without what only stands for others."""
        if not found or self.index is self._plain:
            return dict(found)
        links = next(iter(found.values())).links
        way = {entity: _shown(link) for entity, link in links.items()} | _way(self._waits)
        return {entity: _hit(hit, way) for entity, hit in found.items() if not stand_in(entity)}

    def _through_ends(self, found: dict[str, Impact], moment: int) -> dict[str, Impact]:
        """What is to come looks beyond the ends of windows: it ends with them, or is felt in spite of them."""
        hits: dict[str, Impact] = {}
        coming = {entity: hit for phase in reversed(self.phases) for entity, hit in self._shown(phase.impacts).items()}
        for entity, hit in sorted((coming | found).items()):
            later = tuple(step for step in self.steps(entity) if step.at > moment)
            falls = first(later, UP - 1)
            if entity in found and (hit.low < UP or hit.at_risk):
                hits[entity] = dataclasses.replace(hit, later=later)
            elif falls is not None:
                hits[entity] = dataclasses.replace(hit, low=UP, high=UP, at=falls, at_risk=False, later=later)
        return hits

    def _phase_at(self, moment: int) -> Phase:
        return next(phase for phase in reversed(self.phases) if phase.start <= max(0, moment))

    def _impacts(self, phase: Phase, moment: int) -> Mapping[str, Impact]:
        if moment == phase.start:
            return phase.impacts
        key = phase.start, moment
        if key not in self._asked:
            self._asked[key] = dict(impact(self.index, phase.own, moment, phase.since))
        return self._asked[key]

    def _phase(self, start: int, end: int | None, happening: Sequence[Spell]) -> Phase:
        own: dict[str, int] = {}
        since: dict[str, int] = {}
        for spell, name in zip(happening, self._names, strict=True):
            if spell.end is None or spell.end > start:
                own[name], since[name] = spell.health, spell.start
        return Phase(start, end, own, since, dict(impact(self.index, own, start, since)))


class Answer:
    """What assumptions lead to (``after``), and what would be without them (``before``: now alone). ``base`` is the
    topology that they assume, ``waits`` who answers later, ``reasons`` why an entity is in trouble itself."""

    def __init__(self, topology: Topology, assumed: Assumptions, now: Now = NOTHING) -> None:
        self.base = altered(topology, assumed.changes)
        self.waits = latency.waits(self.base, assumed.slow) if assumed.slow else {}
        self.index, stand_ins = delayed(self.base, self.waits)
        kept = {entity: health for entity, health in now.own.items() if entity not in assumed.restored}
        already = _now(now, kept)
        self.assumed = spells(topology, assumed)
        self.reasons: dict[str, str] = {spell.entity: spell.why for spell in reversed(self.assumed)}
        self._planned = [spell for spell in self.assumed if spell.planned]
        self._others = already + [spell for spell in self.assumed if not spell.planned] + stand_ins
        self._already = already
        self.after = World(self.index, self._others + self._planned, self.waits)
        self.before = World(topology, _now(now, now.own))

    def troubled(self, moment: int) -> dict[str, Fault]:
        """The own trouble of each entity at a moment, the worst of it, and since when it has any."""
        found: dict[str, Fault] = {}
        for spell in (*self._others, *self._planned):
            if stand_in(spell.entity) or spell.start > moment or (spell.end is not None and spell.end <= moment):
                continue
            known = found.get(spell.entity, Fault(spell.entity, UP, spell.start))
            worst, since = min(known.health, spell.health), min(known.after, spell.start)
            found[spell.entity] = Fault(spell.entity, worst, since)
        return found

    def aggravated(self, moment: int) -> list[str]:
        """Entities that are worse off than from what is planned alone and from all else alone.

        Without anything planned, the assumptions are compared with what is so now.
        """
        if self._planned:
            parts = (self._planned, self._others)
        else:
            parts = (self._already, [spell for spell in self._others if spell not in self._already])
        if not all(parts):
            return []
        alone = [World(self.index, part).at(moment) for part in parts]
        both = self.after.at(moment)
        return [e for e, hit in both.items() if hit.low < min(a[e].low if e in a else UP for a in alone)]


def real(id: str) -> str:
    """The entity itself, for one that stands for its late answers or further spells."""
    return id.partition("\x1f")[0]


def stand_in(id: str) -> bool:
    """Whether an id only stands for another entity."""
    return "\x1f" in id


def _hit(hit: Impact, links: Mapping[str, Link]) -> Hit:
    return Hit(**{field.name: getattr(hit, field.name) for field in dataclasses.fields(Impact)} | {"links": links})


def _shown(link: Link) -> Link:
    """With the real ids of the members that are hit. A further spell of an entity is its own trouble; who gave up
    waiting is hit by what is ``late``."""
    via = link.via
    if link.provider.endswith(latency.LATE) and not link.members:
        via = "late"
    elif LATER in link.provider:
        via = OWN
    if via == link.via and not any(map(stand_in, link.members)):
        return link
    return Link(link.hops, link.provider, via, tuple(sorted({real(id) for id in link.members})))


def _way(waits: Mapping[str, latency.Wait]) -> dict[str, Link]:
    """For whoever answers late, the link to the one that it waits for."""
    return {
        entity + latency.LATE: Link(0, wait.waits_for + latency.LATE if wait.waits_for else "", OWN)
        for entity, wait in waits.items()
    }


def _now(now: Now, own: Mapping[str, int]) -> list[Spell]:
    return [Spell(entity, health, min(0, now.since.get(entity, 0)), None, "now") for entity, health in own.items()]


def _staged(index: Topology, happening: Iterable[Spell]) -> tuple[Topology, list[str]]:
    """An entity has one own health: each further spell of it gets an entity of its own, on which it depends. Returns
    the topology with these, and for each spell the id that has its health."""
    names: list[str] = []
    further: dict[str, str] = {}
    taken: set[str] = set()
    for spell in happening:
        name = spell.entity
        if name in taken:
            name = f"{spell.entity}{LATER}{len(further)}"
            further[name] = spell.entity
        taken.add(name)
        names.append(name)
    if not further:
        return index, names
    added = [Dependency(consumer=entity, provider=name) for name, entity in further.items()]
    return Altered(index, entities=[Entity(id=name) for name in further], added=added, stands_for=further), names


def _spans(happening: Iterable[Spell]) -> list[tuple[int, int | None]]:
    ends = sorted({spell.end for spell in happening if spell.end is not None and spell.end > 0})
    starts: list[int] = [0, *ends]
    return list(zip(starts, [*ends, None], strict=True))


def first(steps: Iterable[Step], limit: int) -> int | None:
    """When health is at most ``limit`` for the first time."""
    return next((step.at for step in steps if step.low <= limit), None)


def difference(before: Mapping[str, Impact], after: Mapping[str, Impact]) -> Iterator[tuple[str, str, str]]:
    """(entity, state before, state after) of all whose state differs, in words."""
    for entity in sorted(before.keys() | after.keys()):
        states = state(before.get(entity)), state(after.get(entity))
        if states[0] != states[1]:
            yield (entity, *states)


def state(hit: Impact | None) -> str:
    """``up``, ``at risk``, ``down``, or a health in thousandths, or its bounds."""
    if hit is None or hit.low == UP:
        return "at risk" if hit is not None and hit.at_risk else "up"
    if hit.low != hit.high:
        return f"{hit.low} to {hit.high}"
    return "down" if hit.low == 0 else f"at {hit.low}"
