"""The database itself: migrations, partitions and retention, the guard over the record, texts as they were."""

from __future__ import annotations

import threading

import msgspec
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.chain import verify
from engine.errors import StoreCorrupt
from engine.ports import Commit
from engine.reasons import Disposition, Reason
from engine.shards import Shard
from engine.storage.migrations import Migration
from engine.storage.postgres import PostgresStore
from engine.storage.postgres.address import Address
from engine.storage.postgres.connection import connect
from engine.storage.postgres.migrate import migrate, shipped
from engine.storage.postgres.queries import SQL
from engine.storage.postgres.texts import decode, encode
from engine.storage.sqlite.queries import SQL as SQLITE
from tests.storage.made import NOON, SINKS, alert, change, decision, entry, incident, ledger, letter, snapshot, whole

DAY = 86_400_000


@pytest.fixture
def store(postgres_dsn):
    made = PostgresStore(postgres_dsn, SINKS)
    made.acquire()
    yield made
    made.close()


@pytest.mark.real("postgres")
def test_any_number_of_processes_may_start_at_once(postgres):
    with postgres.empty() as dsn:
        stores: list[PostgresStore] = []
        threads = [threading.Thread(target=lambda: stores.append(PostgresStore(dsn, SINKS))) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(stores) == 6
        assert sorted(store.acquire() for store in stores) == [1, 2, 3, 4, 5, 6]
        with psycopg.connect(dsn) as person:
            rows = person.execute("SELECT number FROM headwater.migration").fetchall()
        assert rows == [(step.number,) for step in shipped()]
        for store in stores:
            store.close()


@pytest.mark.real("postgres")
def test_a_newer_a_changed_and_an_alien_schema_are_refused(postgres):
    with postgres.empty() as dsn:
        address = Address(dsn)
        with connect(address, writes=True) as connection:
            ours, later = shipped(), Migration(9, "0009_later.sql", "CREATE TABLE later ()")
            assert migrate(connection, address, [*ours, later]) == 9
            assert migrate(connection, address, [*ours, later]) == 9
            with pytest.raises(StoreCorrupt, match="newer version of Headwater"):
                migrate(connection, address)
            with pytest.raises(StoreCorrupt, match="another text of 0009_other"):
                migrate(connection, address, [*ours, Migration(9, "0009_other.sql", "SELECT 1")])
            broken = Migration(10, "0010_broken.sql", "CREATE TABLE half (); SELECT nothing FROM nowhere")
            with pytest.raises(psycopg.errors.UndefinedTable):
                connection.execute("SELECT 1 FROM half")
            with pytest.raises(Exception, match="nowhere"):
                migrate(connection, address, [*ours, later, broken])
            assert connection.execute("SELECT to_regclass('headwater.half')").fetchone() == (None,)
    with postgres.empty() as dsn:
        with psycopg.connect(dsn) as person:
            person.execute("CREATE SCHEMA headwater")
            person.execute("CREATE TABLE headwater.water (level int)")
        with pytest.raises(StoreCorrupt, match="of another program"):
            PostgresStore(dsn, SINKS)


@pytest.fixture
def own(postgres):
    """The address of a database whose partitions are the test's own, and its shards 0 and 1."""
    with postgres.empty() as dsn:
        stores = [PostgresStore(dsn, SINKS, shard=number) for number in (0, 1)]
        for store in stores:
            store.acquire()
        yield dsn, *stores
        for store in stores:
            store.close()


@pytest.mark.real("postgres")
def test_days_that_nobody_needs_are_dropped_whole(own):
    dsn, store, other = own
    for day in range(5):
        arrival = NOON + day * DAY
        for one in (store, other):
            place = Shard(one.shard).base + day + 1
            one.commit(Commit(entries=[entry(place, arrival=arrival)]))
    cut = NOON + 2 * DAY  # two and a half days are older
    assert (days(dsn), store.prune(cut, 100)) == (5, 0)  # no snapshot covers them
    covered(store, 5, NOON + 9 * DAY)
    assert store.prune(cut, 100) == 0  # the other shard needs them
    covered(other, 5, NOON + 9 * DAY)
    assert [store.prune(cut, 100) > 0 for _ in range(3)] == [True, True, False]
    for one in (store, other):
        assert next(iter(one.entries(Shard(one.shard).base))).position == Shard(one.shard).base + 3
    assert days(dsn) == 4


@pytest.mark.real("postgres")
def test_a_reader_at_work_puts_a_drop_off_and_the_store_writes_on(own):
    dsn, store, _ = own
    store.commit(Commit(entries=[entry(1, arrival=NOON)]))
    covered(store, 1, NOON + 9 * DAY)
    with psycopg.connect(dsn) as backup:
        backup.execute("SELECT count(*) FROM headwater.input")
        assert store.prune(NOON + 5 * DAY, 100) == 0
        store.commit(whole(9))
    assert store.prune(NOON + 5 * DAY, 100) == 1


def covered(store: PostgresStore, entries: int, now: int) -> None:
    """Two snapshots behind so many entries."""
    last = Shard(store.shard).base + entries
    for more in (1, 2):
        store.commit(Commit(entries=[entry(last + more, arrival=now)], snapshot=snapshot(last + more)))


def days(dsn: str) -> int:
    with psycopg.connect(dsn) as person:
        rows = person.execute("SELECT 1 FROM pg_inherits WHERE inhparent = 'headwater.input'::regclass").fetchall()
    return len(rows)


@pytest.mark.real("postgres")
def test_what_is_kept_for_ever_goes_on_in_the_next_partition(store):
    span = 1 << 22
    for position in (span - 1, span, span + 1):
        store.commit(
            Commit(
                entries=[entry(position)], ledger=[(position, ledger(position, position))],
                decisions=[decision(position)], counts={"received": position - span + 2},
            )
        )  # fmt: skip
    assert [line["disposition"] for line in store.why(f"{span}-0")] == ["opened"]
    assert [one.position for one in store.decisions(0)] == [span - 1, span, span + 1]
    assert store.totals()["unaccounted"] == 0
    assert verify(store.chain("shop"), head=store.heads()[0]).records == 3


@pytest.mark.real("postgres")
@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE headwater.chain SET at = 1",
        "UPDATE headwater.chain SET payload = 'x'",
        "DELETE FROM headwater.chain",
    ],
)
def test_the_record_of_decisions_refuses_changes(store, postgres_dsn, tampering):
    store.commit(Commit(decisions=[decision(1)]))
    with psycopg.connect(postgres_dsn) as person, pytest.raises(psycopg.errors.RaiseException, match="append-only"):
        person.execute(tampering)


@pytest.mark.real("postgres")
def test_a_restored_dump_passes_through_the_heads_and_goes_on(store, postgres_dsn, postgres):
    for n in (1, 2, 3):
        store.commit(whole(n))
    store.commit(Commit(snapshot=snapshot(3)))
    anchors = {head.domain: head for head in store.heads()}
    with postgres.empty() as dsn:
        postgres.copy(postgres_dsn.rpartition("/")[2], dsn.rpartition("/")[2])
        restored = PostgresStore(dsn, SINKS)
        assert restored.resume() == store.resume()
        assert restored.acquire() == 2
        restored.commit(whole(4))
        for head in restored.heads():
            report = verify(restored.chain(head.domain), anchors[head.domain], head)
            assert (report.intact, report.records) == (True, 4)
        assert restored.totals()["received"] == 8
        assert [seq for seq, _, _ in restored.feed(0)] == list(range(1, 9))
        assert len(restored.alerts().items) == 8
        restored.close()


STRANGE = "a\x00b\udc80c\ue000d\ue0000é"


@given(st.text(st.characters()))
def test_every_text_comes_back_as_it_was(text):
    data = encode(text)
    assert b"\x00" not in data
    assert decode(data) == text
    if not set(text) & set("\x00\ue000") and text.isprintable():
        assert data.decode() == text


@pytest.mark.real("postgres")
def test_texts_that_postgresql_refuses_are_kept_and_found(store):
    strange = msgspec.structs.replace(letter(STRANGE), source=STRANGE)
    store.commit(
        Commit(
            entries=[entry(1)], ledger=[(1, ledger(1, 1))],
            alerts=[alert(1, entity="a\x00b"), alert(2, entity="ab")],
            incidents=[incident("INC-\x00", title="a\x00b", entities=("a\x00b",))],
            decisions=[decision(1, domain="shop\x00")],
            changes=[],
            dead=[strange],
            positions={("kafka\x00", 1): 2},
        )
    )  # fmt: skip
    assert [view.no for view in store.alerts(entity="a\x00b").items] == [1]
    assert [view.id for view in store.incidents(entity="a\x00b").items] == ["INC-\x00"]
    assert [view.id for view in store.incidents(text="A\x00B").items] == ["INC-\x00"]
    (found,) = store.dead_letters().items
    assert (found.reason, found.source) == (STRANGE, STRANGE)
    assert store.domains() == ["shop\x00"]
    assert verify(store.chain("shop\x00"), head=store.heads()[0]).intact
    assert store.resume().positions == {("kafka\x00", 1): 2}


@pytest.mark.real("postgres")
def test_a_later_disposition_of_many_events_is_counted_in_their_shard(store):
    held = [(n, ledger(n, n, disposition=Disposition.HELD)) for n in range(1, 301)]
    store.commit(Commit(entries=[entry(n) for n, _ in held], ledger=held, counts={"received": 300}))
    store.commit(
        Commit(
            changes=[
                change(f"{n}-0", n, Disposition.HELD, Disposition.ATTACHED, Reason.SAME_ENTITY) for n in range(1, 301)
            ],
            counts={"received": 300},
        )
    )
    assert (store.totals()["attached"], store.totals()["held"], store.totals()["unaccounted"]) == (300, 0, 0)


def test_what_both_dialects_do_has_one_name():
    only_there = {
        "last_seq",  # the feed's row knows
        "epoch",  # next_epoch gives it
        "set_head",  # begin_head and move_head
        "link_in_use",  # links_in_use, of many incidents at once
    }
    assert set(SQLITE) - set(SQL) == only_there
