"""PostgreSQL is killed and comes back: what was acknowledged is there, and the same store goes on."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from engine.chain import verify
from engine.errors import StoreUnavailable
from engine.sending import Receipt
from engine.storage.postgres import DatabaseClock, PostgresReader, PostgresStore
from tests.real.components import eventually
from tests.real.postgres import Postgres
from tests.storage.made import NOON, SINKS, whole

pytestmark = [pytest.mark.real("postgres"), pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def durable() -> Iterator[Postgres]:
    server = Postgres(durable=True)
    yield server
    server.remove()


class Writer:
    """Commits one input after the other, as the service does: after an error it asks where the store stands."""

    def __init__(self, store: PostgresStore) -> None:
        self.acknowledged: list[int] = []
        self.errors: list[str] = []
        self._store, self._stop = store, threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        position = self._store.resume().position
        while not self._stop.is_set():
            try:
                self._store.commit(whole(position + 1))
                self.acknowledged.append(position + 1)
                position += 1
            except StoreUnavailable as error:
                self.errors.append(str(error))
                position = self._again(position)

    def _again(self, position: int) -> int:
        while not self._stop.wait(0.05):
            try:
                return self._store.resume().position
            except StoreUnavailable as error:
                self.errors.append(str(error))
        return position

    def until(self, count: int) -> None:
        eventually(lambda: len(self.acknowledged) >= count, f"{count} commits")

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()


def test_nothing_acknowledged_is_lost_when_the_server_is_killed(durable):
    with durable.empty() as dsn:
        store = PostgresStore(dsn, SINKS)
        reader, clock = PostgresReader(dsn), DatabaseClock(dsn)
        store.acquire()
        writer = Writer(store)
        for count in (20, 40):
            writer.until(count)
            assert reader.totals()["unaccounted"] == 0
            before = clock()
            durable.kill()
            eventually(lambda: writer.errors, "the writer notices")
            with pytest.raises(StoreUnavailable):
                reader.totals()
            assert clock() >= before
            writer.errors.clear()
            durable.start()
        writer.until(len(writer.acknowledged) + 10)
        writer.stop()
        stored = [one.position for one in store.entries(0)]
        assert stored == list(range(1, len(stored) + 1))
        assert set(writer.acknowledged) <= set(stored)
        totals = reader.totals()
        assert (totals["unaccounted"], totals["received"]) == (0, 2 * len(stored))
        heads = store.heads()
        assert [verify(store.chain(head.domain), head=head).records for head in heads] == [len(stored)] * 2
        assert len(store.outbox(limit=500).items) == min(500, len(stored))
        (row,) = store.claim("tickets", NOON, 1000, 1)
        assert store.confirmed(row, NOON, Receipt("T1"))
        for part in (store, reader, clock):
            part.close()


def test_a_restart_between_two_commits_goes_unnoticed(durable):
    with durable.empty() as dsn:
        store = PostgresStore(dsn, SINKS)
        store.acquire()
        store.commit(whole(1))
        assert store.totals()["received"] == 2
        durable.stop()
        durable.start()
        store.commit(whole(2))
        assert store.totals()["received"] == 4
        assert [row.publication.key for row in store.claim("tickets", NOON, 1000, 5)] == ["INC-1/open", "INC-2/open"]
        store.close()
