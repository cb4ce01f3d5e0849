"""What every store of access keeps: keys, people, sessions, what may be sent once, and the trail."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from api.access_settings import Role, Sessions
from api.auth import keys, people
from api.auth.keys import Refused
from api.auth.postgres import PostgresAccess
from api.auth.sqlite import SqliteAccess
from api.auth.store import TRAIL, Attempt, Key, Session, Store, User
from engine.chain import Head, verify

AnyAccess = SqliteAccess | PostgresAccess
PASSWORD = "correct horse battery"
NOW = 1_790_000_000_000


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.real("postgres"))])
def process(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], AnyAccess]]:
    """Opens the same store once more, as another process does."""
    made: list[AnyAccess] = []
    dsn = request.getfixturevalue("postgres_dsn") if request.param == "postgres" else ""

    def one_more() -> AnyAccess:
        made.append(PostgresAccess(dsn) if dsn else SqliteAccess(tmp_path))
        return made[-1]

    yield one_more
    for one in made:
        one.close()


def test_a_key_made_in_one_process_holds_in_all_until_one_of_them_revokes_it(process: Callable[[], Store]) -> None:
    first, second = process(), process()
    assert not second.closing()
    made = keys.create(first, "prometheus ünïcode", Role.INGEST, NOW, "ann", ("read", "ingest"), 1)
    found = second.key(keys.digest(made.secret))
    expected = Key(
        made.key.id, "prometheus ünïcode", Role.INGEST, ("read", "ingest"), NOW, "ann", NOW + 86_400_000
    )  # fmt: skip
    assert found == expected
    assert second.closing()
    first.used_key(made.key.id, NOW + 5)
    (listed,) = second.keys()
    assert listed.used_at == NOW + 5
    assert second.revoke_key(made.key.id, NOW + 10)
    assert not first.revoke_key(made.key.id, NOW + 11)
    gone = first.key(keys.digest(made.secret))
    assert gone is not None
    assert not gone.alive(NOW + 10)
    assert not first.closing()
    assert first.key("0" * 64) is None


def test_the_newest_key_comes_first(process: Callable[[], Store]) -> None:
    store = process()
    for at in (3, 1, 2):
        store.add_key(Key(f"k{at}", "n", Role.VIEWER, (), at, "ann"), str(at))
    listed = store.keys()
    assert [one.id for one in listed] == ["k3", "k2", "k1"]


def test_people_and_what_changes_them(process: Callable[[], Store]) -> None:
    first, second = process(), process()
    people.put(first, "zoe", NOW, role=Role.ADMIN, password=PASSWORD, fresh=True)
    people.put(first, "Ann", NOW, role=Role.VIEWER, password=PASSWORD)
    with pytest.raises(Refused):
        people.put(second, "zoe", NOW, role=Role.ADMIN, password=PASSWORD, fresh=True)
    opened = people.open_session(second, "zoe", [Role.ADMIN], NOW, Sessions())
    assert people.check(second, "zoe", PASSWORD) == User("zoe", Role.ADMIN, NOW, NOW)
    assert people.check(second, "zoe", "another one entirely") is None
    changed = people.put(second, "zoe", NOW + 1, role=Role.VIEWER, disabled=True)
    assert first.session(opened.session.id) is None, "a change ends the sessions everywhere"
    assert first.users() == [User("Ann", Role.VIEWER, NOW, NOW), changed]
    assert people.check(first, "zoe", PASSWORD) is None
    assert first.remove_user("zoe")
    assert not second.remove_user("zoe")
    assert second.password("zoe") is None


def test_sessions_are_ended_by_name_by_person_and_by_time(process: Callable[[], Store]) -> None:
    first, second = process(), process()
    for number in range(5):
        who = "ann" if number < 2 else "bob"
        at = NOW + number
        first.add_session(Session(f"s{number}", who, (Role.VIEWER, Role.AUDITOR), "csrf", at, at, at + 100))
    assert second.session("s1") == Session(
        "s1", "ann", (Role.AUDITOR, Role.VIEWER), "csrf", NOW + 1, NOW + 1, NOW + 101
    )
    second.seen_session("s2", NOW + 50)
    assert [one.id for one in first.sessions()] == ["s4", "s3", "s2", "s1", "s0"]
    assert first.end_sessions(id="s0") == 1
    assert second.end_sessions(person="ann") == 1
    assert second.end_sessions(idle=NOW + 3) == 1
    assert second.end_sessions(before=NOW + 102) == 1
    assert [one.id for one in first.sessions()] == ["s4"]


def test_what_may_be_used_once_is_used_once_over_all_processes(process: Callable[[], Store]) -> None:
    first, second = process(), process()
    assert first.add_nonce("n", NOW, NOW + 100)
    assert not second.add_nonce("n", NOW + 1, NOW + 101)
    assert second.add_nonce("n", NOW + 100, NOW + 200), "it is forgotten in time"
    first.drop_nonce("n")
    assert second.add_nonce("n", NOW + 100, NOW + 200)
    attempt = Attempt("state", "browser", "nonce", "verifier", "/target", NOW + 600_000)
    first.add_attempt(attempt)
    assert second.take_attempt("state") == attempt
    assert first.take_attempt("state") is None
    first.add_attempt(attempt)
    first.add_attempt(Attempt("later", "b", "n", "v", "/", NOW + 1_200_000))
    assert first.take_attempt("state") is None, "what never ended is forgotten"
    token = keys.first(first)
    assert token is not None
    assert second.first() == keys.digest(token)
    keys.create(second, "k", Role.VIEWER, NOW, "ann")
    assert first.first() is None
    assert keys.first(first) is None


def test_what_fails_in_a_transaction_leaves_nothing(process: Callable[[], Store]) -> None:
    store = process()

    def fails() -> None:
        with store.transaction():
            store.set_first("digest")
            with store.transaction():
                store.add_record("ann", NOW, b"record")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert store.first() is None
    assert store.head() == Head(TRAIL)
    store.set_first("digest")
    assert store.first() == "digest"


def test_the_trail_that_all_processes_write_is_one_chain(process: Callable[[], Store]) -> None:
    stores = [process() for _ in range(3)]

    def write(store: Store, who: str) -> None:
        for number in range(10):
            store.add_record(who, NOW + number, b"\x00 %d" % number)

    threads = [threading.Thread(target=write, args=(one, name)) for one, name in zip(stores, "abc", strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report = verify(stores[0].trail(), None, stores[1].head())
    assert (report.intact, report.records, report.erased) == (True, 30, 0)
    assert [one.seq for one in stores[2].trail(before=30, limit=2)] == [29, 28]
    assert stores[2].erase_records(who="b") == 10
    assert stores[0].erase_records(before=NOW + 3) == 6
    report = verify(stores[0].trail(), None, stores[1].head())
    assert (report.intact, report.records, report.erased) == (True, 30, 16)


@pytest.mark.real("postgres")
def test_a_server_that_is_away_is_told_and_tried_again(postgres_dsn: str, postgres) -> None:
    name = postgres_dsn.rpartition("/")[2]
    with closing(PostgresAccess(postgres_dsn)) as store:
        store.ping()
        postgres.execute(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'")
        store.set_first("digest")
        assert store.first() == "digest"
