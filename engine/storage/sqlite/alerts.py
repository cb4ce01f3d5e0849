"""Writing current alerts: the views in compressed blocks, what lists filter by in narrow rows.

The views of one commit resemble each other, so a block is an eighth of its parts. A later view of an alert goes
into a new block; blocks that nothing refers to are removed by `sweep`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from engine.outcomes import AlertView
from engine.storage.codec import BLOCK, pack_alerts
from engine.storage.sqlite.queries import SQL, store


def upsert(connection: sqlite3.Connection, views: Sequence[AlertView]) -> int:
    """Store the alerts' current views; returns the number of blocks written. The last of two equal numbers wins."""
    blocks = range(0, len(views), BLOCK)
    for start in blocks:
        _block(connection, views[start : start + BLOCK])
    return len(blocks)


def _block(connection: sqlite3.Connection, views: Sequence[AlertView]) -> None:
    block = connection.execute(SQL["insert_block"], (pack_alerts(views),)).lastrowid
    rows = [
        (
            view.no, view.entity, view.incident, view.name, view.disposition._value_, view.state,
            view.verdict._value_, view.fingerprint, block, slot,
        )
        for slot, view in enumerate(views)
    ]  # fmt: skip
    store(connection, "upsert_alert", rows)


def index(connection: sqlite3.Connection) -> None:
    """Bring the index by fingerprint up to date; until then lookups also scan the alerts added since."""
    connection.execute(SQL["index_fingerprints"])
    connection.execute(SQL["set_indexed"])


def sweep(connection: sqlite3.Connection) -> None:
    """Remove blocks whose every alert has a later view."""
    connection.execute(SQL["delete_unused_blocks"])
