"""Reading the file: what the API shows, and the record of decisions. Several readers and one writer do not wait."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from engine.outcomes import AlertView, Decision
from engine.ports import Snapshot
from engine.signals import Millis
from engine.storage import paging
from engine.storage.codec import json, unpack_alert
from engine.storage.counting import Count
from engine.storage.reader import TableReader
from engine.storage.sqlite import ledger, snapshots
from engine.storage.sqlite.pool import ReadPool
from engine.storage.sqlite.queries import SQL
from engine.storage.totals import totals


class SqliteReader(TableReader):
    """Implements `engine.ports.Reader` and the reading half of `engine.chain.Audit`; safe to call from any thread.

    Opens an existing file, also while an engine writes to it, and takes no lock. Lists have no total. Cursors that
    are none raise ValueError.
    """

    def __init__(self, path: Path) -> None:
        self._pool = ReadPool(path)
        self._counted: Count | None = None
        self._counting = threading.Lock()

    def alert(self, id: str) -> AlertView | None:
        """By number, fingerprint, or the id of one of its events (``position-index``)."""
        kind, key = paging.alert(id)
        with self._pool.at_one_moment() as connection:
            if kind == "event":
                found = ledger.first(connection, key)
                no = found[1].alert if found else None
            elif kind == "number":
                no = int(key)
            else:
                row = connection.execute(SQL["number_by_fingerprint"], {"fingerprint": key}).fetchone()
                no = row[0] if row else None
            row = connection.execute(SQL["alert_by_number"], (no,)).fetchone()
        return unpack_alert(row[1], row[0]) if row else None

    def why(self, event: str) -> list[dict[str, object]]:
        """The dispositions of one alert event, oldest first, the last is current; empty if unknown.

        Keys: event, alert (number), at, disposition, reason, incident, rule, enforced.
        """
        with self._pool.at_one_moment() as connection:
            return ledger.why(connection, event)

    def totals(self) -> dict[str, int]:
        """``received`` by the core, each disposition as counted in the ledger's rows, ``unaccounted`` between them."""
        with self._counting, self._pool.at_one_moment() as connection:
            since = self._counted or ledger.stored_count(connection)
            found = self._counted = ledger.count(connection, since)
            counts = connection.execute(SQL["progress"]).fetchone()[5]
        received = msgspec.json.decode(counts, type=dict[str, int]).get("received", 0)
        return totals(received, found.counts)

    def reach(self) -> tuple[int, int, Millis]:
        """The first and the last position of the input log (1 and 0: it is empty), and until when timers have fired."""
        with self._pool.at_one_moment() as connection:
            (first,) = connection.execute(SQL["first_input"]).fetchone()
            last, ticked = connection.execute(SQL["progress"]).fetchone()[:2]
        return (last + 1 if first is None else first), last, ticked

    def snapshots(self) -> list[Snapshot]:
        """The undamaged snapshots of the core, newest first."""
        with self._pool.at_one_moment() as connection:
            return list(snapshots.readable(connection))

    def decisions(self, after: int) -> Iterator[Decision]:
        """The decisions at positions > ``after``, as they were made; erased ones with an empty payload."""
        return self._decided(after=after)

    def _rows(self, query: str, **values: object) -> list[tuple[Any, ...]]:
        with self._pool.reading() as connection:
            return connection.execute(SQL[query], values).fetchall()

    def _list(self, values: Sequence[str]) -> str:
        return json(list(values)).decode()

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()
