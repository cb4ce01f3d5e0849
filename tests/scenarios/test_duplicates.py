"""Each event delivered one to five times, at once or later within the lateness: the result is that of one delivery."""

from __future__ import annotations

import random

import pytest

from tests.scenarios.duplicates import result
from tests.scenarios.troubles import make


@pytest.mark.parametrize("seed", [5, 9])
def test_deliveries_beyond_the_first_change_nothing_but_counts(seed: int) -> None:
    world = make(seed)
    once, events = result(world, None)
    again, deliveries = result(world, random.Random(seed))
    assert deliveries > 2 * events
    assert again == once
