"""The wall clock jumps, runs back, passes 2038, has another daylight: what is decided never runs backwards."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from engine.publish.breaker import Breaker
from tests.service import toy
from tests.service.world import START, World

HOUR, DAY = 3_600_000, 86_400_000
EPOCH_2038 = round(datetime(2038, 1, 19, 3, 14, 7, tzinfo=UTC).timestamp() * 1000)
DAYLIGHT = round(datetime(2023, 10, 29, 0, 59, 59, tzinfo=UTC).timestamp() * 1000)  # 02:59:59 in Berlin, then 02:00:00


def arrivals(world: World) -> list[int]:
    return [entry.arrival for entry in world.store.entries(0)]


@pytest.mark.parametrize("jump", [HOUR, -HOUR, DAY, -DAY, 1_000, -1_000])
def test_after_a_jump_inputs_are_taken_in_order_timers_fire_once_and_a_restart_agrees(world: World, jump: int) -> None:
    world.take("before")
    world.now += jump
    world.take("after")
    world.pass_time(toy.SETTLE)
    world.now += max(0, -jump) + toy.SETTLE  # the clock is where it was, or beyond
    world.take("later")
    world.pass_time(toy.SETTLE)
    found = arrivals(world)
    assert found == sorted(found)
    payloads = [one.payload for one in world.decisions()]
    assert [payloads.count(f"{name} settled".encode()) for name in ("before", "after", "later")] == [1, 1, 1]
    world.restart()
    assert world.revived.differing == 0
    assert world.store.totals()["unaccounted"] == 0


@pytest.mark.parametrize("jump", [-HOUR, -DAY])
def test_while_the_clock_is_behind_the_skew_is_shown_and_becomes_none(world: World, jump: int) -> None:
    world.take("before")
    world.now += jump
    world.restart()
    world.service.step(0)
    assert world.metric("headwater_clock_skew_seconds") == -jump / 1000
    world.now -= jump
    world.pass_time(2_000)
    assert world.metric("headwater_clock_skew_seconds") == 0


@pytest.mark.parametrize("jump", [-HOUR, -DAY])
def test_a_restart_under_a_clock_that_ran_back_is_no_downtime(world: World, jump: int) -> None:
    world.take("before")
    world.restart(after=jump)
    assert world.service.core.gaps == []  # type: ignore[attr-defined]
    world.take("after")
    assert arrivals(world) == [START, START]


@pytest.mark.parametrize("moment", [EPOCH_2038, DAYLIGHT], ids=["2038", "daylight saving ends"])
def test_special_moments_are_moments_like_others(world: World, moment: int) -> None:
    world.now = moment - 1_000
    world.restart()
    for n in range(4):
        world.take(f"t{n}")
        world.pass_time(700)
    found = arrivals(world)[-4:]
    assert [later - found[0] for later in found] == [0, 700, 1_400, 2_100]
    world.restart()
    assert world.revived.differing == 0


def test_a_breaker_does_not_rest_longer_for_a_clock_that_ran_back_than_until_it_is_back() -> None:
    now = START
    breaker = Breaker(lambda: now)
    breaker.pause(30)
    now -= HOUR
    assert not breaker.allows()
    now += HOUR + 30_000
    assert breaker.allows()
