"""The SQLite store as a file: its schema, its lock, a full disk, damage, a long-held lock, erasure."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

import engine.storage.sqlite.connection as connection_module
from engine.chain import verify
from engine.errors import StoreCorrupt, StoreUnavailable
from engine.ports import Commit
from engine.storage.sqlite import SqliteReader, SqliteStore
from engine.storage.sqlite.connection import connect, tune_writer
from engine.storage.sqlite.migrate import Migration, migrate, shipped, statements
from engine.storage.sqlite.queries import SQL, parse, rows
from tests.storage.made import NOON, SINKS, alert, decision, entry, publication, snapshot, whole


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "headwater.db"


@pytest.fixture
def store(path):
    made = SqliteStore(path, SINKS)
    yield made
    made.close()


def edit(path: Path, *changes: str) -> None:
    """What somebody with a shell on the file would do."""
    connection = sqlite3.connect(path)
    try:
        for sql in changes:
            connection.execute(sql)
        connection.commit()
    finally:
        connection.close()


def integrity(path: Path) -> str:
    connection = sqlite3.connect(path)
    try:
        return str(connection.execute("PRAGMA integrity_check").fetchone()[0])
    finally:
        connection.close()


# -- schema


def test_every_query_is_valid_and_used(store):
    sources = "".join(file.read_text("utf-8") for file in Path(connection_module.__file__).parent.glob("*.py"))
    names: dict[str, object] = {
        "after": 0, "until": 0, "limit": 1, "upto": 0, "before": 0, "entity": "", "incident": "", "name": "",
        "dispositions": "[]", "states": "[]", "verdicts": "[]", "severities": "[]", "domain": "", "since": None,
        "text": "", "sink": "", "now": 0, "id": 0, "epoch": 0, "lease": 0, "ambiguous": 0, "remote": "", "error": "",
        "due": 0, "position": 0, "state": "", "kind": "", "fingerprint": "",
    }  # fmt: skip
    connection = sqlite3.connect(store.path)
    for name, sql in SQL.items():
        connection.execute(f"EXPLAIN {sql}", [None] * sql.count("?") if "?" in sql else names)
        assert f'"{name}"' in sources, f"query {name} is used nowhere"
    connection.close()


def test_lists_of_an_incident_and_open_outbox_rows_go_through_their_indexes(store):
    connection = sqlite3.connect(store.path)
    names = dict.fromkeys(
        ("before", "limit", "entity", "incident", "name", "dispositions", "states", "verdicts", "sink", "now"), ""
    )
    plans = {
        name: " ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {SQL[name]}", names))
        for name in ("alerts_of_incident", "claimable", "outbox_of_incident")
    }
    connection.close()
    assert "alert_incident" in plans["alerts_of_incident"]
    assert plans["claimable"].count("outbox_unfinished") == 2
    assert "outbox_incident" in plans["outbox_of_incident"]


def test_a_query_defined_twice_is_an_error():
    with pytest.raises(ValueError, match="twice: a"):
        parse("-- name: a\nSELECT 1;\n-- name: a\nSELECT 2;\n")


def test_an_insert_is_widened_to_many_rows():
    widened = rows("INSERT INTO t (a, b) VALUES (?, ?) ON CONFLICT (a) DO NOTHING", 3)
    assert widened == "INSERT INTO t (a, b) VALUES (?, ?), (?, ?), (?, ?) ON CONFLICT (a) DO NOTHING"


def test_the_file_says_whose_it_is(store):
    connection = sqlite3.connect(store.path)
    settings = [
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("application_id", "user_version", "journal_mode")
    ]
    connection.close()
    assert settings == [0x48445752, shipped()[-1].number, "wal"]


def test_migrations_are_numbered_without_gaps():
    assert [step.number for step in shipped()] == list(range(1, len(shipped()) + 1))


def test_a_file_of_another_program_is_left_alone(path):
    path.parent.mkdir()
    edit(path, "CREATE TABLE theirs (x)")
    with pytest.raises(StoreCorrupt, match="another program"):
        SqliteStore(path, SINKS)
    assert integrity(path) == "ok"


def test_a_file_that_is_no_database_is_refused(path):
    path.parent.mkdir()
    path.write_bytes(b"this is a text file, not a database" * 100)
    with pytest.raises(StoreCorrupt, match=r"docs/storage\.md"):
        SqliteStore(path, SINKS)


def test_a_file_of_a_newer_version_is_refused(path):
    SqliteStore(path, SINKS).close()
    edit(path, "INSERT INTO migration VALUES (99, '0099_future.sql', 'x')")
    with pytest.raises(StoreCorrupt, match=r"newer version of Headwater.*0099_future\.sql"):
        SqliteStore(path, SINKS)


def test_a_file_made_with_another_text_of_a_migration_is_refused(path):
    SqliteStore(path, SINKS).close()
    edit(path, "UPDATE migration SET checksum = 'x' WHERE number = 1")
    with pytest.raises(StoreCorrupt, match=r"another text of 0001_initial.sql"):
        SqliteStore(path, SINKS)


def test_a_migration_that_fails_leaves_the_file_as_it_was(store, path):
    store.commit(whole(1))
    store.close()
    writer = connect(path)
    tune_writer(writer)
    bad = Migration(2, "0002_bad.sql", "CREATE TABLE half (x);\nINSERT INTO nowhere VALUES (1);\n")
    with pytest.raises(StoreUnavailable, match="nowhere"):
        migrate(writer, path, [*shipped(), bad])
    assert writer.execute("SELECT count(*) FROM sqlite_master WHERE name = 'half'").fetchone() == (0,)
    good = Migration(2, "0002_good.sql", "CREATE TABLE half (x);\n")
    assert migrate(writer, path, [*shipped(), good]) == 2
    assert migrate(writer, path, [*shipped(), good]) == 2
    writer.close()


def test_a_script_is_split_into_statements_with_triggers_whole():
    trigger = "CREATE TRIGGER t BEFORE DELETE ON a BEGIN\n  SELECT 1;\n  SELECT 2;\nEND;\n"
    assert len(list(statements(f"-- a comment; with a semicolon\nCREATE TABLE a (x);\n{trigger}-- the end\n"))) == 2
    with pytest.raises(ValueError, match="inside a statement"):
        list(statements("CREATE TABLE a (x"))


# -- one engine per file, readers beside it


def test_a_second_engine_is_refused_and_told_which_file(store, path):
    with pytest.raises(StoreUnavailable, match=r"headwater\.db is in use by another engine.*headwater\.db\.lock"):
        SqliteStore(path, SINKS)
    store.commit(whole(1))
    store.close()
    second = SqliteStore(path, SINKS)
    assert second.resume().position == 1
    second.close()


def test_a_store_that_could_not_be_opened_holds_no_lock(path):
    path.parent.mkdir()
    path.write_bytes(b"x" * 5000)
    with pytest.raises(StoreCorrupt):
        SqliteStore(path, SINKS)
    path.unlink()
    SqliteStore(path, SINKS).close()


def test_a_reader_of_its_own_looks_on_while_the_engine_writes(store, path):
    reader = SqliteReader(path)
    store.commit(whole(1))
    assert reader.incident("INC-1") is not None
    store.commit(whole(2))
    assert reader.totals()["received"] == 4
    assert verify(reader.chain("shop"), head=reader.heads()[0]).intact
    reader.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        reader.incident("INC-1")


def test_a_reader_needs_a_file(tmp_path):
    reader = SqliteReader(tmp_path / "absent.db")
    with pytest.raises(StoreUnavailable, match="does it exist"):
        reader.totals()
    assert not (tmp_path / "absent.db").exists()


def test_a_closed_outbox_says_so(path):
    store = SqliteStore(path, SINKS)
    store.close()
    store.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        store.claim("tickets", NOON, 1000, 1)


# -- a full disk, a long-held lock


def test_a_full_disk_refuses_the_commit_and_harms_nothing(store, path):
    store.commit(whole(1))
    store.commit(Commit(outbox=[publication("kept")]))
    (pages,) = store._writer.execute("PRAGMA page_count").fetchone()
    store._writer.execute(f"PRAGMA max_page_count = {pages + 4}")
    big = whole(2)
    big.entries[0].body = bytes(range(256)) * 400
    big.alerts = [alert(no, url=f"https://x.example/{no * 7919}") for no in range(1000, 3000)]
    for _ in range(3):
        with pytest.raises(StoreUnavailable, match="disk is full"):
            store.commit(big)
    assert store.resume().position == 1
    assert store.totals()["unaccounted"] == 0
    assert integrity(path) == "ok"
    store._writer.execute("PRAGMA max_page_count = 1000000")
    store.commit(big)
    assert store.resume().position == 2
    assert verify(store.chain("shop"), head=store.heads()[0]).records == 2
    assert integrity(path) == "ok"


def test_another_writer_is_waited_for_within_a_bound(path, monkeypatch):
    monkeypatch.setattr(connection_module, "BUSY_MS", 300)
    store = SqliteStore(path, SINKS)
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="Another process writes"):
        store.commit(whole(1))
    release = threading.Timer(0.1, other.execute, ["ROLLBACK"])
    release.start()
    store.commit(whole(1))
    release.join()
    other.close()
    assert store.resume().position == 1
    store.close()


# -- damage


def twice_snapshotted(path: Path) -> None:
    store = SqliteStore(path, SINKS)
    for n in (1, 2, 3):
        store.commit(Commit(entries=[entry(n)], snapshot=snapshot(n, f"state {n}".encode() * 50)))
    store.close()


@pytest.mark.parametrize(
    "damage", ["state = x'00'", "state = zeroblob(length(state))", "state = 5", "checksum = x'00'", "checksum = 'x'"]
)
def test_a_damaged_snapshot_is_passed_over_for_the_one_before(path, damage):
    twice_snapshotted(path)
    edit(path, f"UPDATE snapshot SET {damage} WHERE position = 3")
    store = SqliteStore(path, SINKS)
    resume = store.resume()
    assert resume.snapshot == snapshot(2, b"state 2" * 50)
    assert resume.position == 3
    store.prune(NOON + 10**6, 100)
    assert [e.position for e in store.entries(resume.snapshot.position)] == [3]
    store.close()


def test_without_a_readable_snapshot_the_whole_log_is_replayed(path):
    twice_snapshotted(path)
    edit(path, "UPDATE snapshot SET checksum = x'00'")
    store = SqliteStore(path, SINKS)
    assert store.resume().snapshot is None
    assert [e.position for e in store.entries(0)] == [1, 2, 3]
    store.close()


def test_without_a_readable_snapshot_and_a_whole_log_the_engine_refuses_to_start(path):
    twice_snapshotted(path)
    store = SqliteStore(path, SINKS)
    assert store.prune(NOON + 10**6, 100) == 2
    store.close()
    edit(path, "UPDATE snapshot SET checksum = x'00'")
    store = SqliteStore(path, SINKS)
    with pytest.raises(StoreCorrupt, match="log starts at 3"):
        store.resume()
    store.close()


def test_a_damaged_body_is_an_error_not_another_body(path):
    store = SqliteStore(path, SINKS)
    store.commit(Commit(entries=[entry(1, b"x" * 5000)]))
    store.close()
    edit(path, "UPDATE input SET body = x'01ffffffff00'")
    store = SqliteStore(path, SINKS)
    with pytest.raises(StoreCorrupt):
        list(store.entries(0))
    store.close()


# -- the record of decisions


COPIED = "position, at, digest, link, salt, payload"


def decided(path: Path) -> SqliteStore:
    store = SqliteStore(path, SINKS)
    store.commit(Commit(decisions=[decision(n, f"decision {n}".encode()) for n in range(1, 8)]))
    return store


def test_the_file_itself_refuses_to_change_the_chain(path):
    decided(path).close()
    for sql in (
        "DELETE FROM chain WHERE seq = 2",
        "UPDATE chain SET at = 0 WHERE seq = 2",
        "UPDATE chain SET payload = x'00' WHERE seq = 2",
        "UPDATE chain SET salt = x'00', payload = NULL WHERE seq = 2",
    ):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            edit(path, sql)


@pytest.mark.parametrize(
    ("tampering", "broken_at"),
    [
        ("UPDATE chain SET at = at + 1 WHERE seq = 3", 3),
        ("UPDATE chain SET payload = (SELECT payload FROM chain WHERE seq = 5) WHERE seq = 4", 4),
        ("DELETE FROM chain WHERE seq = 1", 1),
        ("DELETE FROM chain WHERE seq > 5", 6),
        ("DELETE FROM chain", 1),
        ("UPDATE chain SET seq = seq + 100 WHERE seq = 6", 6),
        (f"INSERT INTO chain SELECT 99, domain, 8, {COPIED} FROM chain WHERE seq = 7", 8),
        (f"INSERT INTO chain SELECT 99, domain, 0, {COPIED} FROM chain WHERE seq = 7", 1),
        ("UPDATE chain_head SET seq = 6", 7),
    ],
)  # fmt: skip
def test_tampering_with_the_file_is_found(path, tampering, broken_at):
    decided(path).close()
    edit(path, "DROP TRIGGER chain_is_kept", "DROP TRIGGER chain_is_append_only", tampering)
    store = SqliteStore(path, SINKS)
    (head,) = store.heads()
    assert verify(store.chain("shop"), head=head).broken_at == broken_at
    store.close()


def test_a_deleted_domain_is_found_with_an_exported_head(path):
    store = decided(path)
    anchors = store.heads()
    store.close()
    edit(path, "DROP TRIGGER chain_is_kept", "DELETE FROM chain", "DELETE FROM chain_head")
    store = SqliteStore(path, SINKS)
    assert [verify(store.chain(anchor.domain), anchor).broken_at for anchor in anchors] == [1]
    store.close()


def test_what_was_erased_is_nowhere_in_the_files(path):
    store = decided(path)
    salts = {row.seq: row.salt or b"" for row in store.chain("shop")}
    assert store.erase("shop", 3) == 1
    held = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert salts[3] not in held
    assert b"decision 3" not in held
    assert salts[4] in held
    assert b"decision 4" in held
    assert store.erase("shop", 3) == 0
    assert verify(store.chain("shop"), head=store.heads()[0]).erased == 1
    store.close()


# -- space


def test_views_that_were_replaced_are_swept(store, path):
    for round_ in range(4):
        store.commit(Commit(alerts=[alert(no, url=str(round_)) for no in range(1, 129)]))
    count = "SELECT count(*) FROM alert_block"
    assert store._writer.execute(count).fetchone() == (8,)
    store.prune(NOON, 1)
    assert store._writer.execute(count).fetchone() == (2,)
    assert {view.url for view in store.alerts(limit=500).items} == {"3"}
    assert len(store.alerts(limit=500).items) == 128


def test_an_online_backup_is_a_whole_store(store, path, tmp_path):
    stop = threading.Event()

    def keep_committing() -> None:
        position = 0
        while not stop.is_set():
            position += 1
            store.commit(whole(position))

    writer = threading.Thread(target=keep_committing)
    writer.start()
    copy = tmp_path / "copy.db"
    source, target = sqlite3.connect(path), sqlite3.connect(copy)
    source.backup(target)
    source.close()
    target.close()
    stop.set()
    writer.join()
    restored = SqliteStore(copy, SINKS)
    position = restored.resume().position
    assert restored.totals() | {"received": 2 * position, "opened": 2 * position, "unaccounted": 0} == restored.totals()
    assert all(verify(restored.chain(head.domain), head=head).records == position for head in restored.heads())
    restored.close()
