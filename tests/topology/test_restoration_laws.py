"""Laws of the restoration order, on random graphs, against a simulator that is slow and obvious."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import combinations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.topology.graphs import failures, topologies
from tests.topology.reference import Reference
from topology.continuity import Continuity
from topology.deadlock import Bypass
from topology.impact import Impact, impact
from topology.model import Dependency, Group, Semantics, Topology
from topology.restoration import Plan, Task, Way, plan, restoration

LONG = 60
"""Seconds in which everything is back."""


@st.composite
def cases(draw: st.DrawFn) -> tuple[Topology, dict[str, int], int]:
    """A topology with durations, own failures since 0, and now in milliseconds."""
    index = draw(topologies())
    takes = {entity: draw(st.integers(0, 4)) for entity in index.entities}
    return timed(index, takes), draw(failures(index)), 1000 * draw(st.integers(0, 4))


def timed(index: Topology, takes: Mapping[str, int | None]) -> Topology:
    entities = [
        msgspec.structs.replace(entity, continuity=Continuity(restore=takes[entity.id]))
        for entity in index.content.entities
    ]
    return Topology.build(entities, index.content.dependencies, index.content.groups)


def planned(index: Topology, own: Mapping[str, int], at: int) -> Plan:
    return restoration(index, own, at, dict.fromkeys(own, 0))


def by_entity(found: Plan) -> dict[str, Task]:
    return {task.entity: task for task in found.tasks}


class Simulator:
    """Second by second: who can start, starts; who has worked for its time, runs."""

    def __init__(self, index: Topology, hits: Mapping[str, Impact], repair: Collection[str], at: int) -> None:
        self.index, self.hits, self.at = index, hits, at
        self.hit = {entity: hit.low for entity, hit in hits.items() if hit.low < 1000}
        self.repair = repair

    def ready(self, bypasses: Collection[Bypass]) -> dict[str, int]:
        start: dict[str, int] = {}
        ready: dict[str, int] = {}
        for now in range(LONG):
            while True:
                ready |= {e: now for e, since in start.items() if e not in ready and now >= since + self.work(e)}
                running = (self.index.entities.keys() - self.hit.keys()) | {e for e, low in self.hit.items() if low}
                running |= ready.keys()
                can = [e for e in self.hit if e not in start and self.can_start(e, running, bypasses)]
                if not can:
                    break
                start |= dict.fromkeys(can, now)
        return ready

    def work(self, entity: str) -> int:
        takes = self.index.entities[entity].continuity.restore
        assert takes is not None
        return takes if self.hit[entity] == 0 or entity in self.repair else 0

    def can_start(self, entity: str, running: Collection[str], bypasses: Collection[Bypass]) -> bool:
        if self.hit[entity]:
            return True
        waived = {(one.entity, provider, one.group) for one in bypasses for provider in one.providers}
        for d in self.singles(entity):
            if d.semantics != "async" and d.provider not in running and (entity, d.provider, "") not in waived:
                return False
        for group, members in self.groups(entity):
            run = [d for d in members if d.semantics == "async" or d.provider in running]
            if len(run) < group.need and not any((entity, d.provider, group.name) in waived for d in members):
                return False
        return True

    def finish(self, ready: Mapping[str, int]) -> dict[str, int]:
        """The least times that fit: everybody has whom it needs, in the cheapest choice of each group's members."""
        finish = dict(ready)
        while True:
            new = {}
            for entity in self.hit:
                waits = [ready[entity], *(self.back(d, finish) for d in self.singles(entity))]
                for group, members in self.groups(entity):
                    enough = min(group.capacity or 0, sum(d.weight for d in members))
                    waits.append(
                        min(
                            max(self.back(d, finish) for d in chosen)
                            for size in range(group.need, len(members) + 1)
                            for chosen in combinations(members, size)
                            if sum(d.weight for d in chosen) >= enough
                        )
                    )
                new[entity] = max(waits)
            if new == finish:
                return finish
            finish = new

    def back(self, d: Dependency, finish: Mapping[str, int]) -> int:
        if d.provider not in self.hit:
            return 0
        spent_at = self.hits[d.provider].at + 1000 * d.buffer
        if d.semantics == "async" and self.at + 1000 * finish[d.provider] <= spent_at:
            return 0
        return finish[d.provider]

    def singles(self, entity: str) -> list[Dependency]:
        return [d for d in self.index.providers(entity) if not d.group and carries(d)]

    def groups(self, entity: str) -> Iterator[tuple[Group, list[Dependency]]]:
        for name in {d.group for d in self.index.providers(entity) if d.group and carries(d)}:
            yield self.index.groups[entity, name], [d for d in self.index.providers(entity) if d.group == name]


def carries(d: Dependency) -> bool:
    """Could its loss alone leave nothing?"""
    return d.semantics in ("hard", "async") or (d.semantics == "soft" and d.factor == 1000)


@settings(max_examples=200, deadline=None)
@given(cases())
def test_start_and_finish_are_the_earliest_possible(case: tuple[Topology, dict[str, int], int]) -> None:
    index, own, at = case
    found = planned(index, own, at)
    simulator = Simulator(index, impact(index, own, at, dict.fromkeys(own, 0)), own, at)
    ready = simulator.ready(found.bypasses)
    finish = simulator.finish(ready)
    assert {task.entity: (task.ready, task.finish) for task in found.tasks} == {e: (ready[e], finish[e]) for e in ready}
    assert {task.entity for task in found.tasks} == simulator.hit.keys()
    assert (found.takes, found.takes_latest) == (max(finish.values(), default=0), max(finish.values(), default=0))
    for task in found.tasks:
        assert (task.start_latest, task.finish_latest) == (task.start, task.finish)


@settings(max_examples=200, deadline=None)
@given(cases())
def test_nothing_starts_or_finishes_before_what_it_needs(case: tuple[Topology, dict[str, int], int]) -> None:
    index, own, at = case
    found = planned(index, own, at)
    tasks = by_entity(found)
    waived = {(one.entity, provider) for one in found.bypasses for provider in one.providers}
    for task in found.tasks:
        assert task.start <= task.ready <= task.finish
        for d in index.providers(task.entity):
            provider = tasks.get(d.provider)
            if provider is None or d.group or d.semantics is not Semantics.HARD:
                continue
            assert task.finish >= provider.finish
            if task.health == 0 and provider.health == 0 and (task.entity, d.provider) not in waived:
                assert task.start >= provider.ready
                assert task.wave > provider.wave


@settings(max_examples=200, deadline=None)
@given(cases())
def test_who_needs_a_hand_stays_down_when_health_climbs_from_where_it_is(
    case: tuple[Topology, dict[str, int], int],
) -> None:
    index, own, at = case
    found = planned(index, own, at)
    hits = impact(index, own, at, dict.fromkeys(own, 0))
    assert {task.entity for task in found.tasks if task.stays_down} == still_down(index, hits)
    by_hand = {one.entity for one in found.bypasses}
    assert by_hand == {task.entity for task in found.tasks if task.way is Way.MANUAL}
    assert by_hand <= {task.entity for task in found.tasks if task.stays_down}
    assert bool(by_hand) == any(task.stays_down for task in found.tasks)


def still_down(index: Topology, hits: Mapping[str, Impact]) -> set[str]:
    """All own health healed, every entity anew, over and over; no start waits for an async provider."""
    buffered = [
        msgspec.structs.replace(d, buffer=1) if d.semantics is Semantics.ASYNC else d
        for d in index.content.dependencies
    ]
    reference = Reference(Topology.build(index.content.entities, buffered, index.content.groups), {}, {}, 0)
    world = {entity: hits[entity].low if entity in hits else 1000 for entity in index.entities}
    while True:
        reference.worlds = [world]
        new = {entity: reference.health(entity, 0) for entity in index.entities}
        assert all(new[entity] >= world[entity] for entity in world), "healing made something worse"
        if new == world:
            return {entity for entity, health in world.items() if health == 0}
        world = new


@settings(max_examples=150, deadline=None)
@given(cases())
def test_without_circles_nothing_needs_a_manual_start(case: tuple[Topology, dict[str, int], int]) -> None:
    index, own, at = case
    kept = [d for d in index.content.dependencies if d.consumer < d.provider]
    sizes: dict[tuple[str, str], int] = {}
    for d in kept:
        sizes[d.consumer, d.group] = sizes.get((d.consumer, d.group), 0) + 1
    groups = [
        msgspec.structs.replace(g, need=min(g.need, sizes[g.consumer, g.name]), capacity=None)
        for g in index.content.groups
        if (g.consumer, g.name) in sizes
    ]
    found = planned(Topology.build(index.content.entities, kept, groups), own, at)
    assert found.bypasses == ()
    assert not any(task.stays_down or task.way is Way.MANUAL for task in found.tasks)


@settings(max_examples=150, deadline=None)
@given(cases(), st.data())
def test_whatever_the_undeclared_durations_are_the_bounds_hold(
    case: tuple[Topology, dict[str, int], int], data: st.DataObject
) -> None:
    index, own, at = case
    takes = {entity: known.continuity.restore for entity, known in index.entities.items()}
    silent = set(data.draw(st.lists(st.sampled_from(sorted(takes)))))
    bounds = planned(timed(index, {e: None if e in silent else s for e, s in takes.items()}), own, at)
    truth = planned(index, own, at)
    assert set(bounds.missing) == silent & {t.entity for t in truth.tasks if t.health == 0 or t.entity in own}
    assert bounds.bypasses == truth.bypasses
    for task, real in ((one, by_entity(truth)[one.entity]) for one in bounds.tasks):
        assert task.start <= real.start
        assert task.finish <= real.finish
        assert task.start_latest is None or task.start_latest >= real.start
        assert task.finish_latest is None or task.finish_latest >= real.finish
    assert bounds.takes <= truth.takes
    assert bounds.takes_latest is None or bounds.takes_latest >= truth.takes


@settings(max_examples=150, deadline=None)
@given(cases(), st.data())
def test_an_entity_may_take_longer_by_its_slack(
    case: tuple[Topology, dict[str, int], int], data: st.DataObject
) -> None:
    index, own, at = case
    found = planned(index, own, at)
    assert all(task.slack >= 0 for task in found.tasks)
    worked = [task for task in found.tasks if task.wave]
    if not worked:
        return
    task = data.draw(st.sampled_from(worked))
    assert task.takes is not None
    longer = {e: known.continuity.restore for e, known in index.entities.items()} | {
        task.entity: task.takes + task.slack
    }
    hits = impact(index, own, at, dict.fromkeys(own, 0))
    health, felt = {e: hit.low for e, hit in hits.items()}, {e: hit.at for e, hit in hits.items()}
    async_felt = any(d.semantics is Semantics.ASYNC and d.buffer for d in index.content.dependencies)
    slower = plan(timed(index, longer), health, own, at, felt)
    assert slower.takes == found.takes or async_felt, "a buffer may be spent meanwhile, nothing else is late"


@settings(max_examples=150, deadline=None)
@given(cases())
def test_the_critical_path_is_a_chain_of_real_needs_without_a_pause_that_ends_last(
    case: tuple[Topology, dict[str, int], int],
) -> None:
    index, own, at = case
    found = planned(index, own, at)
    tasks = by_entity(found)
    assert bool(found.critical) == bool(found.tasks)
    if not found.critical:
        return
    assert tasks[found.critical[-1]].ready == found.takes
    assert len(set(found.critical)) == len(found.critical)
    assert tasks[found.critical[0]].start == 0
    for provider, consumer in zip(found.critical, found.critical[1:], strict=False):
        assert any(d.provider == provider for d in index.providers(consumer))
        assert tasks[provider].ready == tasks[consumer].start
