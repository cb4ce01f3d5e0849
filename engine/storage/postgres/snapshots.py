"""Snapshots of the core: the last two of a shard are kept, the newest readable one counts."""

from __future__ import annotations

from collections.abc import Iterator

import cramjam
import xxhash
from psycopg import Cursor

from engine.ports import Snapshot
from engine.storage.postgres.connection import Row
from engine.storage.postgres.queries import SQL

_LEVEL = 1  # zstd: a fifth of the bytes of lz4's result at half its speed, and far below the time of the disk


def insert(cursor: Cursor[Row], shard: int, snapshot: Snapshot) -> None:
    """Store a snapshot and forget all but it and the one before."""
    state = bytes(cramjam.zstd.compress(snapshot.state, _LEVEL))
    values = {
        "shard": shard, "position": snapshot.position, "ticked": snapshot.ticked, "schema": snapshot.schema,
        "engine": snapshot.engine, "checksum": xxhash.xxh3_128_digest(state), "state": state,
    }  # fmt: skip
    cursor.execute(SQL["insert_snapshot"], values)
    cursor.execute(SQL["drop_old_snapshots"], {"shard": shard})


def kept(cursor: Cursor[Row], shard: int | None) -> list[tuple[int, int]]:
    """(id, position) of the stored snapshots of a shard or of all, newest first."""
    if shard is None:
        return [(id, position) for id, position in cursor.execute(SQL["all_snapshot_ids"])]
    return [(id, position) for id, position in cursor.execute(SQL["snapshot_ids"], {"shard": shard})]


def readable(cursor: Cursor[Row], shard: int | None = None) -> Iterator[Snapshot]:
    """The undamaged snapshots of a shard or of all, newest first."""
    for id, _ in kept(cursor, shard):
        snapshot = _load(cursor, id)
        if snapshot is not None:
            yield snapshot


def _load(cursor: Cursor[Row], id: int) -> Snapshot | None:
    row = cursor.execute(SQL["snapshot"], {"id": id}).fetchone()
    if row is None:
        return None
    position, ticked, schema, engine, checksum, state = row
    if xxhash.xxh3_128_digest(state) != checksum:
        return None
    try:
        return Snapshot(position, ticked, schema, engine, bytes(cramjam.zstd.decompress(state)))
    except cramjam.DecompressionError:
        return None
