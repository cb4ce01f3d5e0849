"""A few of the cuts of `tests.faults.partitions`; `make faults` makes thirty of each."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.faults.partitions import KINDS, run


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("kind", KINDS)
def test_a_worker_that_is_cut_off_for_up_to_two_minutes_changes_nothing_that_is_decided(kind: str) -> None:
    assert sum(run(0, kind).kinds.values()) > 3
