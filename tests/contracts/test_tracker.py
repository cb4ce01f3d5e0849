"""What every tracker must do: make a ticket that is found again, change it, speak in it, and say what went wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from engine.errors import SinkError
from engine.publish.egress import Destination, Egress
from engine.publish.ticketing import rest, roundup, rt
from engine.publish.ticketing.api import Api, basic
from engine.publish.ticketing.template import Call
from engine.publish.ticketing.tracker import Conflict, Draft, Seen, Tracker, Wanted
from tests.publish.hostile import HOSTILE, KEYS
from tests.publish.shelf import Shelf
from tests.real.ticketing import PASSWORD, USER, System

Remote = str


class Case(NamedTuple):
    """A tracker on its system; the same with a wrong password; and what people do there. ``priorities``: two that
    there are, and one that there is none. ``guarded``: updates name a version."""

    tracker: Tracker
    stranger: Tracker | None
    speak: Callable[[Remote, str], object]
    retitle: Callable[[Remote, str], object]
    delete: Callable[[Remote], object]
    priorities: tuple[str, str, str]
    guarded: bool = True


def shelf() -> Case:
    one = Shelf()
    one.refused = {"none"}
    return Case(one, None, one.note, lambda remote, text: one.edit(remote, title=text), one.delete, ("1", "2", "none"))


def api(system: System, password: str = PASSWORD, **headers: str) -> Api:
    egress = Egress([Destination(system.url, allow_private=True)], timeout=20)
    return Api(egress, system.url, basic(USER, password) | headers, lambda: 0)


def on_roundup(system: System) -> Case:
    def tracker(password: str = PASSWORD) -> Tracker:
        return roundup.Roundup(api(system, password, **roundup.headers(system.url)), system.url, USER)

    def speak(remote: Remote, text: str) -> None:
        made = ok(system.person.post("/msg", json={"content": text, "author": "ada", "date": "."}))
        _patch(system, remote, {"@op": "add", "messages": [made.json()["data"]["id"]]})

    def delete(remote: Remote) -> None:
        version = ok(system.person.get(f"/issue/{remote}")).json()["data"]["@etag"]
        with httpx.Client(base_url=f"{system.url}/rest/data", auth=("admin", "of-the-admin")) as admin:
            headers = {"X-Requested-With": "tests", "Origin": system.url, "If-Match": version}
            ok(admin.delete(f"/issue/{remote}", headers=headers))

    def retitle(remote: Remote, text: str) -> None:
        _patch(system, remote, {"@op": "replace", "title": text})

    return Case(tracker(), tracker("wrong"), speak, retitle, delete, ("critical", "urgent", "nonsense"))


def _patch(system: System, remote: Remote, body: dict[str, object]) -> None:
    version = ok(system.person.get(f"/issue/{remote}")).json()["data"]["@etag"]
    ok(system.person.patch(f"/issue/{remote}", json=body, headers={"If-Match": version}))


def on_rt(system: System) -> Case:
    def tracker(password: str = PASSWORD) -> Tracker:
        return rt.RequestTracker(api(system, password), system.url, USER)

    return Case(tracker(), tracker("wrong"), *_person_of_rt(system), ("70", "90", "nonsense"))


def _person_of_rt(system: System) -> tuple[Callable, Callable, Callable]:
    def put(remote: Remote, **fields: str) -> None:
        ok(system.person.put(f"/ticket/{remote}", json=fields))

    def speak(remote: Remote, text: str) -> None:
        ok(system.person.post(f"/ticket/{remote}/comment", json={"Content": text, "ContentType": "text/plain"}))

    return speak, lambda remote, text: put(remote, Subject=text), lambda remote: put(remote, Status="deleted")


MAPPING = rest.Mapped(
    create=Call(
        method="POST",
        path="/REST/2.0/ticket",
        body={
            "Queue": "{queue}", "Subject": "{title}", "Content": "{text}", "ContentType": "text/plain",
            "Priority": "{priority}", "Owner": "{assignee}", "RefersTo": "headwater:{key}",
        },
    ),
    find=Call(
        method="GET", path="/REST/2.0/tickets",
        query={"query": "RefersTo = 'headwater:{key}'", "fields": "Subject,Status,Owner,Priority", "orderby": "id"},
    ),
    found="/items",
    read=Call(method="GET", path="/REST/2.0/ticket/{id}"),
    change={
        "close": Call(method="PUT", path="/REST/2.0/ticket/{id}", body={"Status": "resolved"}),
        "reopen": Call(method="PUT", path="/REST/2.0/ticket/{id}", body={"Status": "open"}),
        "title": Call(method="PUT", path="/REST/2.0/ticket/{id}", body={"Subject": "{value}"}),
        "priority": Call(method="PUT", path="/REST/2.0/ticket/{id}", body={"Priority": "{value}"}),
        "assignee": Call(method="PUT", path="/REST/2.0/ticket/{id}", body={"Owner": "{value}"}),
    },
    comment=Call(
        method="POST", path="/REST/2.0/ticket/{id}/comment", body={"Content": "{text}", "ContentType": "text/plain"}
    ),
    notes=Call(
        method="GET", path="/REST/2.0/ticket/{id}/attachments",
        query={"fields": "Content,Creator,TransactionId", "per_page": "100"},
    ),
    note=rest.NotePlaces(items="/items", author="/Creator/id", text="/Content"),
    join={"duplicate": Call(method="PUT", path="/REST/2.0/ticket/{id}", body={"AddRefersTo": ["{other}"]})},
    nobody="Nobody",
    places=rest.Places(status="/Status", title="/Subject", priority="/Priority", assignee="/Owner/id"),
    closed=frozenset({"resolved", "rejected"}),
    gone=frozenset({"deleted"}),
    hook="/ticket",
)  # fmt: skip


def mapped_on_rt(system: System) -> Case:
    def tracker(password: str = PASSWORD) -> Tracker:
        return rest.Rest(api(system, password), MAPPING, USER)

    return Case(tracker(), tracker("wrong"), *_person_of_rt(system), ("70", "90", "nonsense"), guarded=False)


TRACKERS: dict[str, tuple[str | None, Callable[[Any], Case], Any]] = {
    "shelf": (None, lambda system: shelf(), ()),
    "roundup": ("roundup_system", on_roundup, pytest.mark.real("roundup")),
    "request-tracker": ("rt_system", on_rt, pytest.mark.real("request-tracker")),
    "rest, mapped on request-tracker": ("rt_system", mapped_on_rt, pytest.mark.real("request-tracker")),
}
"""Name -> (fixture of its system, how to make the case, marks). A new tracker is one more row."""

QUEUE = {"request-tracker": "Incidents", "rest, mapped on request-tracker": "Incidents"}


def ok(answer: httpx.Response) -> httpx.Response:
    assert answer.status_code < 300, answer.text
    return answer


@pytest.fixture(params=[pytest.param(name, marks=row[2]) for name, row in TRACKERS.items()])
def case(request: pytest.FixtureRequest) -> Case:
    fixture, make, _ = TRACKERS[request.param]
    return make(request.getfixturevalue(fixture) if fixture else None)


@pytest.fixture
def draft(request: pytest.FixtureRequest, case: Case) -> Callable[..., Draft]:
    """A draft with a key of this test's own."""
    name = request.node.callspec.params["case"]
    own = "".join(char if char.isalnum() else "-" for char in request.node.name)[-60:].strip("-")

    def make(suffix: str = "", **fields: Any) -> Draft:
        return Draft(**{"key": f"key-{own}{suffix}", "title": "db is down", "text": "It is.",
                        "queue": QUEUE.get(name, ""), **fields})  # fmt: skip

    return make


def read(case: Case, seen: Seen) -> Seen:
    found = case.tracker.read(seen.remote)
    assert found is not None
    return found


def test_what_is_made_is_read_and_found_again(case: Case, draft: Callable[..., Draft]) -> None:
    wanted = draft(priority=case.priorities[0], assignee=USER)
    assert list(case.tracker.find(wanted.key)) == []
    made = case.tracker.create(wanted)
    case.tracker.create(draft("-other"))
    seen = read(case, made)
    assert (seen.title, seen.state, seen.priority, seen.assignee) == ("db is down", "open", case.priorities[0], USER)
    assert [one.remote for one in case.tracker.find(wanted.key)] == [made.remote]


def test_tickets_with_one_key_are_all_found_the_oldest_first_open_or_closed(case: Case, draft: Callable[..., Draft]):
    tickets = [case.tracker.create(draft()) for _ in range(3)]
    case.tracker.change(read(case, tickets[0]), Wanted(state="closed"))
    found = case.tracker.find(draft().key)
    assert [(one.remote, one.state) for one in found] == list(
        zip([one.remote for one in tickets], ["closed", "open", "open"], strict=True)
    )


def test_a_ticket_that_is_not_there_is_none(case: Case, draft: Callable[..., Draft]) -> None:
    assert case.tracker.read("99999999") is None
    made = case.tracker.create(draft())
    case.delete(made.remote)
    assert case.tracker.read(made.remote) is None
    assert list(case.tracker.find(draft().key)) == []


def test_fields_change_one_by_one_and_together(case: Case, draft: Callable[..., Draft]) -> None:
    made = case.tracker.create(draft(priority=case.priorities[0]))
    case.tracker.change(read(case, made), Wanted(title="db is gone", priority=case.priorities[1]))
    seen = read(case, made)
    assert (seen.title, seen.priority, seen.state) == ("db is gone", case.priorities[1], "open")
    for state in ("closed", "open", "closed"):
        case.tracker.change(read(case, made), Wanted(state=state))
        assert read(case, made).state == state
    assert read(case, made).title == "db is gone"


def test_a_ticket_may_belong_to_nobody_again(case: Case, draft: Callable[..., Draft]) -> None:
    made = case.tracker.create(draft(assignee=USER))
    assert read(case, made).assignee == USER
    case.tracker.change(read(case, made), Wanted(assignee=""))
    assert read(case, made).assignee == ""


def test_what_is_refused_is_told_or_seen(case: Case, draft: Callable[..., Draft]) -> None:
    made = case.tracker.create(draft(priority=case.priorities[0]))
    permanent = True
    try:
        case.tracker.change(read(case, made), Wanted(priority=case.priorities[2]))
    except SinkError as error:
        permanent = error.permanent
    assert permanent
    assert read(case, made).priority != case.priorities[2]


def test_a_change_of_what_others_changed_meanwhile_is_a_conflict(case: Case, draft: Callable[..., Draft]) -> None:
    before = read(case, case.tracker.create(draft()))
    case.retitle(before.remote, "ada knows better")
    if not case.guarded:  # a system without versions: the last one wins
        case.tracker.change(before, Wanted(title="db is down hard"))
        assert read(case, before).title == "db is down hard"
        return
    with pytest.raises(Conflict):
        case.tracker.change(before, Wanted(title="db is down hard"))
    assert read(case, before).title == "ada knows better"


@pytest.mark.parametrize("state", ["open", "closed"])
def test_speaking_leaves_the_state_and_is_told_from_what_people_say(
    case: Case, draft: Callable[..., Draft], state: str
) -> None:
    made = case.tracker.create(draft())
    if state == "closed":
        case.tracker.change(read(case, made), Wanted(state="closed"))
    case.tracker.say(read(case, made), "line one\nline two\n\n[headwater k1]")
    case.tracker.say(read(case, made), "again")
    assert read(case, made).state == state
    case.speak(made.remote, "I am on it")
    notes = [note for note in case.tracker.notes(made.remote) if note.text != "It is."]
    assert [(note.text.replace("\r\n", "\n"), note.ours) for note in notes] == [
        ("line one\nline two\n\n[headwater k1]", True), ("again", True), ("I am on it", False)
    ]  # fmt: skip
    assert len({note.id for note in notes}) == 3


def test_linking_twice_is_linking_once(case: Case, draft: Callable[..., Draft]) -> None:
    first, second = case.tracker.create(draft()), case.tracker.create(draft())
    for kind in ("duplicate", "duplicate", "related"):
        case.tracker.join(read(case, second), read(case, first), kind)
    assert read(case, second).state == "open"


def test_a_wrong_password_is_permanent_and_one_line(case: Case, draft: Callable[..., Draft]) -> None:
    if case.stranger is None:
        pytest.skip("this system asks for none")
    seen = case.tracker.create(draft())
    stranger = case.stranger
    for attempt in (
        lambda: stranger.create(draft()), lambda: stranger.find(draft().key), lambda: stranger.read(seen.remote),
        lambda: stranger.say(seen, "x"), lambda: stranger.change(seen, Wanted(title="x")),
    ):  # fmt: skip
        with pytest.raises(SinkError) as failed:
            attempt()
        assert failed.value.permanent
        assert "401" in failed.value.detail
        assert "\n" not in failed.value.detail


@pytest.mark.parametrize("method", ["find", "create"])
def test_a_key_that_could_mean_more_in_a_search_is_refused(
    case: Case, draft: Callable[..., Draft], method: str
) -> None:
    for key in KEYS:
        with pytest.raises(SinkError, match="key") as failed:
            case.tracker.find(key) if method == "find" else case.tracker.create(draft(key=key))
        assert failed.value.permanent


CAPTURED = {
    "roundup": {"003-POST-from_roundup.body": "1"},
    "request-tracker": {"001-POST-from_rt.body": "1", "002-POST-from_rt.body": "1"},
    "rest, mapped on request-tracker": {"001-POST-from_rt.body": "1", "002-POST-from_rt.body": "1"},
}
HOOKS = Path(__file__).parent.parent / "data" / "captures" / "ticket-hooks"


def test_a_web_hook_names_the_ticket_and_nonsense_names_none(case: Case, request: pytest.FixtureRequest) -> None:
    for name, remote in CAPTURED.get(request.node.callspec.params["case"], {}).items():
        assert case.tracker.hint((HOOKS / name).read_bytes()) == remote
        for body in (
            b"",
            b"<html>",
            b"[]",
            b"null",
            b'{"ticket": "1 OR 1=1"}',
            b'{"issue": {}}',
            b"\xff",
            b'{"id":-1}',
        ):
            assert case.tracker.hint(body) == ""


def test_strangers_text_of_any_kind_is_only_text(case: Case, draft: Callable[..., Draft]) -> None:
    """Many strings to a ticket, for the systems are slow."""
    for number in range(0, len(HOSTILE), 50):
        some = HOSTILE[number : number + 50]
        made = case.tracker.create(draft(f"-{number}", title="T " + " ".join(some)[:150], text="\n".join(some)))
        assert read(case, made).title.startswith("T ")
        case.tracker.say(read(case, made), "\n".join(some))
        assert [one.remote for one in case.tracker.find(draft(f"-{number}").key)] == [made.remote]
        assert read(case, made).state == "open"
