"""Writing current alerts: the views in compressed blocks, what lists filter by in narrow rows.

The views of one commit resemble each other, so a block is an eighth of its parts. A later view of an alert goes
into a new block; blocks that nothing refers to are removed by `sweep`.
"""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import Cursor

from engine.outcomes import AlertView
from engine.shards import Shard
from engine.storage.codec import BLOCK, pack_alerts
from engine.storage.postgres.connection import Row
from engine.storage.postgres.queries import SQL, store


def upsert(cursor: Cursor[Row], views: Sequence[AlertView], last: int) -> int:
    """Store the alerts' current views in blocks behind number ``last``; returns the new last one. The last of two equal
    numbers wins."""
    latest = list({view.no: view for view in views}.values())
    blocks, rows = [], []
    for start in range(0, len(latest), BLOCK):
        part, last = latest[start : start + BLOCK], last + 1
        blocks.append((last, pack_alerts(part)))
        rows += [
            (
                view.no, view.entity, view.incident, view.name, view.disposition._value_, view.state,
                view.verdict._value_, view.fingerprint, last, slot,
            )
            for slot, view in enumerate(part)
        ]  # fmt: skip
    store(cursor, "insert_block", "qb", blocks)
    store(cursor, "upsert_alert", "qtttttttqq", rows)
    return last


def index(cursor: Cursor[Row], shard: int) -> None:
    """Bring the index by fingerprint up to date; until then lookups also scan the alerts added since."""
    values = {"shard": shard, "after": Shard(shard).base, "until": Shard(shard).end}
    cursor.execute(SQL["index_fingerprints"], values)
    cursor.execute(SQL["set_indexed"], values)


def sweep(cursor: Cursor[Row], shard: int) -> None:
    """Remove blocks whose every alert has a later view."""
    cursor.execute(SQL["delete_unused_blocks"], {"after": Shard(shard).base, "until": Shard(shard).end})
