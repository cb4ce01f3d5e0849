"""Laws 1 and 3 in a world where everything happens: dispositions add up, and a restart changes no byte."""

from __future__ import annotations

import random

import pytest

from tests.engine.chaos import again, record
from tests.engine.laws import Lawful
from tests.scenarios.drive import Driven
from tests.scenarios.scoring import QUIET
from tests.scenarios.troubles import START, make

LENGTH = 150


def _decided(driven: Driven) -> list[tuple[object, ...]]:
    return [(d.domain, d.position, d.at, d.payload) for d in driven.decisions]


@pytest.mark.parametrize("seed", range(12))
def test_a_world_of_everything_is_decided_alike_with_restarts_at_random_points(seed: int) -> None:
    first, inputs = record(seed, LENGTH)
    rng = random.Random(seed)
    restarts = frozenset(rng.sample(range(LENGTH), 30))
    second = again(inputs, first, restarts, rng)
    assert _decided(second) == _decided(first)
    assert [row.key for row in second.outbox] == [row.key for row in first.outbox]


def test_a_world_of_everything_holds_what_it_says() -> None:
    said = [record(seed, LENGTH)[0] for seed in range(3)]
    kinds = {line.kind for driven in said for line in driven.timeline}
    assert {"opened", "declared", "refused", "recovering", "resolved", "silenced", "cause", "severity"} <= kinds
    assert any(driven.core.counts["held"] or driven.core.counts["suppressed"] for driven in said)


@pytest.mark.parametrize("seed", [1, 8])
def test_a_trouble_world_is_decided_alike_after_a_restart_at_any_of_many_points(seed: int) -> None:
    world = make(seed)
    points = random.Random(seed).sample(range(len(world.events)), 8)

    def decided(restart: frozenset[int]) -> list[tuple[object, ...]]:
        driven = Driven(world.topology, start=START - 1000)
        for number, event in enumerate(world.events):
            driven.feed(event.arrival, (event.signal,))
            if number in restart:
                driven.restart()
        driven.pass_time(driven.now + QUIET)
        return _decided(driven)

    plain = decided(frozenset())
    assert all(decided(frozenset((point,))) == plain for point in points)


def test_a_tick_that_fires_nothing_leaves_no_trace() -> None:
    driven = Lawful(make(3).topology, start=START)
    for event in make(3).events[:20]:
        driven.feed(event.arrival, (event.signal,))
    due = driven.core.due()
    assert due is not None
    before = driven.core.snapshot()
    assert not driven.core.tick(due - 1)
    assert driven.core.snapshot() == before
