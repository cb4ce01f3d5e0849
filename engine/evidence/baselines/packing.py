"""The store as plain data for a snapshot: each column as the bytes of the rows in use.

Restoring gives a store that goes on exactly as the packed one. Rows of the seasons are renumbered in the order of the
series, so that equal contents are equal bytes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.evidence.baselines.store import Store, columns_of, seasons_of


def packed(store: Store) -> dict[str, Any]:
    """What `unpacked` takes."""
    store.flush()
    pool = store.seasons
    tables, order = [], []
    for table in store.tables:
        columns = {name: column[: table.count] for name, column in columns_of(table).items()}
        season = columns["season"]
        held = np.flatnonzero(season >= 0)
        season = season.copy()
        order.append(season[held].astype(np.int64))
        season[held] = np.arange(len(held)) + sum(map(len, order[:-1]))
        columns["season"] = season
        tables.append(
            {
                "keys": table.keys,
                "columns": {name: column.tobytes() for name, column in columns.items()},
                "too_late": table.rings.too_late,
            }
        )
    rows = np.concatenate(order)
    return {
        "names": store.names,
        "tables": tables,
        "seasons": {name: column[rows].tobytes() for name, column in seasons_of(pool).items()},
        "season_rows": len(rows),
        "ended": sorted(store.ended.items()),
        "evicted": store.evicted,
        "scan_at": store.scan_at,
    }


def unpacked(content: dict[str, Any]) -> Store:
    """The store of a packed one."""
    store = Store()
    store.names = list(content["names"])
    store.number = {text: number for number, text in enumerate(store.names)}
    store.evicted, store.scan_at = content["evicted"], content["scan_at"]
    store.ended = dict(content["ended"])
    for wide, (table, told) in enumerate(zip(store.tables, content["tables"], strict=True)):
        table.keys = list(told["keys"])
        table.count = len(table.keys)
        table.grow(table.count)
        table.rings.too_late = told["too_late"]
        for name, column in columns_of(table).items():
            flat = np.frombuffer(told["columns"][name], column.dtype)
            column[:] = flat.reshape(column.shape)
        for row, key in enumerate(table.keys):
            store.by_key[key] = 2 * row + wide
    pool, rows = store.seasons, content["season_rows"]
    for name, column in seasons_of(pool).items():
        flat = np.frombuffer(content["seasons"][name], column.dtype)
        setattr(pool, name, flat.reshape((rows, *column.shape[1:])).copy())
    pool.count = rows
    return store
