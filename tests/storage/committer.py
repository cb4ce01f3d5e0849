"""Commits one input after another until it is killed, and says on stdout which are durable. Run by a test."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from engine.sending import Receipt
from engine.storage.sqlite import SqliteStore
from tests.storage.made import NOON, SINKS, snapshot, whole


def publish(store: SqliteStore) -> None:
    """A publisher beside the writer: claims, sends, confirms."""
    while True:
        for row in store.claim("tickets", NOON + 10**9, 1, 5):
            if store.sent(row, NOON + 10**9):
                store.confirmed(row, NOON + 10**9, Receipt(f"T-{row.publication.key}"))


def main() -> None:
    """Continue where the file leaves off."""
    store = SqliteStore(Path(sys.argv[1]), SINKS)
    threading.Thread(target=publish, args=(store,), daemon=True).start()
    position = store.resume().position
    print("ready", flush=True)
    while True:
        position += 1
        commit = whole(position, alerts=20)
        if position % 7 == 0:
            commit.snapshot = snapshot(position, str(position).encode() * 5000)
        store.commit(commit)
        print(position, flush=True)
        if position % 11 == 0:
            store.prune(NOON + 10**9, 3)
