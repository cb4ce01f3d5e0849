"""What people ask of the engine: every action works, and what cannot be done says why."""

from __future__ import annotations

import pytest

from engine.outcomes import IncidentView, TimelineEntry
from engine.policy import ACTIONS
from engine.reasons import Disposition, Reason
from engine.signals import Command
from tests.engine.laws import World
from tests.scenarios.world import chain, clock, incident

SHOP = chain("shop -> cart -> db-1", "shop -> pay", "shop -> search", "lone -> disk")
BY_HAND = (Disposition.SUPPRESSED, Reason.MANUAL)


def _declared(*entities: str) -> tuple[World, list[IncidentView]]:
    """A world at 10:02 with one declared incident per entity, in that order."""
    world = World(SHOP)
    for entity in entities:
        world.at("10:00").fire(entity, "Down", severity="critical")
    told = world.at("10:02").incidents()
    assert len(told) == len(entities), world.story()
    return world, sorted(told, key=lambda view: entities.index(view.entities[0]))


def _lines(world: World, kind: str) -> list[TimelineEntry]:
    return [line for line in world.driven.timeline if line.kind == kind]


def _refusal(world: World) -> str:
    line = world.driven.timeline[-1]
    assert line.kind == "refused", world.story()
    return line.text


def _state(world: World, name: str) -> str:
    return world.driven.revisions[name][-1].state


def test_an_incident_is_acknowledged_assigned_and_noted_by_name() -> None:
    world, (view,) = _declared("cart")
    world.at("10:03").command("acknowledge", view.id).command("assign", view.id, assignee="team-cart")
    world.at("10:03").command("note", view.id, text="looking at it")
    latest = world.driven.revisions[view.id][-1]
    assert (latest.acknowledged_by, latest.assigned) == ("ada", "team-cart")
    assert [(line.actor, line.text) for line in _lines(world, "note")] == [("ada", "looking at it")]


def test_a_suspected_incident_is_declared_by_hand_and_only_once() -> None:
    world = World(SHOP)
    world.at("10:00").fire("cart", "Note", severity="info")
    name = world.at("10:01").world.driven.incidents()[0].id
    world.at("10:02").command("declare", name).expect(incident(state="declared"))
    world.at("10:05").command("declare", name)
    assert "declared does not take declare" in _refusal(world)
    assert world.core.state.incidents[name].declared_at == clock("10:02")
    assert [p.action for p in world.driven.outbox if p.audience == "tickets"] == ["open"]


def test_restoration_is_begun_by_a_person_and_goes_on_when_an_alert_returns() -> None:
    world, (view,) = _declared("cart")
    world.at("10:03").command("restore", view.id).expect(incident(state="restoring"))
    world.at("10:04").resolve("cart", "Down")
    world.at("10:04:10").expect(incident(state="recovering")).fire("cart", "Down", severity="critical")
    world.at("10:04:20").expect(incident(state="restoring"))


def test_a_severity_set_by_hand_is_shown_and_a_wrong_one_refused() -> None:
    world, (view,) = _declared("cart")
    world.at("10:03").command("override_severity", view.id, reason="known", level="SEV1")
    world.at("10:04").expect(incident(severity="SEV1"))
    world.at("10:05").command("override_severity", view.id, reason="known", level="SEV0")
    assert "'SEV0' is no severity" in _refusal(world)
    world.at("10:06").expect(incident(severity="SEV1"))


def test_two_incidents_are_made_one() -> None:
    world, (cart, pay) = _declared("cart", "pay")
    world.at("10:03").command("merge", pay.id, reason="same cause", into=cart.id)
    world.at("10:04").expect(incident(entities={"cart", "pay"}, alerts=2))
    assert world.driven.incident_of(world.events["pay", "Down"][0]) == cart.id
    assert _state(world, pay.id) == "merged"


def test_a_chain_of_merges_asked_at_once_makes_all_of_them_one() -> None:
    world, (cart, pay, search) = _declared("cart", "pay", "search")
    world.at("10:03").command("merge", cart.id, reason="same cause", into=pay.id)
    world.at("10:03").command("merge", search.id, reason="same cause", into=pay.id)
    world.at("10:04").expect(incident(entities={"cart", "pay", "search"}, alerts=3))


def test_merges_that_come_to_share_a_trouble_are_one_incident() -> None:
    idle = [f"idle-{n} -> y" for n in range(20)]
    apart = chain("top -> a", "top -> b -> y", "top -> c -> y", "top -> d", *idle)
    world = World(apart)
    for entity in "abcd":
        world.at("10:00").fire(entity, "Down", severity="critical")
    by = {view.entities[0]: view.id for view in world.at("10:02").incidents()}
    assert len(by) == 4, world.story()
    world.at("10:03").command("merge", by["b"], reason="r", into=by["a"])
    world.at("10:03").command("merge", by["d"], reason="r", into=by["c"])
    world.at("10:04").fire("y", "Down", severity="critical")
    world.at("10:08").expect(incident(entities={"a", "b", "c", "d", "y"}, alerts=5))


def test_alerts_are_split_off_and_merged_back() -> None:
    world = World(SHOP)
    world.at("10:00").fire("db-1", "Down", severity="critical").fire("cart", "Slow", severity="critical")
    view = world.at("10:02").expect(incident(alerts=2)).incidents()[0]
    number = world.at("10:02").alert("cart", "Slow").no
    world.at("10:03").command("split", view.id, reason="another matter", alerts=str(number))
    told = world.at("10:04").expect(incident(entities={"db-1"}, alerts=1), incident(entities={"cart"})).incidents()
    other = next(one for one in told if one.id != view.id)
    assert other.split_from == view.id
    world.at("10:05").command("merge", other.id, reason="no, the same", into=view.id)
    world.at("10:06").expect(incident(alerts=2))


@pytest.mark.parametrize("alerts", ["", "0", "²", "9" * 5000, "1, 999", "one"])
def test_a_split_that_names_no_alert_of_the_incident_is_refused(alerts: str) -> None:
    world = World(SHOP)
    world.at("10:00").fire("db-1", "Down", severity="critical").fire("cart", "Slow", severity="critical")
    view = world.at("10:02").incidents()[0]
    world.at("10:03").command("split", view.id, reason="r", alerts=alerts)
    assert "alerts" in _refusal(world)


def test_nothing_is_split_off_a_closed_incident() -> None:
    world = World(SHOP)
    world.at("10:00").fire("db-1", "Down", severity="critical").fire("cart", "Slow", severity="critical")
    moment = world.at("10:02")
    view, number = moment.incidents()[0], moment.alert("cart", "Slow").no
    world.at("10:03").command("close", view.id, reason="done").command("split", view.id, reason="r", alerts=str(number))
    assert "resolved" in _refusal(world)


def test_a_false_alarm_suppresses_the_spell_and_a_new_spell_is_judged_anew() -> None:
    world, (view,) = _declared("cart")
    world.at("10:03").command("false_alarm", view.id, reason="a test").expect_event("cart", "Down", *BY_HAND)
    assert _state(world, view.id) == "dismissed"
    world.at("10:04").fire("cart", "Down", severity="error", since="10:00").expect_event("cart", "Down", *BY_HAND, 0)
    world.at("10:05").resolve("cart", "Down")
    world.at("10:30").fire("cart", "Down", severity="critical")
    world.at("10:32").expect(incident(state="dismissed"), incident(state="declared"))


def test_a_dismissed_incident_that_is_reopened_has_its_alerts_back() -> None:
    world, (view,) = _declared("cart")
    world.at("10:03").command("false_alarm", view.id, reason="a test")
    world.at("10:04").command("reopen", view.id, reason="it was none")
    world.at("10:05").expect_event("cart", "Down", Disposition.ATTACHED, Reason.MANUAL)
    world.at("10:05").expect(incident(cause="cart", state="restoring", alerts=1))


def test_a_false_alarm_after_the_alerts_are_forgotten_is_refused() -> None:
    world, (view,) = _declared("cart")
    world.at("10:03").resolve("cart", "Down")
    world.at("10:21").command("false_alarm", view.id, reason="late")
    assert "resolved does not take dismiss" in _refusal(world)


def test_closing_what_still_fires_is_a_deviation_and_stays_closed() -> None:
    world, (view,) = _declared("cart")
    world.at("10:03").command("close", view.id, reason="known")
    assert "deviation: 1 alerts still fire" in _lines(world, "resolved")[-1].text
    world.at("10:04").fire("cart", "Down", severity="error", since="10:00")
    world.at("10:05").command("promote_rule", "some-rule", reason="r", mode="enforce")
    world.at("10:20").expect(incident(state="resolved"))


def test_what_was_closed_while_it_fired_is_reopened_when_it_ends_and_returns() -> None:
    world, (view,) = _declared("cart")
    world.at("10:03").command("close", view.id, reason="known")
    world.at("10:04").resolve("cart", "Down")
    world.at("10:06").fire("cart", "Down", severity="critical")
    world.at("10:07").expect(incident(state="restoring"))


def test_a_reopened_incident_has_a_new_generation_and_an_open_one_cannot_be_reopened() -> None:
    world, (view,) = _declared("cart")
    world.at("10:03").command("reopen", view.id, reason="r")
    assert "declared does not take reopen" in _refusal(world)
    assert world.core.state.incidents[view.id].generation == 1
    world.at("10:04").command("close", view.id, reason="r").command("reopen", view.id, reason="not yet")
    latest = world.at("10:05").expect(incident(state="restoring", alerts=1)).incidents()[0]
    assert latest.generation == 2


def test_a_resolved_incident_is_reviewed_and_then_left_alone() -> None:
    world, (view,) = _declared("cart")
    world.at("10:03").command("close", view.id, reason="r").command("review", view.id)
    assert _state(world, view.id) == "reviewed"
    world.at("10:04").command("reopen", view.id, reason="r")
    assert "reviewed does not take reopen; it takes nothing" in _refusal(world)


def test_incidents_of_two_domains_are_not_merged() -> None:
    world, (cart, disk) = _declared("cart", "disk")
    world.at("10:03").command("merge", disk.id, reason="r", into=cart.id)
    assert "two domains" in _refusal(world)
    assert len(world.at("10:05").incidents()) == 2


@pytest.mark.parametrize("action", [name for name, action in ACTIONS.items() if action.command])
def test_what_is_missing_is_named(action: str) -> None:
    world, (view,) = _declared("cart")
    world.at("10:03").command(action, view.id)
    wanted = [*ACTIONS[action].facts, *(["reason"] if ACTIONS[action].reason else [])]
    if wanted:
        assert _refusal(world) == f"{action} needs {', '.join(wanted)}"


ON_INCIDENTS = ("acknowledge", "note", "assign", "declare", "restore", "override_severity", "merge", "split",
                "false_alarm", "close", "reopen", "review")  # fmt: skip
FACTS = {"text": "x", "assignee": "x", "level": "SEV1", "into": "INC-0", "alerts": "1"}


@pytest.mark.parametrize("action", ON_INCIDENTS)
def test_an_unknown_incident_is_named(action: str) -> None:
    world = World(SHOP)
    world.at("10:00").command(action, "INC-99", reason="r", **FACTS)
    assert "'INC-99'" in _refusal(world)


@pytest.mark.parametrize("action", ["read", "explode", ""])
def test_what_is_no_command_is_refused(action: str) -> None:
    world = World(SHOP)
    world.driven.feed(clock("10:00"), (Command("ada", action, "INC-1"),))
    assert "no command" in _refusal(world)
