"""What every outbox promises of links: what receivers keep of incidents; runs over all stores."""

from __future__ import annotations

from engine.ports import Commit
from engine.sending import Link, Receipt
from tests.storage.made import NOON, publication

LEASE = 30_000


def put(store, *publications):
    store.commit(Commit(outbox=list(publications)))


def ticket(store, remote, incident="INC-1", keeps="open", **publication_fields):
    put(store, publication(f"{incident}/{remote}/{keeps}", incident, **publication_fields))
    (row,) = store.claim("tickets", NOON, LEASE, 1)
    assert store.confirmed(row, NOON + 7, Receipt(remote, f"https://desk/{remote}", keeps))
    return row


def test_what_a_receiver_keeps_comes_with_every_later_row_of_the_incident(store):
    assert ticket(store, "T1").link is None
    put(store, publication("later", action="update"), publication("other", "INC-2"))
    later, other = store.claim("tickets", NOON, LEASE, 10)
    assert later.link == Link(
        sink="tickets", incident="INC-1", generation=1, remote="T1", url="https://desk/T1", created_at=NOON + 7,
        changed_at=NOON + 7,
    )  # fmt: skip
    assert other.link is None


def test_a_receipt_that_keeps_nothing_leaves_no_link(store):
    ticket(store, "mail-1", keeps="")
    assert store.links() == []


def test_a_later_receipt_changes_the_state_of_what_is_kept(store):
    ticket(store, "T1")
    ticket(store, "T1", keeps="closed")
    (link,) = store.links()
    assert (link.state, link.created_at) == ("closed", NOON + 7)


def test_related_incidents_bring_their_links(store):
    ticket(store, "T1")
    merged = publication("merge", "INC-2", "merge")
    merged.related = ("INC-1", "INC-9")
    put(store, merged)
    (row,) = store.claim("tickets", NOON, LEASE, 1)
    assert [link.remote for link in row.related] == ["T1"]


def test_links_are_kept_filtered_and_survive_a_restart(store, reopened):
    ticket(store, "T1")
    ticket(store, "T2", "INC-2")
    (first,) = store.links(incident="INC-1")
    first.seen, first.state = "looked", "duplicate"
    store.keep(first)
    store = reopened(store)
    assert store.links(incident="INC-1") == [first]
    assert [link.remote for link in store.links(state="open")] == ["T2"]
    assert store.links(sink="log") == []


def test_a_duplicate_is_never_the_link_in_use(store):
    ticket(store, "T1")
    ticket(store, "T2")
    first, second = store.links()
    first.state = "duplicate"
    store.keep(first)
    put(store, publication("later", action="update"))
    (row,) = store.claim("tickets", NOON, LEASE, 1)
    assert row.link == second


def test_a_link_is_found_by_its_id(store):
    ticket(store, "T1")
    assert store.link("tickets", "T1") == store.links()[0]
    assert store.link("tickets", "T2") is None
    assert store.link("log", "T1") is None


def test_what_was_seen_is_kept_unless_somebody_noted_something_since(store):
    ticket(store, "T1")
    (link,) = store.links()
    assert store.saw(link, "1")
    assert not store.saw(link, "2")
    (now,) = store.links()
    assert (now.seen, now.state) == ("1", "open")
    ticket(store, "T1", keeps="closed")
    assert store.saw(now, "2")
    assert store.links()[0].state == "closed"  # what was noted by others stays


def test_links_that_may_have_duplicates_are_those_open_in_doubt_or_closed_lately(store):
    ticket(store, "open")
    ticket(store, "closed", "INC-2", keeps="closed")
    ticket(store, "doubtful", "INC-3", keeps="closed")
    ticket(store, "duplicate", "INC-4")
    store.doubt("tickets", "INC-3", NOON + 500)
    duplicate = store.link("tickets", "duplicate")
    duplicate.state = "duplicate"
    store.keep(duplicate)
    assert [link.remote for link in store.unsettled("tickets", NOON + 7)] == ["open", "closed", "doubtful"]
    assert [link.remote for link in store.unsettled("tickets", NOON + 8)] == ["open", "doubtful"]
    assert store.unsettled("log", 0) == []


def test_a_doubt_stays_until_it_is_settled_and_a_new_one_is_not_settled_with_it(store):
    put(store, publication("a"))
    (row,) = store.claim("tickets", NOON, LEASE, 1)
    assert store.confirmed(row, NOON, Receipt("T1", keeps="open"), doubtful=NOON + 100)
    (link,) = store.links()
    assert link.doubtful == NOON + 100
    store.doubt("tickets", "INC-1", NOON + 50)
    assert store.links()[0].doubtful == NOON + 100
    store.doubt("tickets", "INC-1", NOON + 200)
    store.doubt("log", "INC-1", NOON + 300)
    store.settled(link)
    (link,) = store.links()
    assert link.doubtful == NOON + 200
    ticket(store, "T1", keeps="closed")
    assert store.links()[0].doubtful == NOON + 200
    store.settled(link)
    assert store.links()[0].doubtful == 0
