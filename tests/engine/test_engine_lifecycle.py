"""The life of an incident: the table is the law, guards may refuse, the docs show what is."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import IllegalTransition
from engine.lifecycle import OPEN, TRANSITIONS, Guards, State, Trigger, after, mermaid
from engine.state import Incident
from tests.engine.laws import World
from tests.scenarios.world import chain, incident

DOCS = Path(__file__).parents[2] / "docs" / "lifecycle.md"
OUT = {"merge": "merged", "dismiss": "dismissed", "close": "resolved"}
EDGES = {
    "suspected": {"declare": "declared", "recovered": "resolved", **OUT},
    "declared": {"restore": "restoring", "quiet": "recovering", **OUT},
    "restoring": {"quiet": "recovering", **OUT},
    "recovering": {"return": "declared", "resume": "restoring", "recovered": "resolved", **OUT},
    "resolved": {"reopen": "restoring", "review": "reviewed", "merge": "merged"},
    "reviewed": {},
    "merged": {},
    "dismissed": {"reopen": "restoring"},
}


def test_the_table_has_these_edges_and_no_others() -> None:
    table = {state.value: {t.value: s.value for t, s in moves.items()} for state, moves in TRANSITIONS.items()}
    assert table == EDGES


@pytest.mark.parametrize("state", State)
def test_every_other_move_is_refused_and_says_what_is_allowed(state: State) -> None:
    for trigger in Trigger:
        if trigger in TRANSITIONS[state]:
            assert after(state, trigger) is TRANSITIONS[state][trigger]
            continue
        with pytest.raises(IllegalTransition) as error:
            after(state, trigger)
        text = str(error.value.detail)
        assert text.startswith(f"{state} does not take {trigger}; it takes ")
        allowed = text.rpartition("it takes ")[2]
        assert set(allowed.split(", ")) == ({t.value for t in TRANSITIONS[state]} or {"nothing"})


def test_every_state_can_be_reached_and_an_open_one_can_always_be_closed() -> None:
    reached, todo = {State.SUSPECTED}, [State.SUSPECTED]
    while todo:
        for target in TRANSITIONS[todo.pop()].values():
            todo += [target] if target not in reached else []
            reached.add(target)
    assert reached == set(State)
    assert all(Trigger.CLOSE in TRANSITIONS[state] for state in OPEN)
    assert not any(Trigger.CLOSE in TRANSITIONS[state] for state in set(State) - OPEN)


def test_the_docs_show_the_table() -> None:
    assert f"```mermaid\n{mermaid()}```" in DOCS.read_text(encoding="utf-8")


def test_guards_are_asked_in_order_and_name_what_stands_against_it() -> None:
    guards: Guards[str] = Guards()
    guards.add(State.RECOVERING, Trigger.RECOVERED, lambda who: f"{who} is not proved")
    guards.add(State.RECOVERING, Trigger.RECOVERED, lambda who: "")
    guards.add(State.RECOVERING, Trigger.RECOVERED, lambda who: "the register is open")
    said = guards.refusals(State.RECOVERING, Trigger.RECOVERED, "cart")
    assert said == ("cart is not proved", "the register is open")
    assert guards.refusals(State.RECOVERING, Trigger.CLOSE, "cart") == ()


def test_a_guard_that_refuses_keeps_the_incident_recovering_and_is_asked_again() -> None:
    world = World(chain("shop -> cart"))
    asked: list[str] = []

    def guard(subject: Incident) -> str:
        asked.append(subject.id)
        return "not enough samples" if len(asked) < 3 else ""

    world.core._context.guards.add(State.RECOVERING, Trigger.RECOVERED, guard)
    world.at("10:00").fire("cart", "Down", severity="critical")
    world.at("10:02").resolve("cart", "Down")
    world.at("10:06:30").expect(incident(state="recovering"))
    held = [line for line in world.driven.timeline if line.kind == "held_open"]
    assert [line.facts["refusals"] for line in held] == [["not enough samples"]]
    world.at("10:09").expect(incident(state="resolved"))
    assert len(asked) == 3
