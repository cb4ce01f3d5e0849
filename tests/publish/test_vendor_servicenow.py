"""ServiceNow's own traps, against its stand-in."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from engine.errors import SinkError
from engine.publish.ticketing.servicenow_query import condition
from engine.publish.ticketing.tracker import Draft, Seen, Tracker, Wanted
from tests.publish.hostile import HOSTILE
from tests.publish.vendors.desks import service_now
from tests.publish.vendors.servicenow import BUSY, GROUPS, HIBERNATING, ServiceNowInstance, failure
from tests.publish.vendors.vendor import Fault, running

DRAFT = Draft(key="headwater-1", title="db is down", text="Cause: db", priority="1")


@pytest.fixture
def vendor() -> Iterator[ServiceNowInstance]:
    started = ServiceNowInstance()
    with running(started):
        yield started


def read(tracker: Tracker, seen: Seen) -> Seen:
    found = tracker.read(seen.remote)
    assert found is not None
    return found


@pytest.mark.parametrize("priority", ["1", "2", "3", "4", "5"])
def test_a_priority_is_what_impact_and_urgency_make_of_it(vendor: ServiceNowInstance, priority: str) -> None:
    tracker = service_now(vendor)
    made = tracker.create(msgspec.structs.replace(DRAFT, priority=priority))
    assert made.priority == read(tracker, made).priority == priority


def test_a_priority_of_which_nothing_is_declared_is_refused_before_anything_is_sent(vendor: ServiceNowInstance) -> None:
    with pytest.raises(SinkError, match="no impact and urgency are declared for priority SEV1") as failed:
        service_now(vendor).create(msgspec.structs.replace(DRAFT, priority="SEV1"))
    assert failed.value.permanent
    assert vendor.exchanges == []


def test_groups_and_people_are_looked_up_once(vendor: ServiceNowInstance) -> None:
    tracker = service_now(vendor)
    for number in range(3):
        draft = msgspec.structs.replace(DRAFT, key=f"headwater-{number}", queue="network", assignee="fred.luddy")
        assert tracker.create(draft).assignee == "fred.luddy"
    assert {one["assignment_group"] for one in vendor.tables["incident"]} == {GROUPS["network"]}
    assert len(vendor.exchanges) == 5


@pytest.mark.parametrize("group", ["nobody", "x^ORname=network", "javascript:gs.getUser()", "a\nb", " network"])
def test_a_group_that_is_not_there_or_no_name_is_permanent(vendor: ServiceNowInstance, group: str) -> None:
    with pytest.raises(SinkError) as failed:
        service_now(vendor).create(msgspec.structs.replace(DRAFT, queue=group))
    assert failed.value.permanent
    assert vendor.tables["incident"] == []
    assert vendor.executed == []


def test_no_text_becomes_more_than_a_value_of_a_query() -> None:
    refused = 0
    for text in (*HOSTILE, "\ud800", "^NQactive=true", "JavaScript:x", "\tjavascript:x", "x^ORDERBYnumber"):
        try:
            assert condition("name", text) == f"name={text}"
        except SinkError:
            refused += 1
        else:
            assert not {"^", "\n", "\r", "\x00"} & set(text)
            assert not text.lower().startswith("javascript:")
    assert refused > 20


def test_closing_says_why_and_opening_again_works(vendor: ServiceNowInstance) -> None:
    tracker = service_now(vendor)
    made = tracker.create(DRAFT)
    tracker.change(made, Wanted(state="closed"))
    seen = read(tracker, made)
    assert (seen.state, seen.status, seen.resolution) == ("closed", "Resolved", "Solution provided")
    tracker.change(seen, Wanted(state="open"))
    assert (read(tracker, made).state, read(tracker, made).status) == ("open", "In Progress")


def test_a_close_code_that_the_instance_does_not_know_is_permanent_with_its_reason(vendor: ServiceNowInstance) -> None:
    tracker = service_now(vendor, close_code="Solved (Permanently)")
    with pytest.raises(SinkError, match="403") as failed:
        tracker.change(tracker.create(DRAFT), Wanted(state="closed"))
    assert failed.value.permanent


def test_what_a_rule_puts_back_shows_when_it_is_read_again(vendor: ServiceNowInstance) -> None:
    vendor.reverts = {"state", "impact"}
    tracker = service_now(vendor)
    made = tracker.create(DRAFT)
    tracker.change(made, Wanted(state="closed", priority="5", title="still down"))
    seen = read(tracker, made)
    assert (seen.state, seen.priority, seen.title) == ("open", "3", "still down")


def test_a_query_whose_condition_is_ignored_finds_no_strangers_ticket(vendor: ServiceNowInstance) -> None:
    tracker = service_now(vendor)
    tracker.create(DRAFT)
    for record in vendor.tables["incident"]:
        record["u_correlation"] = record.pop("correlation_id")
    assert list(tracker.find("headwater-2")) == []


def test_a_coalescing_import_makes_one_ticket_of_two_requests(vendor: ServiceNowInstance) -> None:
    tracker = service_now(vendor, staging="u_headwater")
    assert tracker.keyed
    assert not service_now(vendor).keyed
    vendor.faults.append(Fault(None, done=True))
    with pytest.raises(SinkError) as failed:
        tracker.create(DRAFT)
    assert failed.value.ambiguous
    made = tracker.create(DRAFT)
    assert [one.remote for one in tracker.find(DRAFT.key)] == [made.remote]
    assert read(tracker, made).title == "db is down"


def test_comments_hold_no_html_and_keep_their_last_line(vendor: ServiceNowInstance) -> None:
    tracker = service_now(vendor)
    made = tracker.create(DRAFT)
    tracker.say(made, "[code]<script>1</script>[/CODE]\n" + "x" * 1_000_000 + "\n\n[headwater k1]")
    (note,) = tracker.notes(made.remote)
    assert "[code]" not in note.text.lower()
    assert "[/code]" not in note.text.lower()
    assert note.text.endswith("\n[headwater k1]")
    assert len(note.text) <= 4000


def test_of_very_long_comments_the_newest_are_read(vendor: ServiceNowInstance) -> None:
    tracker = service_now(vendor)
    made = tracker.create(DRAFT)
    for number in range(40):
        vendor.turn += 1
        vendor.person_writes(made.remote, f"{number} " + "\U0001f525" * 3900)
    assert tracker.notes(made.remote)[-1].text.startswith("39 ")


@pytest.mark.parametrize(("public", "element"), [(False, "work_notes"), (True, "comments")])
def test_comments_are_for_the_team_unless_customers_are_to_see_them(
    vendor: ServiceNowInstance, public: bool, element: str
) -> None:
    tracker = service_now(vendor, public=public)
    tracker.say(tracker.create(DRAFT), "down")
    assert [entry["element"] for entry in vendor.tables["sys_journal_field"]] == [element]


def test_a_duplicate_is_a_child_of_the_ticket_that_goes_on(vendor: ServiceNowInstance) -> None:
    tracker = service_now(vendor)
    first, second = tracker.create(DRAFT), tracker.create(DRAFT)
    tracker.join(second, first, "duplicate")
    assert [one["parent_incident"] for one in vendor.tables["incident"]] == ["", first.remote]


FAULTS = {
    "429 says when": (Fault(BUSY), False, False, 17.0),
    "a failure after the ticket was made": (Fault(failure(500, "Transaction cancelled"), done=True), False, True, None),
    "an answer that is lost": (Fault(None, done=True), False, True, None),
    "a page of a hibernating instance": (Fault(HIBERNATING), False, True, None),
    "a gateway's time-out": (Fault(failure(504, "")), False, True, None),
    "maintenance": (Fault(failure(503, "")), False, False, None),
    "no right": (Fault(failure(403, "Operation Failed", "ACL Exception Insert Failed")), True, False, None),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_became_of_a_ticket_is_said_rightly(vendor: ServiceNowInstance, name: str) -> None:
    fault, permanent, ambiguous, after = FAULTS[name]
    vendor.faults.append(fault)
    with pytest.raises(SinkError) as failed:
        service_now(vendor).create(DRAFT)
    error = failed.value
    assert (error.permanent, error.ambiguous, error.after) == (permanent, ambiguous, after)
    assert len(service_now(vendor).find(DRAFT.key)) == int(fault.done)


@pytest.mark.parametrize("body", [b'{"sys_id": "%s"}', b'{"record": {"sys_id": "%s"}, "table": "incident"}'])
def test_a_web_hook_names_a_record_by_its_sys_id_only(vendor: ServiceNowInstance, body: bytes) -> None:
    tracker = service_now(vendor)
    assert tracker.hint(body % (b"0a" * 16)) == "0a" * 16
    for wrong in (b"", b"INC0010001", b"../../x", b"0A" * 16, b"0a" * 17):
        assert tracker.hint(body % wrong) == ""
    for nonsense in (b"", b"[]", b"null", b"\xff", b'{"sys_id": 1}', b'{"record": []}'):
        assert tracker.hint(nonsense) == ""
