"""The ledger: one row per input for first dispositions, one per later change; reading it, and counting it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec
from psycopg import Cursor

from engine.outcomes import LedgerChange, LedgerEntry
from engine.shards import Shard
from engine.signals import Millis
from engine.storage.codec import pack_ledger, unpack_ledger
from engine.storage.counting import ORDER, Count, line, tally
from engine.storage.paging import event
from engine.storage.postgres.connection import Row
from engine.storage.postgres.queries import SQL, store


def insert(
    cursor: Cursor[Row], ledger: Sequence[tuple[int, list[LedgerEntry]]], arrivals: Mapping[int, Millis]
) -> None:
    """Store the first dispositions of each input (position, entries)."""
    rows = [(position, arrivals.get(position), *tally(entries), pack_ledger(entries)) for position, entries in ledger]
    store(cursor, "insert_ledger", "qq" + "q" * len(ORDER) + "b", rows)


def insert_changes(cursor: Cursor[Row], changes: Sequence[LedgerChange], last: int) -> int:
    """Store later dispositions behind change number ``last``; returns the new last one."""
    rows = [
        (
            number, *(event(change.event) or (0, 0)), change.alert, change.at, change.before._value_,
            change.disposition._value_, change.reason._value_, change.incident, change.rule,
            None if change.enforced is None else change.enforced._value_,
        )
        for number, change in enumerate(changes, last + 1)
    ]  # fmt: skip
    store(cursor, "insert_change", "qqqqqtttttt", rows)
    return last + len(rows)


def first(cursor: Cursor[Row], id: str) -> tuple[Millis | None, LedgerEntry] | None:
    """When an alert event arrived, and its first disposition."""
    place = event(id)
    row = cursor.execute(SQL["ledger_row"], {"position": place[0]}).fetchone() if place else None
    if place is None or row is None:
        return None
    at, entries = row
    entry = next((entry for entry in unpack_ledger(entries) if entry.index == place[1]), None)
    return None if entry is None else (at, entry)


def why(cursor: Cursor[Row], id: str) -> list[dict[str, object]]:
    """All dispositions of an alert event, oldest first; empty when there is no such event."""
    found, place = first(cursor, id), event(id)
    if found is None or place is None:
        return []
    at, entry = found
    lines = [line(id, entry.alert, at, entry.disposition, entry.reason, entry.incident, entry.rule, entry.enforced)]
    rows = cursor.execute(SQL["changes_of_event"], {"position": place[0], "index": place[1]})
    return [*lines, *(line(id, *row) for row in rows)]


def stored_counts(cursor: Cursor[Row]) -> dict[int, Count]:
    """The count that the last snapshot of each shard left."""
    rows = cursor.execute(SQL["counted"]).fetchall()
    return {
        shard: Count(position, change, msgspec.json.decode(counts, type=dict[str, int]))
        for shard, position, change, counts in rows
    }


def count(cursor: Cursor[Row], shard: int, since: Count) -> Count:
    """Count what was added to a shard's ledger behind ``since``: rows of the tables, never a number somebody noted."""
    counts, until = Counter(since.counts), Shard(shard).end
    row = cursor.execute(SQL["count_ledger"], {"position": since.position, "until": until}).fetchone()
    position, *sums = row or (None,)
    counts.update({column: int(number) for column, number in zip(ORDER, sums, strict=True) if number})
    change = since.change
    for last, before, after, number in cursor.execute(
        SQL["count_changes"], {"change": since.change, "until": until}
    ).fetchall():
        change = max(change, last)
        counts[before] -= number
        counts[after] += number
    return Count(position or since.position, change, dict(counts))


def store_count(cursor: Cursor[Row], shard: int) -> None:
    """Leave a count behind, so that the next one need not read the ledger from its beginning."""
    now = count(cursor, shard, stored_counts(cursor)[shard])
    values = {"shard": shard, "position": now.position, "change": now.change}
    cursor.execute(SQL["set_counted"], {**values, "counts": msgspec.json.encode(now.counts).decode()})
