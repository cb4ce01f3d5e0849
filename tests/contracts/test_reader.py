"""What every store's reading side promises (`engine.ports.Reader`); runs over all of them."""

from __future__ import annotations

from itertools import pairwise

import pytest

from engine.ports import Commit, Version
from engine.reasons import Disposition, Reason, Verdict
from engine.sending import Receipt
from tests.storage.made import NOON, alert, change, entry, incident, ledger, letter, publication, snapshot, told, whole


def test_why_tells_the_history_of_an_event_and_the_last_line_is_current(store):
    held = ledger(1, 101, 102, disposition=Disposition.HELD)
    store.commit(Commit(entries=[entry(1)], ledger=[(1, held)], counts={"received": 2, "held": 2}))
    settled = change("1-1", 102, Disposition.HELD, Disposition.ATTACHED, Reason.EXPLAINED_BY_CAUSE)
    store.commit(Commit(changes=[settled], counts={"received": 2, "held": 1, "attached": 1}))
    history = store.why("1-1")
    assert [(line["disposition"], line["reason"], line["at"]) for line in history] == [
        ("held", "settling", NOON + 1),
        ("attached", "explained_by_cause", NOON + 500),
    ]
    assert history[1] == {
        "event": "1-1", "alert": 102, "at": NOON + 500, "disposition": "attached", "reason": "explained_by_cause",
        "incident": "INC-1", "rule": "settle", "enforced": "attached",
    }  # fmt: skip
    assert [line["disposition"] for line in store.why("1-0")] == ["held"]
    assert store.why("1-2") == store.why("9-0") == store.why("nonsense") == store.why("-") == store.why("") == []


def test_a_shadow_disposition_is_kept_beside_the_real_one(store):
    entries = ledger(1, 1)
    entries[0].enforced = Disposition.SUPPRESSED
    store.commit(Commit(entries=[entry(1)], ledger=[(1, entries)]))
    assert [(line["disposition"], line["enforced"]) for line in store.why("1-0")] == [("opened", "suppressed")]


def test_an_alert_is_found_by_number_fingerprint_and_event(store):
    store.commit(whole(1))
    view = store.alert("101")
    assert view is not None
    assert view.no == 101
    assert store.alert("1-1") == view
    assert store.alert(view.fingerprint) == store.alert(view.fingerprint.upper()) == view
    assert store.alert("999") is store.alert("9-9") is store.alert("f" * 32) is store.alert("'; --") is None
    assert store.alert("9" * 40) is store.alert("٣") is store.alert("") is None


def test_a_fingerprint_is_found_before_and_after_a_snapshot(store):
    store.commit(whole(1))
    store.commit(Commit(snapshot=snapshot(1)))
    store.commit(whole(2))
    assert [store.alert(alert(no).fingerprint).no for no in (100, 101, 200, 201)] == [100, 101, 200, 201]


def test_the_latest_view_of_an_alert_is_the_one_shown(store):
    store.commit(Commit(alerts=[alert(no) for no in range(1, 200)]))
    store.commit(Commit(alerts=[alert(5, state="resolved", entity="web"), alert(70, incident="INC-2")]))
    assert store.alert("5").state == "resolved"
    assert store.alert("6").state == "firing"
    assert [view.no for view in store.alerts(entity="web").items] == [5]
    assert [view.no for view in store.alerts(incident="INC-2").items] == [70]


def test_alerts_are_filtered(store):
    store.commit(
        Commit(
            alerts=[
                alert(1, disposition=Disposition.SUPPRESSED, verdict=Verdict.CONTRADICTED),
                alert(2, state="resolved", name="Slow"),
                alert(3, incident="INC-7", entity="web"),
                alert(4, disposition=Disposition.HELD, incident="INC-7"),
            ]
        )
    )

    def found(**filters):
        return [view.no for view in store.alerts(**filters).items]

    assert found() == [4, 3, 2, 1]
    assert found(disposition=["suppressed", "held"]) == [4, 1]
    assert found(state=["resolved"]) == [2]
    assert found(entity="web") == [3]
    assert found(incident="INC-7") == [4, 3]
    assert found(incident="INC-7", disposition=["held"]) == [4]
    assert found(verdict=["contradicted"]) == [1]
    assert found(name="Slow") == [2]
    assert found(name="%") == found(entity="' OR 1=1 --") == found(disposition=["no such"]) == []


def test_incidents_are_filtered_and_the_newest_stands_first(store):
    store.commit(
        Commit(
            incidents=[
                incident("INC-1", title="Payments stand still", entities=("pay",), severity="SEV1"),
                incident("INC-2", state="resolved", cause=None, domain="web"),
                incident("INC-3", updated_at=NOON + 10_000),
                incident(
                    "INC-1", 2, title="Payments stand still", entities=("pay",), severity="SEV1", state="restoring"
                ),
            ]
        )
    )

    def found(**filters):
        return [view.id for view in store.incidents(**filters).items]

    assert found() == ["INC-3", "INC-2", "INC-1"]
    assert found(state=["restoring"]) == found(severity=["SEV1"]) == found(text="PAYMENTS") == ["INC-1"]
    assert found(state=["declared", "resolved"]) == ["INC-3", "INC-2"]
    assert found(entity="pay") == ["INC-1"]
    assert found(entity="db") == ["INC-3", "INC-1"]  # as the cause
    assert found(domain="web") == ["INC-2"]
    assert found(since=NOON + 10_000) == ["INC-3"]
    assert found(text="%") == found(entity="p") == []
    assert [view.revision for view in store.revisions("INC-1")] == [1, 2]
    assert store.incident("INC-9") is None
    assert store.revisions("INC-9") == store.timeline("INC-9") == []


def test_incidents_of_drills_are_told_apart(store):
    store.commit(Commit(incidents=[incident("INC-1"), incident("DRILL-2"), incident("DRILLED"), incident("DRILL-9")]))

    def found(**filters):
        return [view.id for view in store.incidents(**filters).items]

    assert found() == ["DRILL-9", "DRILLED", "DRILL-2", "INC-1"]
    assert found(drill=True) == ["DRILL-9", "DRILL-2"]
    assert found(drill=False) == ["DRILLED", "INC-1"]


def test_pages_neither_repeat_nor_skip_while_new_items_arrive(store):
    store.commit(Commit(alerts=[alert(no) for no in range(1, 101)]))
    seen: list[int] = []
    cursor, fresh = "", 101
    while True:
        page = store.alerts(cursor=cursor, limit=7)
        seen += [view.no for view in page.items]
        store.commit(Commit(alerts=[alert(fresh), alert(50, state="resolved")]))
        fresh += 1
        cursor = page.next
        if not cursor:
            break
    assert seen == list(range(100, 0, -1))


def test_what_happened_is_told_page_by_page_while_more_of_it_happens(store):
    other, last = told("INC-2", "elsewhere"), 3
    for revision in range(1, 1 + last):
        store.commit(Commit(incidents=[incident("INC-1", revision)], timeline=[told("INC-1", f"{revision}"), other]))
    walks: dict[str, list[object]] = {"revisions": [], "timeline": []}
    cursors = dict.fromkeys(walks, "")
    while walks:
        for name in list(walks):
            page = getattr(store, f"{name}_page")("INC-1", cursors[name], 2)
            walks[name] += page.items
            if not page.next:
                assert walks.pop(name) == getattr(store, name)("INC-1")
            cursors[name] = page.next
        if last < 5:
            last += 1
            store.commit(Commit(incidents=[incident("INC-1", last)], timeline=[told("INC-1", f"{last}")]))
    assert store.revisions_page("INC-9").items == store.timeline_page("INC-9").items == []


def test_versions_are_told_page_by_page_while_one_is_added(store):
    def version(id, kind="rules"):
        return Version(kind, id, NOON, b"content", "")

    store.commit(Commit(versions=[version("a"), version("t", "topology"), version("b"), version("c")]))
    first = store.versions_page("rules", limit=2)
    store.commit(Commit(versions=[version("d")]))
    second = store.versions_page("rules", first.next, 2)
    assert [one.id for one in (*first.items, *second.items)] == ["c", "b", "a"]
    assert (first.items[0].content, second.next) == (b"", "")
    assert store.versions_page(limit=500).items == store.versions()


def test_pages_of_incidents_outbox_and_dead_letters_end(store):
    store.commit(
        Commit(
            incidents=[incident(f"INC-{n}") for n in range(5)],
            outbox=[publication(f"k{n}") for n in range(5)],
            dead=[letter(f"reason {n}") for n in range(5)],
        )
    )
    for listing in (store.incidents, store.outbox, store.dead_letters):
        sizes, cursor = [], ""
        while True:
            page = listing(cursor=cursor, limit=2)
            sizes.append(len(page.items))
            cursor = page.next
            if not cursor:
                break
        assert sizes == [2, 2, 1]


def test_a_cursor_that_is_none_is_an_error_and_a_limit_is_bounded(store):
    store.commit(Commit(alerts=[alert(no) for no in range(1, 1200)]))
    with pytest.raises(ValueError, match="not a cursor"):
        store.alerts(cursor="-1")
    assert len(store.alerts(limit=10_000).items) == 500
    assert len(store.alerts(limit=0).items) == 1


def test_the_feed_is_one_sequence_of_revisions_and_timeline(store):
    for n in (1, 2, 3):
        store.commit(whole(n))
    feed = store.feed(0)
    numbers = [number for number, _, _ in feed]
    assert all(later > earlier for earlier, later in pairwise(numbers))
    assert [event for _, event, _ in feed] == ["incident", "timeline"] * 3
    assert feed[1][2]["text"] == told("INC-1").text
    assert store.feed(numbers[3]) == feed[4:]
    assert store.feed(0, limit=2) == feed[:2]
    assert store.feed(numbers[-1]) == []


def test_a_sink_fares_as_its_publications_do(store):
    assert store.standings() == []
    store.commit(Commit(outbox=[publication("a"), publication("b", "INC-2"), publication("c", "INC-3")]))
    (first, second, _) = store.claim("tickets", NOON, 1000, 3)
    store.sent(first, NOON)
    store.confirmed(first, NOON + 10, Receipt("T-1"))
    store.sent(second, NOON)
    store.dead(second, NOON + 20, "no such queue")
    (standing,) = store.standings()
    assert (standing.sink, standing.waiting, standing.dead) == ("tickets", 1, 1)
    assert (standing.last_success, standing.last_failure, standing.error) == (NOON + 10, NOON + 20, "no such queue")
