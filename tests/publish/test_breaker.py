"""A receiver that does not answer is left alone, tried with one call, and taken back when it answers."""

from __future__ import annotations

import pytest

from engine.errors import SinkError
from engine.publish.breaker import Breaker, BreakerSettings


class World:
    def __init__(self, jitter: float = 1.0) -> None:
        self.now = 0
        settings = BreakerSettings(failures=3, rest=5.0, longest=15.0)
        self.breaker = Breaker(lambda: self.now, settings, lambda: jitter)

    def after(self, seconds: float) -> str:
        self.now += round(seconds * 1000)
        return self.breaker.state


def test_it_opens_after_failures_in_a_row_and_only_then() -> None:
    world = World()
    for failures in (2, 2, 3):
        world.breaker.succeeded()
        for _ in range(failures):
            assert world.breaker.allows()
            world.breaker.failed()
    assert world.breaker.state == "open"
    assert not world.breaker.allows()


def test_when_its_time_is_over_one_call_decides() -> None:
    world = World()
    for _ in range(3):
        world.breaker.failed()
    assert world.breaker.until == 5000
    assert world.after(4.9) == "open"
    assert world.after(0.1) == "half_open"
    assert world.breaker.allows()
    world.breaker.failed()  # the next rests are longer, and end at the longest
    assert (world.after(9.9), world.after(0.1)) == ("open", "half_open")
    world.breaker.failed()
    assert (world.after(14.9), world.after(0.1)) == ("open", "half_open")
    world.breaker.succeeded()
    assert world.breaker.state == "closed"
    world.breaker.failed()
    assert world.breaker.state == "closed"


def test_chance_takes_at_most_half_of_a_rest() -> None:
    world = World(jitter=0.0)
    for _ in range(3):
        world.breaker.failed()
    assert world.breaker.until == 2500


def test_who_asks_for_a_pause_gets_it_and_has_not_failed() -> None:
    world = World()
    for _ in range(9):
        world.breaker.answered(SinkError("busy", after=20.0))
    world.breaker.pause(3.0)  # a shorter one takes nothing from it
    assert (world.breaker.state, world.breaker.until) == ("paused", 20_000)
    assert not world.breaker.allows()
    assert world.after(20) == "closed"


def test_who_is_busy_without_saying_for_how_long_is_paused_for_longer_each_time() -> None:
    world = World()
    for until in (5, 10, 15, 15):
        world.breaker.answered(SinkError("429", busy=True))
        assert (world.breaker.state, world.breaker.until - world.now) == ("paused", until * 1000)
        assert world.after(until) == "closed"
    world.breaker.succeeded()
    world.breaker.answered(SinkError("429", busy=True))
    assert world.breaker.until - world.now == 5000


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (SinkError("refused", permanent=True), "closed"),
        (SinkError("503"), "open"),
        (SinkError("?", ambiguous=True), "open"),
    ],
)
def test_a_refusal_is_an_answer_and_all_else_a_failure(error: SinkError, state: str) -> None:
    world = World()
    for _ in range(3):
        world.breaker.answered(error)
    assert world.breaker.state == state
