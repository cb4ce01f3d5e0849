"""Snapshots of the core: the last two are kept, the newest readable one counts."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import cramjam
import xxhash

from engine.ports import Snapshot
from engine.storage.sqlite.queries import SQL

_LEVEL = 1  # zstd: a fifth of the bytes of lz4's result at half its speed, and far below the time of the disk


def insert(connection: sqlite3.Connection, snapshot: Snapshot) -> None:
    """Store a snapshot and forget all but it and the one before."""
    state = bytes(cramjam.zstd.compress(snapshot.state, _LEVEL))
    row = (snapshot.position, snapshot.ticked, snapshot.schema, snapshot.engine, xxhash.xxh3_128_digest(state), state)
    connection.execute(SQL["insert_snapshot"], row)
    connection.execute(SQL["drop_old_snapshots"])


def kept(connection: sqlite3.Connection) -> list[tuple[int, int]]:
    """(id, position) of the stored snapshots, newest first."""
    return connection.execute(SQL["snapshot_ids"]).fetchall()


def readable(connection: sqlite3.Connection) -> Iterator[Snapshot]:
    """The undamaged snapshots, newest first."""
    for id, _ in kept(connection):
        snapshot = _load(connection, id)
        if snapshot is not None:
            yield snapshot


def _load(connection: sqlite3.Connection, id: int) -> Snapshot | None:
    try:
        position, ticked, schema, engine, checksum, state = connection.execute(SQL["snapshot"], (id,)).fetchone()
        if xxhash.xxh3_128_digest(state) != checksum:
            return None
        return Snapshot(position, ticked, schema, engine, bytes(cramjam.zstd.decompress(state)))
    except (sqlite3.DatabaseError, cramjam.DecompressionError, TypeError, ValueError):
        return None  # a damaged page or a value of another type: as good as gone
