"""An outage from declaration to review over the API of a running engine, as seven people see it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from api.cli import app
from engine.continuity.desk import CONTINUITY_COMMANDS
from tests.api.live import alert
from tests.continuity.played import BOOKS, Played, outage, play, review
from tests.real.components import eventually


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    with outage(tmp_path_factory.mktemp("continuity")) as one:
        play(one)
        review(one)
        yield one


def kinds(played: Played, kind: str) -> list[str]:
    lines = played.get(f"incidents/{played.id}/timeline")["items"]
    return [line["text"] for line in lines if line["kind"] == kind]


def test_the_first_assessor_comes_from_the_duty_roster_and_confirms_access(played: Played):
    assessor = played.response()["assessor"]
    assert (assessor["person"], assessor["roster"], assessor["reach"]) == ("cy", "on-call", "+49 30 1")
    assert assessor["confirmed_at"] is not None


def test_the_crisis_team_is_activated_with_the_declaration(played: Played):
    declared = played.get(f"incidents/{played.id}")["incident"]["declaration"]
    assert declared["at"] <= declared["team_at"]
    assert declared["team"] == [{"role": "crisis_lead", "names": ["ada"]}]


def test_the_activation_is_logged_with_who_why_and_what_speaks_against_it(played: Played):
    execution = played.get(f"incidents/{played.id}/report")["playbooks"][0]
    assert (execution["playbook"], execution["by"], execution["why"]) == (
        "orders-db-lost",
        "ada",
        "the database is gone",
    )
    (line,) = [text for text in kinds(played, "playbook") if "activated" in text]
    assert line.startswith("Playbook orders-db-lost activated by ada: the database is gone")


def test_every_task_has_one_accountable_owner_from_roster_or_rules(played: Played):
    tasks = {one["id"]: one["owner"] for one in played.get(f"incidents/{played.id}/report")["playbooks"][0]["tasks"]}
    assert tasks == {"look": ["bo"], "choose": ["ada"], "failover": ["bo"], "repair": ["bo"], "serve": ["cy"]}


def test_the_critical_path_is_live_and_held_against_the_rto(played: Played):
    planned = played.answers["planned"]
    assert planned["critical"] == ["look", "choose", "repair", "serve"]
    assert planned["late"] > 20 * 60_000  # 55 minutes of work against an RTO of 30
    done = played.get(f"incidents/{played.id}/report")["playbooks"][0]
    assert done["critical"] == ["look", "choose", "failover", "serve"]


def test_no_failover_before_its_gates_pass_and_a_check_that_cannot_run_says_so(played: Played):
    said = played.answers["gates"]
    assert said["status"] == 409
    assert "gate lag is closed: it cannot be checked: no replication lag of orders-db is known" in said["detail"]
    gates = {one["id"]: one for one in played.get(f"incidents/{played.id}/report")["playbooks"][0]["gates"]}
    assert (gates["lag"]["state"], gates["lag"]["evidence"]["seconds"]) == ("passed", 4)


def test_a_change_outside_its_window_needs_an_emergency_authority_and_is_a_deviation(played: Played):
    assert "gate window is closed: no change window of orders-db is open" in played.answers["gates"]["detail"]
    report = played.get(f"incidents/{played.id}/report")
    assert [(one["kind"], one["by"]) for one in report["deviations"]] == [("emergency", "ada")]
    assert report["proposals"][0]["after"] == "a change window, or an emergency procedure that needs none"


def test_only_the_decision_authority_settles_rollback_or_repair(played: Played):
    assert "bo does not hold the authority 'crisis_lead'; it is ada" in played.answers["authority"]["detail"]
    decided = [one["text"] for one in played.get(f"incidents/{played.id}/report")["decisions"]]
    assert "Step choose (Fail over or repair) decided by ada: failover: faster than repair" in decided


def test_two_people_at_once_get_a_clear_conflict(played: Played):
    said = played.answers["conflict"]
    assert (said["status"], said["type"]) == (409, "urn:headwater:problem:conflict")
    assert "it is running by bo, version 1" in said["detail"]


def test_access_is_asked_granted_by_another_person_and_revoked(played: Played):
    assert "has to be allowed by somebody else" in played.answers["own grant"]["detail"]
    (grant,) = played.response()["grants"]
    assert (grant["state"], grant["by"], grant["granted_by"], grant["ended_by"]) == ("revoked", "ada", "cy", "cy")
    assert len(kinds(played, "grant")) == 3


def test_a_vendor_that_answers_late_leaves_evidence_of_the_breach(played: Played):
    (call,) = played.get(f"incidents/{played.id}/report")["late_vendors"]
    assert (call["vendor"], call["contract"], call["breached"]) == ("cloud-support", "C-7", True)
    assert call["due"] - call["at"] == 15 * 60_000
    assert call["answered_at"] > call["due"]
    assert kinds(played, "vendor_late") == ["Vendor cloud-support has not answered call-1 in time (contract C-7)"]


def test_briefings_have_a_cadence_that_is_enforced(played: Played):
    (held,) = played.response()["briefings"]
    assert held["teams"] == ["infrastructure", "database", "security"]
    assert held["late"] is True
    assert len(kinds(played, "briefing_overdue")) == 1


def test_nothing_closes_before_temporary_measures_are_gone_and_the_handover_is_accepted(played: Played):
    left = played.answers["left open"]["detail"]
    assert "temporary measure measure-1 (route: reads go to the replica) is neither reverted nor accepted" in left
    assert "access grant-1 of bo to orders-db is not revoked" in left
    assert "the crisis team has not handed over" in left
    assert "the handover to cy is not accepted" in played.answers["not yet accepted"]["detail"]


def test_the_handover_names_status_risks_and_actions_and_who_took_it(played: Played):
    found = played.response()["handover"]
    assert (found["to"], found["risks"], found["actions"]) == ("cy", ["one copy only"], ["rebuild"])
    assert found["accepted_at"] is not None


def test_the_review_is_due_within_three_days_chased_and_held_with_both_kinds_of_people(played: Played):
    found = played.response()["review"]
    assert found["reminded"] >= 1
    assert (found["technical"], found["business"]) == (["bo", "cy"], ["sales"])
    assert played.get(f"incidents/{played.id}")["incident"]["state"] == "reviewed"
    assert kinds(played, "review_overdue")


def test_the_report_measures_phases_against_the_rto_and_says_where_time_went(played: Played):
    report = played.get(f"incidents/{played.id}/report")
    assert [one["name"] for one in report["phases"]][:4] == ["detection", "triage", "mobilisation", "restoration"]
    missed = [one for one in report["objectives"] if one["variance"] > 0]
    assert {one["entity"] for one in missed} >= {"checkout"}
    assert any("step look took" in cause for cause in missed[0]["causes"])
    assert "vendor cloud-support did not answer in time" in missed[0]["causes"]


def test_gaps_become_actions_with_owners(played: Played):
    (action,) = played.get(f"incidents/{played.id}/report")["actions"]
    assert (action["owner"], action["kind"], action["text"]) == ("team-data", "gap", "a second replica")


def test_a_viewer_can_do_none_of_it(played: Played):
    assert played.answers["viewer"]["status"] == 403
    words = "playbook task text gate evidence kind grant measure person system vendor call to option owner action"
    facts = dict.fromkeys(
        f"{words} technical business findings passed integrity reached change entity field value order".split(), "x"
    )
    facts |= {"minutes": "1", "seconds": "1", "capacity": "yes", "separation": "yes", "access": "yes"}
    for action in CONTINUITY_COMMANDS:
        body = {"action": action, "target": played.id, "reason": "r", "facts": facts}
        answer = played.served.client.post("/api/v1/commands", json=body, headers={"authorization": "Bearer vic"})
        assert answer.status_code == 403, action


def test_playbooks_in_force_say_what_speaks_against_them(played: Played):
    (one,) = played.get("playbooks")["items"]
    assert (one["id"], one["state"]) == ("orders-db-lost", "approved")
    assert any(doubt["kind"] == "stale" for doubt in one["doubts"]) or one["review_due"] is not None
    whole = played.get("playbooks/orders-db-lost")
    assert whole["order"][0] == "look"
    assert whole["takes"] == 55 * 60_000
    assert played.served.client.get("/api/v1/playbooks/none").status_code == 404


def test_exercises_restore_tests_contracts_and_contacts_make_the_figures_of_readiness(played: Played):
    before = played.get("continuity/readiness")["figures"]
    played.refused("roles", "ada", "record_exercise", "db-tabletop", passed="yes", people="lead=ada")
    assert "role scribe is not filled" in played.answers["roles"]["detail"]
    played.do("ada", "record_exercise", "db-tabletop", passed="yes", people="lead=ada, scribe=bo")
    played.refused("twice", "ada", "record_exercise", "db-tabletop", passed="yes", people="lead=ada, scribe=cy")
    assert "ada was lead the last time too" in played.answers["twice"]["detail"]
    played.do("bo", "record_restore_test", "orders-db", seconds="2400", integrity="yes", age="30")
    played.do("bo", "confirm_contact", "cloud-support", reached="yes")
    played.do("bo", "review_contract", "cloud", capacity="yes", separation="no", access="yes")
    found = played.get("continuity/readiness")
    assert (before["exercises_on_time_share"], found["figures"]["exercises_on_time_share"]) == (0, 1)
    (restore,) = found["restores"]
    assert (restore["meets_rto"], restore["meets_rpo"]) == ("no", "yes")
    contract = next(one for one in found["due"] if one["kind"] == "contract")
    assert (contract["overdue"], contract["said"]) == (False, "not as promised, or not known: separation")
    assert found["figures"]["initiation_seconds_mean"] is not None
    assert found["figures"]["playbook_updates_90d"] == 1


def test_who_is_on_duty_and_whom_to_call_outside_is_known_at_any_moment(played: Played):
    duty = played.get("continuity/duty", at="2030-01-01T00:00:00Z")
    assert duty["rosters"][0]["people"] == ["cy"]
    assert (duty["vendors"][0]["contract"], duty["vendors"][0]["response"]) == ("C-7", 15 * 60_000)
    gone = played.get("continuity/duty", at="2099-01-01T00:00:00Z")
    assert [one["kind"] for one in gone["rosters"][0]["findings"]] == ["expired"]
    assert played.served.client.get("/api/v1/continuity/duty", params={"at": "soon"}).status_code == 400


def test_a_tabletop_is_made_of_the_topology(played: Played):
    table = played.get("continuity/tabletop/orders-db")
    assert any("checkout is down" in one for one in table["injects"])
    assert "Playbook orders-db-lost: who decides on choose?" in table["questions"]
    assert table["roles"] == ["lead", "scribe"]


def test_the_command_line_says_the_same(played: Played):
    def cli(*words: str, code: int = 0) -> str:
        said = CliRunner().invoke(app, ["continuity", *words, "--url", played.served.url, "--token", "vic"])
        assert said.exit_code == code, said.output
        return said.output

    assert "orders-db-lost: The orders database is lost" in cli("playbooks")
    assert "on-call: cy (+49 30 1)" in cli("duty", code=0 if not _faults(played) else 1)
    assert "initiation_seconds_mean" in cli("readiness")
    assert played.id in cli("situation", played.id)
    report = cli("report", played.id)
    assert "## Against objectives" in report
    assert json.loads(cli("report", played.id, "--json"))["incident"] == played.id


def _faults(played: Played) -> bool:
    found = played.get("continuity/duty")
    return any(one["findings"] for one in found["rosters"]) or any(one["overdue"] for one in found["vendors"])


def test_engineers_stakeholders_and_the_ticket_hear_of_the_same_revision(played: Played):
    rows = played.get("outbox", incident=played.id, limit=500)["items"]
    opened = [row for row in rows if row["action"] == "open"]
    assert {one["audience"] for one in opened} == {"engineers", "stakeholders", "tickets"}
    assert len({one["revision"] for one in opened}) == 1


def test_customers_are_let_in_only_after_somebody_attests_the_test_purchase(played: Played):
    gates = {one["id"]: one for one in played.get(f"incidents/{played.id}/report")["playbooks"][0]["gates"]}
    assert gates["front"]["state"] == "passed"
    assert gates["front"]["why"] == "Gate front attested by ada: order 4711 went through"


def test_the_figures_of_readiness_are_metrics(played: Played):
    text = played.served.client.get("/metrics").text
    assert 'headwater_readiness{figure="playbooks"} 1.0' in text
    assert 'headwater_readiness{figure="initiation_seconds_mean"}' in text


def test_a_drill_runs_beside_the_real_incident_and_is_measured(played: Played):
    before = played.get(f"incidents/{played.id}/revisions")
    marked = alert("DbDown", "orders-db", headwater_drill="q3")
    played.served.client.post("/api/v2/alerts", json=[marked], headers={"authorization": "Bearer feed"})

    def drills() -> list[str]:
        return [one["id"] for one in played.get("incidents", drill=True)["items"]]

    (drill,) = eventually(drills, "the drill is an incident of its own")
    played.do("ada", "acknowledge", drill)
    assert played.get(f"incidents/{drill}")["incident"]["acknowledged_by"] == "ada"
    rows = played.get("outbox", incident=drill)["items"]
    assert {tuple(row["sinks"]) for row in rows} == {("log",)}
    assert played.get(f"incidents/{played.id}/revisions") == before
    assert drill not in [one["id"] for one in played.get("incidents", drill=False)["items"]]
    assert {drill, played.id} <= {one["id"] for one in played.get("incidents")["items"]}
    told = played.served.client.get("/metrics").text
    assert "headwater_drills_open 1.0" in told
    assert 'headwater_incidents_open{severity="SEV1"} 0.0' in told
    assert 'headwater_incidents_open{severity="SEV2"} 0.0' in told
    assert "\nheadwater_incidents_total 1.0" in told


def test_a_playbook_that_does_not_fit_is_refused_step_by_step(tmp_path_factory: pytest.TempPathFactory):
    old = BOOKS.replace("takes: 5m, entity: orders-db", "takes: 5m, entity: old-db")
    with outage(tmp_path_factory.mktemp("misfit"), {"playbooks/p.yaml": old}) as one:
        one.refused("misfit", "ada", "activate_playbook", reason="r", playbook="orders-db-lost")
        assert "step look: there is no entity 'old-db' any more" in one.answers["misfit"]["detail"]
        one.do("ada", "activate_playbook", reason="r", playbook="orders-db-lost", despite="step look is done by hand")
        applicable = one.get(f"incidents/{one.id}/response")["applicable"]
        assert any(doubt["blocks"] for doubt in applicable[0]["doubts"])
