"""The life of a ticket: one per incident, whatever breaks off, is refused, lost or deleted on the way."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from engine.errors import SinkError
from engine.metrics import EngineMetrics
from engine.outcomes import Publication
from engine.ports import Commit
from engine.publish.dispatcher import Dispatcher, DispatchSettings
from engine.publish.ticketing import words
from engine.publish.ticketing.sink import Defaults, Ticketing
from engine.publish.ticketing.tracker import Conflict, Draft, Seen
from engine.sending import Link
from engine.storage.memory import MemoryStore
from tests.publish.hostile import HOSTILE
from tests.publish.shelf import ME, Shelf

DEFAULTS = Defaults(queue="ops", priorities={"SEV1": "highest", "SEV2": "high", "SEV3": "low"})


class Desk:
    """A shelf of tickets, the sink over it, an outbox in memory, a clock set by hand."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf, self.now, self.count = shelf, 0, 0
        self.sink = Ticketing("shelf", shelf, frozenset({"tickets"}), DEFAULTS)
        self.store = MemoryStore({"shelf": self.sink.audiences})
        settings = DispatchSettings(attempts=12, probes=(1.0, 2.0, 3.0))
        metrics = EngineMetrics(CollectorRegistry())
        self.dispatcher = Dispatcher(self.store, [self.sink], lambda: self.now, metrics, settings=settings)

    def tell(
        self,
        action: str,
        *news: str,
        incident: str = "12-0",
        generation: int = 1,
        related: tuple[str, ...] = (),
        ticket: dict[str, Any] | None = None,
        about: dict[str, Any] | None = None,
        **fields: Any,
    ) -> None:
        """Put a publication into the outbox and work until nothing moves any more."""
        self.count += 1
        severity = {"level": fields.pop("level", "SEV2")}
        body = {"id": incident, "title": "db is down", "severity": severity, "opened_at": 1_700_000_000_000, **fields}
        row = Publication(
            key=f"{incident}.{generation}.{action}.{self.count}.tickets", incident=incident, revision=self.count,
            generation=generation, action=action, audience="tickets", not_before=self.now, created_at=self.now,
            body={"incident": body, "why": "", "news": list(news), "ticket": ticket or {}, **(about or {})},
            related=related,
        )  # fmt: skip
        self.store.commit(Commit(outbox=[row]))
        self.work()

    def work(self) -> None:
        for _ in range(30):
            while self.dispatcher.round(self.sink):
                pass
            if not self.store.outbox(state=("new", "claimed", "sent", "ambiguous")).items:
                break
            self.now += 100_000

    def states(self) -> list[object]:
        return [row["state"] for row in self.store.outbox().items]  # type: ignore[index]

    def link(self, incident: str = "12-0") -> Link:
        """The newest that is kept of an incident."""
        return self.store.links(incident=incident)[-1]

    def look(self) -> list[tuple[str, str, str]]:
        """What people did since the last look, which is remembered."""
        link = self.link()
        found = self.sink.look(link)
        self.store.keep(msgspec.structs.replace(link, seen=found.seen))
        return [(event.field, event.value, event.author) for event in found.events]

    def comments(self, remote: str = "1") -> list[str]:
        return [note.text for note in self.shelf.said[remote] if note.author == ME]


@pytest.fixture(params=["unkeyed", "keyed"])
def desk(request: pytest.FixtureRequest) -> Desk:
    return Desk(Shelf(keyed=request.param == "keyed"))


def test_an_incident_is_one_ticket_from_its_opening_to_its_end(desk: Desk) -> None:
    desk.tell("open")
    seen = desk.shelf.tickets["1"]
    assert (seen.title, seen.priority, seen.state) == ("[SEV2] db is down", "high", "open")
    assert "For those who are affected" in desk.shelf.texts["1"]
    assert (desk.link().remote, desk.link().url, desk.link().state) == ("1", "http://shelf/1", "open")
    desk.tell("update", "Cause: db", level="SEV1")
    assert desk.shelf.tickets["1"].title == "[SEV1] db is down"
    assert desk.shelf.tickets["1"].priority == "highest"
    desk.tell("resolve", "All is well")
    assert desk.link().state == desk.shelf.tickets["1"].state == "closed"
    desk.tell("reopen", "It is back", generation=2)
    assert desk.shelf.open() == ["1"]
    desk.tell("resolve", "Gone again", generation=2)
    assert [text.splitlines()[0] for text in desk.comments()] == [
        "Cause: db",
        "All is well",
        "It is back",
        "Gone again",
    ]
    assert desk.shelf.asked.count("create") == 1
    assert desk.look() == []
    assert set(desk.states()) == {"confirmed"}


@pytest.mark.parametrize("lost", ["create", "change", "say"])
@pytest.mark.parametrize("action", ["open", "update", "resolve", "reopen", "merge"])
def test_a_lost_answer_changes_nothing_in_the_end(desk: Desk, action: str, lost: str) -> None:
    for before in ("open", "resolve") if action == "reopen" else () if action == "open" else ("open",):
        desk.tell(before)
    desk.shelf.lost = [lost]
    desk.tell(action, "news", level="SEV1", generation=2 if action == "reopen" else 1)
    assert len(desk.shelf.tickets) == 1
    assert desk.states()[0] == "confirmed"
    assert [text for text in desk.comments() if text.startswith("news")][1:] == []
    assert desk.shelf.tickets["1"].state == ("closed" if action in ("resolve", "merge") else "open")


@pytest.mark.parametrize("step", range(1, 9))
@pytest.mark.parametrize("action", ["open", "update", "resolve", "reopen"])
def test_wherever_it_breaks_off_it_goes_on(desk: Desk, action: str, step: int) -> None:
    """The n-th request fails, once: the rest is done later, and nothing twice."""
    for before in ("open", "resolve") if action == "reopen" else () if action == "open" else ("open",):
        desk.tell(before)
    left = [step]

    def fail(name: str) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise SinkError(f"{name} was answered 500")

    desk.shelf.before = fail
    desk.tell(action, "news", level="SEV1")
    assert (len(desk.shelf.tickets), desk.states()[0]) == (1, "confirmed")
    seen = desk.shelf.tickets["1"]
    assert (seen.title, seen.priority) == ("[SEV1] db is down", "highest")
    assert seen.state == ("closed" if action == "resolve" else "open")
    assert len([text for text in desk.comments() if text.startswith("news")]) == (action != "open")


def test_a_state_that_is_not_taken_is_an_error_for_a_person(desk: Desk) -> None:
    desk.tell("open")
    desk.shelf.deaf = {"state"}  # success is answered, and nothing is done
    desk.tell("resolve", "over")
    row = desk.store.outbox().items[0]
    assert row["state"] == "dead"  # type: ignore[index]
    assert "ticket 1 stays new" in row["error"]  # type: ignore[index]
    desk.shelf.deaf = set()
    assert desk.store.redrive(row["id"], desk.now)  # type: ignore[index]
    desk.work()
    assert (desk.states()[0], desk.shelf.tickets["1"].state, len(desk.comments())) == ("confirmed", "closed", 1)


@pytest.mark.parametrize("how", ["deaf", "refused"])
def test_a_field_that_is_not_taken_is_told_in_the_ticket_once(desk: Desk, how: str) -> None:
    desk.tell("open")
    if how == "deaf":
        desk.shelf.deaf = {"priority"}
    else:
        desk.shelf.refused = {"highest"}
    desk.tell("update", "worse", level="SEV1")
    desk.tell("update", "still", level="SEV1")
    assert desk.shelf.tickets["1"].title == "[SEV1] db is down"
    said = [text for text in desk.comments() if "did not take the priority highest; it stays high" in text]
    assert len(said) == 1
    assert said[0].startswith("worse")


def test_a_field_that_is_not_taken_at_the_opening_is_told_too(desk: Desk) -> None:
    desk.shelf.deaf = {"assignee"}
    desk.tell("open", ticket={"assignee": "ghost"})
    assert "did not take the assignee ghost; it stays empty" in desk.comments()[0]


def test_a_draft_that_is_refused_is_made_without_what_can_be_set_later(desk: Desk) -> None:
    refuse = desk.shelf.create

    def strict(draft: Draft) -> Seen:
        if draft.assignee or draft.fields:
            raise SinkError("no such user", permanent=True)
        return refuse(draft)

    desk.shelf.create = strict  # type: ignore[method-assign]
    desk.shelf.refused = {"ghost"}
    desk.tell("open", ticket={"assignee": "ghost", "fields": {"site": "x"}})
    assert (desk.shelf.tickets["1"].priority, desk.shelf.tickets["1"].assignee) == ("high", "")
    assert [text.splitlines()[0] for text in desk.comments()] == [
        "The ticketing system did not take the assignee ghost; it stays empty."
    ]


def test_what_the_rules_decide_goes_before_the_defaults(desk: Desk) -> None:
    desk.tell("open", ticket={"priority": "special", "assignee": "ada"})
    assert (desk.shelf.tickets["1"].priority, desk.shelf.tickets["1"].assignee) == ("special", "ada")


def test_what_people_set_stays_until_headwater_wants_something_else(desk: Desk) -> None:
    desk.tell("open")
    desk.shelf.edit("1", priority="mine", title="ada's words")
    desk.tell("update", "news")
    assert (desk.shelf.tickets["1"].priority, desk.shelf.tickets["1"].title) == ("mine", "ada's words")
    assert desk.look() == [("priority", "mine", ME)]  # the comment of ours was the last change


def test_each_sink_takes_what_the_rules_say_of_it(desk: Desk) -> None:
    elsewhere = {"priority": "theirs", "sinks": {"shelf": {"priority": "ours", "assignee": "ada"}}}
    desk.tell("open", ticket=elsewhere)
    assert (desk.shelf.tickets["1"].priority, desk.shelf.tickets["1"].assignee) == ("ours", "ada")
    desk.tell("update", "news", ticket={"sinks": {"shelf": {"priority": "higher"}}})
    assert desk.shelf.tickets["1"].priority == "higher"


def test_a_queue_that_there_is_none_of_costs_no_ticket(desk: Desk) -> None:
    desk.shelf.refused.add("nowhere")
    desk.tell("open", ticket={"queue": "nowhere", "assignee": "ada"})
    assert (desk.shelf.tickets["1"].assignee, desk.states()) == ("ada", ["confirmed"])
    assert desk.comments()[-1].startswith("The ticketing system did not take the queue nowhere.")


def test_a_return_in_the_same_generation_goes_on_in_its_ticket(desk: Desk) -> None:
    desk.tell("open")
    desk.tell("resolve", "Over")
    desk.shelf.edit("1", state="open")
    desk.tell("reopen", "Opened again in the ticket")
    assert (desk.shelf.open(), desk.link().state, desk.comments()[-1].splitlines()[0]) == (
        ["1"], "open", "Opened again in the ticket"
    )  # fmt: skip
    desk.tell("resolve", "Over again")
    desk.tell("reopen", "It is back")
    assert desk.shelf.open() == ["1"]
    desk.tell("resolve", "Over once more")
    desk.shelf.deaf.add("state")
    desk.tell("reopen", "It is back")
    assert (desk.states()[0], len(desk.shelf.tickets)) == ("dead", 1)


def test_what_people_do_is_told_once_and_what_we_do_never(desk: Desk) -> None:
    desk.tell("open")
    assert desk.look() == []
    desk.shelf.note("1", "I am on it\n\x1b[31m\u202e" + "x" * 9000)
    desk.shelf.edit("1", assignee="ada", state="closed", status="done")
    desk.tell("update", "worse", level="SEV1")  # between two looks, and before the first
    link, first = desk.link(), desk.look()
    assert [field for field, _, _ in first] == ["note", "state", "assignee"]
    assert first[0][1].startswith("I am on it\n[31mxxx")
    assert len(first[0][1]) < 500
    again = desk.sink.look(link).events
    assert len({event.key for event in again} | {event.key for event in desk.sink.look(link).events}) == len(again) == 3
    assert desk.look() == []
    desk.shelf.edit("1", assignee="bob")
    desk.shelf.edit("1", assignee="ada")
    assert desk.look() == []
    desk.tell("resolve", "over")
    assert desk.look() == []


def test_a_look_that_overtakes_our_own_change_does_not_take_it_for_a_persons(desk: Desk) -> None:
    desk.tell("open")
    stale = desk.link()
    desk.tell("update", "worse", level="SEV1")
    desk.tell("resolve")
    assert desk.sink.look(stale).events == ()


def test_a_deleted_ticket_is_told_as_closed_and_made_anew(desk: Desk) -> None:
    desk.tell("open")
    desk.shelf.delete("1")
    assert desk.look() == [("state", "closed", "")]
    assert desk.look() == []
    desk.tell("update", "news")
    assert desk.shelf.open() == ["2"]
    assert desk.shelf.texts["2"].startswith("Ticket 1, made for this incident before, is not there any more.")
    assert desk.link().remote == "2"


def test_a_closed_ticket_that_cannot_be_opened_again_gets_a_successor(desk: Desk) -> None:
    desk.tell("open")
    desk.tell("resolve")
    desk.shelf.deaf = {"state"}
    desk.tell("reopen", "It is back", generation=2)
    assert desk.shelf.open() == ["2"]
    assert desk.shelf.joined == [("2", "1", "related")]
    assert "Goes on from ticket 1" in desk.shelf.texts["2"]
    desk.tell("update", "more", generation=2)
    assert len(desk.comments("2")) == 1


def test_an_incident_that_ends_without_a_ticket_gets_none(desk: Desk) -> None:
    desk.tell("resolve")
    desk.tell("merge")
    assert (desk.shelf.tickets, desk.states()) == ({}, ["confirmed", "confirmed"])
    desk.tell("update", "an opening that never came through", incident="13-0")
    assert desk.shelf.open() == ["1"]


def test_a_merge_links_the_ticket_as_duplicate_and_closes_it(desk: Desk) -> None:
    desk.tell("open", incident="9-0")
    desk.tell("open")
    desk.tell("merge", merged_into="9-0", related=("9-0",))
    assert desk.shelf.open() == ["1"]
    assert desk.shelf.joined == [("2", "1", "duplicate")]
    assert desk.comments("2")[0].startswith("Merged into incident 9-0, ticket 1 http://shelf/1.")


def test_a_merge_waits_for_the_other_ticket_but_not_for_ever(desk: Desk) -> None:
    desk.tell("open")
    desk.tell("merge", merged_into="9-0", related=("9-0",))
    assert (desk.shelf.open(), desk.states()[0]) == ([], "confirmed")


def test_others_who_change_the_ticket_at_the_same_time_lose_nothing(desk: Desk) -> None:
    desk.tell("open")
    times = [2]

    def meddle(name: str) -> None:
        if name == "change" and times[0]:
            times[0] -= 1
            desk.shelf.edit("1", assignee=f"ada{times[0]}")

    desk.shelf.before = meddle
    desk.tell("update", "worse", level="SEV1")
    seen = desk.shelf.tickets["1"]
    assert (seen.priority, seen.assignee, desk.states()[0]) == ("highest", "ada0", "confirmed")


def test_a_ticket_that_changes_all_the_time_is_left_for_later() -> None:
    desk = Desk(Shelf())
    desk.tell("open")

    def conflict(name: str) -> None:
        if name == "say":
            raise Conflict("it has changed")

    desk.shelf.before = conflict
    desk.tell("update", "news")
    assert "being changed by others" in desk.store.outbox().items[0]["error"]  # type: ignore[index]


def test_a_duplicate_behind_a_lagging_index_is_closed_and_linked() -> None:
    desk = Desk(Shelf())
    desk.shelf.lag, desk.shelf.lost = True, ["create"]
    desk.tell("open")  # made, the answer lost, not found in time: made again
    assert desk.shelf.open() == ["1", "2"]
    desk.shelf.hidden = set()
    closed = desk.sink.reconcile(desk.link())
    assert [(link.remote, link.state) for link in closed] == [("1", "duplicate")]
    assert desk.shelf.open() == [desk.link().remote] == ["2"]
    assert desk.shelf.joined == [("1", "2", "duplicate")]
    assert [link.remote for link in desk.sink.reconcile(desk.link())] == [link.remote for link in closed]


def test_wrong_credentials_are_dead_in_one_line_and_come_back_when_redriven(desk: Desk) -> None:
    def refuse(name: str) -> None:
        raise SinkError(f"{name} was answered 401: no", permanent=True)

    desk.shelf.before = refuse
    desk.tell("open")
    row = desk.store.outbox().items[0]
    assert (row["state"], row["attempts"], "\n" in row["error"]) == ("dead", 1, False)  # type: ignore[index]
    desk.shelf.before = lambda name: None
    desk.store.redrive(row["id"], desk.now)  # type: ignore[index]
    desk.work()
    assert (desk.states(), desk.shelf.open()) == (["confirmed"], ["1"])


def test_a_hundred_hostile_texts_stay_text() -> None:
    desk = Desk(Shelf())
    for number, text in enumerate(HOSTILE):
        desk.tell("open", incident=text, title=text, cause=text, level=text)
        desk.tell("update", text, incident=text, title=text + "!", ticket={"assignee": text})
        seen = desk.shelf.tickets[str(list(desk.shelf.tickets)[number])]
        assert len(seen.title) <= words.TITLE
        assert not any(ord(char) < 32 or char in "\u202e\u2028" for char in seen.title)
    assert len(desk.shelf.tickets) == len(HOSTILE)
    assert {len(key) for key in desk.shelf.keys.values()} == {34}


def test_a_megabyte_of_text_is_cut_and_its_mark_is_kept(desk: Desk) -> None:
    desk.tell("open", title="x" * 1_000_000)
    desk.tell("update", *["y" * 1_000] * 1_000)
    assert len(desk.shelf.tickets["1"].title) <= words.TITLE
    assert len(desk.shelf.texts["1"]) <= words.TEXT
    assert len(desk.comments()[0]) <= words.TEXT
    assert desk.comments()[0].endswith(".2.tickets]")
