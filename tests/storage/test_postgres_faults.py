"""What PostgreSQL refuses is said in words, with whose fault it is; a password is in none of them."""

from __future__ import annotations

import traceback

import psycopg
import pytest

import engine.storage.postgres.connection as connection_module
from engine.errors import StoreUnavailable
from engine.storage.postgres import PostgresReader, PostgresStore
from engine.storage.postgres.address import Address, with_password
from tests.real.components import free_port
from tests.storage.made import SINKS, whole

SECRET = "s3cr3t/&@word"


def refused(dsn: str) -> str:
    """Everything that could be logged of it."""
    with pytest.raises(StoreUnavailable) as raised:
        PostgresStore(dsn, SINKS)
    said = "".join(traceback.format_exception(raised.value)) + repr(raised.value)
    assert SECRET not in said
    return str(raised.value)


@pytest.fixture
def store(postgres_dsn):
    made = PostgresStore(postgres_dsn, SINKS)
    made.acquire()
    yield made
    made.close()


@pytest.fixture
def guarded(postgres):
    postgres.execute(f"CREATE ROLE guarded LOGIN PASSWORD '{SECRET}'")
    yield postgres
    postgres.execute("DROP OWNED BY guarded; DROP ROLE guarded")


@pytest.mark.parametrize(
    "dsn", [f"postgresql://me:{SECRET}:x@host:port/db", "postgresql://h:x/db", "host=a nonsense", f"{SECRET}"]
)
def test_an_address_that_is_none_is_not_repeated(dsn):
    assert "should look like postgresql://" in refused(dsn)


def test_an_address_is_shown_without_its_password():
    dsn = with_password("postgresql://me@db.example:5433/headwater?sslmode=require", SECRET)
    address = Address(dsn)
    assert f"{address}" == "postgresql://me@db.example:5433/headwater"
    assert SECRET not in repr(address)
    assert "sslmode=require" in address.conninfo
    assert address.hide(f"FATAL:  no {SECRET}\n\tfor you") == "FATAL: no *** for you"


def test_of_several_hosts_each_is_shown_with_its_port():
    assert (
        f"{Address('postgresql://me@one:1,two:2/db?target_session_attrs=read-write')}"
        == "postgresql://me@one:1,two:2/db"
    )
    assert f"{Address('host=one,two port=5433 dbname=db')}" == "postgresql://one:5433,two:5433/db"
    assert f"{Address('host=/run/one dbname=db')}" == "postgresql://%2Frun%2Fone/db"


def test_a_server_that_is_not_there_is_named():
    port = free_port()
    said = refused(f"postgresql://me:{SECRET.replace('/', '%2F').replace('@', '%40')}@127.0.0.1:{port}/db")
    assert f"postgresql://me@127.0.0.1:{port}/db" in said
    assert "is it running, and are host and port right?" in said


@pytest.mark.real("postgres")
def test_a_wrong_password_a_wrong_user_and_a_wrong_database_are_told_apart(guarded):
    assert "correct the user or the password" in refused(with_password(guarded.dsn(user="guarded"), "wrong"))
    assert "correct the user or the password" in refused(guarded.dsn(user="guarded"))
    assert "correct the user or the password" in refused(guarded.dsn(user="stranger"))
    assert "There is no such database" in refused(guarded.dsn("nowhere"))
    assert "The user lacks a right" in refused(with_password(guarded.dsn(user="guarded"), SECRET))


@pytest.mark.real("postgres")
def test_no_connection_to_spare(guarded):
    guarded.execute("ALTER ROLE guarded CONNECTION LIMIT 0")
    assert "raise max_connections" in refused(with_password(guarded.dsn(user="guarded"), SECRET))


@pytest.mark.real("postgres")
def test_a_database_that_is_read_only(store, postgres, postgres_dsn):
    name = postgres_dsn.rpartition("/")[2]
    postgres.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    store._writer.drop()
    try:
        with pytest.raises(StoreUnavailable, match="name the primary in the address"):
            store.commit(whole(1))
    finally:
        postgres.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    store._writer.drop()
    store.commit(whole(1))


@pytest.mark.real("postgres")
@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("53100", "disk is full; free some space there"),
        ("57P01", "The server is shutting down or restarting"),
        ("57014", "took too long"),
        ("40P01", "the engine tries again"),
        ("53200", "out of memory"),
    ],
)
def test_what_fails_in_the_middle_leaves_nothing(store, postgres_dsn, code, said):
    store.commit(whole(1))
    with psycopg.connect(postgres_dsn, autocommit=True) as person:
        person.execute(
            f"CREATE FUNCTION headwater.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"RAISE EXCEPTION 'could not' USING ERRCODE = '{code}'; END $$"
        )
        person.execute(
            "CREATE TRIGGER fail BEFORE INSERT ON headwater.timeline FOR EACH ROW EXECUTE FUNCTION headwater.fail()"
        )
        try:
            for _ in range(2):
                with pytest.raises(StoreUnavailable, match=said):
                    store.commit(whole(2))
        finally:
            person.execute("DROP FUNCTION headwater.fail CASCADE")
    assert store.resume().position == 1
    assert store.totals()["unaccounted"] == 0
    store.commit(whole(2))
    assert store.totals()["received"] == 4


@pytest.mark.real("postgres")
def test_a_lock_that_somebody_holds_is_waited_for_within_a_bound(postgres_dsn, monkeypatch):
    monkeypatch.setattr(connection_module, "LOCK_SECONDS", 0.2)
    store = PostgresStore(postgres_dsn, SINKS)
    store.acquire()
    with psycopg.connect(postgres_dsn) as person:
        person.execute("LOCK TABLE headwater.outbox IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(StoreUnavailable, match="is a maintenance command running"):
            store.commit(whole(1))
    store.commit(whole(1))
    store.close()


@pytest.mark.real("postgres")
def test_a_database_without_a_store_in_it(postgres):
    with postgres.empty() as dsn:
        reader = PostgresReader(dsn)
        with pytest.raises(StoreUnavailable, match="holds no data of Headwater yet"):
            reader.totals()
        reader.close()
        with pytest.raises(StoreUnavailable, match="closed"):
            reader.totals()
