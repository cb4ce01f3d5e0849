"""Each event delivered one to five times, at once or later within the lateness: the result is that of one delivery."""

from __future__ import annotations

import random

import pytest

from tests.scenarios.canonical import Canonical, canonical
from tests.scenarios.drive import Driven
from tests.scenarios.scoring import QUIET
from tests.scenarios.troubles import START, TroubleWorld, make

SOON = 5_000  # ms within which a sender or a proxy repeats itself


def result(world: TroubleWorld, rng: random.Random | None) -> tuple[Canonical, int]:
    """The canonical result but for the count of events, and how many were delivered."""
    arrivals = [
        (event.arrival + (rng.randrange(SOON) if rng and copy else 0), number, copy)
        for number, event in enumerate(world.events)
        for copy in range(rng.randint(1, 5) if rng else 1)
    ]
    driven, places = Driven(world.topology, start=START - 1000), {}
    for at, number, copy in sorted(arrivals):
        event = f"{driven.feed(at, (world.events[number].signal,))}-0"
        if copy == 0:
            places[event] = number
    driven.pass_time(START + 1_800_000 + QUIET)
    assert driven.core.counts["received"] == len(arrivals)
    found = canonical(driven, places, {n for n, event in enumerate(world.events) if not event.allowed})
    for said in found.values():
        said.pop("events", None)
    return found, len(arrivals)


@pytest.mark.parametrize("seed", [5, 9])
def test_deliveries_beyond_the_first_change_nothing_but_counts(seed: int) -> None:
    world = make(seed)
    once, events = result(world, None)
    again, deliveries = result(world, random.Random(seed))
    assert deliveries > 2 * events
    assert again == once
