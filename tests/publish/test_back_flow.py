"""What people do in tickets is taken in once it is durable; second tickets are closed, noted and counted."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

from engine import own
from engine.errors import SinkError, StoreUnavailable
from engine.ports import Record
from engine.publish.delivery import DispatchSettings
from engine.publish.shadow import Shadow
from engine.sending import OutboxRow
from engine.signals import TicketEvent
from tests.publish.outage import World, said
from tests.publish.receiver import publication
from tests.publish.standin import LAG


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, random.Random(7), settings=DispatchSettings())
    yield made
    made.close()


def opened(world: World, incidents: int = 1, level: str = "SEV3") -> list[str]:
    """Tickets of so many incidents."""
    for number in range(incidents):
        world.put(*said(f"INC-{number}", 0, "open", level, world.now))
    world.pass_time(1)
    return [link.remote for link in world.store.links()]


def values(world: World) -> list[str]:
    return [f"{event.remote} {event.value}" for event in world.fed]


def test_every_open_ticket_is_looked_at_now_and_then(world: World) -> None:
    first, second = opened(world, 2)
    world.office.person(first, "assignee", "ann")
    world.office.person(second, "note", "on it")
    world.pass_time(30)
    assert values(world) == []
    world.pass_time(31)
    assert values(world) == [f"{first} ann", f"{second} on it"]
    world.pass_time(61)
    assert len(world.fed) == 2
    assert world.value("headwater_ticket_events_total", sink="tickets") == 2


def test_a_hint_is_a_reason_to_look_at_once_and_nothing_more(world: World) -> None:
    (remote,) = opened(world)
    world.office.person(remote, "note", "see here")
    poller = world.processes[0].poller
    assert not poller.hinted("tickets", b"<html>")
    assert not poller.hinted("elsewhere", b'{"ticket": "T-1"}')
    assert poller.hinted("tickets", b'{"ticket": "T-999", "note": "forged"}')
    world.pass_time(1)
    assert values(world) == []
    assert poller.hinted("tickets", b'{"ticket": "T-1"}')
    world.pass_time(1)
    assert values(world) == [f"{remote} see here"]


def test_what_was_not_accepted_is_not_seen(world: World) -> None:
    (remote,) = opened(world)
    world.office.person(remote, "note", "first")
    process = world.processes[0]

    def refuse(record: Record) -> Future[None]:
        raise StoreUnavailable("the disk is full")

    process.poller._submit = refuse
    world.now += 61_000
    with pytest.raises(StoreUnavailable):
        process.poller.round("tickets")
    process.poller._submit = world.submit
    world.pass_time(61)
    assert values(world) == [f"{remote} first"]
    assert world.store.links()[0].seen == "1"


def test_who_is_rate_limited_gets_round_to_every_ticket_in_the_end(world: World) -> None:
    remotes = opened(world, 12)
    for remote in remotes:
        world.office.person(remote, "note", "hello")
    world.pass_time(60)
    world.fed.clear()
    for remote in remotes:
        world.office.person(remote, "note", "again")
    world.office.allowed = 3
    for _ in range(10):
        world.pass_time(61)
    assert sorted(values(world)) == sorted(f"{remote} again" for remote in remotes)
    assert world.office.impolite == 0


def test_a_record_of_the_input_log_says_what_happened(world: World) -> None:
    event = TicketEvent("tickets", "T-1", "INC-1", "note", "on it", "T-1/0", "ann")
    (decoded,) = own.decode(own.ticket(event).body).signals
    assert isinstance(decoded, TicketEvent)
    assert (decoded.key, decoded.author) == ("T-1/0", "ann")


def test_a_second_ticket_is_closed_linked_noted_and_counted(world: World) -> None:
    world.office.script = lambda method, path: "double" if (method, path) == ("POST", "/tickets") else ""
    (first,) = opened(world)
    world.pass_time(LAG / 1000)
    world.pass_time(600)
    ticket = world.office.tickets["T-1" if first == "T-2" else "T-2"]
    assert (ticket.state, ticket.duplicate_of) == ("closed", first)
    assert [link.remote for link in world.store.links(state="duplicate")] == [ticket.id]
    world.pass_time(601)
    assert world.value("headwater_duplicate_tickets_total", sink="tickets") == 1


def test_what_was_sent_again_is_looked_at_every_minute_until_the_doubt_is_over(world: World) -> None:
    lost = ["lost"]
    world.office.script = lambda method, path: lost.pop() if method == "POST" and lost else ""
    world.pass_time(1)  # the reconciler's first cycle is over before anything happens
    assert opened(world, level="SEV1") == []
    world.pass_time(31)  # one look, and it is made again: the search shows nothing yet
    (link,) = world.store.links()
    assert link.doubtful == world.now + 900_000
    assert len(world.office.tickets) == 2
    for _ in range(3):
        world.pass_time(60)
    assert [one.state for one in world.office.tickets.values()] == ["closed", "open"]
    for _ in range(15):
        world.pass_time(60)
    assert world.store.links(state="open")[0].doubtful == 0


def test_one_sev3_more_is_not_made_before_three_looks(world: World) -> None:
    lost = ["refused", "lost"]
    world.office.script = lambda method, path: lost.pop() if method == "POST" and lost else ""
    assert opened(world) == []
    world.pass_time(31)
    assert world.value("headwater_probes_total", sink="tickets", result="missing") == 1
    world.pass_time(121)
    assert [link.remote for link in world.store.links()] == ["T-1"]
    assert world.value("headwater_publications_total", sink="tickets", result="found") == 1


def test_a_sink_in_shadow_notes_what_it_would_send(tmp_path: Path) -> None:
    noted = tmp_path / "shadow.jsonl"
    shadow = Shadow("tickets", noted, frozenset({"tickets"}))
    row = OutboxRow(id=1, publication=publication("a"), sink="tickets", attempts=0, epoch=1)
    receipts = shadow.send(row), shadow.send(row)
    shadow.close()
    assert receipts[0] == receipts[1]
    assert (receipts[0].remote, receipts[0].keeps) == ("shadow", "")
    assert noted.read_bytes().count(b"\n") == 1


@pytest.mark.parametrize("error", [SinkError("404", permanent=True), KeyError("a mistake of the sink")])
def test_a_failing_look_keeps_the_others_going(world: World, error: Exception) -> None:
    first, second = opened(world, 2)
    desk = world.processes[0].desk
    look = desk.look

    def broken(link):
        if link.remote == first:
            raise error
        return look(link)

    desk.look = broken
    world.office.person(second, "note", "hello")
    world.pass_time(61)
    assert values(world) == [f"{second} hello"]
    assert world.value("headwater_ticket_looks_total", sink="tickets", result="failed") == 1
