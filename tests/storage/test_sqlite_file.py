"""The SQLite store as a file: its schema, its lock, readers beside it, its space."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

import engine.storage.sqlite.connection as connection_module
from engine.chain import verify
from engine.errors import StoreCorrupt, StoreUnavailable
from engine.ports import Commit
from engine.storage.migrations import Migration
from engine.storage.sqlite import SqliteReader, SqliteStore
from engine.storage.sqlite.connection import connect, tune_writer
from engine.storage.sqlite.migrate import migrate, shipped, statements
from engine.storage.sqlite.queries import SQL, rows
from engine.storage.statements import parse
from tests.storage.made import NOON, SINKS, alert, whole
from tests.storage.outside import edit, integrity


def test_every_query_is_valid_and_used(store):
    own = Path(connection_module.__file__).parent
    sources = "".join(file.read_text("utf-8") for folder in (own, own.parent) for file in folder.glob("*.py"))
    names: dict[str, object] = {
        "after": 0, "until": 0, "limit": 1, "upto": 0, "before": 0, "entity": "", "incident": "", "name": "",
        "dispositions": "[]", "states": "[]", "verdicts": "[]", "severities": "[]", "domain": "", "since": None,
        "text": "", "sink": "", "now": 0, "id": 0, "epoch": 0, "lease": 0, "ambiguous": 0, "remote": "", "error": "",
        "clocks": False, "drill": None, "due": 0, "behind": 0, "position": 0, "state": "", "kind": "",
        "fingerprint": "",
        "generation": 1, "url": "", "seen": "", "created_at": 0, "changed_at": 0, "sent": 0, "probes": 0,
            "attempts": 0, "doubtful": 0, "now_seen": "", "doc": b"",
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
    assert plans["claimable"].count("outbox_queue") == 1
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
    bad = Migration(99, "0099_bad.sql", "CREATE TABLE half (x);\nINSERT INTO nowhere VALUES (1);\n")
    with pytest.raises(StoreUnavailable, match="nowhere"):
        migrate(writer, path, [*shipped(), bad])
    assert writer.execute("SELECT count(*) FROM sqlite_master WHERE name = 'half'").fetchone() == (0,)
    good = Migration(99, "0099_good.sql", "CREATE TABLE half (x);\n")
    assert migrate(writer, path, [*shipped(), good]) == 99
    assert migrate(writer, path, [*shipped(), good]) == 99
    writer.close()


def test_a_script_is_split_into_statements_with_triggers_whole():
    trigger = "CREATE TRIGGER t BEFORE DELETE ON a BEGIN\n  SELECT 1;\n  SELECT 2;\nEND;\n"
    assert len(list(statements(f"-- a comment; with a semicolon\nCREATE TABLE a (x);\n{trigger}-- the end\n"))) == 2
    with pytest.raises(ValueError, match="inside a statement"):
        list(statements("CREATE TABLE a (x"))


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
