"""The SQL of this store, by name, from `queries.sql`: each statement stands under a line ``-- name: <name>``."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from engine.storage.statements import parse

SQL = parse(files(__package__).joinpath("queries.sql").read_text("utf-8"))


def store(connection: sqlite3.Connection, name: str, rows: Sequence[Sequence[object]]) -> None:
    """Execute an INSERT of one row for all of these, many to a statement.

    Each step of a statement gives up Python's lock and has to wait for it again; sixteen rows in one step cost a third
    of sixteen steps, and less where other threads run.
    """
    start, left = 0, len(rows)
    for size in _SIZES:
        while left >= size:
            values = [value for row in rows[start : start + size] for value in row]
            connection.execute(_for_rows(name, size), values)
            start, left = start + size, left - size


_SIZES = (32, 16, 8, 4, 2, 1)
"""Rows per statement; few sizes, so that all of them stay prepared."""


@cache
def _for_rows(name: str, count: int) -> str:
    return rows(SQL[name], count)


def rows(statement: str, count: int) -> str:
    """An INSERT for ``count`` rows, from one that ends its VALUES list with one row of ``?`` and then ON CONFLICT."""
    head, values, tail = re.split(r"(\((?:\?, )+\?\))", statement)
    return f"{head}{', '.join([values] * count)}{tail}"
