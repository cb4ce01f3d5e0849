"""What must change nothing, a few times each; `make faults` does it a hundred times and prints the table."""

from __future__ import annotations

import random
from typing import Any

import pytest

from engine.publish.delivery import DispatchSettings
from tests.publish import frozen
from tests.publish.desk_faults import in_memory
from tests.publish.faults import MATRIX, Fault, run

RUNS = 2


@pytest.mark.parametrize("fault", MATRIX, ids=lambda fault: fault.name.replace(" ", "-"))
def test_after_one_cycle_of_the_reconciler_there_is_one_ticket_per_incident(fault: Fault) -> None:
    for seed in random.sample(range(1_000_000), 1 if fault.incidents[1] > 10 else RUNS):
        print(f"seed {seed}")
        run(fault, seed)


@pytest.mark.parametrize("fault", MATRIX, ids=lambda fault: fault.name.replace(" ", "-"))
def test_the_ticket_sink_itself_keeps_to_one_ticket_per_incident(fault: Fault) -> None:
    for seed in random.sample(range(1_000_000), 1 if fault.incidents[1] > 10 else RUNS):
        print(f"seed {seed}")
        run(fault, seed, furnish=in_memory)


def named(words: str) -> Fault:
    (fault,) = (one for one in MATRIX if one.name.startswith(words))
    return fault


def test_the_matrix_notices_when_nobody_waits_for_a_search_that_lags() -> None:
    hasty = DispatchSettings(probes=(0.0,))
    with pytest.raises(AssertionError, match="tickets were made"):
        several(named("response lost"), settings=hasty)


def test_the_matrix_notices_when_nobody_reconciles() -> None:
    with pytest.raises(AssertionError, match="open are"):
        several(named("duplicate delivery"), reconciles=False)


def several(fault: Fault, **changes: Any) -> None:
    for seed in range(5):
        run(fault, seed, **changes)


@pytest.mark.parametrize("point", frozen.POINTS)
def test_a_process_that_stood_still_beyond_its_lease_does_no_harm(point: str) -> None:
    found = frozen.run(point, 1)
    frozen.check(point, found)
    assert (found.made, found.counted) == ((4, 1) if point == "outbox.before_send" else (3, 0))
