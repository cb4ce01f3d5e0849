"""Ten copies made while a writer commits: each is a whole store, without a gap in what was acknowledged before."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from engine.chain import verify
from engine.errors import StoreUnavailable
from engine.storage.sqlite import SqliteStore
from engine.storage.sqlite.backup import backup, verified
from tests.storage.made import SINKS, whole


def test_a_copy_of_a_store_at_work_is_whole_and_holds_what_was_acknowledged(store: SqliteStore, path: Path) -> None:
    store.commit(whole(1))
    acknowledged, stop = 1, threading.Event()

    def write() -> None:
        nonlocal acknowledged
        while not stop.is_set():
            store.commit(whole(acknowledged + 1))
            acknowledged += 1

    writer = threading.Thread(target=write)
    writer.start()
    copies = []
    try:
        for number in range(10):
            before = acknowledged
            found = backup(path, path.parent / f"copy-{number}.db")
            assert before <= found.position <= acknowledged + 1
            copies.append(found)
    finally:
        stop.set()
        writer.join()
    assert acknowledged > 1
    for number, found in enumerate(copies):
        for head in found.heads:  # the chain of the store goes on from that of the copy
            assert verify(store.chain(head.domain), anchor=head).broken_at is None
        restored = SqliteStore(path.parent / f"copy-{number}.db", SINKS)
        assert restored.resume().position == found.position
        assert restored.totals()["unaccounted"] == 0
        restored.commit(whole(found.position + 1))
        restored.close()


def test_a_copy_does_not_overwrite(store: SqliteStore, path: Path) -> None:
    store.commit(whole(1))
    backup(path, path.parent / "copy.db")
    with pytest.raises(StoreUnavailable, match="is there already"):
        backup(path, path.parent / "copy.db")
    (path.parent / "copy.db.sha256").unlink()
    with pytest.raises(StoreUnavailable, match="No such file"):
        verified(path.parent / "copy.db")
