"""Opens what an engine keeps its state in, SQLite or PostgreSQL, to write or to read."""

from __future__ import annotations

import platform
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from api.kept import DATABASE, Kept
from engine.ports import Clock

if TYPE_CHECKING:
    from engine.storage.postgres import PostgresReader, PostgresStore
    from engine.storage.sqlite import SqliteReader, SqliteStore

    AnyStore = SqliteStore | PostgresStore
    AnyReader = SqliteReader | PostgresReader


def opened(
    kept: Kept, audiences: Mapping[str, Collection[str]], clock: Clock, stack: ExitStack
) -> tuple[AnyStore, Clock]:
    """The store of the one engine that owns all of it, and the clock by which its publications are leased.

    Raises `engine.errors.StoreUnavailable`, `engine.errors.StoreCorrupt`.
    """
    if not kept.address:
        from engine.storage.sqlite import SqliteStore

        return stack.enter_context(closing(SqliteStore(kept.file, audiences))), clock
    from engine.storage.postgres import DatabaseClock, PostgresStore

    dsn = address(kept)
    store = stack.enter_context(closing(PostgresStore(dsn, audiences, owner=platform.node())))
    store.acquire()
    return store, stack.enter_context(closing(DatabaseClock(dsn)))


@contextmanager
def reading(kept: Kept) -> Iterator[AnyReader]:
    """The data of an engine, running or not, to be read only. Raises `engine.errors.StoreUnavailable`."""
    reader: AnyReader
    if kept.address:
        from engine.storage.postgres import PostgresReader

        reader = PostgresReader(address(kept))
    else:
        from engine.storage.sqlite import SqliteReader

        reader = SqliteReader(kept.file)
    with closing(reader):
        yield reader


def address(kept: Kept) -> str:
    """What PostgreSQL's library takes, with the password. Not to be shown."""
    from engine.storage.postgres.address import with_password

    return with_password(kept.address, kept.password)


def copied(folder: Path | None, copy: Path) -> str:
    """What a verified copy holds, in words; with ``folder`` it is made of the data there. Raises
    `engine.errors.StoreUnavailable`, `engine.errors.StoreCorrupt`."""
    from engine.storage.sqlite.backup import backup, verified

    found = verified(copy) if folder is None else backup(folder / DATABASE, copy)
    return f"{copy}: whole, {found.position} inputs, {len(found.heads)} chains, SHA-256 {found.digest}"
