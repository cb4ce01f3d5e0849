"""The life of an incident in real ticketing systems, with people who work in them by the systems' own APIs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from prometheus_client import CollectorRegistry

from api.sinks.declared import World
from engine import failpoints
from engine.metrics import EngineMetrics
from engine.outcomes import Publication
from engine.ports import Commit
from engine.publish.dispatcher import Dispatcher, DispatchSettings
from engine.publish.ticketing import words
from engine.publish.ticketing.sink import Ticketing
from engine.publish.ticketing.tracker import Draft, Seen, Wanted
from engine.sending import Link
from engine.storage.sqlite.store import SqliteStore
from tests.publish.receiver import Handler
from tests.real.components import Headwater, eventually
from tests.real.places import PLACES, Place, ok, on_rt
from tests.real.ticketing import PASSWORD, USER, System


@pytest.fixture(params=[pytest.param(name, marks=row[2]) for name, row in PLACES.items()])
def place(request: pytest.FixtureRequest) -> Place:
    fixture, make, _ = PLACES[request.param]
    return make(request.getfixturevalue(fixture))


class Desk:
    """An outbox in a real file and a dispatcher by hand, on a clock of its own."""

    def __init__(self, folder: Path, place: Place, incident: str) -> None:
        self.place, self.incident, self.now, self.count = place, incident, 1_000, 0
        self.stack = ExitStack()
        self.store = SqliteStore(folder / "hw.db", {"desk": frozenset({"tickets"})})
        self.stack.callback(self.store.close)
        self.work_with()

    def work_with(self, **declared: Any) -> None:
        """Begin anew with another declaration, as after a restart."""
        declaration = self.place.declare(**declared)
        opened = declaration.open(World(clock=lambda: self.now, data=Path(), stack=self.stack))
        assert isinstance(opened, Ticketing)
        self.sink = opened
        self.tracker = opened._tracker
        settings = DispatchSettings(attempts=5, probes=(1.0, 1.0))
        metrics = EngineMetrics(CollectorRegistry())
        self.dispatcher = Dispatcher(self.store, [opened], lambda: self.now, metrics, settings=settings)

    def tell(self, action: str, *news: str, level: str = "SEV2", generation: int = 1) -> None:
        self.put(action, *news, level=level, generation=generation)
        self.work()

    def put(self, action: str, *news: str, level: str = "SEV2", generation: int = 1) -> Publication:
        self.count += 1
        view = {"id": self.incident, "title": f"{self.incident} is down", "severity": {"level": level}, "opened_at": 7}
        row = Publication(
            key=f"{self.incident}.{generation}.{action}.{self.count}.tickets", incident=self.incident,
            revision=self.count, generation=generation, action=action, audience="tickets", not_before=self.now,
            created_at=self.now, body={"incident": view, "why": "because", "news": list(news)},
        )  # fmt: skip
        self.store.commit(Commit(outbox=[row]))
        return row

    def work(self) -> None:
        for _ in range(12):
            while self.dispatcher.round(self.sink):
                pass
            self.now += 40_000

    def rows(self) -> list[Any]:
        """Newest first."""
        return list(self.store.outbox().items)

    @property
    def link(self) -> Link:
        return self.store.links()[-1]

    @property
    def ticket(self) -> Seen:
        seen = self.tracker.read(self.link.remote)
        assert seen is not None
        return seen

    def look(self) -> list[tuple[str, str, str]]:
        """(field, value, author) of what people did, remembered."""
        link = self.link
        found = self.sink.look(link)
        again = self.sink.look(link)
        assert [event.key for event in again.events] == [event.key for event in found.events]
        self.store.keep(msgspec.structs.replace(link, seen=found.seen))
        return [(event.field, event.value, event.author) for event in found.events]

    def standing(self) -> list[str]:
        """All tickets of the incident's first generation, and their state."""
        key = words.key_of(self.put_nothing())
        return [seen.state for seen in self.tracker.find(key)]

    def put_nothing(self) -> Publication:
        view = {"id": self.incident, "opened_at": 7}
        return Publication(
            key="", incident=self.incident, revision=1, generation=1, action="open", audience="tickets", not_before=0,
            created_at=0, body={"incident": view},
        )  # fmt: skip


@pytest.fixture
def desk(place: Place, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Desk]:
    made = Desk(tmp_path, place, f"INC-{request.node.name}")
    with made.stack:
        yield made
        failpoints.arm("")


def test_an_incident_and_its_people_share_one_ticket_to_the_end(desk: Desk, place: Place) -> None:
    worst, bad = place.words
    desk.tell("open")
    assert (desk.ticket.title, desk.ticket.priority) == (f"[SEV2] {desk.incident} is down", bad)
    assert desk.look() == []
    desk.tell("update", "It is the database")
    desk.tell("update", "It got worse", level="SEV1")
    assert (desk.ticket.title, desk.ticket.priority) == (f"[SEV1] {desk.incident} is down", worst)
    assert desk.look() == []
    place.note(desk.link.remote, "I am on it")
    place.set(desk.link.remote, assignee="ada")
    assert desk.look() == [("note", "I am on it", "ada"), ("assignee", "ada", "ada")]
    place.set(desk.link.remote, status=place.closed)
    assert [told for told in desk.look() if told[0] == "state"] == [("state", "closed", "ada")]
    desk.tell("disputed", "Closed, but not proven recovered", level="SEV1")
    assert desk.ticket.state == "closed"
    desk.tell("reopen", "It goes on", level="SEV1", generation=2)
    assert desk.ticket.state == "open"
    desk.tell("resolve", "Restored", level="SEV1", generation=2)
    assert (desk.ticket.state, desk.link.state, desk.look()) == ("closed", "closed", [])
    said = [note.text.splitlines()[0] for note in desk.tracker.notes(desk.link.remote)]
    assert said == ["It is the database", "It got worse", "I am on it", "Closed, but not proven recovered",
                    "It goes on", "Restored"]  # fmt: skip
    assert desk.standing() == ["closed"]
    assert {row["state"] for row in desk.rows()} == {"confirmed"}


@pytest.mark.parametrize("action", ["open", "update", "resolve"])
def test_an_end_between_the_call_and_the_record_makes_no_second_of_anything(desk: Desk, action: str) -> None:
    if action != "open":
        desk.tell("open")
    desk.put(action, "the news")
    failpoints.arm("outbox.after_send_before_record:raise")
    with pytest.raises(failpoints.FailpointReached):
        desk.dispatcher.round(desk.sink)
    desk.work_with()
    desk.now += 60_000
    desk.work()
    assert desk.standing() == ["closed" if action == "resolve" else "open"]
    said = [note.text for note in desk.tracker.notes(desk.link.remote) if note.text.startswith("the news")]
    assert len(said) == (action != "open")
    assert desk.rows()[0]["state"] == "confirmed"


def test_a_status_that_the_system_does_not_take_is_seen_and_mended(desk: Desk) -> None:
    desk.work_with(close="nonsense", closed=("nonsense", "resolved"))
    desk.tell("open")
    desk.tell("resolve", "Restored")
    row = desk.rows()[0]
    assert (row["state"], "\n" in row["error"], desk.ticket.state) == ("dead", False, "open")
    desk.work_with()
    assert desk.store.redrive(row["id"], desk.now)
    desk.work()
    assert (desk.rows()[0]["state"], desk.ticket.state) == ("confirmed", "closed")
    assert len([note for note in desk.tracker.notes(desk.link.remote) if note.text.startswith("Restored")]) == 1


def test_a_person_who_changes_the_ticket_at_the_same_moment_loses_nothing(
    desk: Desk, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.tell("open")
    change = desk.tracker.change
    meddled: list[str] = []

    def late(seen: Seen, wanted: Wanted) -> None:
        if not meddled:
            meddled.append(seen.remote)
            place.set(seen.remote, assignee="ada")
        change(seen, wanted)

    monkeypatch.setattr(desk.tracker, "change", late)
    desk.tell("update", "It got worse", level="SEV1")
    assert meddled
    assert (desk.ticket.assignee, desk.ticket.priority, desk.rows()[0]["state"]) == ("ada", place.words[0], "confirmed")
    assert desk.look() == [("assignee", "ada", USER)]  # who changed what else since is not known of the field


def test_wrong_credentials_are_one_line_dead_and_come_back_when_redriven(desk: Desk) -> None:
    desk.work_with(password="wrong")
    desk.tell("open")
    row = desk.rows()[0]
    assert (row["state"], row["attempts"], "401" in row["error"], "\n" in row["error"]) == ("dead", 1, True, False)
    assert "wrong" not in row["error"]
    desk.work_with()
    desk.store.redrive(row["id"], desk.now)
    desk.work()
    assert (desk.rows()[0]["state"], desk.standing()) == ("confirmed", ["open"])


def test_an_assignee_that_there_is_none_of_is_told_in_the_ticket(desk: Desk) -> None:
    desk.work_with(assignee="ghost")
    desk.tell("open")
    assert desk.ticket.assignee == ""
    assert "did not take the assignee ghost" in desk.tracker.notes(desk.link.remote)[-1].text


def test_a_duplicate_is_linked_and_closed_and_a_deleted_ticket_made_anew(desk: Desk, place: Place) -> None:
    desk.tell("open")
    key = words.key_of(desk.put_nothing())
    again = desk.tracker.create(Draft(key=key, title="again", text="again", queue=desk.sink._defaults.queue))
    assert [link.remote for link in desk.sink.reconcile(desk.link)] == [again.remote]
    assert desk.standing() == ["open", "closed"]
    assert [link.remote for link in desk.sink.reconcile(desk.link)] == [again.remote]
    first = desk.link.remote
    for remote in (again.remote, first):
        place.delete(remote)
    assert desk.look() == [("state", "closed", "")]
    desk.tell("update", "It goes on")
    assert desk.standing() == ["open"]
    assert desk.link.remote not in (first, again.remote)


@pytest.mark.real("request-tracker")
def test_a_note_in_html_is_text_and_a_large_attachment_is_left_alone(rt_system: System, tmp_path: Path) -> None:
    desk = Desk(tmp_path, on_rt(rt_system), "INC-html")
    with desk.stack:
        desk.tell("open")
        large = {"FileName": "dump.bin", "FileType": "application/octet-stream", "FileContent": "QUJD" * 500_000}
        said = {"Content": "<p>On it,<br>see &lt;dump&gt;</p>", "ContentType": "text/html", "Attachments": [large]}
        ok(rt_system.person.post(f"/ticket/{desk.link.remote}/comment", json=said))
        assert desk.look() == [("note", "On it,\nsee <dump>", "ada")]
        said = {"Content": "x" * 1_500_000, "ContentType": "text/plain"}
        ok(rt_system.person.post(f"/ticket/{desk.link.remote}/comment", json=said))
        place_after = {"Content": "and on", "ContentType": "text/plain"}
        ok(rt_system.person.post(f"/ticket/{desk.link.remote}/comment", json=place_after))
        assert desk.look() == [("note", "and on", "ada")]


CATALOGUE = """
entities:
  - {id: shop, kind: business_service, tier: 1, depends_on: [db-1]}
  - {id: db-1, kind: database}
"""
ALERT = {"labels": {"alertname": "Down", "service": "db-1", "severity": "critical"}, "annotations": {"summary": "gone"}}


@pytest.fixture
def headwater(place: Place, tmp_path: Path) -> Iterator[Headwater]:
    settings = "sinks:\n" + place.settings.replace("URL", place.system.url)
    variables = {"DESK_PASSWORD": PASSWORD, "DESK_HOOK": "hush-hush"}
    served = Headwater(tmp_path / "headwater", CATALOGUE, settings, variables)
    try:
        yield served
    finally:
        served.stop()


@pytest.fixture
def forwarded(headwater: Headwater, place: Place) -> Iterator[list[httpx.Response]]:
    """What Headwater answers to the system's web hooks."""
    answers: list[httpx.Response] = []

    def forward(handler: Handler) -> None:
        url, secret = f"{headwater.url}/api/v1/tickets/desk", {"authorization": "Bearer hush-hush"}
        answers.append(httpx.post(url, content=place.system.hooks.got[-1].body, headers=secret))
        handler.answer(200)

    hooks = place.system.hooks
    before, hooks.behave = hooks.behave, forward
    yield answers
    hooks.behave = before


def test_an_alert_becomes_a_ticket_and_the_systems_web_hook_comes_home(
    headwater: Headwater, place: Place, forwarded: list[httpx.Response]
) -> None:
    ok(httpx.post(f"{headwater.url}/api/v2/alerts", json=[ALERT]))
    row = eventually(lambda: _confirmed(headwater), "the ticket is open")
    place.note(row["remote"], "I am on it")
    place.set(row["remote"], assignee="ada")
    eventually(lambda: len(forwarded) >= 2, "the system calls")
    assert {answer.status_code for answer in forwarded} == {200}


def test_what_people_do_in_the_ticket_stands_in_the_incidents_timeline(
    headwater: Headwater, place: Place, forwarded: list[httpx.Response]
) -> None:
    ok(httpx.post(f"{headwater.url}/api/v2/alerts", json=[ALERT]))
    row = eventually(lambda: _confirmed(headwater), "the ticket is open")
    place.note(row["remote"], "I am on it")
    place.set(row["remote"], assignee="ada")
    place.set(row["remote"], status=place.closed)

    def told() -> set[tuple[str, str]]:
        lines = headwater.get(f"/api/v1/incidents/{row['incident']}")["timeline"]
        return {(line["facts"]["field"], line["facts"]["value"]) for line in lines if "field" in line["facts"]}

    wanted = {("note", "I am on it"), ("assignee", "ada"), ("state", "closed")}
    eventually(lambda: wanted <= told(), "the timeline tells of it")
    assert {answer.json()["looked"] for answer in forwarded} == {True}


def test_an_action_and_a_problem_record_are_tickets_of_their_own_that_name_each_other(
    headwater: Headwater, place: Place
) -> None:
    ok(httpx.post(f"{headwater.url}/api/v2/alerts", json=[ALERT]))
    row = eventually(lambda: _confirmed(headwater), "the ticket is open")
    id, own = row["incident"], row["remote"]
    commands = f"{headwater.url}/api/v1/incidents/{id}"
    ok(httpx.post(f"{commands}/add_action", json={"facts": {"text": "a second replica", "owner": "ada"}}))
    ok(httpx.post(f"{commands}/open_problem", json={"reason": "it comes back", "facts": {"owner": "ada"}}))

    def settled() -> bool:
        rows = [one for one in headwater.get("/api/v1/outbox")["items"] if one["sink"] == "desk"]
        return [one["state"] for one in rows if one["incident"].startswith(f"{id}/")] == ["confirmed"] * 4

    eventually(settled, "all is told")
    found = {one["id"]: one for one in headwater.get(f"/api/v1/incidents/{id}/response")["tickets"]}
    assert sorted(found) == ["action-1", "problem"]
    assert len({own, found["action-1"]["remote"], found["problem"]["remote"]}) == 3
    tracker = place.declare().open(World(clock=lambda: 0, data=Path(), stack=ExitStack()))
    assert isinstance(tracker, Ticketing)
    there = {remote: [note.text for note in tracker._tracker.notes(remote)]
             for remote in (own, *(one["remote"] for one in found.values()))}  # fmt: skip
    for one in found.values():
        seen = tracker._tracker.read(one["remote"])
        assert seen is not None
        assert (seen.assignee, seen.state, one["url"]) == ("ada", "open", seen.url)
        assert sum(f"ticket {own} " in text for text in there[one["remote"]]) == 1
        assert sum(f"ticket {one['remote']} " in text for text in there[own]) == 1
    place.set(found["action-1"]["remote"], status=place.closed)
    hint = {"issue": found["action-1"]["remote"], "ticket": found["action-1"]["remote"]}
    secret = {"authorization": "Bearer hush-hush"}

    def done() -> str:
        httpx.post(f"{headwater.url}/api/v1/tickets/desk", json=hint, headers=secret)
        return str(headwater.get(f"/api/v1/incidents/{id}/response")["response"]["actions"][0]["done_by"])

    assert eventually(done, "who closes the ticket has done the action") == "ada"


def _confirmed(headwater: Headwater) -> dict[str, Any]:
    rows = headwater.get("/api/v1/outbox")["items"]
    return next((row for row in rows if row["sink"] == "desk" and row["state"] == "confirmed"), {})
