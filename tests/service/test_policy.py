"""What a command must bring."""

from __future__ import annotations

import pytest

from engine.policy import problems
from engine.signals import Command


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
