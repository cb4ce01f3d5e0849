"""Writing current alerts: the views in compressed blocks, what lists filter by in narrow rows.

The views of one commit resemble each other, so a block is an eighth of its parts. A later view of an alert goes
into a new block; blocks that nothing refers to are removed by `sweep`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from engine.outcomes import AlertView
from engine.storage.sqlite.codec import BLOCK, pack_alerts
from engine.storage.sqlite.queries import SQL, rows

_ROWS = 16  # per statement
_COLUMNS = 10
_ONE = SQL["upsert_alert"]
_MANY = rows(_ONE, _ROWS)


def upsert(connection: sqlite3.Connection, views: Sequence[AlertView]) -> int:
    """Store the alerts' current views; returns the number of blocks written. The last of two equal numbers wins."""
    blocks = range(0, len(views), BLOCK)
    for start in blocks:
        _block(connection, views[start : start + BLOCK])
    return len(blocks)


def _block(connection: sqlite3.Connection, views: Sequence[AlertView]) -> None:
    block = connection.execute(SQL["insert_block"], (pack_alerts(views),)).lastrowid
    values: list[object] = []
    for slot, view in enumerate(views):
        values += (
            view.no, view.entity, view.incident, view.name, view.disposition._value_, view.state,
            view.verdict._value_, view.fingerprint, block, slot,
        )  # fmt: skip
    whole = len(views) - len(views) % _ROWS
    for start in range(0, whole * _COLUMNS, _ROWS * _COLUMNS):
        connection.execute(_MANY, values[start : start + _ROWS * _COLUMNS])
    for start in range(whole * _COLUMNS, len(values), _COLUMNS):
        connection.execute(_ONE, values[start : start + _COLUMNS])


def index(connection: sqlite3.Connection) -> None:
    """Bring the index by fingerprint up to date; until then lookups also scan the alerts added since."""
    connection.execute(SQL["index_fingerprints"])
    connection.execute(SQL["set_indexed"])


def sweep(connection: sqlite3.Connection) -> None:
    """Remove blocks whose every alert has a later view."""
    connection.execute(SQL["delete_unused_blocks"])
