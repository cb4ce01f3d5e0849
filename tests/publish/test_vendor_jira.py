"""Jira's own traps, against its stand-in: Cloud, Data Center, a service desk."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from engine.errors import SinkError
from engine.publish.ticketing import jira_adf, jira_wiki
from engine.publish.ticketing.clean import clean
from engine.publish.ticketing.jql import phrase, quoted
from engine.publish.ticketing.tracker import Draft, Seen, Tracker, Wanted
from tests.publish.hostile import HOSTILE
from tests.publish.vendors.desks import jira_site
from tests.publish.vendors.jira import BUSY, HTML, JiraSite, failure
from tests.publish.vendors.jql_reader import BadJql
from tests.publish.vendors.jql_reader import read as jql
from tests.publish.vendors.vendor import Fault, running

DRAFT = Draft(key="headwater-1", title="db is down", text="Cause: db", priority="High")
DESK: dict[str, Any] = {"desk": "1", "request": "10", "form": frozenset({"priority"})}


@pytest.fixture(params=["cloud", "data center"])
def vendor(request: pytest.FixtureRequest) -> Iterator[JiraSite]:
    started = JiraSite(cloud=request.param == "cloud")
    with running(started):
        yield started


def read(tracker: Tracker, seen: Seen) -> Seen:
    found = tracker.read(seen.remote)
    assert found is not None
    return found


def test_a_search_that_lags_is_told_of_the_tickets_that_were_just_made(vendor: JiraSite) -> None:
    vendor.lag = 1000
    tracker = jira_site(vendor)
    made = tracker.create(DRAFT)
    found = [one.remote for one in tracker.find(DRAFT.key)]
    assert found == ([made.remote] if vendor.cloud else [])  # Data Center has no such thing
    assert list(jira_site(vendor).find(DRAFT.key)) == []  # another process does not know
    vendor.turn += 1000
    assert [one.remote for one in jira_site(vendor).find(DRAFT.key)] == [made.remote]


def test_no_more_than_fifty_are_named_with_a_search(vendor: JiraSite) -> None:
    tracker = jira_site(vendor)
    for number in range(60):
        tracker.create(msgspec.structs.replace(DRAFT, key=f"headwater-{number}"))
    assert len(tracker.find("headwater-59")) == 1


def test_a_priority_that_the_screen_does_not_have_is_refused_by_name_or_left_out(vendor: JiraSite) -> None:
    vendor.off_screen = {"priority"}
    with pytest.raises(SinkError, match="priority: Field 'priority' cannot be set") as failed:
        jira_site(vendor).create(DRAFT)
    assert failed.value.permanent
    tracker = jira_site(vendor, optional=frozenset({"priority"}))
    assert read(tracker, tracker.create(DRAFT)).priority == "Medium"
    assert len(vendor.issues) == 1


def test_a_field_that_is_not_optional_is_never_left_out(vendor: JiraSite) -> None:
    vendor.off_screen = {"priority", "description"}
    with pytest.raises(SinkError, match="description") as failed:
        jira_site(vendor, optional=frozenset({"priority"})).create(DRAFT)
    assert failed.value.permanent
    assert vendor.issues == []


def test_the_way_to_a_status_is_asked_for_and_goes_by_its_category(vendor: JiraSite) -> None:
    tracker = jira_site(vendor)
    made = tracker.create(DRAFT)
    for state, status in (("closed", "Done"), ("open", "To Do"), ("closed", "Done")):
        tracker.change(read(tracker, made), Wanted(state=state))
        assert (read(tracker, made).state, read(tracker, made).status) == (state, status)


def test_a_resolution_is_given_where_the_transition_asks_for_one(vendor: JiraSite) -> None:
    vendor.resolution_needed = True
    tracker = jira_site(vendor)
    made = tracker.create(DRAFT)
    with pytest.raises(SinkError, match="resolution: Resolution is required"):
        tracker.change(made, Wanted(state="closed"))
    tracker = jira_site(vendor, resolution="Fixed")
    tracker.change(made, Wanted(state="closed"))
    assert read(tracker, made).resolution == "Fixed"


def test_a_status_to_which_nothing_leads_is_permanent(vendor: JiraSite) -> None:
    tracker = jira_site(vendor, close="Won't Do")
    made = tracker.create(DRAFT)
    with pytest.raises(SinkError, match=r"no transition leads from ticket .* to Won't Do now") as failed:
        tracker.change(made, Wanted(state="closed"))
    assert failed.value.permanent


def test_a_transition_without_effect_shows_when_it_is_read_again(vendor: JiraSite) -> None:
    vendor.reverts = True
    tracker = jira_site(vendor)
    made = tracker.create(DRAFT)
    tracker.change(made, Wanted(state="closed"))
    assert read(tracker, made).state == "open"


def test_wrong_credentials_that_are_answered_as_nobodys_are_not_taken_for_a_missing_ticket(vendor: JiraSite) -> None:
    made = jira_site(vendor).create(DRAFT)
    vendor.anonymous = True
    stranger = jira_site(vendor, "wrong")
    for attempt in (
        lambda: stranger.read(made.remote),
        lambda: stranger.find(DRAFT.key),
        lambda: stranger.create(DRAFT),
    ):
        with pytest.raises(SinkError) as failed:
            attempt()
        assert failed.value.permanent


def test_who_changed_it_last_is_told(vendor: JiraSite) -> None:
    tracker = jira_site(vendor)
    made = tracker.create(DRAFT)
    vendor.turn += 10
    vendor.person_changes(made.remote, summary="worse")
    assert (read(tracker, made).changed_by, read(tracker, made).title) == ("Mia Krystof", "worse")


def test_of_very_long_comments_and_histories_the_newest_are_read(vendor: JiraSite) -> None:
    tracker = jira_site(vendor)
    made = tracker.create(DRAFT)
    for number in range(60):
        text = f"{number} " + "x" * 30_000
        vendor.person_writes(made.remote, jira_adf.document(text) if vendor.cloud else text)
    assert tracker.notes(made.remote)[-1].text.startswith("59 ")
    vendor.issues[0]["histories"] += [{"created": "", "items": ["x" * 2_000_000]}]
    assert read(tracker, made).title == "db is down"


def test_a_link_is_read_from_the_duplicate_to_the_ticket_that_goes_on(vendor: JiraSite) -> None:
    tracker = jira_site(vendor)
    first, second = tracker.create(DRAFT), tracker.create(DRAFT)
    tracker.join(second, first, "duplicate")
    tracker.join(second, first, "related")
    assert vendor.links == [("Duplicate", second.remote, first.remote), ("Relates", second.remote, first.remote)]


FAULTS = {
    "429 says when": (Fault(BUSY), False, False, 23.0),
    "a failure after the ticket was made": (Fault(failure(500, "Internal"), done=True), False, True, None),
    "an answer that is lost": (Fault(None, done=True), False, True, None),
    "a gateway's page of HTML": (Fault(HTML, done=True), False, True, None),
    "maintenance": (Fault(failure(503, "")), False, False, None),
    "no right": (Fault(failure(403, "You cannot create issues in this project.")), True, False, None),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_became_of_a_ticket_is_said_rightly(vendor: JiraSite, name: str) -> None:
    fault, permanent, ambiguous, after = FAULTS[name]
    vendor.faults.append(fault)
    with pytest.raises(SinkError) as failed:
        jira_site(vendor).create(DRAFT)
    error = failed.value
    assert (error.permanent, error.ambiguous, error.after) == (permanent, ambiguous, after)
    assert len(jira_site(vendor).find(DRAFT.key)) == int(fault.done)


def test_reading_is_never_ambiguous(vendor: JiraSite) -> None:
    tracker = jira_site(vendor)
    made = tracker.create(DRAFT)
    for attempt in (
        lambda: tracker.find(DRAFT.key),
        lambda: tracker.read(made.remote),
        lambda: tracker.notes(made.remote),
    ):
        vendor.faults.append(Fault(None))
        with pytest.raises(SinkError) as failed:
            attempt()
        assert (failed.value.ambiguous, failed.value.permanent) == (False, False)


# --------------------------------------------------------------------------------------------------- the service desk


def test_a_request_is_found_by_its_description_and_gets_the_rest_afterwards(vendor: JiraSite) -> None:
    vendor.off_screen = {"labels"}
    tracker = jira_site(vendor, **DESK)
    made = tracker.create(msgspec.structs.replace(DRAFT, assignee="headwater"))
    assert vendor.issues[0]["labels"] == []
    assert [one.remote for one in tracker.find(DRAFT.key)] == [made.remote]
    assert list(tracker.find("headwater-10")) == []
    assert read(tracker, made).priority == "High"


def test_a_field_that_the_form_does_not_show_is_a_permanent_error(vendor: JiraSite) -> None:
    with pytest.raises(SinkError, match="Your request could not be created") as failed:
        jira_site(vendor, **{**DESK, "form": frozenset({"labels"})}).create(DRAFT)
    assert failed.value.permanent


@pytest.mark.parametrize("internal", [True, False])
def test_customers_see_a_comment_only_where_that_is_declared(vendor: JiraSite, internal: bool) -> None:
    tracker = jira_site(vendor, **DESK, internal=internal)
    tracker.say(tracker.create(DRAFT), "down")
    ((comment,),) = [issue["comments"] for issue in vendor.issues]
    assert comment["properties"] == ([{"key": "sd.public.comment", "value": {"internal": True}}] if internal else [])


# --------------------------------------------------------------------------------------------- texts and queries

ALPHABET = [*"\"\\^ \n\t\r\x00\x1b()=~!'", "OR", "AND", "labels", "\\u0022", "\ud800", "\U0001f525", "\u202e", *"ab1"]


def texts() -> Iterator[str]:
    yield from HOSTILE
    chance = random.Random(5)
    for _ in range(2000):
        yield "".join(chance.choices(ALPHABET, k=chance.randrange(12)))


def test_a_quoted_text_is_one_string_of_jql_whatever_it_holds() -> None:
    for text in texts():
        try:
            whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
        except UnicodeDecodeError:
            continue  # a lone surrogate has no meaning of its own; its escape is still inside the string
        test = jql(f"labels = {quoted(text)} ORDER BY created ASC")
        assert test({"labels": [whole]})
        assert not test({"labels": [whole + "x"]})


def test_a_phrase_of_any_text_is_one_string_of_jql() -> None:
    for text in texts():
        if text.isprintable():
            jql(f"(labels = {quoted('x')} OR description ~ {phrase(text)})")


@pytest.mark.parametrize("wrong", ["", "labels = x", 'labels = "a" OR', 'labels = "\n"', 'labels = "a" "b"', 'x = "a"'])
def test_the_stand_in_refuses_jql_that_is_none(wrong: str) -> None:
    with pytest.raises(BadJql):
        jql(wrong)


def test_texts_come_back_from_both_formats_as_they_were() -> None:
    for text in texts():
        seen = clean(text, 1000)
        assert jira_adf.text_of(jira_adf.document(seen)) == seen
        assert jira_wiki.unescaped(jira_wiki.escaped(seen)) == seen


def test_no_markup_is_left_in_wiki_text() -> None:
    escaped = jira_wiki.escaped("\n".join(clean(text, 1000) for text in HOSTILE))
    for at, char in enumerate(escaped):
        assert char not in "{}[]!|*_" or escaped[at - 1] == "\\"
    assert "\nh1." not in escaped


def test_a_document_that_nests_without_end_is_read_as_far_as_it_makes_sense() -> None:
    node: dict[str, object] = {"type": "text", "text": "deep"}
    for _ in range(10_000):
        node = {"type": "paragraph", "content": [node]}
    assert jira_adf.text_of(node).strip() == ""
    people = {"type": "mention", "attrs": {"id": "1", "text": "@Mia"}}
    assert jira_adf.text_of({"type": "doc", "content": [{"type": "paragraph", "content": [people, None, 7]}]}) == "@Mia"


@pytest.mark.parametrize("title", ["\ud800 down", "x" * 1_000_000, "a\nb", "\u202e", "\x00"])
def test_absurd_texts_make_a_ticket_all_the_same(vendor: JiraSite, title: str) -> None:
    tracker = jira_site(vendor)
    made = tracker.create(msgspec.structs.replace(DRAFT, title=f"T {title}", text=title * 3))
    tracker.say(made, f"{title}\n\n[headwater k1]")
    assert read(tracker, made).title.startswith("T")
    assert tracker.notes(made.remote)[0].text.endswith("[headwater k1]")


def test_a_web_hook_names_an_issue_by_its_number_only(vendor: JiraSite) -> None:
    tracker = jira_site(vendor)
    assert tracker.hint(b'{"webhookEvent": "jira:issue_updated", "issue": {"id": "10002", "key": "OPS-1"}}') == "10002"
    for nonsense in (
        b"",
        b"[]",
        b'{"issue": {"id": "OPS-1"}}',
        b'{"issue": {"id": "1/../2"}}',
        b'{"issue": []}',
        b"\xff",
    ):
        assert tracker.hint(nonsense) == ""
