"""Access, measures, vendors, briefings, assessor, handover, review, merging: each rule of the procedure, on a day."""

from __future__ import annotations

import pytest

from engine.response_views import Response
from rules.playbooks.parse import parse_playbooks
from tests.continuity.payments import PLAYBOOKS, latest, lines, outage, refusal, replayed, response
from tests.scenarios.world import clock


def test_access_ends_by_itself_and_that_is_on_record():
    world, id = outage()
    world.at("10:05").command("request_grant", id, reason="r", person="Bo", system="db", minutes="30", actor="Ada")
    world.at("10:06").command("approve_grant", id, grant="grant-1", actor="Bo")
    assert "allowed by somebody else than Ada and Bo" in refusal(world).text
    world.at("10:07").command("approve_grant", id, grant="grant-1", actor="Cy", version="0")
    world.at("10:36")
    assert response(world, id).grants[0].state == "granted"
    world.at("10:38")
    assert (response(world, id).grants[0].state, response(world, id).grants[0].ended_at) == (
        "expired",
        clock("10:37"),
    )
    world.at("10:39").command("revoke_grant", id, grant="grant-1")
    assert refusal(world).facts["conflict"] is True
    assert replayed(world)


@pytest.mark.parametrize("minutes", ["0", "1441", "ten", "-5", "١"])
def test_a_time_that_is_none_is_refused(minutes: str):
    world, id = outage()
    world.at("10:05").command("request_grant", id, reason="r", person="Bo", system="db", minutes=minutes)
    assert "minutes is a whole number from 1 to 1440" in refusal(world).text


def test_a_measure_may_be_accepted_and_a_silence_made_meanwhile_counts_as_one():
    world, id = outage()
    world.at("10:05").command("register_measure", id, kind="threshold", text="raised to 90 %")
    world.at("10:06").command(
        "silence", "quiet", reason="noise", until="2026-09-22T23:00:00Z", matchers="zone=lab", entities=""
    )
    world.at("10:07").command("close", id, reason="done")
    assert "temporary measure measure-1" in refusal(world).text
    world.at("10:08").command("accept_measure", id, reason="stays until Friday", measure="measure-1")
    world.at("10:09").command("accept_measure", id, reason="again", measure="measure-1")
    assert refusal(world).text == "measure measure-1 was accepted by ada"
    world.at("10:10").command("close", id, reason="done")
    assert latest(world, id).state == "resolved"


def test_a_vendor_has_the_time_of_their_contract_and_no_longer():
    world, id = outage()
    world.at("10:05").command("call_vendor", id, vendor="cloud-support", text="help")
    world.at("10:05").command("call_vendor", id, vendor="nobody", text="help")
    assert "no vendor 'nobody'; there are cloud-support" in refusal(world).text
    world.at("10:20")
    assert not response(world, id).vendors[0].breached
    world.at("10:21")
    assert response(world, id).vendors[0].breached
    assert lines(world, "vendor_late") == ["Vendor cloud-support has not answered call-1 in time (contract C-7)"]


def test_a_gap_in_the_roster_is_said_when_the_assessor_is_needed():
    late = PLAYBOOKS.replace("from: 2026-09-22T08", "from: 2026-09-22T19")
    world, id = outage(late)
    found = response(world, id).assessor
    assert found is not None
    assert (found.person, found.missing) == ("", "roster on-call has nobody on duty")
    world.at("10:05").command("take_assessment", id, actor="Dana")
    taken = response(world, id).assessor
    assert taken is not None
    assert taken.confirmed_at == clock("10:05")


def test_the_cadence_of_briefings_begins_anew_with_each_and_ends_with_the_incident():
    world, id = outage()
    world.at("10:20").command("brief", id, text="we look", teams="infra; db")
    assert response(world, id).next_briefing_at == clock("10:50")
    world.at("10:51")
    assert response(world, id).briefing_overdue
    assert len(lines(world, "briefing_overdue")) == 1
    world.at("10:52").command("close", id, reason="done")
    assert response(world, id).next_briefing_at is None


def test_a_review_is_asked_for_five_times_and_then_given_up():
    world, id = outage()
    world.at("10:10").command("close", id, reason="done")
    due = response(world, id).review
    assert due is not None
    assert due.due == clock("10:10") + 72 * 3_600_000
    for _ in range(9):
        world.driven.pass_time(world.driven.now + 24 * 3_600_000)
    assert len(lines(world, "review_overdue")) == 5
    assert lines(world, "review_overdue")[-1].endswith("nobody will be reminded again")
    world.driven.pass_time(world.driven.now + 48 * 3_600_000)
    assert id not in world.driven.core.state.incidents


def test_without_playbooks_nothing_of_this_stands_in_the_way():
    policy, _ = parse_playbooks({})
    assert policy is not None
    world, id = outage("{}")
    world.at("10:10").command("close", id, reason="done")
    assert (latest(world, id).state, response(world, id)) == ("resolved", Response())


def test_when_two_incidents_become_one_what_was_begun_goes_on():
    world, first = outage()
    world.at("10:03").fire("checkout", "Slow", severity="critical")
    world.at("10:04").command("register_measure", first, kind="route", text="x")
    number = next(n for n, a in world.driven.core.state.alerts.items() if a.name == "Slow")
    world.at("10:05").command("split", first, reason="another", alerts=str(number))
    world.at("10:10")
    second = next(one.id for one in world.driven.incidents() if one.id != first)
    world.at("10:11").command("request_grant", second, reason="r", person="Bo", system="db", minutes="30")
    world.at("10:12").command("approve_grant", second, grant="grant-1", actor="Cy")
    world.at("10:13").command("merge", second, reason="the same", into=first)
    world.at("10:50")
    (kept,) = world.driven.incidents()
    assert [one.state for one in kept.response.grants] == ["expired"]
    assert len(kept.response.measures) == 1
