"""One outage worked on by its playbook, as the procedure reads: activation, gates, decisions, deviations, the end."""

from __future__ import annotations

from engine.signals import Activation
from tests.continuity.payments import (
    PLAYBOOKS,
    answered,
    declared,
    gate_of,
    lag,
    latest,
    outage,
    refusal,
    replayed,
    response,
    running,
    states,
    task_of,
)
from tests.scenarios.world import clock


def activated(playbooks: str = PLAYBOOKS):
    world, id = outage(playbooks)
    world.at("10:05").command("activate_playbook", id, reason="the database is gone", playbook="orders-db-lost")
    return world, id


def test_the_outage_goes_through_the_playbook_from_activation_to_the_end():
    world, id = activated()
    assert states(world, id)["look"] == "ready"
    assert task_of(world, id, "look").owner == ("Bo",)
    world.at("10:06").command("start_task", id, task="look", actor="Bo")
    assert latest(world, id).state == "restoring"
    world.at("10:10").command("finish_task", id, task="look", actor="Bo", output="disk is dead")
    world.at("10:11").command("decide", id, reason="repair takes longer", task="choose", option="failover", actor="Bo")
    assert "Bo does not hold the authority 'crisis_lead'; it is Ada" in refusal(world).text
    world.at("10:12").command("decide", id, reason="repair takes longer", task="choose", option="failover", actor="Ada")
    assert states(world, id)["repair"] == "not_needed"

    world.at("10:13").command("start_task", id, task="failover", actor="Bo")
    closed = refusal(world).text
    assert "gate lag is closed: it cannot be checked: no replication lag of orders-db is known" in closed
    assert "gate same is closed: it cannot be checked: orders-same has never answered" in closed
    assert "gate window is closed: no change window of orders-db is open; crisis_lead may take it on" in closed
    lag(world.at("10:14"), 90)
    world.at("10:14").command("check_gates", id, gate="lag")
    assert gate_of(world, id, "lag").why == "replication lag of orders-db is 90 s, at most 30 s is allowed"
    lag(world.at("10:15"), 12)
    answered(world.at("10:15"), "orders-same", "orders-db", "yes")
    world.at("10:16").command("override_gate", id, reason="customers cannot pay", gate="lag", actor="Ada")
    assert "cannot be overridden" in refusal(world).text
    world.at("10:16").command("override_gate", id, reason="customers cannot pay", gate="window", actor="Ada")
    world.at("10:17").command("start_task", id, task="failover", actor="Bo")
    assert states(world, id)["failover"] == "running"
    assert [one.kind for one in response(world, id).deviations] == ["emergency"]

    world.at("10:40").command("finish_task", id, task="failover", actor="Bo")
    world.at("10:41").command("start_task", id, task="serve", actor="Dana")
    assert "gate front is closed" in refusal(world).text
    world.at("10:45").resolve("orders-db", "DbDown")
    answered(world.at("10:46"), "shop-front", "checkout", "yes")
    world.at("10:47").command("start_task", id, task="serve", actor="Dana")
    world.at("10:48").command("finish_task", id, task="serve", actor="Dana")
    assert running(world, id).ended_at == clock("10:48")
    assert replayed(world)


def test_the_prediction_follows_what_is_done_and_is_held_against_the_rto():
    world, id = activated()
    begun = running(world, id)
    assert begun.critical == ("look", "choose", "repair", "serve")  # nobody has decided: the longest branch counts
    assert begun.finish == clock("11:00")
    assert (begun.due, begun.late) == (clock("11:00"), 0)
    world.at("10:20").command("start_task", id, task="look")
    assert running(world, id).late == 15 * 60_000


def test_what_speaks_against_a_playbook_is_named_step_by_step_and_blocks_it():
    stale = (
        PLAYBOOKS.replace("reviewed: 2026-09-01", "reviewed: 2024-01-01")
        .replace("takes: 5m, entity: orders-db", "takes: 5m, entity: old-db")
        .replace("checkout -> orders-db", "checkout -> cache")
        .replace("name: orders-same", "name: gone")
    )
    world, id = outage(stale)
    world.at("10:05").command("activate_playbook", id, reason="try", playbook="orders-db-lost")
    said = refusal(world).text
    assert "step look: there is no entity 'old-db' any more" in said
    assert "step serve: checkout does not depend on cache any more" in said
    world.at("10:06").command("activate_playbook", id, reason="try", playbook="orders-db-lost", despite="steps noted")
    found = running(world, id).findings
    assert any("last reviewed on 2024-01-01" in one for one in found)
    assert any("gate same: 'gone' is no declared probe or data check" in one for one in found)
    assert response(world, id).deviations[0].kind == "despite"


def test_a_playbook_for_something_else_or_of_another_topology_says_so():
    other = PLAYBOOKS.replace("entities: [orders-db]", "entities: [cloud]\n    topology: abc")
    world, id = outage(other)
    world.at("10:05").command("activate_playbook", id, reason="try", playbook="orders-db-lost")
    assert "it is for cloud; the trouble is with" in refusal(world).text
    world.at("10:06").command("activate_playbook", id, reason="try", playbook="orders-db-lost", despite="it fits")
    assert any("proven against topology abc" in one for one in running(world, id).findings)


def test_a_change_since_the_playbook_was_proven_is_a_doubt():
    world, id = outage()
    world.at("10:03").change("orders-db", "deploy", "v2")
    world.at("10:05").command("activate_playbook", id, reason="try", playbook="orders-db-lost")
    found = [one for one in running(world, id).findings if "has changed" in one]
    assert found == ["step look: orders-db has changed (deploy) since it was proven on 2026-09-10"]


def test_of_two_people_at_once_the_second_is_told_who_was_first():
    world, id = activated()
    world.at("10:06").command("start_task", id, task="look", version="0", actor="Bo")
    world.at("10:06").command("start_task", id, task="look", version="0", actor="Cy")
    assert refusal(world).text.endswith("it is running by Bo, version 1")
    assert refusal(world).facts["conflict"] is True
    world.at("10:07").command("activate_playbook", id, reason="me too", playbook="orders-db-lost", actor="Cy")
    assert refusal(world).facts["conflict"] is True


def test_a_skipped_step_leaves_its_gates_to_who_follows_it_and_is_a_deviation():
    world, id = activated()
    for at, act in (("10:06", "start_task"), ("10:07", "finish_task")):
        world.at(at).command(act, id, task="look")
    world.at("10:08").command("decide", id, reason="r", task="choose", option="failover", actor="Ada")
    world.at("10:09").command("skip_task", id, reason="done by hand", task="failover")
    answered(world.at("10:10"), "shop-front", "checkout", "yes")
    world.at("10:10").command("start_task", id, task="serve")
    assert all(f"gate {gate} is closed" in refusal(world).text for gate in ("lag", "same", "window"))
    assert [one.kind for one in response(world, id).deviations] == ["skipped"]


def test_a_failed_step_can_be_tried_again_and_a_probe_that_fails_keeps_the_gate_closed():
    world, id = activated()
    world.at("10:06").command("start_task", id, task="look")
    world.at("10:07").command("fail_task", id, reason="no access", task="look")
    world.at("10:08").command("decide", id, reason="r", task="choose", option="repair", actor="Ada")
    assert "task look is failed" in refusal(world).text
    world.at("10:09").command("retry_task", id, task="look")
    world.at("10:10").command("start_task", id, task="look")
    assert states(world, id)["look"] == "running"
    answered(world.at("10:11"), "shop-front", "checkout", "no")
    world.at("10:11").command("check_gates", id)
    assert (gate_of(world, id, "front").state, gate_of(world, id, "front").could_run) == ("closed", True)


def test_an_old_answer_opens_no_gate_and_neither_does_one_from_before_the_trouble():
    world, id = activated()
    answered(world.at("10:06"), "orders-same", "orders-db", "yes")
    world.at("10:07").command("check_gates", id, gate="same")
    assert gate_of(world, id, "same").state == "passed"
    world.at("10:40").command("check_gates", id, gate="same")
    gate = gate_of(world, id, "same")
    assert (gate.state, gate.could_run) == ("closed", False)
    assert gate.why == "it cannot be checked: the last answer of orders-same is 2040 s old"


def test_an_incident_does_not_end_while_its_playbook_is_under_way():
    world, id = activated()
    world.at("10:20").command("close", id, reason="all fine")
    assert "playbook orders-db-lost is under way: look (ready)" in refusal(world).text
    world.at("10:30").resolve("orders-db", "DbDown")
    world.at("10:31")
    assert latest(world, id).state == "recovering"
    world.at("11:00")
    assert "playbook orders-db-lost is under way" in latest(world, id).held_open[-1]
    world.at("11:01").command("abandon_playbook", id, reason="it came back by itself")
    world.at("11:01").command("hand_over", id, to="Dana", text="watch it", risks="disk; replica", actor="Ada")
    for probe, entity in (("orders-same", "orders-db"), ("shop-front", "checkout")):
        answered(world.at("11:03"), probe, entity, "yes")
    world.at("11:05")
    assert latest(world, id).held_open == ("the handover to Dana is not accepted",)
    world.at("11:06").command("accept_handover", id, actor="Bo")
    assert "the handover is to Dana, not to Bo" in refusal(world).text
    world.at("11:06").command("accept_handover", id, actor="Dana")
    world.at("11:20")
    assert latest(world, id).state == "resolved"


def test_the_playbook_stays_as_it_was_activated_when_the_files_change_meanwhile():
    world, id = activated()
    other = declared(PLAYBOOKS.replace("id: look, title: Look at the database", "id: look, title: Something else"))
    world.driven.feed(world.at("10:06").now, (Activation("rules", world.driven.library.add_rules(other)),))
    world.at("10:07").command("start_task", id, task="look")
    assert task_of(world, id, "look").title == "Look at the database"
    assert states(world, id)["look"] == "running"
