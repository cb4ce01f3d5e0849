"""What every store promises (`engine.ports.Store` and `Reader`); runs over all of them."""

from __future__ import annotations

import threading
import time

import msgspec
import pytest

from engine.chain import verify
from engine.errors import StoreCorrupt, StoreUnavailable
from engine.ports import Commit, Version
from engine.reasons import Disposition, Reason
from tests.storage.made import (
    NOON,
    change,
    decision,
    entry,
    incident,
    ledger,
    letter,
    snapshot,
    whole,
)


def everything(store):
    """All that a store shows, for comparing two moments."""
    resume = store.resume()
    return resume.positions, msgspec.json.encode(
        (
            msgspec.structs.replace(resume, positions={}),
            list(store.entries(0)),
            list(store.decisions(0)),
            store.alerts().items,
            store.incidents().items,
            store.feed(0),
            store.outbox().items,
            store.dead_letters(state="").items,
            store.versions(),
            store.heads(),
            store.totals(),
        )
    )


def test_a_new_store_starts_at_nothing(store):
    resume = store.resume()
    assert (resume.snapshot, resume.position, resume.alive, resume.positions, resume.counts) == (None, 0, 0, {}, {})
    assert store.totals()["received"] == store.totals()["unaccounted"] == 0
    assert store.feed(0) == []
    assert store.alerts().items == store.incidents().items == store.versions() == store.domains() == []


def test_resume_continues_where_the_last_commit_left_off(store, reopened):
    store.commit(whole(1))
    store.commit(whole(2))
    store.commit(Commit(positions={("kafka", 4): 7}, ticked=NOON + 900))
    store.alive(NOON + 1000)
    resume = reopened(store).resume()
    assert (resume.position, resume.ticked, resume.arrival, resume.alive) == (2, NOON + 900, NOON + 2, NOON + 1000)
    assert resume.positions == {("kafka", 3): 20, ("kafka", 4): 7}
    assert resume.counts == {"received": 4, "opened": 4}


def test_positions_that_are_not_kept_any_longer_are_gone(store, reopened):
    store.commit(whole(1))
    store.commit(Commit(positions={("raw@1", 3): 7, ("raw@2", 3): 8}))
    store.commit(Commit(positions={("raw@3", 3): 9}, forgotten=[("raw@1", 3), ("never", 0)]))
    assert reopened(store).resume().positions == {("kafka", 3): 10, ("raw@2", 3): 8, ("raw@3", 3): 9}


def test_a_commit_shows_that_the_engine_was_alive(store):
    store.alive(NOON - 60_000)
    store.commit(whole(1))
    assert store.resume().alive == NOON + 1


def test_what_was_committed_is_read_back_unchanged(store, reopened):
    given = whole(1)
    store.commit(given)
    store = reopened(store)
    assert list(store.entries(0)) == given.entries
    assert list(store.decisions(0)) == given.decisions
    assert [msgspec.json.encode(view) for view in store.alerts().items] == [
        msgspec.json.encode(view) for view in reversed(given.alerts)
    ]
    assert store.incident("INC-1") == given.incidents[0]
    assert store.timeline("INC-1") == given.timeline
    assert store.feed(0)[0][2] == msgspec.json.decode(msgspec.json.encode(given.incidents[0]))


def test_the_log_is_read_in_order_between_two_positions(store):
    store.commit(Commit(entries=[entry(n, bytes([n % 256]) * n, poison=n == 7) for n in range(1, 700)]))
    found = list(store.entries(5, 650))
    assert [e.position for e in found] == list(range(6, 651))
    assert [e.position for e in found if e.poison] == [7]
    assert found[600].body == bytes([606 % 256]) * 606
    assert list(store.entries(699)) == []


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (lambda c: c.decisions.append(decision(2, payload="not bytes")), TypeError),  # type: ignore[arg-type]
        (lambda c: c.incidents.append(incident("INC-1", 1)), StoreCorrupt),
        (lambda c: c.entries.append(entry(1)), StoreCorrupt),
        (lambda c: c.ledger.append((1, ledger(1, 5))), StoreCorrupt),
    ],
    ids=[
        "a payload that is no bytes",
        "a revision stored before",
        "a position stored before",
        "a ledger stored before",
    ],
)
def test_a_commit_that_fails_in_any_part_leaves_nothing(store, spoil, error):
    store.commit(whole(1))
    before = everything(store)
    bad = whole(2)
    bad.dead.append(letter())
    bad.versions.append(Version("rules", "r2", NOON, b"rules"))
    spoil(bad)
    with pytest.raises(error):
        store.commit(bad)
    assert everything(store) == before
    store.commit(whole(2))
    assert store.resume().position == 2
    assert [verify(store.chain(d), head=h).intact for d, h in zip(store.domains(), store.heads(), strict=True)] == [
        True,
        True,
    ]


def test_totals_are_counted_in_the_ledger(store, reopened):
    store.commit(
        Commit(
            entries=[entry(1), entry(2)],
            ledger=[
                (1, ledger(1, 1, 2, 3, disposition=Disposition.HELD)),
                (2, ledger(2, 1, disposition=Disposition.DUPLICATE)),
            ],
            counts={"received": 4, "held": 3, "duplicate": 1},
        )
    )  # fmt: skip
    assert store.totals()["held"] == 3
    settled = [change(f"1-{i}", i + 1, Disposition.HELD, Disposition.ATTACHED, Reason.SAME_ENTITY) for i in (0, 2)]
    store.commit(Commit(changes=settled, counts={"received": 4, "held": 1, "attached": 2, "duplicate": 1}))
    expected = {
        "received": 4, "opened": 0, "attached": 2, "updated": 0, "held": 1, "suppressed": 0, "duplicate": 1,
        "resolved": 0, "unaccounted": 0,
    }  # fmt: skip
    assert store.totals() == expected
    store.commit(Commit(snapshot=snapshot(2)))
    store.commit(Commit(entries=[entry(3)], ledger=[(3, ledger(3, 9))], counts={"received": 5}))
    assert reopened(store).totals() == expected | {"received": 5, "opened": 1}


def test_an_event_without_a_disposition_is_unaccounted(store):
    store.commit(Commit(entries=[entry(1)], ledger=[(1, ledger(1, 1, 2))], counts={"received": 3, "opened": 3}))
    assert (store.totals()["opened"], store.totals()["unaccounted"]) == (2, 1)


def test_a_change_of_an_event_that_never_was_is_unaccounted(store):
    stray = change("8-0", 1, Disposition.HELD, Disposition.OPENED, Reason.NEW_TROUBLE)
    store.commit(Commit(changes=[stray], counts={"received": 0}))
    assert store.totals()["unaccounted"] > 0


def test_dead_letters_are_kept_until_a_person_settles_them(store):
    store.commit(Commit(dead=[letter("not JSON", b"\xff{" * 300), letter("too big")]))
    newest, oldest = store.dead_letters().items
    assert (oldest.reason, oldest.raw, oldest.position) == ("not JSON", b"\xff{" * 300, 1)
    assert store.settle_dead_letter(oldest.id, "redriven")
    assert not store.settle_dead_letter(oldest.id, "dropped")
    assert not store.settle_dead_letter(99, "dropped")
    with pytest.raises(ValueError, match="redriven or dropped"):
        store.settle_dead_letter(newest.id, "open")
    assert [row.id for row in store.dead_letters().items] == [newest.id]
    assert store.dead_letters(state="redriven").items == [store.dead_letter(oldest.id)]
    assert len(store.dead_letters(state="").items) == 2
    assert store.dead_letter(99) is None


def test_versions_are_kept_and_the_same_one_is_stored_once(store, reopened):
    first = Version("rules", "r1", NOON, b"a: 1\n" * 100, "the first")
    store.commit(Commit(versions=[first, Version("topology", "t1", NOON + 1, b"{}")]))
    store.commit(Commit(versions=[Version("rules", "r2", NOON + 2, b"b"), first]))
    store = reopened(store)
    assert store.version("rules", "r1") == first
    assert store.version("rules", "t1") is None
    assert [v.id for v in store.versions()] == ["r2", "t1", "r1"]
    assert [(v.id, v.content) for v in store.versions("rules")] == [("r2", b""), ("r1", b"")]


def test_the_latest_snapshot_comes_back(store, reopened):
    store.commit(Commit(entries=[entry(1)], snapshot=snapshot(1, b"one")))
    store.commit(Commit(entries=[entry(2)], snapshot=snapshot(2, b"two" * 1000)))
    assert reopened(store).resume().snapshot == snapshot(2, b"two" * 1000)


def test_prune_forgets_only_what_two_snapshots_cover(store):
    store.commit(Commit(entries=[entry(n) for n in range(1, 11)], snapshot=snapshot(6)))
    assert store.prune(NOON + 1000, 100) == 0  # one snapshot could be damaged
    store.commit(Commit(entries=[entry(n) for n in range(11, 21)], snapshot=snapshot(20)))
    assert store.prune(NOON + 4, 100) == 3
    assert store.prune(NOON + 1000, 2) == 2
    assert store.prune(NOON + 1000, 100) == 1
    assert [e.position for e in store.entries(0)] == list(range(7, 21))
    assert store.resume().position == 20


def test_decisions_come_back_in_the_order_in_which_they_were_made(store):
    made = [decision(n, f"{n}{d}".encode(), d) for n in range(1, 400) for d in ("shop", "web")]
    for start in range(0, len(made), 100):
        store.commit(Commit(decisions=made[start : start + 100]))
    assert list(store.decisions(0)) == made
    assert list(store.decisions(390)) == [d for d in made if d.position > 390]
    assert list(store.decisions(1000)) == []


def test_the_record_of_decisions_verifies_and_an_erased_record_is_erased_not_broken(store, reopened):
    for n in range(1, 301):
        store.commit(
            Commit(entries=[entry(n)], decisions=[decision(n), decision(n, b"also")] if n % 3 else [decision(n)])
        )
    anchor = store.heads()[0]
    assert store.domains() == ["shop"]
    assert store.erase("shop", 4) == 2
    assert store.erase("shop", 4) == store.erase("web", 1) == 0
    store = reopened(store)
    store.commit(Commit(decisions=[decision(301)]))
    report = verify(store.chain("shop"), anchor, store.heads()[0])
    assert (report.intact, report.records, report.erased) == (True, 501, 2)
    assert [d.payload for d in store.decisions(3) if d.position == 4] == [b"", b""]


def test_readers_see_whole_commits_while_a_writer_writes(store):
    stop, seen, wrong = threading.Event(), [], []

    def read() -> None:
        while not stop.is_set():
            totals = store.totals()
            if totals["unaccounted"] or totals["received"] != totals["opened"]:
                wrong.append(totals)
            for view in store.incidents(limit=3).items:
                if len(store.alerts(incident=view.id).items) != 2 or not store.timeline(view.id):
                    wrong.append(view.id)
            seen.append(totals["received"])

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for n in range(1, 120):
        store.commit(whole(n))
    while not seen and any(reader.is_alive() for reader in readers):
        time.sleep(0.01)  # a machine may be too busy for a look while commits go on
    stop.set()
    for reader in readers:
        reader.join()
    assert wrong == []
    assert seen
    assert store.totals()["received"] == 238


def test_a_closed_store_refuses_commits(store):
    store.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        store.commit(whole(1))
