"""Automated steps as state, in simulated time: begun, passed, unclear, told too late; and what is masked of them."""

from __future__ import annotations

import pytest

from engine.continuity.masking import masked
from tests.continuity.payments import PLAYBOOKS, outage, refusal, replayed, response, task_of
from tests.scenarios.world import World

AUTOMATIC = PLAYBOOKS.replace(
    "accountable: dba, takes: 5m, entity: orders-db}",
    "accountable: dba, takes: 5m, entity: orders-db, command: {run: promote-replica, timeout: 2m}}",
)


@pytest.fixture
def begun() -> tuple[World, str]:
    world, id = outage(AUTOMATIC)
    world.at("10:05").command("activate_playbook", id, reason="gone", playbook="orders-db-lost", actor="Ada")
    world.at("10:06").command("run_task", id, task="look", run="r1", actor="Bo")
    return world, id


def test_what_came_of_a_step_decides_on_it_and_survives_a_restart(begun: tuple[World, str]) -> None:
    world, id = begun
    world.at("10:06").command("finish_task", id, task="look", actor="Bo")
    assert "its result decides" in refusal(world).text
    world.at("10:06").command("abandon_playbook", id, reason="r", actor="Bo")
    assert "is being carried out" in refusal(world).text
    assert replayed(world)
    world.at("10:07").command("step_ended", id, run="r1", outcome="passed", code="0", output="ok", actor="headwater")
    found = task_of(world, id, "look")
    assert (found.state, found.by, found.runs[0].state, found.output) == ("done", "Bo", "passed", "ok")
    world.at("11:00")
    assert task_of(world, id, "look").state == "done"  # nothing is due any more


def test_a_result_that_nobody_waited_for_is_kept_and_decides_nothing(begun: tuple[World, str]) -> None:
    world, id = begun
    world.at("10:10").command("check_gates", id, actor="Bo")
    found = task_of(world, id, "look")
    assert (found.state, found.runs[0].state) == ("failed", "unclear")
    assert [one.task for one in response(world, id).deviations] == ["look"]
    world.at("10:11").command("step_ended", id, run="r1", outcome="passed", detail="it returned 0", actor="headwater")
    found = task_of(world, id, "look")
    assert (found.state, found.runs[0].state, found.runs[0].detail) == (
        "failed",
        "unclear",
        "passed, too late: it returned 0",
    )
    world.at("10:12").command("run_task", id, task="look", run="r2", actor="Bo")
    assert "it is failed" in refusal(world).text
    world.at("10:12").command("retry_task", id, task="look", reason="looked", actor="Bo")
    world.at("10:12").command("run_task", id, task="look", run="r1", actor="Bo")
    assert "was begun already" in refusal(world).text
    world.at("10:12").command("run_task", id, task="serve", run="r3", actor="Bo")
    assert "done by people" in refusal(world).text


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("DB_PASSWORD=hunter2, ok", "DB_PASSWORD=***, ok"),
        ('{"api_key": "abc", "n": 1}', '{"api_key": "***", "n": 1}'),
        ("Authorization: Bearer abc.def", "Authorization: Bearer ***"),
        ("postgres://ann:word@db/x", "postgres://ann:***@db/x"),
        ("AKIAABCDEFGHIJKLMNOP done", "*** done"),
        ("x the-known-one y", "x *** y"),
        ("tokens left: 3 of 5; password reset", "tokens left: 3 of 5; password reset"),
    ],
)
def test_secrets_are_masked_and_nothing_else_is(said: str, kept: str) -> None:
    assert masked(said, ["the-known-one"]) == kept
