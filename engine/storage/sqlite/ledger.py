"""The ledger: one row per input for first dispositions, one per later change; reading it, and counting it."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from engine.outcomes import LedgerChange, LedgerEntry
from engine.signals import Millis
from engine.storage.codec import pack_ledger, unpack_ledger
from engine.storage.counting import ORDER, Count, line, tally
from engine.storage.paging import event
from engine.storage.sqlite.queries import SQL, store


def insert(
    connection: sqlite3.Connection, ledger: Sequence[tuple[int, list[LedgerEntry]]], arrivals: Mapping[int, Millis]
) -> None:
    """Store the first dispositions of each input (position, entries)."""
    rows = [(position, arrivals.get(position), *tally(entries), pack_ledger(entries)) for position, entries in ledger]
    store(connection, "insert_ledger", rows)


def insert_changes(connection: sqlite3.Connection, changes: Sequence[LedgerChange]) -> None:
    """Store later dispositions."""
    rows = [
        (
            change.event, change.alert, change.at, change.before._value_, change.disposition._value_,
            change.reason._value_, change.incident, change.rule,
            None if change.enforced is None else change.enforced._value_,
        )
        for change in changes
    ]  # fmt: skip
    store(connection, "insert_change", rows)


def first(connection: sqlite3.Connection, id: str) -> tuple[Millis | None, LedgerEntry] | None:
    """When an alert event arrived, and its first disposition."""
    place = event(id)
    row = connection.execute(SQL["ledger_row"], (place[0],)).fetchone() if place else None
    if place is None or row is None:
        return None
    entry = next((entry for entry in unpack_ledger(row[1]) if entry.index == place[1]), None)
    return None if entry is None else (row[0], entry)


def why(connection: sqlite3.Connection, id: str) -> list[dict[str, object]]:
    """All dispositions of an alert event, oldest first; empty when there is no such event."""
    found = first(connection, id)
    if found is None:
        return []
    at, entry = found
    lines = [line(id, entry.alert, at, entry.disposition, entry.reason, entry.incident, entry.rule, entry.enforced)]
    lines += [line(id, *row) for row in connection.execute(SQL["changes_of_event"], (id,))]
    return lines


def stored_count(connection: sqlite3.Connection) -> Count:
    """The count that the last snapshot left."""
    position, change, counts = connection.execute(SQL["counted"]).fetchone()
    return Count(position, change, msgspec.json.decode(counts, type=dict[str, int]))


def count(connection: sqlite3.Connection, since: Count) -> Count:
    """Count what was added to the ledger behind ``since``: rows of the tables, never a number somebody noted."""
    counts = Counter(since.counts)
    position, *sums = connection.execute(SQL["count_ledger"], (since.position,)).fetchone()
    counts.update({column: number for column, number in zip(ORDER, sums, strict=True) if number})
    change = since.change
    for last, before, after, number in connection.execute(SQL["count_changes"], (since.change,)):
        change = max(change, last)
        counts[before] -= number
        counts[after] += number
    return Count(position or since.position, change, dict(counts))


def store_count(connection: sqlite3.Connection) -> None:
    """Leave a count behind, so that the next one need not read the ledger from its beginning."""
    now = count(connection, stored_count(connection))
    connection.execute(SQL["set_counted"], (now.position, now.change, msgspec.json.encode(now.counts).decode()))
