"""The SQLite store when things go wrong: a full disk, a long-held lock, damage, tampering, erasure."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

import engine.storage.sqlite.connection as connection_module
from engine.chain import verify
from engine.errors import StoreCorrupt, StoreUnavailable
from engine.ports import Commit
from engine.storage.sqlite import SqliteStore
from tests.storage.made import NOON, SINKS, alert, decision, entry, publication, snapshot, whole
from tests.storage.outside import edit, integrity


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
