"""The stores that must keep the same contract. A new one is one more parameter here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.storage.memory import MemoryStore
from engine.storage.postgres import PostgresStore
from engine.storage.sqlite import SqliteStore
from tests.storage.made import SINKS

AnyStore = MemoryStore | SqliteStore | PostgresStore


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.real("postgres"))])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AnyStore]:
    made: AnyStore
    if request.param == "memory":
        made = MemoryStore(SINKS)
    elif request.param == "sqlite":
        made = SqliteStore(tmp_path / "hw.db", SINKS)
    else:
        made = _postgres(request.getfixturevalue("postgres_dsn"))
    yield made
    made.close()


@pytest.fixture
def reopened() -> Iterator[Callable[[AnyStore], AnyStore]]:
    """The store as the next start finds it; memory has no next start and is returned as it is."""
    opened: list[AnyStore] = []

    def reopen(store: AnyStore) -> AnyStore:
        if isinstance(store, MemoryStore):
            return store
        store.close()
        opened.append(
            SqliteStore(store.path, SINKS) if isinstance(store, SqliteStore) else _postgres(store.address.conninfo)
        )
        return opened[-1]

    yield reopen
    for store in opened:
        store.close()


def _postgres(dsn: str) -> PostgresStore:
    store = PostgresStore(dsn, SINKS)
    store.acquire()
    return store
