"""Reads the history of a run and says which promise was broken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import msgspec

from engine import ports
from engine.chain import verify
from engine.core import Core
from engine.lifecycle import OPEN
from engine.resume import Machine, StoredLibrary, revive
from engine.signals import AlertEvent
from engine.storage.sqlite.reader import SqliteReader
from tests.simulate.disk import Store
from tests.simulate.world import World, decode


class FromTheBeginning:
    """The store as it is, without its snapshots: the whole input log is replayed."""

    def __init__(self, store: ports.Store) -> None:
        self._store = store
        self.entries, self.decisions, self.version = store.entries, store.decisions, store.version

    def resume(self) -> ports.Resume:
        return msgspec.structs.replace(self._store.resume(), snapshot=None)


def check(world: World) -> None:
    """Raises AssertionError."""
    process = world.process
    assert process is not None
    store = process.store
    _nothing_is_lost(world, store)
    _the_ledger_balances(store)
    _decisions_come_out_again(world, store)
    _one_ticket_per_incident(world, store)
    assert process.inbox.depth()[:2] == (0, 0), "somebody still waits"


def _nothing_is_lost(world: World, store: Store) -> None:
    """Acknowledged ⊆ stored ⊆ sent, each at most as often as it was delivered."""
    stored = Counter(entry.body for entry in store.entries(0) if entry.source == "http")
    assert world.network.acknowledged <= set(stored), "an acknowledged request is not in the input log"
    assert world.network.acknowledged == {request.body for request in world.requests}, "a sender never heard yes"
    for body, count in stored.items():
        assert count <= world.network.delivered.get(body, 0), f"stored more often than delivered: {body!r}"
    assert not any(entry.poison for entry in store.entries(0)), "the core failed on a record"


def _the_ledger_balances(store: Store) -> None:
    totals = store.totals()
    events = sum(
        isinstance(signal, AlertEvent)
        for entry in store.entries(0)
        for signal in decode(entry.format, entry.body).signals
    )
    assert totals["unaccounted"] == 0, f"{totals['unaccounted']} alert events have not exactly one disposition"
    assert totals["received"] == events, f"{totals['received']} of {events} alert events have a disposition"
    assert all(totals[word] >= 0 for word in totals), "a count is below none"


def _decisions_come_out_again(world: World, store: Store) -> None:
    assert world.violations == 0, "a restart decided otherwise"
    again = revive(Machine(Core, StoredLibrary(store), decode, "1"), FromTheBeginning(store))  # type: ignore[arg-type]
    assert again.differing == 0, f"{again.differing} decisions do not come out again"
    for head in store.heads():
        assert verify(store.chain(head.domain), head=head).broken_at is None, "a chain is broken"


def _one_ticket_per_incident(world: World, store: Store) -> None:
    rows = sorted(_outbox(store), key=lambda row: int(row["id"]))
    told: dict[str, list[str]] = {}
    for row in rows:
        assert row["state"] in ("confirmed", "superseded"), f"{row['key']} is {row['state']}"
        if row["state"] == "confirmed":
            told.setdefault(row["incident"], []).append(row["key"])
    open_now = [view for view in store.incidents(state=sorted(OPEN), limit=500).items if not world.of_heartbeat(view)]
    assert not open_now, f"still open: {open_now}"
    links = {(link.incident, link.remote) for link in store.links() if link.state != "duplicate"}
    for incident, keys in told.items():
        tickets = [one for one in world.office.tickets.values() if one.key.rpartition(".")[0] == incident]
        mine = [one for one in tickets if not one.duplicate_of]
        generations = Counter(one.key for one in mine)
        assert max(generations.values()) == 1, f"{incident} has {generations}"
        assert all(one.state == "closed" for one in tickets if one.duplicate_of), "a second ticket is open"
        assert all((incident, one.id) in links for one in mine), "a ticket is not known"
        texts = [text for one in mine for text in one.texts]
        assert list(dict.fromkeys(texts)) == keys, f"{incident}: {texts} instead of {keys}"
        if ".resolve." in keys[-1]:
            assert mine[-1].state == "closed", "its ticket is open"


def _outbox(store: SqliteReader) -> Iterator[dict[str, str]]:
    cursor = ""
    while True:
        page = store.outbox(cursor=cursor, limit=200)
        for row in msgspec.convert(page.items, list[dict[str, object]]):
            yield {name: str(value) for name, value in row.items()}
        cursor = page.next
        if not cursor:
            return
