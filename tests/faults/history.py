"""Reads what a database holds after faults, and says which promise was broken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import closing
from typing import NamedTuple

import msgspec

from api.bootstrap import decode
from engine.chain import verify
from engine.core import Shards
from engine.library import Library
from engine.resume import Machine, StoredLibrary, revive
from engine.shards import Shard
from engine.signals import AlertEvent
from engine.storage.postgres import PostgresReader, PostgresStore
from tests.simulate.check import FromTheBeginning


class Found(NamedTuple):
    """Alert events received; domains with a record of decisions; incidents that were told."""

    received: int
    domains: list[str]
    told: list[str]


def keys(dsn: str, shards: int) -> Counter[str]:
    """The keys of all alert events in the input log, and how often each is there."""
    found: Counter[str] = Counter()
    for shard in range(shards):
        with closing(PostgresStore(dsn, {}, shard)) as store:
            for entry in store.entries(Shard(shard).base):
                signals = decode(entry.format, entry.body).signals
                found.update(one.key for one in signals if isinstance(one, AlertEvent))
    return found


def sound(dsn: str, shards: int, library: Callable[[PostgresStore], Library] = StoredLibrary) -> Found:
    """The ledger is balanced, the hash chains are whole, no incident was told twice, and every decision comes out
    again, byte for byte, from the first input on. Else AssertionError."""
    with closing(PostgresReader(dsn)) as reader:
        totals = reader.totals()
        assert totals["unaccounted"] == 0, f"{totals['unaccounted']} alert events have not exactly one disposition"
        heads = reader.heads()
        for head in heads:
            report = verify(reader.chain(head.domain), head=head)
            assert report.intact, report.reason
        rows = [row for row in _outbox(reader) if row["action"] == "open"]
    told = Counter((row["sink"], row["audience"], row["incident"], row["generation"]) for row in rows)
    assert set(told.values()) <= {1}, "one incident was told twice"
    for shard in range(shards):
        _decided_again(dsn, Shard(shard, shards), library)
    return Found(totals["received"], [head.domain for head in heads], sorted({str(row["incident"]) for row in rows}))


def _decided_again(dsn: str, shard: Shard, library: Callable[[PostgresStore], Library]) -> None:
    with closing(PostgresStore(dsn, {}, shard.number)) as store:
        machine = Machine(Shards(shard), library(store), decode, "1")
        again = revive(machine, FromTheBeginning(store))  # type: ignore[arg-type]
    assert again.differing == 0, f"shard {shard.number}: {again.differing} decisions do not come out again"


def _outbox(reader: PostgresReader) -> Iterable[dict[str, object]]:
    cursor = ""
    while True:
        page = reader.outbox(cursor=cursor, limit=500)
        yield from msgspec.convert(page.items, list[dict[str, object]])
        cursor = page.next
        if not cursor:
            return
