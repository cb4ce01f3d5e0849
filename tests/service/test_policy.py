"""Who may do what, and what a command must bring."""

from __future__ import annotations

import pytest

from engine.policy import ACTIONS, Actor, Role, permitted, problems
from engine.signals import Command


@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_is_permitted_from_its_role_upwards(action: str) -> None:
    allowed = {role for role in Role if permitted(Actor("x", role), action)}
    assert allowed == {role for role in Role if role >= ACTIONS[action].role}


def test_an_unknown_action_is_nobodys() -> None:
    assert not any(permitted(Actor("x", role), "drop_database") for role in Role)


def test_a_viewer_changes_nothing() -> None:
    assert [name for name in ACTIONS if permitted(Actor("x", Role.VIEWER), name)] == ["read", "impact"]


def test_everything_wrong_with_a_command_is_said_at_once() -> None:
    wrong = problems(Command("ann", "override_severity", "", reason=" "))
    assert [pointer for pointer, _ in wrong] == ["/target", "/reason", "/facts/level"]


def test_a_complete_command_has_no_problems() -> None:
    assert problems(Command("ann", "override_severity", "INC-1", "customers call", {"level": "SEV1"})) == []


@pytest.mark.parametrize("action", ["reload", "read", "nonsense"])
def test_what_is_no_command_is_refused_with_the_list_of_commands(action: str) -> None:
    ((pointer, what),) = problems(Command("ann", action, "x"))
    assert pointer == "/action"
    assert "acknowledge" in what
    assert "reload" not in what.split("one of")[1]
