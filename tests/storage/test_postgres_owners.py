"""Shards in PostgreSQL: one owner writes, whoever was before it writes nothing any more; readers see all shards."""

from __future__ import annotations

import msgspec
import psycopg
import pytest

import engine.storage.postgres.connection as connection_module
import engine.storage.postgres.store as store_module
from engine.chain import verify
from engine.errors import Fenced, StoreCorrupt, StoreUnavailable
from engine.outcomes import AlertView
from engine.ports import Commit
from engine.shards import BITS, Shard, base_of
from engine.storage.postgres import PostgresReader, PostgresStore
from tests.storage.made import NOON, SINKS, alert, decision, entry, ledger, snapshot, whole

pytestmark = pytest.mark.real("postgres")


@pytest.fixture
def open_store(postgres_dsn):
    opened: list[PostgresStore] = []

    def make(shard: int = 0, owner: str = "") -> PostgresStore:
        opened.append(PostgresStore(postgres_dsn, SINKS, shard=shard, owner=owner))
        return opened[-1]

    yield make
    for store in opened:
        store.close()


def in_shard(shard: int, position: int) -> Commit:
    """As `whole`, with the numbers of a shard."""
    first, commit = Shard(shard).base, whole(position)
    return msgspec.structs.replace(
        commit,
        entries=[msgspec.structs.replace(one, position=first + one.position) for one in commit.entries],
        ledger=[(first + position, ledger(position, *(first + one.no for one in commit.alerts)))],
        alerts=[msgspec.structs.replace(one, no=first + one.no) for one in commit.alerts],
        incidents=[msgspec.structs.replace(one, id=f"{one.id}/{shard}") for one in commit.incidents],
        timeline=[], outbox=[],
        decisions=[decision(first + position, domain=f"domain-{shard}")],
    )  # fmt: skip


def test_who_was_owner_before_writes_nothing(open_store):
    elder, younger = open_store(owner="one"), open_store(owner="two")
    assert elder.acquire() == 1
    elder.commit(whole(1))
    assert younger.acquire() == 2
    attempts = (
        lambda: elder.commit(whole(2)), lambda: elder.alive(NOON + 10**6), lambda: elder.prune(NOON + 10**6, 1)
    )  # fmt: skip
    for attempt in attempts:
        with pytest.raises(Fenced, match="shard 0 is at epoch 2 of two"):
            attempt()
    resume = younger.resume()
    assert (resume.position, resume.alive) == (1, NOON + 1)
    younger.commit(whole(2))
    assert elder.resume().position == 2
    with pytest.raises(Fenced):
        elder.commit(whole(3))
    assert elder.acquire() == 3
    elder.commit(whole(3))
    with pytest.raises(Fenced):
        younger.commit(whole(4))


def test_nothing_is_written_before_the_shard_is_acquired(open_store):
    store = open_store()
    with pytest.raises(Fenced, match="has not acquired shard 0"):
        store.commit(whole(1))
    assert isinstance(Fenced(), StoreUnavailable)
    assert store.resume().position == 0


def test_each_shard_has_its_own_log_and_readers_see_all(open_store, postgres_dsn):
    stores = [open_store(shard) for shard in (0, 1, 5)]
    for store in stores:
        store.acquire()
        assert store.resume().position == Shard(store.shard).base
    for position in (1, 2, 3):
        for store in stores:
            store.commit(in_shard(store.shard, position))
    for store in stores:
        assert [one.position - Shard(store.shard).base for one in store.entries(Shard(store.shard).base)] == [1, 2, 3]
        assert [one.position >> BITS for one in store.decisions(0)] == [store.shard] * 3
        assert store.resume().position == Shard(store.shard).base + 3
    reader = PostgresReader(postgres_dsn)
    assert [one.position >> BITS for one in reader.entries(0)] == [0] * 3 + [1] * 3 + [5] * 3
    assert [one.position >> BITS for one in reader.decisions(0)] == [0] * 3 + [1] * 3 + [5] * 3
    assert reader.totals()["received"] == reader.totals()["opened"] == 18
    assert reader.totals()["unaccounted"] == 0
    numbers = [view.no for view in reader.alerts(limit=6).items if isinstance(view, AlertView)]
    newest = [(no >> BITS, no - base_of(no)) for no in numbers]
    assert newest == [(5, 301), (5, 300), (1, 301), (1, 300), (0, 301), (0, 300)]  # by time, not by shard
    found = reader.alert(f"{Shard(5).base + 2}-1")
    assert found is not None
    assert found.no == Shard(5).base + 201
    assert len(reader.feed(0)) == 9
    assert reader.reach() == (1, Shard(5).base + 3, NOON + 3)
    assert all(verify(reader.chain(head.domain), head=head).intact for head in reader.heads())
    reader.close()


def test_snapshots_and_what_is_pruned_are_a_shards_own(open_store):
    zero, one = open_store(0), open_store(1)
    for store in (zero, one):
        store.acquire()
        for n in (1, 2, 3):
            place = Shard(store.shard).base + n
            store.commit(
                Commit(entries=[entry(place, arrival=NOON + n)], snapshot=snapshot(place, f"{place}".encode()))
            )
    assert one.prune(NOON + 1000, 100) == 2
    assert [found.position for found in one.entries(Shard(1).base)] == [Shard(1).base + 3]
    assert [found.position for found in zero.entries(0)] == [1, 2, 3]
    assert zero.resume().snapshot.position == 3
    assert one.resume().snapshot.state == f"{Shard(1).base + 3}".encode()


def test_a_chain_that_another_shard_has_gone_on_with_is_read_again(open_store):
    zero, one = open_store(0), open_store(1)
    for store in (zero, one):
        store.acquire()
    zero.commit(Commit(decisions=[decision(1)]))
    one.commit(Commit(decisions=[decision(Shard(1).base + 1)]))  # the domain was handed over
    with pytest.raises(StoreUnavailable, match="written to since it was last read"):
        zero.commit(Commit(decisions=[decision(2)]))
    zero.commit(Commit(decisions=[decision(2)]))
    assert verify(zero.chain("shop"), head=zero.heads()[0]).records == 3


def test_a_commit_of_ours_that_is_stored_after_all_is_not_written_over(open_store, postgres_dsn):
    store = open_store()
    store.acquire()
    assert store.resume().position == 0
    with psycopg.connect(postgres_dsn) as late:  # the answer of this one was lost, and the server had not begun yet
        late.execute("SET search_path = headwater")
        late.execute("SELECT hold(0, 1)")
        late.execute("UPDATE progress SET position = 1 WHERE shard = 0")
    with pytest.raises(StoreUnavailable, match="written to since it was last read"):
        store.commit(Commit(ticked=NOON, decisions=[decision(1)]))
    assert store.resume().position == 1
    store.commit(Commit(ticked=NOON, decisions=[decision(1)]))
    assert (store.resume().position, store.resume().ticked) == (1, NOON)


def test_a_fingerprint_is_found_in_every_shard_before_and_after_its_snapshot(open_store):
    zero, one = open_store(0), open_store(1)
    numbers = {zero: 7, one: Shard(1).base + 7}
    for store, no in numbers.items():
        store.acquire()
        store.commit(Commit(alerts=[alert(no)]))
    one.commit(Commit(entries=[entry(Shard(1).base + 1)], snapshot=snapshot(Shard(1).base + 1)))
    for no in numbers.values():
        assert zero.alert(alert(no).fingerprint).no == no


def test_an_input_of_another_shards_past_is_refused(open_store):
    store = open_store(2)
    store.acquire()
    with pytest.raises(StoreCorrupt, match="handled already"):
        store.commit(Commit(entries=[entry(5)], ledger=[(5, ledger(5, 1))]))


def test_an_owner_that_stands_still_in_the_middle_of_a_commit_is_waited_for_and_then_fenced(
    open_store, postgres_dsn, monkeypatch
):
    monkeypatch.setattr(connection_module, "LOCK_SECONDS", 0.2)
    younger = open_store(owner="two")
    younger.acquire()
    with psycopg.connect(postgres_dsn) as elder:
        elder.execute("SET search_path = headwater")
        elder.execute("SELECT hold(0, 1)")
        elder.execute("UPDATE progress SET position = 7 WHERE shard = 0")
        with pytest.raises(StoreUnavailable, match="Somebody holds a lock"):
            younger.acquire()
        elder.commit()
        assert younger.acquire() == 2
        assert younger.resume().position == 7
        with pytest.raises(psycopg.Error, match="epoch 2 of two"):
            elder.execute("SELECT hold(0, 1)")


def test_an_owner_that_stops_before_the_end_of_its_commit_is_sent_does_not_hold_the_shard_for_good(
    open_store, monkeypatch
):
    monkeypatch.setattr(connection_module, "LOCK_SECONDS", 2.0)
    monkeypatch.setattr(connection_module, "COMMIT_SECONDS", 0.3)
    elder, younger = open_store(owner="one"), open_store(owner="two")
    elder.acquire()
    elder.commit(whole(1))
    if elder._writer.use().info.server_version < 170_000:
        pytest.skip("PostgreSQL ends such a transaction from version 17 on")

    def stopped(cursor, *_):
        cursor.connection.pgconn.flush()  # all that was said so far is on its way, and nothing follows
        assert younger.acquire() == 2
        cursor.execute("SELECT 1").fetchone()

    monkeypatch.setattr(store_module, "write", stopped)
    with pytest.raises(StoreUnavailable):
        elder.commit(whole(2))
    monkeypatch.undo()
    with pytest.raises(Fenced):
        elder.commit(whole(2))
    assert younger.resume().position == 1
