"""A few of the cuts of `tests.faults.partitions`, and that their check can fail; `make faults` makes thirty of each."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping

import pytest

from engine.worker import ShardSource
from tests.faults.partitions import KINDS, run


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("kind", KINDS)
def test_a_worker_that_is_cut_off_for_up_to_two_minutes_changes_nothing_that_is_decided(kind: str) -> None:
    assert sum(run(0, kind).kinds.values()) > 3


def test_a_worker_that_does_not_read_again_what_it_could_not_store_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(self: ShardSource, positions: Mapping[tuple[str, int], int]) -> None:
        self._waiting.clear()

    monkeypatch.setattr(ShardSource, "resume", careless)
    with pytest.raises(AssertionError):
        run(0, "database")
