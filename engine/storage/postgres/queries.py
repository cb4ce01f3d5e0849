"""The SQL of this store, by name, from `queries.sql`."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from psycopg import Cursor

from engine.storage.postgres.arrays import columns
from engine.storage.postgres.connection import Row
from engine.storage.statements import parse

SQL = parse(files(__package__).joinpath("queries.sql").read_text("utf-8"))


def store(cursor: Cursor[Row], name: str, kinds: str, rows: Sequence[Sequence[object]]) -> None:
    """Execute an INSERT or UPDATE from `unnest` for all of these rows; ``kinds``: a letter for each column."""
    if rows:
        cursor.execute(SQL[name], columns(kinds, rows))
