"""Laws of the impact algebra, on random graphs, against the slow reference."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.topology.graphs import LONGEST_BUFFER, SECONDS, failures, renamed, topologies
from tests.topology.reference import Reference
from topology.impact import Impact, Interval, impact
from topology.model import Semantics, Topology

HORIZON = SECONDS + 8 * LONGEST_BUFFER  # every buffer on a chain of all entities


def bounds(impacts: Mapping[str, Impact]) -> dict[str, Interval]:
    return {entity: Interval(i.low, i.high) for entity, i in impacts.items()}


def nameless(i: Impact) -> tuple[object, ...]:
    return i.low, i.high, i.at, i.later, i.at_risk, i.compounding, len(i.path)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_now_and_every_later_second_equal_the_reference(data: st.DataObject) -> None:
    index = data.draw(topologies())
    own = data.draw(failures(index))
    since = {entity: data.draw(st.integers(0, 3)) for entity in own}
    at = data.draw(st.integers(0, SECONDS))
    got = impact(index, own, 1000 * at, {entity: 1000 * second for entity, second in since.items()})
    worst, best = (Reference(index, own, since, HORIZON, worst=worst) for worst in (True, False))
    for entity in index.entities:
        mine = got.get(entity)
        healths = [(low[entity], high[entity]) for low, high in zip(worst.worlds, best.worlds, strict=True)]
        assert all(low <= high for low, high in healths)
        assert ((mine.low, mine.high) if mine else (1000, 1000)) == healths[at]
        assert (mine is not None and mine.at_risk) == (worst.at_risk(entity, at) or best.at_risk(entity, at))
        expected = [
            (1000 * second, *healths[second])
            for second in range(at + 1, HORIZON + 1)
            if healths[second] != healths[second - 1]
        ]
        assert [(step.at, step.low, step.high) for step in mine.later] == expected if mine else expected == []
        if mine and (mine.low < 1000 or mine.later):
            first = next(second for second, (low, _) in enumerate(healths) if low < 1000)
            assert mine.at == 1000 * first


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_more_failures_never_heal_anything(data: st.DataObject) -> None:
    index = data.draw(topologies())
    own = data.draw(failures(index))
    worse = dict(own)
    for entity, health in data.draw(failures(index)).items():
        worse[entity] = min(health, worse.get(entity, 1000))
    before, after, up = bounds(impact(index, own)), bounds(impact(index, worse)), Interval(1000, 1000)
    for entity in index.entities:
        assert after.get(entity, up).low <= before.get(entity, up).low
        assert after.get(entity, up).high <= before.get(entity, up).high


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_feeding_the_result_back_as_own_health_changes_nothing(data: st.DataObject) -> None:
    index = data.draw(topologies())
    own = data.draw(failures(index))
    late = 10**9  # all buffers are spent
    first = impact(index, own, late, dict.fromkeys(own, 0))
    again = impact(index, bounds(first), late, dict.fromkeys(first, 0))
    hit = {entity: health for entity, health in bounds(first).items() if health.low < 1000}
    assert {entity: health for entity, health in bounds(again).items() if health.low < 1000} == hit


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_names_and_order_do_not_matter(data: st.DataObject) -> None:
    index = data.draw(topologies())
    own = data.draw(failures(index))
    others = data.draw(st.permutations([f"n{i}" for i in range(len(index.entities))]))
    names = dict(zip(sorted(index.entities), others, strict=True))
    here = impact(index, own)
    there = impact(renamed(index, names), {names[entity]: own[entity] for entity in reversed(own)})
    assert {names[e]: nameless(i) for e, i in here.items()} == {e: nameless(i) for e, i in there.items()}


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_bounds_hold_every_world_between_them(data: st.DataObject) -> None:
    index = data.draw(topologies())
    worst = data.draw(failures(index))
    best = {entity: data.draw(st.integers(health, 1000)) for entity, health in worst.items()}
    middle = {entity: data.draw(st.integers(worst[entity], best[entity])) for entity in worst}
    wide = impact(index, {entity: Interval(worst[entity], best[entity]) for entity in worst})
    low, high, between = impact(index, worst), impact(index, best), impact(index, middle)
    for entity in index.entities:
        got = wide[entity] if entity in wide else Impact(entity=entity, low=1000, high=1000, at=0)
        assert got.low == (low[entity].low if entity in low else 1000)
        assert got.high == (high[entity].high if entity in high else 1000)
        assert got.low <= (between[entity].low if entity in between else 1000)
        assert (between[entity].high if entity in between else 1000) <= got.high


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_who_declares_what_was_discovered_learns_that_the_worst_case_holds(data: st.DataObject) -> None:
    index = data.draw(topologies())
    own = data.draw(failures(index))
    found = impact(index, own)
    felt = [replace(d, discovered=False) for d in index.content.dependencies]
    known = impact(Topology.build(index.content.entities, felt, index.content.groups), own)
    for entity in index.entities:
        low, high = (found[entity].low, found[entity].high) if entity in found else (1000, 1000)
        assert low <= high
        assert low == (known[entity].low if entity in known else 1000)
    assert all(i.low == i.high for i in known.values())


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_every_impact_has_a_path_of_real_dependencies_from_a_cause(data: st.DataObject) -> None:
    index = data.draw(topologies())
    own = data.draw(failures(index))
    for entity, found in impact(index, own).items():
        assert found.path[-1] == entity
        assert own[found.path[0]] < 1000
        assert len(set(found.path)) == len(found.path)
        for provider, consumer in zip(found.path, found.path[1:], strict=False):
            assert any(d.provider == provider and d.semantics is not Semantics.INFO for d in index.providers(consumer))


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_stored_version_gives_the_same_impact(data: st.DataObject) -> None:
    index = data.draw(topologies())
    own = data.draw(failures(index))
    assert impact(Topology.decode(index.encode()), own) == impact(index, own)
