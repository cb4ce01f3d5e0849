"""What people do in tickets: who owns a field decides, changes are taken once, and machines never loop."""

from __future__ import annotations

import random

import pytest

from engine.signals import Signal, TicketEvent
from tests.engine.people import lines, news, outage, told
from tests.scenarios.drive import Driven
from tests.scenarios.world import clock, incident

PRIORITIES = "rules: [{id: all, priority: {SEV1: P1, SEV2: P2, SEV3: P3}}]"


def _owned(**owners: str) -> str:
    said = ", ".join(f"{field}: {owner}" for field, owner in owners.items())
    return f"tickets: {{{PRIORITIES}, owns: {{{said}}}, resolutions: {{fixed: real, Not a fault: 'false'}}}}"


def test_whoever_takes_the_ticket_has_the_incident_and_acknowledges_it() -> None:
    world, id = outage(_owned(), severity="critical")
    world.at("10:10").ticket(id, "assignee", "carla")
    found = world.driven.incidents()[0]
    assert (found.assigned, found.acknowledged_by, found.acknowledged_at) == ("carla", "carla", clock("10:10"))
    assert told(world, "tickets", "update") == [], "what came from the ticket is not written back into it"
    assert news(world, "engineers")[-2:] == ["update: Acknowledged by carla", "update: Assigned to carla"]
    world.at("10:12").ticket(id, "assignee", "dan")
    found = world.driven.incidents()[0]
    assert (found.assigned, found.acknowledged_by) == ("dan", "carla")


def test_taking_a_ticket_acknowledges_only_if_the_rules_say_so() -> None:
    world, id = outage("tickets: {acknowledges: false}")
    world.at("10:10").ticket(id, "assignee", "carla")
    assert (world.driven.incidents()[0].assigned, world.driven.incidents()[0].acknowledged_by) == ("carla", "")


def test_an_assignment_that_headwater_owns_is_set_back_with_the_reason() -> None:
    world, id = outage(_owned(assignee="headwater"))
    world.at("10:10").command("assign", id, assignee="team-cart")
    world.at("10:11").ticket(id, "assignee", "carla")
    assert world.driven.incidents()[0].assigned == "team-cart"
    said = told(world, action="disputed")
    assert [(p.audience, p.sinks) for p in said] == [("tickets", ("desk", "log"))]
    assert said[0].body["dispute"]["wanted"] == "team-cart"
    assert said[0].body["news"] == [
        "Assignee set back to team-cart, from carla by bo: who is assigned is decided in Headwater"
    ]
    world.at("10:12").ticket(id, "assignee", "team-cart")
    assert len(told(world, action="disputed")) == 1


def test_a_priority_that_the_ticket_owns_sets_the_severity_with_actor_and_reason() -> None:
    world, id = outage(_owned(priority="ticket"), severity="critical")
    world.at("10:10").ticket(id, "priority", "p3")
    found = world.driven.incidents()[0].severity
    assert found.override is not None
    assert (found.level, found.override.by, found.override.why) == (
        "SEV3",
        "bo",
        "Ticket T-1 (desk) was given the priority p3",
    )
    assert "priority" not in told(world, "tickets", "update")[-1].body["ticket"]


@pytest.mark.parametrize(("owner", "value"), [("headwater", "P3"), ("both", "whatever")])
def test_any_other_priority_is_set_back(owner: str, value: str) -> None:
    world, id = outage(_owned(priority=owner), severity="critical")
    world.at("10:10").ticket(id, "priority", value)
    assert world.driven.incidents()[0].severity.level == "SEV2"
    assert told(world, action="disputed")[0].body["dispute"]["wanted"] == "P2"
    assert lines(world, "disputed")


def test_notes_go_into_the_timeline_and_never_back() -> None:
    world, id = outage(_owned(), severity="critical")
    before = len(told(world))
    world.at("10:10").ticket(id, "note", "the switch is hot").ticket(id, "note", "the switch is hot")
    written = [line for line in world.driven.timeline if line.kind == "note"]
    assert [(line.text, line.actor, line.facts["ticket"]) for line in written] == [("the switch is hot", "bo", "T-1")]
    assert len(told(world)) == before
    world.at("10:40").resolve("cart", "Slow")
    world.at("11:00")
    assert not [line for line in news(world) if "switch" in line]


def test_a_closed_ticket_does_not_close_an_incident_that_is_not_proven_recovered() -> None:
    world, id = outage(_owned(state="both"))
    world.at("10:10").ticket(id, "state", "closed")
    world.at("10:11").expect(incident(state="declared"))
    said = told(world, action="disputed")[0]
    assert said.body["why"] == "the incident is not proven recovered: 1 alert still fires"
    assert said.body["dispute"]["wanted"] == "open"


def test_a_ticket_closed_while_it_is_quiet_waits_for_the_proof_and_is_opened_again_if_trouble_returns() -> None:
    world, id = outage(_owned())
    world.at("10:10").resolve("cart", "Slow").ticket(id, "state", "closed")
    world.at("10:10:30").expect(incident(state="recovering"))
    assert told(world, action="disputed") == []
    world.at("10:11").fire("cart", "Slow")
    world.at("10:12").expect(incident(state="declared"))
    assert [p.body["dispute"]["wanted"] for p in told(world, action="disputed")] == ["open"]


def test_a_ticket_that_owns_the_state_closes_what_is_quiet_and_opens_it_again() -> None:
    world, id = outage(_owned(state="ticket"))
    world.at("10:10").resolve("cart", "Slow")
    world.at("10:10:30").ticket(id, "state", "closed").expect(incident(state="resolved"))
    world.at("10:10:40").ticket(id, "state", "open").expect(incident(state="restoring"))
    assert {p.generation for p in told(world)} == {1}, "the same ticket goes on"


def test_a_ticket_opened_again_after_the_end_is_closed_again_and_says_why() -> None:
    world, id = outage(_owned())
    world.at("10:10").resolve("cart", "Slow")
    world.at("10:30").expect(incident(state="resolved")).ticket(id, "state", "open")
    said = told(world, action="disputed")[0].body["dispute"]
    assert (said["wanted"], said["why"]) == (
        "closed", "the incident is resolved; open it again in Headwater if the trouble is back",
    )  # fmt: skip


def test_two_machines_that_disagree_come_to_rest() -> None:
    world, id = outage(_owned())
    for number in range(10):
        world.at(f"10:{10 + number}").ticket(id, "state", "closed")
    assert len(told(world, action="disputed")) == 3
    assert lines(world, "disputed")[-1].endswith("it was set back 3 times and is now left as it is")


def test_a_resolution_code_says_whether_the_alerts_were_real() -> None:
    world, id = outage(_owned())
    world.at("10:10").ticket(id, "resolution", "Not a Fault").ticket(id, "resolution", "who knows")
    outcomes = [case.outcome for case in world.core.state.learning.judged.values()]
    assert [(said.real, said.source, said.by) for said in outcomes if said is not None] == [(False, "ticket", "bo")]


def test_changes_of_unknown_incidents_are_counted_and_no_error() -> None:
    world, _ = outage(_owned())
    world.at("10:10").ticket("INC-999", "state", "closed")
    assert world.core.gauges()["ticket_events_unknown"] == 1
    assert lines(world, "ticket") == ["Ticket T-1 (desk): state closed"]


def test_what_happened_to_the_ticket_of_an_earlier_generation_changes_nothing_now() -> None:
    world, id = outage(_owned())
    world.at("10:10").resolve("cart", "Slow")
    world.at("10:16").fire("cart", "Slow")
    world.at("10:20").expect(incident(state="restoring")).ticket(id, "state", "closed", at="10:15")
    assert told(world, action="disputed") == []


def _driven(events: list[TicketEvent], batches: int, rng: random.Random) -> Driven:
    world, _ = outage(_owned(priority="both", state="both"))
    world.driven.pass_time(clock("10:10"))
    left: list[Signal] = list(events)
    driven = world.driven
    while left:
        size = rng.randint(1, batches)
        driven.feed(driven.now, tuple(left[:size]))
        left = left[size:]
    driven.pass_time(clock("10:20"))
    return driven


@pytest.mark.parametrize("seed", range(8))
def test_repeated_and_reordered_changes_lead_to_the_same_incident(seed: int) -> None:
    """Law 4: the latest change of each field holds, each once, in whatever order and batches they are read."""
    rng = random.Random(seed)
    id = outage()[1]
    drawn = [
        ("assignee", "carla"),
        ("assignee", "dan"),
        ("priority", "P1"),
        ("priority", "P3"),
        ("note", "one"),
        ("note", "two"),
    ]
    events = [
        TicketEvent("desk", "T-1", id, field, value, f"k{n}", "bo", clock("10:05") + rng.randrange(10) * 1000)
        for n, (field, value) in enumerate(drawn)
    ]
    mixed = [*events, *rng.sample(events, 4)]
    rng.shuffle(mixed)
    plain, other = (_driven(given, 3, rng).incidents()[0] for given in (events, mixed))
    assert (plain.assigned, plain.severity.level) == (other.assigned, other.severity.level)
    whys = {view.severity.override.why if view.severity.override else "" for view in (plain, other)}
    assert len(whys) == 1
    assert plain.acknowledged_at == other.acknowledged_at


def test_the_same_log_gives_the_same_messages_byte_for_byte() -> None:
    """Law 3, for all that people do, with a restart from a snapshot in between."""
    runs = []
    for restarts in (False, True):
        world, id = outage(_owned(), severity="critical")
        for minute, (field, value) in enumerate(
            [("assignee", "carla"), ("state", "closed"), ("note", "n"), ("priority", "P1")]
        ):
            moment = world.at(f"10:{10 + minute}").ticket(id, field, value)
            if restarts:
                moment.restart()
        world.at("10:30").command("update", id, text="soon")
        world.at("13:00").resolve("cart", "Slow")
        world.at("13:30")
        runs.append((world.driven.outbox, [decision.payload for decision in world.driven.decisions]))
    assert runs[0] == runs[1]
