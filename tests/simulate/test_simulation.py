"""Two hundred simulated lives of the whole embedded engine; `make simulate SEEDS=50000` makes more of them."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.ports import Decoded, Record
from engine.service import Service
from ingest.inbox import HttpInbox
from tests.publish.standin_sink import Desk
from tests.simulate.run import simulate
from tests.simulate.world import World

CHUNKS, SEEDS = 10, 20


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Hundreds of failures are meant."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_whatever_fails_no_promise_is_broken(chunk: int) -> None:
    for seed in random.sample(range(1 << 32), SEEDS):
        found = simulate(seed)
        assert not found.failure, f"seed {seed}: {found.failure}"


def test_one_seed_is_one_run(tmp_path: Path) -> None:
    histories = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        world = World(folder, 8)
        world.run()
        assert world.process is not None
        store = world.process.store
        decisions = [(one.domain, one.position, one.at, one.payload) for one in store.decisions(-1)]
        tickets = [(one.id, one.key, one.texts) for one in world.office.tickets.values()]
        histories.append(([(e.arrival, e.body) for e in store.entries(0)], decisions, tickets, world.deaths, world.now))
        world.close()
    assert histories[0] == histories[1]
    assert histories[0][3].total() > 1


def failures(monkeypatch: pytest.MonkeyPatch, owner: type, name: str, broken: object) -> list[str]:
    """What the checker says of engines in which something is broken."""
    monkeypatch.setattr(owner, name, broken)
    found: list[str] = []
    for seed in range(40):
        if (failure := simulate(seed).failure) and failure not in found:
            found.append(failure)
            if len(found) == 1:
                break
    return found


def test_the_checker_notices_a_yes_before_the_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    poll = HttpInbox.poll

    def hasty(self: HttpInbox, limit: int, timeout: float) -> object:
        taken = poll(self, limit, timeout)
        for record in taken:
            ticket = record.token
            ticket.done(None)  # type: ignore[attr-defined]
        return taken

    assert any("not in the input log" in one for one in failures(monkeypatch, HttpInbox, "poll", hasty))


def test_the_checker_notices_decisions_that_do_not_follow_from_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    decide = Service._decide

    def careless(self: Service, records: list[Record]) -> object:
        for record in records:
            if record.format == "alertmanager-v2" and len(record.body) % 3 == 0:
                record.decoded = Decoded(())
        return decide(self, records)

    (found,) = failures(monkeypatch, Service, "_decide", careless)
    assert any(words in found for words in ("disposition", "come out again", "decided otherwise")), found


def test_the_checker_notices_when_nobody_looks_before_a_second_ticket(monkeypatch: pytest.MonkeyPatch) -> None:
    def blind(self: Desk, row: object) -> None:
        return None

    monkeypatch.setattr(Desk, "reconcile", lambda self, link: [])
    assert any("has Counter" in one for one in failures(monkeypatch, Desk, "find", blind))
