"""A real PostgreSQL under each fault of `tests.faults.database`, one after the other; `make faults`: twenty of each."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator

import pytest

from tests.faults.database import FAULTS, at_work, server, strike
from tests.real.standby import Pair

pytestmark = [pytest.mark.real("postgres"), pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def strict() -> Iterator[Pair]:
    made = server()
    logging.disable(logging.CRITICAL)
    yield made
    logging.disable(logging.NOTSET)
    made.remove()


def test_nothing_is_lost_or_told_twice_whatever_the_database_and_the_line_to_it_do(strict: Pair) -> None:
    rng = random.Random(10)
    with at_work(strict) as run:
        for fault in FAULTS:
            strike(run, fault, 0.4, rng)
