"""The partitions of the large tables: the input log by day of arrival, what is kept for ever by position."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from psycopg import Connection, sql

from engine.ports import Commit
from engine.shards import BITS
from engine.signals import Millis
from engine.storage.paging import event
from engine.storage.postgres.connection import SCHEMA, Row
from engine.storage.postgres.queries import SQL

DAY: Millis = 86_400_000
SPAN_BITS = 22
"""A partition by position holds 2**22 inputs of one shard."""

_TURN = 0x48445750
_EPOCH = date(1970, 1, 1).toordinal()

Place = tuple[str, int]
"""A partition: its table, and its day since 1970 or its span."""


def of(commit: Commit) -> set[Place]:
    """The partitions that a commit writes to."""
    changed = (event(change.event) for change in commit.changes)
    return {
        *(("input", entry.arrival // DAY) for entry in commit.entries),
        *(("ledger", position >> SPAN_BITS) for position, _ in commit.ledger),
        *(("ledger_change", (place or (0, 0))[0] >> SPAN_BITS) for place in changed),
        *(("chain", decision.position >> SPAN_BITS) for decision in commit.decisions),
    }


def ensure(connection: Connection[Row], places: Iterable[Place]) -> None:
    """Make those that are not there; writers and readers of the tables go on meanwhile."""
    for table, place in sorted(places):
        name = _name(table, place)
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_TURN,))
            row = connection.execute("SELECT to_regclass(%s)", (f"{SCHEMA}.{name}",)).fetchone()
            if row and row[0] is not None:
                continue
            first, last = (place * DAY, (place + 1) * DAY) if table == "input" else _span(place)
            names = {"name": sql.Identifier(name), "table": sql.Identifier(table)}
            connection.execute(
                sql.SQL("CREATE TABLE {name} (LIKE {table} INCLUDING ALL) WITH (toast_tuple_target = 8160)").format(
                    **names
                )
            )
            connection.execute(
                sql.SQL("ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ({first}) TO ({last})").format(
                    first=sql.Literal(first), last=sql.Literal(last), **names
                )
            )


def drop_one(connection: Connection[Row], before: Millis) -> int:
    """Drop the oldest day of the input log, if all of it arrived before and no shard needs any of it; about how many
    entries that were. Inside a transaction."""
    for name, rows in connection.execute(SQL["input_partitions"]).fetchall():
        if (_day(str(name)) + 1) * DAY > before:
            break
        needed = connection.execute(sql.SQL(_NEEDED).format(name=sql.Identifier(str(name))), {"bits": BITS}).fetchone()
        if needed is None:
            connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(str(name))))
            return max(1, int(str(rows)))
    return 0


_NEEDED = """
SELECT 1 FROM owners o CROSS JOIN LATERAL (
    SELECT 1 FROM {name} i
    WHERE i.position > coalesce(
        (SELECT min(s.position) FROM snapshot s WHERE s.shard = o.shard HAVING count(*) > 1),
        o.shard::bigint << %(bits)s
    ) AND i.position < (o.shard + 1)::bigint << %(bits)s
    LIMIT 1
) found LIMIT 1
"""
"""Is an entry of this partition behind the older snapshot of its shard?"""


def _name(table: str, place: int) -> str:
    return f"{table}_{date.fromordinal(_EPOCH + place):%Y%m%d}" if table == "input" else f"{table}_{place}"


def _day(name: str) -> int:
    digits = name.removeprefix("input_")
    return date(int(digits[:4]), int(digits[4:6]), int(digits[6:])).toordinal() - _EPOCH


def _span(place: int) -> tuple[int, int]:
    return place << SPAN_BITS, (place + 1) << SPAN_BITS
