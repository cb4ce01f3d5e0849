"""The order in which failed and hit entities come back: what before what, how long it takes, what needs a hand.

Own failures are repaired, what they pulled down follows once what it needs runs (`topology.prerequisites`), and circles
of cold entities are started by hand (`topology.deadlock`). Durations are the catalogue's ``restore``; where an entity
declares none, its return is bounded from below only, and the plan names it; unless a contract says how long it may
take.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from topology.continuity import NOTHING_SAID
from topology.deadlock import NO_DEADLOCK, Bypass, Deadlock, deadlock
from topology.impact import impact
from topology.model import Dependency, Topology
from topology.prerequisites import Need, start_needs, waits_beyond_start
from topology.schedule import NEVER, Schedule, below


class Way(StrEnum):
    """How an entity comes back."""

    REPAIR = "repair"
    ITSELF = "itself"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One entity's return. Times are seconds from now: the earliest, and the latest (None: no bound is known).

    ``health`` is where it is now (0 down … 999). ``way``: it is to be repaired, comes back by itself once what it needs
    does, or is to be started by hand without something it needs. ``stays_down``: without a manual start (its own, or
    that of something it needs) it never comes back though all causes are healed. ``start`` and ``ready`` are when work
    on it begins and ends, ``finish`` is when it is in service. ``wave`` counts from 1 who can be worked on together; 0
    where nothing is to be done. ``after`` is whom it waits for last. ``slack``: how much longer it may take
    before the whole plan is late. ``takes`` is what its own restoration takes, None where that is not declared.
    """

    entity: str
    health: int
    way: Way
    stays_down: bool
    wave: int
    start: int
    start_latest: int | None
    ready: int
    finish: int
    finish_latest: int | None
    slack: int
    after: str = ""
    takes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All tasks in order of their start, and what the whole takes (seconds; None: no bound is known).

    ``critical`` is the chain of starts that decides on it, the first entity first. ``bypasses`` are the proposed manual
    starts in their order. ``missing``: entities whose restoration takes time for which the catalogue has no bound;
    counted as none in the earliest times, as are those of which a contract says how long they may take.
    """

    tasks: tuple[Task, ...] = ()
    takes: int = 0
    takes_latest: int | None = 0
    critical: tuple[str, ...] = ()
    bypasses: tuple[Bypass, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def waves(self) -> tuple[tuple[str, ...], ...]:
        """Entities that can be worked on together, wave after wave."""
        count = max((task.wave for task in self.tasks), default=0)
        return tuple(tuple(task.entity for task in self.tasks if task.wave == number + 1) for number in range(count))


def restoration(index: Topology, own: Mapping[str, int], at: int = 0, since: Mapping[str, int] | None = None) -> Plan:
    """The plan for these own failures, as `topology.impact.impact` takes them, and for what they have hit by ``at``."""
    hits = impact(index, own, at, since)
    return plan(index, {e: hit.low for e, hit in hits.items()}, own, at, {e: hit.at for e, hit in hits.items()})


def plan(index: Topology, health: Mapping[str, int], repair: Collection[str], at: int, felt: Mapping[str, int]) -> Plan:
    """The plan for entities of this ``health``, of which ``repair`` are those that have failed themselves.

    ``felt`` says when each was first hit, in milliseconds like ``at`` (now): from then on its consumers' buffers are
    spent. The work is proportional to the dependencies of what is hit.
    """
    hit = below(health)
    if not hit:
        return Plan()
    down = {entity for entity, low in hit.items() if low == 0}
    needs = start_needs(index, down)
    takes = {entity: _takes(index, entity) for entity in hit if entity in down or entity in repair}
    longest = {entity: _longest(index, entity) for entity in takes}
    missing = tuple(entity for entity, seconds in longest.items() if seconds == NEVER)

    def spent(dependency: Dependency) -> int:
        return (felt.get(dependency.provider, at) - at) // 1000 + dependency.buffer

    shortest = {entity: seconds or 0 for entity, seconds in takes.items()}
    early, stuck = Schedule(index, hit, needs, shortest, spent), NO_DEADLOCK
    if not early.complete:
        stuck = deadlock(needs)
        needs = _without(needs, stuck.bypasses)
        early = Schedule(index, hit, needs, shortest, spent)
    by_hand = {bypass.entity for bypass in stuck.bypasses}
    lacking = {entity for entity in hit if entity in by_hand or waits_beyond_start(index, entity, hit)}
    early.end(lacking)
    late = early
    if longest != shortest:
        late = Schedule(index, hit, needs, longest, spent)
        late.end(lacking)
    return Plan(
        tasks=_tasks(hit, takes, set(repair), stuck, early, late),
        takes=max(early.finish.values()),
        takes_latest=_bound(max(late.finish.values())),
        critical=early.critical(),
        bypasses=stuck.bypasses,
        missing=missing,
    )


def _takes(index: Topology, entity: str) -> int | None:
    known = index.entities.get(entity)
    return known.continuity.restore if known else None


def _longest(index: Topology, entity: str) -> int:
    """What it may take: of whom no restoration is declared, what a contract promises."""
    known = index.entities.get(entity)
    said = known.continuity if known else NOTHING_SAID
    if said.restore is not None:
        return said.restore
    return NEVER if said.contract is None or said.contract.rto is None else said.contract.rto


def _without(needs: Mapping[str, tuple[Need, ...]], bypasses: Sequence[Bypass]) -> dict[str, tuple[Need, ...]]:
    """What is to be waited for when these are started by hand."""
    waived: dict[str, list[Bypass]] = {}
    for bypass in bypasses:
        waived.setdefault(bypass.entity, []).append(bypass)
    return {
        entity: tuple(need for need in wanted if not any(_waives(one, need) for one in waived.get(entity, ())))
        for entity, wanted in needs.items()
    }


def _waives(bypass: Bypass, need: Need) -> bool:
    return bypass.group == need.group and set(bypass.providers) <= set(need.providers)


def _tasks(
    hit: Mapping[str, int],
    takes: Mapping[str, int | None],
    repair: Collection[str],
    stuck: Deadlock,
    early: Schedule,
    late: Schedule,
) -> tuple[Task, ...]:
    by_hand = {bypass.entity for bypass in stuck.bypasses}
    slack = early.slack()
    wave: dict[str, int] = {}
    tasks = []
    for entity, ready in early.ready.items():  # who is ready first, comes first: providers before their consumers
        if entity in takes:
            wave[entity] = 1 + max((wave[provider] for provider in early.chosen.get(entity, ())), default=0)
        way = Way.MANUAL if entity in by_hand else Way.REPAIR if entity in repair else Way.ITSELF
        task = Task(
            entity=entity,
            health=hit[entity],
            way=way,
            stays_down=entity in stuck.stays_down,
            wave=wave.get(entity, 0),
            start=early.start[entity],
            start_latest=_bound(late.start[entity]),
            ready=ready,
            finish=early.finish[entity],
            finish_latest=_bound(late.finish[entity]),
            slack=slack[entity],
            after=(early.held if early.finish[entity] > ready else early.released).get(entity, ""),
            takes=takes.get(entity, 0),
        )
        tasks.append(task)
    return tuple(sorted(tasks, key=lambda task: (task.wave == 0, task.start, task.wave, task.entity)))


def _bound(seconds: int) -> int | None:
    return None if seconds >= NEVER else seconds
