"""Cases that people get wrong, large inputs and wrong ones, over all entities at once."""

from __future__ import annotations

import time
from itertools import combinations

import numpy as np
import pytest

from topology import impact as impact_module
from topology.altered import Altered
from topology.answer import Interval, Step
from topology.bulk import fall, healths
from topology.impact import few, impact
from topology.impacts import impacts
from topology.model import Dependency, Entity, Group, Semantics, Topology


def needs(consumer: str, provider: str, semantics: str = "hard", **more: object) -> Dependency:
    return Dependency(consumer=consumer, provider=provider, semantics=Semantics(semantics), **more)  # type: ignore[arg-type]


def build(*dependencies: Dependency, groups: tuple[Group, ...] = ()) -> Topology:
    ids = {d.consumer for d in dependencies} | {d.provider for d in dependencies}
    return Topology.build([Entity(id=i) for i in ids], dependencies, groups)


def replicas(count: int, need: int = 1, capacity: int | None = None) -> Topology:
    members = [needs("api", f"db{i}", group="replicas") for i in range(count)]
    return build(*members, groups=(Group(consumer="api", name="replicas", need=need, capacity=capacity),))


def star(size: int) -> Topology:
    return build(*[needs(f"leaf{i:04}", "hub") for i in range(size)])


def test_a_hub_is_answered_at_once_and_says_the_same() -> None:
    index = star(2000)
    found = impact(index, {"hub": 0})
    assert type(found) is not dict
    assert found == few(index, {"hub": Interval(0, 0)}, {"hub": 0}, 0)
    assert found["leaf0007"].path == ("hub", "leaf0007")
    assert found["leaf0007"].via == "hard"
    assert "nobody" not in found
    with pytest.raises(KeyError):
        found["nobody"]


def test_many_failures_of_unknown_entities_and_known_ones_are_told_together() -> None:
    index = star(300)
    own = {"ghost": 400, "aardvark": 1000, "hub": 0, "zombie": 0}
    found = impact(index, own)
    assert list(found) == ["ghost", "hub", *[f"leaf{i:04}" for i in range(300)], "zombie"]
    assert len(found) == 303
    assert found["ghost"].low == 400


def test_a_buffer_in_front_of_many_is_counted_down() -> None:
    behind = [needs(f"leaf{i:04}", "queue", "async", buffer=240) for i in range(500)]
    index = build(needs("queue", "broker"), *behind, *[needs("shop", f"leaf{i:04}") for i in range(500)])
    found = impact(index, {"broker": 0}, at=60_000, since={"broker": 0})
    assert (found["shop"].low, found["shop"].at, found["shop"].later) == (1000, 240_000, (Step(240_000, 0, 0),))
    assert found["shop"].path == ("broker", "queue", "leaf0000", "shop")


def test_k_of_n_at_every_boundary() -> None:
    for size in range(1, 6):
        for need in range(1, size + 1):
            compiled = replicas(size, need).compiled
            for lost in range(size + 1):
                for down in combinations(range(1, size + 1), lost):  # "api" sorts first
                    own = np.full((size + 1, 1), 1000, np.int16)
                    own[list(down)] = 0
                    broken = size - lost < need
                    assert healths(compiled, own)[0, 0] == (0 if broken else 1000)
                    assert fall(compiled, own == 0)[0, 0] == broken


def test_a_group_of_hundreds_is_counted_in_every_world() -> None:
    compiled = replicas(300, need=150).compiled
    down = np.random.default_rng(1).random((301, 500)) < np.linspace(0.4, 0.6, 500)
    down[0] = False
    assert (fall(compiled, down)[0] == (down[1:].sum(axis=0) > 150)).all()
    assert 0 < fall(compiled, down)[0].sum() < 500


def test_missing_capacity_degrades_and_takes_nothing_down() -> None:
    compiled = replicas(3, need=1, capacity=3000).compiled
    own = np.array([1000, 0, 1000, 1000], np.int16)
    assert healths(compiled, own).tolist() == [667, 0, 1000, 1000]
    assert fall(compiled, (own == 0)[:, None]).ravel().tolist() == [False, True, False, False]


def test_the_ring_of_three_equal_replicas_with_one_lost_gives_667_and_is_marked() -> None:
    around = [needs(f"r{i}", "cluster") for i in range(3)]
    shares = [needs("cluster", f"r{i}", group="load") for i in range(3)]
    index = build(*around, *shares, groups=(Group(consumer="cluster", name="load", capacity=3000),))
    found = impacts(index.compiled, {"r0": Interval(0, 0)}, {"r0": 0}, 0, lambda _: {})
    assert {e: i.low for e, i in found.items()} == {"r0": 0, "cluster": 667, "r1": 667, "r2": 667}
    assert all(i.compounding for i in found.values())


def test_huge_weights_and_capacities_do_not_overflow() -> None:
    weight = 10**9
    members = [needs("api", f"db{i}", group="g", weight=weight) for i in range(9100)]
    capacity = 9100 * weight
    index = build(*members, groups=(Group(consumer="api", name="g", capacity=capacity),))
    own = {f"db{i}": 0 for i in range(3000)}
    onsets = dict.fromkeys(own, 0)
    bounds = {entity: Interval(0, 0) for entity in own}
    assert (
        impacts(index.compiled, bounds, onsets, 0, lambda _: {})["api"].low
        == few(index, bounds, onsets, 0)["api"].low
        == 671
    )


def test_a_topology_seen_with_changes_is_never_answered_from_the_one_without() -> None:
    index = star(1000)
    cut = Altered(index, removed=[d for d in index.content.dependencies if d.consumer != "leaf0500"])
    assert list(impact(cut, {"hub": 0})) == ["hub", "leaf0500"]
    more = Altered(index, entities=[Entity(id="new")], added=[needs("hub", "new")])
    assert len(impact(more, {"new": 0})) == 1002


def test_a_clique_that_needs_all_of_itself_falls_as_a_whole() -> None:
    names = [f"n{i:03}" for i in range(200)]
    clique = [needs(a, b, "soft", factor=900) for a in names for b in names if a != b]
    index = build(*clique, needs(names[0], "db"))
    assert impact(index, {"db": 0}) == few(index, {"db": Interval(0, 0)}, {"db": 0}, 0)


def test_a_thousand_cycles_above_each_other_end() -> None:
    around = [needs(f"c{i:04}{a}", f"c{i:04}{b}") for i in range(1000) for a, b in ("ab", "bc", "ca")]
    below = [needs(f"c{i:04}a", f"c{i - 1:04}c", "soft", factor=999) for i in range(1, 1000)]
    index = build(*around, *below)
    start = time.process_time()
    found = impact(index, {"c0000a": 0})
    assert time.process_time() - start < 5
    assert found == few(index, {"c0000a": Interval(0, 0)}, {"c0000a": 0}, 0)


def test_nothing_fails_in_an_empty_topology() -> None:
    compiled = Topology.build().compiled
    assert healths(compiled, np.zeros(0, np.int16)).shape == (0,)
    assert fall(compiled, np.zeros((0, 5), np.bool_)).shape == (0, 5)


def test_worlds_beyond_one_pass_of_memory_are_taken_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("topology.bulk.MEMORY", 100)
    compiled = star(3).compiled
    down = np.random.default_rng(1).random((4, 300)) < 0.5
    assert (fall(compiled, down) == (down | down[0])).all()
    own = np.where(down, 0, 1000).astype(np.int16)
    assert (healths(compiled, own) == np.where(down | down[0], 0, 1000)).all()


@pytest.mark.parametrize("shape", [(3,), (5, 2, 2), ()])
def test_own_healths_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="are of shape"):
        healths(star(3).compiled, np.full(shape, 1000, np.int16))
    with pytest.raises(ValueError, match="are of shape"):
        fall(star(3).compiled, np.zeros(shape, np.bool_))


@pytest.mark.parametrize("health", [-1, 1001])
def test_a_health_that_is_none_is_refused(health: int) -> None:
    with pytest.raises(ValueError, match="within 0"):
        healths(star(3).compiled, np.full(4, health, np.int16))


def test_the_switch_between_the_two_ways_cannot_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    index = star(50)
    one_by_one = impact(index, {"hub": 0})
    monkeypatch.setattr(impact_module, "FEW", 0)
    assert type(one_by_one) is dict
    assert impact(index, {"hub": 0}) == one_by_one
