"""A few of the cuts of `tests.faults.partitions`; `make faults` makes thirty of each. And that they can fail."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence

import pytest

from engine.errors import Fenced, StoreUnavailable
from engine.ports import Commit
from engine.storage.memory import MemoryStore
from engine.storage.owned import OwnedMemory
from engine.worker import Owned, Worker
from tests.faults import partitions
from tests.faults.cuts import KINDS, Reached
from tests.faults.partitions import run, undisturbed

SEEDS = (0, 1)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("kind", KINDS)
def test_a_worker_that_is_cut_off_in_its_work_changes_nothing_that_is_decided(kind: str) -> None:
    struck = sum((run(seed, kind).struck for seed in SEEDS), start=partitions.Counter())
    assert struck.total() > 6
    assert len(struck) > 4, "at several stages, in both ways"


def test_one_seed_is_one_history() -> None:
    world, _ = undisturbed(0)
    one, other = (partitions.partitioned(world, 0, KINDS)[1].history for _ in range(2))
    assert one == other
    assert len(one) > 100


def failures(kinds: Sequence[str]) -> list[str]:
    """What the seeds of this file say of a cluster in which something is broken."""
    found = []
    for kind in kinds:
        for seed in SEEDS:
            undisturbed(seed)
            try:
                run(seed, kind)
            except AssertionError as error:
                found.append(str(error).splitlines()[0])
    return found
