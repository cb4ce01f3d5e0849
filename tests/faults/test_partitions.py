"""A few of the cuts of `tests.faults.partitions`; `make faults` makes thirty of each. And that they can fail."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress

import pytest

from engine.envelope import FORMAT, encode
from engine.errors import StoreUnavailable
from engine.ports import Commit, Origin
from engine.splitting import Sent
from engine.storage.owned import OwnedMemory
from engine.worker import HANDED, Owned, Worker
from tests.faults.cuts import KINDS, Line, Reached
from tests.faults.partitions import partitioned, run, undisturbed

SEEDS = (0, 1)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("kind", KINDS)
def test_a_worker_that_is_cut_off_in_its_work_changes_nothing_that_is_decided(kind: str) -> None:
    struck = sum((run(seed, kind).struck for seed in SEEDS), start=Counter[str]())
    assert struck.total() > 3
    assert len(struck) > 2, "at several stages, in both ways"


def test_one_seed_is_one_history() -> None:
    world, _ = undisturbed(0)
    one, other = (partitioned(world, 0, KINDS)[1].history for _ in range(2))
    assert one == other
    assert len(one) > 100


def failure(kind: str) -> str:
    """What the first of the seeds that notices says of a cluster in which something is broken."""
    for seed in SEEDS:
        try:
            run(seed, kind)
        except AssertionError as error:
            return str(error)
    return ""


def test_a_store_that_says_yes_during_a_cut_and_stores_nothing_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Line, "pass_by", lambda self: None)
    monkeypatch.setattr(Reached, "refuse", lambda self, commit: None)
    assert "an event was lost" in failure("database")


def test_a_worker_that_hands_over_before_its_commit_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    commit = Reached.commit

    def hasty(self: Reached, one: Commit) -> None:
        rows = [
            Sent(to, encode([part]), Origin(HANDED, part.source, part.number, FORMAT)) for to, part in one.handovers
        ]
        with suppress(StoreUnavailable):
            self._stage._send(self._line, rows)  # type: ignore[attr-defined]
        commit(self, one)

    monkeypatch.setattr(Reached, "commit", hasty)
    assert "before it was durable" in failure("broker")


def test_a_store_that_does_not_fence_an_earlier_owner_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OwnedMemory, "_owner", lambda self: self._shard.store)
    assert "an earlier owner wrote" in failure("broker")


def test_a_worker_that_forgets_what_it_could_not_hand_over_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    hand_over = Worker._hand_over

    def forgetful(self: Worker, one: Owned) -> None:
        send = self._send

        def once(sent: Sequence[Sent]) -> None:
            with suppress(StoreUnavailable):
                send(sent)

        with monkeypatch.context() as patch:
            patch.setattr(self, "_send", once)
            hand_over(self, one)

    monkeypatch.setattr(Worker, "_hand_over", forgetful)
    assert "was not handed over" in failure("broker")
