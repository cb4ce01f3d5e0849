"""When entities become degraded and down, and what holds them up, against the slow reference."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.topology.graphs import LONGEST_BUFFER, SECONDS, failures, topologies
from tests.topology.reference import Reference
from topology.impact import Health, Interval, impact
from topology.model import Dependency, Entity, Group, Semantics, Topology
from topology.timeline import Course, timeline

HORIZON = SECONDS + 8 * LONGEST_BUFFER
MINUTE = 60_000


def courses(index: Topology, own: dict[str, Health], at: int, since: dict[str, int]) -> dict[str, Course]:
    return timeline(index, own, at, since, impact(index, own, at, since))


def queue(consumer: str, provider: str, buffer: int, group: str = "") -> Dependency:
    return Dependency(consumer=consumer, provider=provider, semantics=Semantics.ASYNC, buffer=buffer, group=group)


def topology(*dependencies: Dependency, groups: tuple[Group, ...] = ()) -> Topology:
    ids = {d.consumer for d in dependencies} | {d.provider for d in dependencies}
    return Topology.build([Entity(id=i) for i in ids], dependencies, groups)


def first(values: list[int], most: int) -> int | None:
    """When a health is at ``most`` for the first time, in milliseconds."""
    return next((1000 * second for second, value in enumerate(values) if value <= most), None)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_every_moment_equals_the_reference(data: st.DataObject) -> None:
    index = data.draw(topologies())
    own: dict[str, Health] = dict(data.draw(failures(index)))
    since = {entity: data.draw(st.integers(0, 3)) for entity in own}
    at = data.draw(st.integers(0, SECONDS))
    lows = {entity: health for entity, health in own.items() if isinstance(health, int)}
    worlds = Reference(index, lows, since, HORIZON).worlds
    best = Reference(index, lows, since, HORIZON, worst=False).worlds
    found = courses(index, own, 1000 * at, {entity: 1000 * second for entity, second in since.items()})
    for entity, course in found.items():
        values = [world[entity] for world in worlds]
        assert (course.degraded_at, course.down_at) == (first(values, 999), first(values, 0))
        sure = [world[entity] for world in best]
        assert (course.surely_degraded_at, course.surely_down_at) == (first(sure, 999), first(sure, 0))
        falls = [second for second in range(at + 1, HORIZON + 1) if values[second] < values[second - 1]]
        assert course.held_until == (1000 * falls[0] if falls else None)
        if falls and max(since.values()) <= at:
            assert course.held_by in {
                d.provider
                for d in index.content.dependencies
                if d.semantics is Semantics.ASYNC
                and d.buffer
                and worlds[falls[0]][d.consumer] < worlds[falls[0] - 1][d.consumer]
                and worlds[falls[0] - d.buffer][d.provider] < 1000
            }


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_bounds_of_health_are_bounds_of_time(data: st.DataObject) -> None:
    index = data.draw(topologies())
    worst = data.draw(failures(index))
    own: dict[str, Health] = {e: Interval(low, data.draw(st.integers(low, 1000))) for e, low in worst.items()}
    since = dict.fromkeys(own, 0)
    best: dict[str, Health] = {e: health.high for e, health in own.items() if isinstance(health, Interval)}
    later = courses(index, best, 0, since)
    for entity, course in courses(index, own, 0, since).items():
        sure = later.get(entity, Course(entity=entity))
        assert (course.surely_degraded_at, course.surely_down_at) == (sure.surely_degraded_at, sure.surely_down_at)
        assert course.surely_down_at is None or course.down_at is not None


def test_a_consumer_is_held_up_by_its_own_queue_and_what_needs_it_by_the_same_one() -> None:
    index = topology(queue("shipping", "orders-queue", 1800), Dependency(consumer="portal", provider="shipping"))
    found = courses(index, {"orders-queue": 0}, 10 * MINUTE, {"orders-queue": 4 * MINUTE})
    for entity in ("shipping", "portal"):
        assert (found[entity].held_by, found[entity].held_until) == ("orders-queue", 34 * MINUTE)
        assert (found[entity].degraded_at, found[entity].down_at) == (34 * MINUTE, 34 * MINUTE)
    assert found["orders-queue"] == Course(
        entity="orders-queue",
        degraded_at=4 * MINUTE,
        down_at=4 * MINUTE,
        surely_degraded_at=4 * MINUTE,
        surely_down_at=4 * MINUTE,
    )


def test_the_moment_of_being_down_is_remembered_when_it_was_degraded_before() -> None:
    soft = Dependency(consumer="shop", provider="search", semantics=Semantics.SOFT)
    index = topology(soft, queue("shop", "orders", 60))
    found = courses(index, {"search": 0, "orders": 0}, 5 * MINUTE, {"search": 0, "orders": MINUTE})["shop"]
    assert (found.degraded_at, found.down_at, found.held_by) == (0, 2 * MINUTE, "")


def test_of_two_queues_in_a_row_the_nearest_is_named() -> None:
    index = topology(queue("billing", "ledger", 60), queue("ledger", "bus", 120))
    found = courses(index, {"bus": 0}, 0, {"bus": 0})
    assert (found["ledger"].held_by, found["ledger"].held_until) == ("bus", 2 * MINUTE)
    assert (found["billing"].held_by, found["billing"].held_until) == ("ledger", 3 * MINUTE)


def test_a_group_of_queues_falls_with_the_last_one_it_can_spare() -> None:
    members = [queue("feed", name, buffer, "g") for name, buffer in (("a", 60), ("b", 120), ("c", 180))]
    index = topology(*members, groups=(Group(consumer="feed", name="g", need=2),))
    found = courses(index, dict.fromkeys("abc", 0), 0, dict.fromkeys("abc", 0))["feed"]
    assert (found.degraded_at, found.held_by) == (2 * MINUTE, "b")


def test_nothing_is_held_up_where_nothing_is_to_come() -> None:
    index = topology(Dependency(consumer="shop", provider="db"))
    found = courses(index, {"db": 250}, 9, {"db": 5})
    assert (found["shop"].degraded_at, found["shop"].down_at, found["shop"].held_until) == (5, None, None)
    assert courses(index, {}, 0, {}) == {}
