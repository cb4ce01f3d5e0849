"""What the algebra says of the cases that people get wrong."""

from __future__ import annotations

import time
from itertools import combinations

import pytest

from topology.impact import Interval, Step, consumers_closure, impact
from topology.model import Dependency, Entity, Group, Semantics, Topology

MINUTE = 60_000


def build(*dependencies: Dependency, groups: tuple[Group, ...] = ()) -> Topology:
    ids = {d.consumer for d in dependencies} | {d.provider for d in dependencies}
    return Topology.build([Entity(id=i) for i in ids], dependencies, groups)


def needs(consumer: str, provider: str, semantics: str = "hard", **more: object) -> Dependency:
    return Dependency(consumer=consumer, provider=provider, semantics=Semantics(semantics), **more)  # type: ignore[arg-type]


def replicas(count: int, need: int = 1, capacity: int | None = None) -> Topology:
    members = [needs("api", f"db{i}", group="replicas") for i in range(count)]
    return build(*members, groups=(Group(consumer="api", name="replicas", need=need, capacity=capacity),))


def test_a_hard_dependency_passes_trouble_on_with_its_path() -> None:
    found = impact(build(needs("shop", "cart"), needs("cart", "db")), {"db": 0}, at=5)
    assert {e: (i.low, i.path, i.via, i.at) for e, i in found.items()} == {
        "db": (0, ("db",), "own", 5),
        "cart": (0, ("db", "cart"), "hard", 5),
        "shop": (0, ("db", "cart", "shop"), "hard", 5),
    }


def test_the_nearest_path_explains_and_ids_break_ties() -> None:
    index = build(needs("shop", "y"), needs("shop", "x"), needs("x", "db"), needs("y", "db"))
    assert impact(index, {"db": 0})["shop"].path == ("db", "x", "shop")
    assert impact(build(*index.content.dependencies, needs("shop", "db")), {"db": 0})["shop"].path == ("db", "shop")


@pytest.mark.parametrize(
    ("factor", "health", "left"), [(300, 0, 700), (300, 500, 850), (333, 1, 668), (1000, 0, 0), (0, 0, None)]
)
def test_a_soft_dependency_takes_its_share_with_one_floor(factor: int, health: int, left: int | None) -> None:
    found = impact(build(needs("shop", "quotes", "soft", factor=factor)), {"quotes": health})
    assert (found["shop"].low if "shop" in found else None) == left


def test_info_never_passes_anything_on() -> None:
    assert list(impact(build(needs("shop", "wiki", "info")), {"wiki": 0})) == ["wiki"]


def test_a_buffer_holds_trouble_up_and_says_until_when() -> None:
    index = build(needs("mail", "queue", "async", buffer=240), needs("crm", "mail"))
    early = impact(index, {"queue": 0}, at=1 * MINUTE, since={"queue": 0})
    assert (early["mail"].low, early["mail"].at, early["mail"].later) == (
        1000, 4 * MINUTE, (Step(4 * MINUTE, 0, 0),),
    )  # fmt: skip
    assert early["crm"].path == ("queue", "mail", "crm")
    assert early["crm"].at == 4 * MINUTE
    spent = impact(index, {"queue": 0}, at=4 * MINUTE, since={"queue": 0})
    assert (spent["crm"].low, spent["crm"].at, spent["crm"].later) == (0, 4 * MINUTE, ())


def test_a_failure_without_onset_begins_now() -> None:
    found = impact(build(needs("mail", "queue", "async", buffer=60)), {"queue": 0}, at=7 * MINUTE)
    assert found["mail"].at == 8 * MINUTE


def test_degraded_first_and_down_later() -> None:
    index = build(
        needs("shop", "quotes", "soft", factor=300), needs("shop", "orders", "async", buffer=720),
        needs("quotes", "db", "async", buffer=240), needs("orders", "db"),
    )  # fmt: skip
    found = impact(index, {"db": 0}, at=0)["shop"]
    assert found.later == (Step(4 * MINUTE, 700, 700), Step(12 * MINUTE, 0, 0))
    assert found.at == 4 * MINUTE


def test_a_k_of_n_group_with_buffers_falls_at_the_loss_that_breaks_it() -> None:
    members = [needs("api", f"db{i}", "async", buffer=60 * i, group="g") for i in (1, 2, 3)]
    index = build(*members, groups=(Group(consumer="api", name="g", need=2),))
    found = impact(index, {"db1": 0, "db2": 0, "db3": 0}, at=0)
    assert found["api"].later == (Step(2 * MINUTE, 0, 0),)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_k_of_n_at_every_boundary(size: int) -> None:
    for need in range(1, size + 1):
        for lost in range(size + 1):
            for down in combinations([f"db{i}" for i in range(size)], lost):
                found = impact(replicas(size, need), dict.fromkeys(down, 0)).get("api")
                broken = size - lost < need
                margin_gone = lost > 0 and size - lost == need
                assert (found is not None) == (broken or margin_gone)
                if found is not None:
                    assert (found.low, found.at_risk) == ((0, False) if broken else (1000, True))
                    assert (found.via, found.members) == ("replicas", down)


def test_a_group_without_capacity_is_as_healthy_as_its_kth_best_member() -> None:
    found = impact(replicas(3, need=2), {"db0": 300, "db1": 600})
    assert found["api"].low == 600
    assert found["api"].path == ("db0", "api")


def test_two_of_three_healthy_but_unable_to_carry_the_load_is_degraded() -> None:
    found = impact(replicas(3, need=2, capacity=2500), {"db1": 0})["api"]
    assert (found.low, found.at_risk, found.members) == (800, False, ("db1",))


def test_two_of_three_that_carry_the_load_are_at_risk() -> None:
    found = impact(replicas(3, need=1, capacity=2000), {"db1": 0})["api"]
    assert (found.low, found.at_risk, found.path) == (1000, True, ("db1", "api"))


def test_a_group_that_can_lose_one_more_is_not_at_risk() -> None:
    assert "api" not in impact(replicas(4, need=2), {"db1": 0})


def test_a_group_that_never_had_a_margin_cannot_lose_it() -> None:
    shares = [needs("api", "big", group="g", weight=2000), needs("api", "small", group="g", weight=500)]
    index = build(*shares, groups=(Group(consumer="api", name="g", capacity=2000),))
    assert "api" not in impact(index, {"small": 0})


def test_what_may_be_down_or_only_at_risk_is_both() -> None:
    found = impact(replicas(3, need=2), {"db0": 0, "db1": Interval(0, 1000)})["api"]
    assert (found.low, found.high, found.at_risk) == (0, 1000, True)


def ring(weights: tuple[int, int, int], capacity: int) -> Topology:
    """Three replicas that need their cluster, which needs the capacity of the replicas."""
    around = [needs(f"r{i}", "cluster") for i in range(3)]
    shares = [needs("cluster", f"r{i}", group="load", weight=weight) for i, weight in enumerate(weights)]
    return build(*around, *shares, groups=(Group(consumer="cluster", name="load", capacity=capacity),))


def test_a_lost_share_is_not_compounded_around_a_ring_of_three_replicas() -> None:
    found = impact(ring((333, 333, 334), 1000), {"r0": 0})
    assert {e: i.low for e, i in found.items()} == {"r0": 0, "cluster": 667, "r1": 667, "r2": 667}
    assert all(i.compounding for i in found.values())


def test_the_loss_of_equal_thirds_is_rounded_down_once() -> None:
    assert impact(ring((1000, 1000, 1000), 3000), {"r0": 0})["r1"].low == 667


def test_replicas_that_share_load_pairwise_around_a_ring_do_not_drag_each_other_down() -> None:
    shares = [needs(f"r{i}", f"r{j}", group="peers") for i in range(3) for j in range(3) if i != j]
    groups = tuple(Group(consumer=f"r{i}", name="peers", capacity=2000) for i in range(3))
    found = impact(build(*shares, groups=groups), {"r0": 0})
    assert {e: i.low for e, i in found.items()} == {"r0": 0, "r1": 500, "r2": 500}


def test_outside_of_a_cycle_nothing_is_marked_compounding() -> None:
    assert not impact(replicas(3, capacity=3000), {"db0": 0})["api"].compounding


def test_a_cycle_without_a_failure_stays_up_and_one_failure_takes_it_down() -> None:
    index = build(needs("a", "b"), needs("b", "c"), needs("c", "a"), needs("a", "db"))
    assert impact(index, {}) == {}
    assert {e: i.path for e, i in impact(index, {"db": 0}).items()} == {
        "db": ("db",), "a": ("db", "a"), "c": ("db", "a", "c"), "b": ("db", "a", "c", "b"),
    }  # fmt: skip


def test_missing_evidence_opens_an_interval_all_the_way_up() -> None:
    found = impact(build(needs("shop", "cart", "soft", factor=500), needs("cart", "db")), {"db": Interval(0, 1000)})
    assert {e: (i.low, i.high) for e, i in found.items()} == {"db": (0, 1000), "cart": (0, 1000), "shop": (500, 1000)}


def test_an_entity_that_no_catalogue_names_has_its_own_health_only() -> None:
    found = impact(Topology.build(), {"ghost": 400})
    assert (found["ghost"].low, found["ghost"].path) == (400, ("ghost",))


@pytest.mark.parametrize("health", [-1, 1001, Interval(600, 400), Interval(0, 2000)])
def test_a_health_that_is_none_is_refused(health: int | Interval) -> None:
    with pytest.raises(ValueError, match="the health of db must be within"):
        impact(build(needs("shop", "db")), {"db": health})


def test_full_health_is_no_failure() -> None:
    assert impact(build(needs("shop", "db")), {"db": 1000}) == {}


def test_the_closure_of_consumers_is_cut_at_its_limit_by_hops_and_id() -> None:
    index = build(needs("b", "db"), needs("a", "db"), needs("shop", "a"), needs("wiki", "db", "info"))
    assert consumers_closure(index, "db", 10) == {"a": 1, "b": 1, "shop": 2}
    assert list(consumers_closure(index, "db", 2)) == ["a", "b"]
    assert list(consumers_closure(index, "db", 1)) == ["a"]
    assert consumers_closure(index, "nobody", 5) == {}


def test_a_cycle_of_thirty_thousand_is_walked_without_recursion_in_bounded_time() -> None:
    size = 30_000
    names = [f"n{i:06}" for i in range(size)]
    index = build(*[needs(names[i], names[i - 1]) for i in range(size)])
    start = time.process_time()
    found = impact(index, {names[0]: 0})
    assert len(found) == size
    assert index.component(names[5]) == names[0]
    assert time.process_time() - start < 10


def test_a_group_of_ten_thousand_that_all_fall_is_reckoned_once() -> None:
    own = {f"db{i}": 0 for i in range(10_000)}
    start = time.process_time()
    assert impact(replicas(10_000, need=9_000, capacity=9_000_000), own)["api"].low == 0
    assert time.process_time() - start < 5
