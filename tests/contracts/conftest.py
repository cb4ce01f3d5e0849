"""The stores that must keep the same contract. A new one is one more parameter here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.storage.memory import MemoryStore
from engine.storage.sqlite import SqliteStore
from tests.storage.made import SINKS

AnyStore = MemoryStore | SqliteStore


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AnyStore]:
    made: AnyStore = MemoryStore(SINKS) if request.param == "memory" else SqliteStore(tmp_path / "hw.db", SINKS)
    yield made
    made.close()


@pytest.fixture
def reopened() -> Iterator[Callable[[AnyStore], AnyStore]]:
    """The store as the next start finds it; memory has no next start and is returned as it is."""
    opened: list[SqliteStore] = []

    def reopen(store: AnyStore) -> AnyStore:
        if isinstance(store, MemoryStore):
            return store
        store.close()
        opened.append(SqliteStore(store.path, SINKS))
        return opened[-1]

    yield reopen
    for store in opened:
        store.close()
