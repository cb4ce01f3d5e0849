"""What an incident leaves to do has tickets of its own, tied to the incident's; people may close them there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.outcomes import Publication
from engine.ports import Commit
from engine.publish.ticketing.sink import Ticketing
from engine.signals import Command, TicketEvent
from rules.routing import FOLLOW_UP
from tests.api.live import alert
from tests.continuity.payments import latest, lines, outage, refusal, replayed, response
from tests.continuity.played import MINUTE, Played
from tests.continuity.played import outage as served
from tests.publish.shelf import Shelf
from tests.publish.test_ticketing import DEFAULTS, Desk
from tests.real.components import eventually
from tests.scenarios.world import World


def told(world: World) -> list[Publication]:
    """What goes to ticketing systems as tickets of their own."""
    return [one for one in world.driven.outbox if one.audience == FOLLOW_UP]


def desk_of(shelf: Shelf) -> Desk:
    """A desk whose sink hears of what is left to do, as declared ones do."""
    desk = Desk(shelf)
    desk.sink = Ticketing("shelf", shelf, frozenset({"tickets", FOLLOW_UP}), DEFAULTS)
    desk.store._sinks = {"shelf": desk.sink.audiences}
    desk.dispatcher._deliveries["shelf"]._sink = desk.sink
    return desk


def reviewed() -> tuple[World, str]:
    """An outage that is over, and one action for its gap."""
    world, id = outage()
    world.at("10:10").command("close", id, reason="it is back")
    world.at("10:20").command("add_action", id, text="a second replica", owner="team-data", due="2026-10-01")
    return world, id


def published(world: World, desk: Desk) -> None:
    """All that the engine said, through the outbox to the shelf."""
    desk.store.commit(Commit(outbox=world.driven.outbox))
    desk.now = world.driven.now
    desk.work()


@pytest.fixture(params=["unkeyed", "keyed"])
def shelf(request: pytest.FixtureRequest) -> Shelf:
    return Shelf(keyed=request.param == "keyed")


def test_an_action_opens_a_ticket_that_is_tied_to_the_incidents_both_ways(shelf: Shelf):
    world, id = reviewed()
    desk = desk_of(shelf)
    published(world, desk)
    link, own = desk.link(f"{id}/action-1"), desk.link(id)
    ticket = shelf.tickets[link.remote]
    assert (ticket.title, ticket.assignee, ticket.state) == (f"{id}/action-1: a second replica", "team-data", "open")
    assert "Due: 2026-10-01" in shelf.texts[link.remote]
    assert shelf.joined == [(link.remote, own.remote, "related")]
    assert f"Related to ticket {own.remote} {own.url}, incident {id}" in desk.comments(link.remote)[0]
    said = f"Action {id}/action-1 for team-data: ticket {link.remote} {link.url}"
    assert [text.splitlines()[0] for text in desk.comments(own.remote)].count(said) == 1
    done = Command("bo", "close_action", id, "there is one", {"action": "action-1"})
    world.driven.feed(world.at("10:30").now, (done,))
    published(world, desk)
    assert (shelf.tickets[link.remote].state, len(shelf.tickets)) == ("closed", 2)
    assert "is done: there is one" in desk.comments(link.remote)[-1]
    assert {row["state"] for row in desk.store.outbox().items} <= {"confirmed", "superseded"}  # type: ignore[index]


@pytest.mark.parametrize("lost", ["create", "say"])
def test_a_lost_answer_makes_no_second_ticket_and_no_second_word(shelf: Shelf, lost: str):
    world, id = outage()
    desk = desk_of(shelf)
    published(world, desk)
    world.at("10:20").command("add_action", id, text="a second replica", owner="team-data")
    shelf.lost = [lost, lost]
    published(world, desk)
    own, link = desk.link(id).remote, desk.link(f"{id}/action-1").remote
    assert len(shelf.tickets) == 2
    assert len([text for text in desk.comments(own) if f"{id}/action-1.link]" in text]) == 1
    assert len([text for text in desk.comments(link) if f"{id}/action-1.link]" in text]) == 1


@pytest.mark.parametrize("step", range(1, 14))
def test_wherever_it_breaks_off_it_goes_on(step: int):
    world, id = reviewed()
    shelf = Shelf()
    desk = desk_of(shelf)
    desk.store.commit(Commit(outbox=[one for one in world.driven.outbox if one.audience == "tickets"]))
    desk.now = world.driven.now
    desk.work()
    shelf.before = _failing(step)
    published(world, desk)
    assert len(shelf.tickets) == 2
    assert len(shelf.joined) == 1
    assert sum(f"{id}/action-1.link]" in text for remote in shelf.said for text in desk.comments(remote)) == 2


def _failing(step: int):
    left = [step]

    def before(name: str) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise ConnectionError(name)

    return before


def test_who_closes_the_ticket_there_has_done_the_action():
    world, id = reviewed()
    world.at("11:00").ticket(f"{id}/action-1", "note", "ordered")
    assert response(world, id).actions[0].done_at is None
    world.at("12:00").ticket(f"{id}/action-1", "state", "closed", author="tessa")
    done = response(world, id).actions[0]
    assert (done.done_by, done.done_at) == ("tessa", world.driven.now)
    assert lines(world, "action")[-1].endswith("is done: Ticket T-1 (desk) was closed by tessa")
    assert [one.action for one in told(world)] == ["open", "link", "resolve"]
    world.at("12:01").ticket(f"{id}/action-1", "state", "closed", author="tessa", at="12:00")
    assert len(told(world)) == 3
    assert latest(world, id).state == "resolved"
    assert replayed(world)


def test_an_action_may_be_closed_weeks_later_but_is_not_waited_for_for_ever():
    world, id = reviewed()
    world.at("10:25").command("hold_review", id, technical="bo", business="sales", findings="one copy only")
    world.at("10:26").command("review", id, reason="accepted")
    world.at("10:27").command("add_action", id, text="a third one", owner="team-data")
    day, known = 86_400_000, world.driven.core.state.incidents
    world.driven.pass_time(world.driven.now + 60 * day)
    event = TicketEvent("desk", "T-2", f"{id}/action-1", "state", "closed", "k", "tessa", world.driven.now)
    world.driven.feed(world.driven.now, (event,))
    assert [one.done_by for one in response(world, id).actions] == ["tessa", ""]
    world.driven.pass_time(world.driven.now + 31 * day)
    assert id not in known
    before = world.driven.core.state.strange_tickets
    world.driven.feed(world.driven.now, (event,))
    assert world.driven.core.state.strange_tickets == before + 1


def test_an_action_that_the_review_waits_for_is_not_done_by_closing_its_ticket():
    world, id = outage()
    world.at("10:05").command("register_measure", id, kind="scaling", text="ten more pods", entity="checkout")
    world.at("10:06").ticket(f"{id}/action-1", "state", "closed", author="tessa")
    assert response(world, id).actions[0].done_at is None
    assert lines(world, "ticket") == [f"Ticket T-1 (desk) of {id}/action-1: state closed"]


def test_a_problem_record_is_opened_once_and_names_the_earlier_incidents(shelf: Shelf):
    world, id = outage()
    desk = desk_of(shelf)
    desk.tell("open", incident="INC-1")
    world.at("10:20").command("open_problem", id, earlier=f"INC-1; {id}; INC-2", owner="team-data")
    assert refusal(world).text == "open_problem needs reason"
    world.at("10:21").command("open_problem", id, reason="third time", earlier=f"INC-1; {id}; INC-2", owner="team-data")
    world.at("10:22").command("open_problem", id, reason="again")
    assert "has a problem record already, says ada" in refusal(world).text
    problem = response(world, id).problem
    assert problem is not None
    assert (problem.earlier, problem.why) == (("INC-1", "INC-2"), "third time")
    published(world, desk)
    remote = desk.link(f"{id}/problem").remote
    assert shelf.tickets[remote].title == "Problem: orders-db is in trouble again and again"
    assert shelf.joined == [(remote, desk.link(name).remote, "related") for name in (id, "INC-1")]
    for name in (id, "INC-1"):
        said = [text.splitlines()[0] for text in desk.comments(desk.link(name).remote)]
        assert said.count(f"Problem record: ticket {remote} http://shelf/{remote}") == 1
    assert replayed(world)


def test_what_becomes_part_of_another_incident_keeps_its_tickets():
    world, home = outage()
    world.at("10:05").fire("checkout", "Slow")
    number = str(world.at("10:09").entry("checkout", "Slow").alert)
    world.at("10:10").command("split", home, reason="r", alerts=number)
    world.at("10:15")
    gone = next(one.id for one in world.driven.incidents() if one.id != home)
    world.at("10:16").command("add_action", gone, text="a second replica", owner="team-data")
    world.at("10:17").command("open_problem", gone, reason="again")
    world.at("10:20").command("merge", gone, reason="the same", into=home)
    world.at("10:30").ticket(f"{gone}/action-1", "state", "closed", author="tessa")
    (action,) = response(world, home).actions
    assert (action.id, action.done_by) == (f"{gone}/action-1", "tessa")
    assert (told(world)[-1].incident, told(world)[-1].action) == (f"{gone}/action-1", "resolve")
    assert response(world, home).problem is not None


def test_drills_open_no_tickets_of_their_own():
    world, _ = outage()
    world.at("10:05").fire("orders-db", "DbDown", severity="critical", headwater_drill="x")
    drill = next(name for name in world.at("10:08").world.driven.revisions if name.startswith("DRILL-"))
    world.at("10:09").command("add_action", drill, text="t", owner="o")
    assert response(world, drill).actions
    assert told(world) == []


@pytest.fixture
def played(tmp_path: Path) -> Iterator[Played]:
    with served(tmp_path) as one:
        yield one


def test_the_command_names_the_earlier_incidents_of_the_report_by_itself(played: Played):
    feed = {"authorization": "Bearer feed"}
    first = played.id
    played.do("ada", "close", reason="back")
    played.later(60 * MINUTE)
    again = played.served.client.post("/api/v2/alerts", json=[alert("DbGone", "orders-db")], headers=feed)
    assert again.status_code == 200

    def other() -> str:
        found = [one["id"] for one in played.get("incidents")["items"] if one["id"] != first and one["cause"]]
        return found[0] if found else ""

    played.id = eventually(other, "the second incident is there")
    played.refused("viewer", "vic", "open_problem", reason="r")
    assert played.answers["viewer"]["status"] == 403
    played.refused("silent", "ada", "open_problem")
    assert "/reason" in str(played.answers["silent"])
    played.do("ada", "open_problem", reason="the second time")
    assert played.response()["problem"]["earlier"] == [first]
    assert played.get(f"incidents/{played.id}/response")["tickets"] == []
    said = played.get(f"incidents/{played.id}/report")["problem"]
    assert said == "problem record opened by ada: orders-db is in trouble again and again"
