"""What every outbox promises (`engine.ports.Outbox`); runs over all stores."""

from __future__ import annotations

import threading

import msgspec
import pytest

from engine.ports import Commit
from engine.sending import Receipt
from tests.storage.made import NOON, publication

LEASE = 30_000


def put(store, *publications):
    store.commit(Commit(outbox=list(publications)))


def states(store, **filters):
    return {row["key"]: row["state"] for row in store.outbox(**filters).items}


def test_a_publication_goes_from_new_to_confirmed(store):
    put(store, publication("a"))
    assert states(store) == {"a": "new"}
    (row,) = store.claim("tickets", NOON, LEASE, 10)
    assert (row.publication, row.sink, row.attempts, row.ambiguous) == (publication("a"), "tickets", 0, False)
    assert states(store) == {"a": "claimed"}
    assert store.sent(row, NOON + 1)
    assert states(store) == {"a": "sent"}
    assert store.confirmed(row, NOON + 2, Receipt("TICKET-7"))
    (shown,) = store.outbox().items
    assert (shown["state"], shown["remote"], shown["attempts"], shown["body"]) == (
        "confirmed",
        "TICKET-7",
        1,
        {"title": "Trouble"},
    )
    assert store.claim("tickets", NOON + 10**9, LEASE, 10) == []


def test_each_sink_that_serves_the_audience_has_its_own_row(store):
    put(store, publication("a", audience="tickets"), publication("b", audience="stakeholders"))
    put(store, publication("c", audience="nobody"))
    assert sorted((row["key"], row["sink"]) for row in store.outbox().items) == [("a", "tickets"), ("b", "log")]
    assert [row.publication.key for row in store.claim("log", NOON, LEASE, 10)] == ["b"]


def test_a_key_that_was_stored_before_is_ignored(store):
    put(store, publication("a"), publication("a"))
    put(store, publication("a", action="update"))
    assert [row["action"] for row in store.outbox().items] == ["open"]


def test_nothing_is_claimed_before_its_time(store):
    put(store, publication("a", not_before=NOON + 30_000))
    assert store.claim("tickets", NOON + 29_999, LEASE, 10) == []
    assert len(store.claim("tickets", NOON + 30_000, LEASE, 10)) == 1


def test_publications_of_one_incident_go_out_one_after_the_other(store):
    put(store, publication("1/open", "INC-1"), publication("1/resolve", "INC-1", "resolve"))
    put(store, publication("2/open", "INC-2"))
    first, other = store.claim("tickets", NOON, LEASE, 10)
    assert (first.publication.key, other.publication.key) == ("1/open", "2/open")
    assert store.claim("tickets", NOON, LEASE, 10) == []
    assert store.sent(first, NOON)
    assert store.claim("tickets", NOON + 1, LEASE, 10) == []
    assert store.confirmed(first, NOON + 2, Receipt("T1"))
    assert [row.publication.key for row in store.claim("tickets", NOON + 3, LEASE, 10)] == ["1/resolve"]


def test_an_opening_that_waits_holds_up_what_stands_behind_it(store):
    put(store, publication("open", not_before=NOON + 30_000), publication("resolve", action="resolve"))
    assert store.claim("tickets", NOON, LEASE, 10) == []


def test_the_limit_counts_rows(store):
    put(store, *[publication(f"{n}", f"INC-{n}") for n in range(5)])
    assert [row.publication.key for row in store.claim("tickets", NOON, LEASE, 2)] == ["0", "1"]
    assert [row.publication.key for row in store.claim("tickets", NOON, LEASE, 10)] == ["2", "3", "4"]


def test_who_lost_the_lease_can_change_nothing(store):
    put(store, publication("a"))
    (mine,) = store.claim("tickets", NOON, LEASE, 1)
    assert store.claim("tickets", NOON + LEASE - 1, LEASE, 1) == []
    (theirs,) = store.claim("tickets", NOON + LEASE, LEASE, 1)
    assert theirs.epoch > mine.epoch
    assert not theirs.ambiguous  # it was never sent
    assert not store.sent(mine, NOON + LEASE)
    assert not store.confirmed(mine, NOON + LEASE, Receipt("T1"))
    assert not store.retry(mine, NOON, "late", ambiguous=False)
    assert not store.dead(mine, NOON, "late")
    assert store.sent(theirs, NOON + LEASE)
    assert store.confirmed(theirs, NOON + LEASE, Receipt("T2"))
    assert store.outbox().items[0]["remote"] == "T2"


def test_an_expired_lease_allows_no_sending_even_if_nobody_else_took_it(store):
    put(store, publication("a"))
    (row,) = store.claim("tickets", NOON, LEASE, 1)
    assert not store.sent(row, NOON + LEASE)


def test_what_was_sent_by_one_who_vanished_comes_back_as_ambiguous(store):
    put(store, publication("a"))
    (row,) = store.claim("tickets", NOON, LEASE, 1)
    store.sent(row, NOON)
    (again,) = store.claim("tickets", NOON + LEASE, LEASE, 1)
    assert again.ambiguous
    assert again.attempts == 1
    (still,) = store.claim("tickets", NOON + 2 * LEASE, LEASE, 1)  # vanished again while probing
    assert still.ambiguous
    assert store.confirmed(still, NOON + 2 * LEASE, Receipt("found by the probe"))
    assert store.outbox().items[0]["ambiguous"] is False


def test_a_refused_publication_is_tried_again_when_it_is_due(store):
    put(store, publication("a"))
    (row,) = store.claim("tickets", NOON, LEASE, 1)
    store.sent(row, NOON)
    assert store.retry(row, NOON + 5000, "503", ambiguous=False)
    assert states(store) == {"a": "new"}
    assert store.claim("tickets", NOON + 4999, LEASE, 1) == []
    (again,) = store.claim("tickets", NOON + 5000, LEASE, 1)
    assert (again.attempts, again.ambiguous) == (1, False)


def test_an_unclear_answer_is_ambiguous_until_it_is_settled(store):
    put(store, publication("a"), publication("b", action="resolve"))
    (row,) = store.claim("tickets", NOON, LEASE, 1)
    store.sent(row, NOON)
    assert store.retry(row, NOON + 5000, "no answer", ambiguous=True)
    assert states(store, state=["ambiguous"]) == {"a": "ambiguous"}
    assert store.claim("tickets", NOON + 1, LEASE, 1) == []  # the resolve waits for it
    (again,) = store.claim("tickets", NOON + 5000, LEASE, 1)
    assert again.ambiguous
    assert store.retry(again, NOON + 6000, "probed: not there", ambiguous=False)
    (clear,) = store.claim("tickets", NOON + 6000, LEASE, 1)
    assert not clear.ambiguous


def test_a_dead_row_is_visible_holds_nothing_up_and_can_be_redriven(store):
    put(store, publication("a"), publication("b", action="resolve"))
    (row,) = store.claim("tickets", NOON, LEASE, 1)
    store.sent(row, NOON)
    assert store.dead(row, NOON, "401 Unauthorized")
    (shown,) = store.outbox(state=["dead"]).items
    assert (shown["error"], shown["incident"]) == ("401 Unauthorized", "INC-1")
    assert [row.publication.key for row in store.claim("tickets", NOON, LEASE, 1)] == ["b"]
    assert store.redrive(shown["id"], NOON + 10)
    assert not store.redrive(shown["id"], NOON + 10)
    assert not store.redrive(999, NOON)
    (again,) = store.claim("tickets", NOON + 10, LEASE, 1)
    assert (again.publication.key, again.attempts) == ("a", 0)


def test_updates_nobody_has_seen_collapse_to_the_newest(store):
    put(store, publication("open"))
    put(store, *[publication(f"update-{n}", action="update") for n in range(4)])
    put(store, publication("other", "INC-2", "update"))
    (opened, _) = store.claim("tickets", NOON, LEASE, 10)
    store.confirmed(opened, NOON, Receipt("T1"))
    (row,) = store.claim("tickets", NOON, LEASE, 10)
    assert row.publication.key == "update-3"
    assert states(store, state=["superseded"]) == {f"update-{n}": "superseded" for n in range(3)}


def test_updates_do_not_collapse_across_other_actions_or_into_the_future(store):
    put(
        store,
        publication("u1", action="update"),
        publication("resolve", action="resolve"),
        publication("u2", action="update"),
        publication("u3", action="update", not_before=NOON + 60_000),
    )
    for expected in ("u1", "resolve", "u2"):
        (row,) = store.claim("tickets", NOON, LEASE, 10)
        assert row.publication.key == expected
        store.confirmed(row, NOON, Receipt(""))
    assert store.claim("tickets", NOON, LEASE, 10) == []


LATER = NOON + 60_000


def update(key, *lines, not_before=NOON, created_at=NOON, audience="tickets"):
    made = publication(key, action="update", not_before=not_before, audience=audience)
    return msgspec.structs.replace(made, created_at=created_at, body={"news": list(lines)})


def said(row):
    return row.publication.body["news"]


@pytest.mark.parametrize("action", ["resolve", "declare", "escalate", "update"])
def test_what_is_told_at_once_overtakes_an_update_that_waits_and_tells_it_all(store, action):
    put(store, update("waits", "It got worse", not_before=LATER))
    assert store.claim("tickets", NOON, LEASE, 10) == []
    put(store, msgspec.structs.replace(update("now", "It got worse", "It is the disk"), action=action))
    (row,) = store.claim("tickets", NOON, LEASE, 10)
    assert (row.publication.key, said(row)) == ("now", ["It got worse", "It is the disk"])
    assert states(store) == {"waits": "superseded", "now": "claimed"}
    store.confirmed(row, NOON, Receipt("T1"))
    assert store.claim("tickets", LATER, LEASE, 10) == []


def test_what_speaks_for_itself_alone_overtakes_an_update_that_follows_in_its_time(store):
    put(store, update("waits", "It got worse", not_before=LATER))
    put(store, msgspec.structs.replace(update("now", "Set back"), action="disputed", alone=True))
    (row,) = store.claim("tickets", NOON, LEASE, 10)
    assert (row.publication.key, said(row)) == ("now", ["Set back"])
    store.sent(row, NOON)
    store.retry(row, LATER + 5, "503", ambiguous=False)
    assert store.claim("tickets", LATER, LEASE, 10) == []  # what was begun comes first
    (row,) = store.claim("tickets", LATER + 5, LEASE, 10)
    assert row.publication.key == "now"
    store.confirmed(row, LATER + 5, Receipt("T1"))
    (row,) = store.claim("tickets", LATER + 5, LEASE, 10)
    assert (row.publication.key, said(row)) == ("waits", ["It got worse"])


def test_an_update_that_waits_is_not_overtaken_for_another_audience(store):
    put(store, update("waits", "Worse", not_before=LATER, audience="engineers"))
    put(store, msgspec.structs.replace(update("now", "Bad", audience="stakeholders"), action="resolve"))
    (row,) = store.claim("log", NOON, LEASE, 10)
    assert row.publication.key == "now"
    store.confirmed(row, NOON, Receipt(""))
    assert states(store) == {"waits": "new", "now": "confirmed"}


def test_an_update_that_was_tried_holds_up_what_stands_behind_it(store):
    put(store, update("tried", "It got worse"))
    (row,) = store.claim("tickets", NOON, LEASE, 1)
    store.sent(row, NOON)
    store.retry(row, LATER, "503", ambiguous=False)
    put(store, publication("resolve", action="resolve"))
    assert store.claim("tickets", NOON, LEASE, 10) == []
    assert [row.publication.key for row in store.claim("tickets", LATER, LEASE, 10)] == ["tried"]


def test_the_last_of_updates_that_are_due_together_carries_the_news_of_all(store):
    put(
        store,
        update("u1", "A is down", "Severity SEV2"),
        update("u2", "B is down", not_before=NOON + 9, created_at=NOON + 1),
        update("u3", "B and C are down", not_before=NOON + 9, created_at=NOON + 2),  # decided while u2 waited
        update("u4", "Severity SEV2", "A is up", not_before=NOON + 10, created_at=NOON + 10),
    )
    (row,) = store.claim("tickets", LATER, LEASE, 10)
    assert row.publication.key == "u4"
    assert said(row) == ["A is down", "Severity SEV2", "B and C are down", "A is up"]
    assert states(store, state=["superseded"]) == dict.fromkeys(("u1", "u2", "u3"), "superseded")
    store.sent(row, LATER)
    store.retry(row, LATER, "503", ambiguous=False)
    put(store, update("u5", "D is down", not_before=LATER, created_at=LATER))
    (row,) = store.claim("tickets", LATER, LEASE, 10)
    assert said(row) == ["A is down", "Severity SEV2", "B and C are down", "A is up", "D is down"]
    assert next(one for one in store.outbox().items if one["key"] == "u5")["body"]["news"] == said(row)


def test_an_ambiguous_update_is_never_dropped(store):
    put(store, publication("u1", action="update"))
    (row,) = store.claim("tickets", NOON, LEASE, 1)
    store.sent(row, NOON)
    store.retry(row, NOON, "no answer", ambiguous=True)
    put(store, publication("u2", action="update"))
    (row,) = store.claim("tickets", NOON, LEASE, 10)
    assert row.publication.key == "u1"


@pytest.mark.parametrize("claimers", [2, 4])
def test_claimers_that_race_never_hold_the_same_row(store, claimers):
    put(store, *[publication(f"{n}", f"INC-{n}") for n in range(60)])
    taken: list[str] = []

    def work() -> None:
        while rows := store.claim("tickets", NOON, LEASE, 3):
            for row in rows:
                assert store.sent(row, NOON)
                taken.append(row.publication.key)
                assert store.confirmed(row, NOON, Receipt("T"))

    threads = [threading.Thread(target=work) for _ in range(claimers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken, key=int) == [str(n) for n in range(60)]


def test_a_publication_goes_only_to_the_sinks_that_the_rules_name(store):
    routed, unrouted, nowhere = publication("a"), publication("b"), publication("c")
    routed.sinks, nowhere.sinks = ("tickets", "elsewhere"), ()
    put(store, routed, unrouted, nowhere)
    assert sorted(states(store)) == ["a", "b"]


def test_a_claim_may_note_the_attempts_as_well(store):
    put(store, publication("a"), publication("b", "INC-2"))
    rows = store.claim("tickets", NOON, LEASE, 10, sent=True)
    assert [row.attempts for row in rows] == [0, 0]
    assert states(store) == {"a": "sent", "b": "sent"}
    assert [row["attempts"] for row in store.outbox().items] == [1, 1]
    assert store.confirmed(rows[0], NOON, Receipt("T1"))
    (again,) = store.claim("tickets", NOON + LEASE, LEASE, 10, sent=True)
    assert (again.publication.key, again.attempts, again.ambiguous) == ("b", 1, True)


def test_a_lease_that_is_renewed_lasts(store):
    put(store, publication("a"))
    (row,) = store.claim("tickets", NOON, LEASE, 1)
    assert store.renew(row, NOON + LEASE - 1, NOON + 2 * LEASE)
    assert store.claim("tickets", NOON + LEASE, LEASE, 1) == []
    assert store.sent(row, NOON + LEASE)
    assert store.renew(row, NOON + LEASE, NOON + 3 * LEASE)
    assert not store.renew(row, NOON + 3 * LEASE, NOON + 4 * LEASE)  # it ran out, even if nobody took it
    (theirs,) = store.claim("tickets", NOON + 3 * LEASE, LEASE, 1)
    assert not store.renew(row, NOON + 3 * LEASE, NOON + 9 * LEASE)
    assert store.renew(theirs, NOON + 3 * LEASE, NOON + 5 * LEASE)


@pytest.mark.parametrize("noted", [False, True])
def test_what_is_released_is_as_it_was_before(store, noted):
    put(store, publication("a"))
    (row,) = store.claim("tickets", NOON, LEASE, 1)
    store.sent(row, NOON)
    store.retry(row, NOON, "no answer", ambiguous=True, probes=2)
    (row,) = store.claim("tickets", NOON, LEASE, 1, sent=noted)
    assert (row.attempts, row.probes, row.ambiguous) == (1, 2, True)
    assert store.release(row, NOON + 7, "the receiver is away")
    assert not store.release(row, NOON, "again")
    assert store.claim("tickets", NOON + 6, LEASE, 1) == []
    (again,) = store.claim("tickets", NOON + 7, LEASE, 1)
    assert (again.attempts, again.probes, again.ambiguous) == (1, 2, True)
    assert store.outbox().items[0]["error"] == "the receiver is away"


def test_looks_are_counted_from_the_last_attempt(store):
    put(store, publication("a"))
    for looks in (0, 1, 2):
        (row,) = store.claim("tickets", NOON, LEASE, 1)
        assert row.probes == looks
        store.retry(row, NOON, "not found", ambiguous=True, probes=looks + 1)
    (row,) = store.claim("tickets", NOON, LEASE, 1)
    store.sent(row, NOON)
    store.retry(row, NOON, "no answer", ambiguous=True)
    assert store.claim("tickets", NOON, LEASE, 1)[0].probes == 0


def test_what_is_done_together_is_done_at_the_end(store):
    put(store, publication("a"), publication("b", "INC-2"))
    first, second = store.claim("tickets", NOON, LEASE, 10)
    with store.together():
        assert store.sent(first, NOON)
        assert store.confirmed(first, NOON, Receipt("T1", keeps="open"))
        assert store.sent(second, NOON)
    assert states(store) == {"a": "confirmed", "b": "sent"}
    assert [link.remote for link in store.links()] == ["T1"]


def test_the_depth_counts_what_is_unfinished_or_dead(store):
    put(store, publication("a"), publication("b", "INC-2", not_before=NOON + 5), publication("c", audience="engineers"))
    (row,) = store.claim("tickets", NOON, LEASE, 1)
    (other,) = store.claim("log", NOON, LEASE, 1)
    store.dead(other, NOON, "401")
    shown = [(one.sink, one.state, one.rows, one.oldest) for one in store.depth()]
    assert shown == [("log", "dead", 1, NOON), ("tickets", "claimed", 1, NOON), ("tickets", "new", 1, NOON + 5)]
    store.confirmed(row, NOON, Receipt("T1"))
    assert [one.state for one in store.depth()] == ["dead", "new"]
