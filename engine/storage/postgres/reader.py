"""Reading the database: what the API shows, and the record of decisions, over all shards."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from engine.outcomes import AlertView, Decision
from engine.ports import Snapshot
from engine.shards import Shard
from engine.signals import Millis
from engine.storage import paging
from engine.storage.codec import unpack_alert
from engine.storage.counting import Count
from engine.storage.postgres import ledger, snapshots
from engine.storage.postgres.address import Address
from engine.storage.postgres.pool import ReadPool
from engine.storage.postgres.queries import SQL
from engine.storage.reader import LOWEST, TableReader
from engine.storage.totals import totals

_HIGHEST = 2**63 - 1


class PostgresReader(TableReader):
    """Implements `engine.ports.Reader` and the reading half of `engine.chain.Audit`; safe to call from any thread.

    Reads a database that an engine has set up, while engines write to it. Lists have no total. Cursors that
    are none raise ValueError. The newest alert is the one that came last to any shard.
    """

    def __init__(self, dsn: str) -> None:
        self._pool = ReadPool(Address(dsn))
        self._counted: dict[int, Count] = {}
        self._counting = threading.Lock()

    def alert(self, id: str) -> AlertView | None:
        """By number, fingerprint, or the id of one of its events (``position-index``)."""
        kind, key = paging.alert(id)
        with self._pool.at_one_moment() as rows:
            if kind == "event":
                found = ledger.first(rows, key)
                no = found[1].alert if found else None
            elif kind == "number":
                no = int(key)
            else:
                row = rows.execute(SQL["number_by_fingerprint"], {"fingerprint": key}).fetchone()
                no = row[0] if row else None
            row = rows.execute(SQL["alert_by_number"], {"no": no}).fetchone()
        return unpack_alert(row[1], row[0]) if row else None

    def why(self, event: str) -> list[dict[str, object]]:
        """The dispositions of one alert event, oldest first, the last is current; empty if unknown.

        Keys: event, alert (number), at, disposition, reason, incident, rule, enforced.
        """
        with self._pool.at_one_moment() as rows:
            return ledger.why(rows, event)

    def totals(self) -> dict[str, int]:
        """``received`` by the cores, each disposition as counted in the ledger's rows, ``unaccounted`` between them."""
        received, counts = 0, Counter[str]()
        with self._counting, self._pool.at_one_moment() as rows:
            stored = ledger.stored_counts(rows)
            for shard, _, _, noted in rows.execute(SQL["all_progress"]).fetchall():
                since = self._counted.get(shard) or stored.get(shard) or Count(Shard(shard).base, Shard(shard).base)
                self._counted[shard] = found = ledger.count(rows, shard, since)
                received += msgspec.json.decode(noted, type=dict[str, int]).get("received", 0)
                counts.update(found.counts)
        return totals(received, counts)

    def reach(self) -> tuple[int, int, Millis]:
        """The first and the last position of the input log (1 and 0: it is empty), and until when timers have fired."""
        with self._pool.at_one_moment() as rows:
            row = rows.execute(SQL["first_input"], {"after": LOWEST, "until": _HIGHEST}).fetchone()
            progress = rows.execute(SQL["all_progress"]).fetchall()
        last = max((position for _, position, _, _ in progress), default=0)
        first = last + 1 if row is None or row[0] is None else row[0]
        return first, last, max((ticked for _, _, ticked, _ in progress), default=0)

    def snapshots(self) -> list[Snapshot]:
        """The undamaged snapshots of the cores, newest first."""
        with self._pool.at_one_moment() as rows:
            return list(snapshots.readable(rows))

    def decisions(self, after: int) -> Iterator[Decision]:
        """The decisions at positions > ``after``, shard by shard, as they were made; erased ones with an empty
        payload."""
        for number, *_ in self._rows("all_progress"):
            shard = Shard(number)
            yield from self._decided(after=max(after, shard.base), until=shard.end)

    def _rows(self, query: str, **values: object) -> list[tuple[Any, ...]]:
        with self._pool.reading() as rows:
            return rows.execute(SQL[query], values).fetchall()

    def _list(self, values: Sequence[str]) -> list[str]:
        return list(values)

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()
