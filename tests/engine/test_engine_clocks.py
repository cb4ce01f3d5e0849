"""Regulatory clocks over the life of an incident: judged by facts, started and ended by people, never forgotten."""

from __future__ import annotations

import pytest

from engine.signals import Activation
from rules.regimes import Interval
from tests.engine.laws import World
from tests.engine.regimes import DORA, deadline, do, fact, iso, mark, name, on, one_clock, outage, regime, rules
from tests.engine.severities import entity, lines, only
from tests.scenarios.world import chain, clock
from topology.model import Topology

WEEKEND = "96:00"
"""The scenario's day is a Tuesday: this is Saturday."""


def refusal(world: World, time: str, action: str, /, *, reason: str = "as we know", **facts: str) -> str:
    """Why a person is not obeyed."""
    refused = len(lines(world, "refused"))
    world.at(time).command(action, name(world), reason=reason, **facts)
    found = lines(world, "refused")
    assert len(found) == refused + 1, "it was not refused"
    return found[-1].text


# ------------------------------------------------------------------------------------------------------------- facts


def test_what_the_engine_knows_decides_criteria_and_what_it_does_not_know_decides_nothing() -> None:
    view = only(outage(service="pages"))
    assert view.regimes == (), "nothing that DORA is about is hit"
    view = only(outage())
    answers = {one.id: one.answer for one in regime(view).criteria}
    assert answers["critical_services"] == "yes"
    assert answers["clients_and_transactions"] == "yes", "120,000 clients for certain"
    assert answers["geographical_spread"] == "yes", "used in two member states"
    assert answers["duration_and_downtime"] == "cannot_exclude", "it still lasts"
    assert answers["economic_impact"] == answers["data_losses"] == "cannot_exclude"
    assert fact(view, "clients_affected").value == Interval(120_000, 120_050)
    assert fact(view, "clients_total").by == "operator"
    assert regime(view).answer == "yes"


def test_facts_that_people_give_turn_a_doubt_into_an_answer_and_the_engines_own_stay_beside_them() -> None:
    world = outage()
    do(
        world,
        "10:05",
        "give_fact",
        regime="dora",
        fact="clients_affected",
        value="900..1_000",
        reason="the CRM",
    )
    view = do(world, "10:06", "give_fact", regime="dora", fact="member_states", value="1", reason="only ours")
    assert regime(view).answer == "cannot_exclude", "one criterion at most is certain"
    given = fact(view, "clients_affected")
    assert (given.value, given.by, given.note) == (Interval(900, 1000), "ada", "the CRM")
    assert given.engine == Interval(120_000, 120_050)
    assert [one.value for one in given.said] == [Interval(900, 1000)]
    assert "ask first for" in lines(world, "regime")[-1].text
    view = do(world, "10:07", "give_fact", regime="dora", fact="in_the_media", value="true")
    view = do(world, "10:08", "give_fact", regime="dora", fact="costs_eur", value="100_001")
    assert regime(view).answer == "yes"
    view = do(world, "10:09", "give_fact", regime="dora", fact="costs_eur", value="100000")
    assert regime(view).answer == "cannot_exclude", "it must exceed 100,000"
    view = do(world, "10:10", "give_fact", regime="dora", fact="costs_eur", value="unknown")
    assert [one.value for one in fact(view, "costs_eur").said] == [100_001, 100_000, None]


def test_a_downtime_of_more_than_two_hours_is_noticed_by_mere_lapse_of_time() -> None:
    world = outage()
    world.at("12:00")
    answers = {one.id: one.answer for one in regime(only(world)).criteria}
    assert answers["duration_and_downtime"] == "cannot_exclude", "two hours are not more than two hours"
    world.at("12:00:01")
    found = next(one for one in regime(only(world)).criteria if one.id == "duration_and_downtime")
    assert (found.answer, found.because) == ("yes", ("downtime_s: at least 2h 1s is > 2h", "critical_function: yes"))


def test_what_is_over_has_a_duration_and_what_once_was_hit_has_been_hit() -> None:
    world = outage()
    world.at("11:00").resolve("cards", "Down")
    world.at("13:00")
    view = only(world)
    assert view.state == "resolved"
    assert fact(view, "duration_s").value == 3600
    assert fact(view, "downtime_s").value == 3600
    assert fact(view, "critical_function").value is True
    answers = {one.id: one.answer for one in regime(view).criteria}
    assert answers["duration_and_downtime"] == "no"
    assert regime(view).answer == "yes", "it has affected them"


# ------------------------------------------------------------------------------------------------------------ clocks


def test_a_dora_major_incident_from_awareness_to_the_final_report() -> None:
    world = outage()
    view = only(world)
    assert {one.clock: one.state for one in view.clocks} == dict.fromkeys(
        ("initial", "intermediate", "update", "final"), "waiting"
    )
    assert on(one_clock(view, "initial").proposed_due) == "2026-09-23 10:00", "were it known since it was declared"
    assert mark(view, "aware").at is None, "only a person presses it"

    view = do(world, "10:20", "mark", regime="dora", mark="aware", at=iso("10:05"))
    assert deadline(view, "initial") == ("waiting", "2026-09-23 10:05")
    assert one_clock(view, "initial").provisional
    view = do(world, "11:00", "mark", regime="dora", mark="classified_major")
    initial = one_clock(view, "initial")
    assert deadline(view, "initial") == ("running", "2026-09-22 15:00")
    assert initial.reasons == ("5(1)(a): 4 hours from classified_major", "earliest of 2")
    assert [on(one.due) for one in initial.history] == ["2026-09-23 10:05"]
    assert (initial.article, initial.act) == ("5(1)(a)", "Commission Delegated Regulation (EU) 2025/301")
    assert initial.basis.marks == {"aware": clock("10:05"), "classified_major": clock("11:00")}
    assert initial.basis.facts["critical_function"].by == "engine"
    assert initial.basis.rules == view.versions["rules"]

    view = do(world, "14:30", "mark", regime="dora", mark="initial_submitted")
    assert deadline(view, "initial")[0] == "fulfilled"
    assert (one_clock(view, "initial").fulfilled_by, one_clock(view, "initial").late) == ("ada", False)
    assert deadline(view, "intermediate") == ("running", "2026-09-25 14:30")
    view = do(world, "40:00", "mark", regime="dora", mark="intermediate_submitted")
    assert deadline(view, "final") == ("running", "2026-10-23 16:00")
    view = do(world, "64:00", "mark", regime="dora", mark="intermediate_submitted", reason="an update")
    assert deadline(view, "final") == ("running", "2026-10-26 11:00"), "noon in Berlin"
    assert "5(4): moved off a weekend (2026-10-24) to the next working day" in one_clock(view, "final").reasons
    view = do(world, "65:00", "mark", regime="dora", mark="final_submitted")
    assert deadline(view, "final")[0] == "fulfilled"


def test_a_classification_after_more_than_a_day_moves_the_deadline_by_the_laws_own_rule() -> None:
    world = outage()
    do(world, "10:05", "mark", regime="dora", mark="aware")
    world.at("35:00")
    assert one_clock(only(world), "initial").passed
    view = do(world, "40:00", "mark", regime="dora", mark="classified_major")
    assert deadline(view, "initial") == ("running", "2026-09-23 20:00")
    assert one_clock(view, "initial").reasons[0].startswith("5(2): 4 hours from classified_major")


def test_a_deadline_on_a_weekend_moves_to_noon_of_the_next_working_day() -> None:
    world = outage(start=WEEKEND)
    do(world, "97:00", "mark", regime="dora", mark="aware")
    view = do(world, "98:00", "mark", regime="dora", mark="classified_major")
    assert deadline(view, "initial") == ("running", "2026-09-28 10:00"), "noon of Monday in Berlin"


def test_people_hear_when_a_clock_starts_when_it_is_due_soon_and_when_it_is_overdue() -> None:
    world = outage()
    do(world, "10:05", "mark", regime="dora", mark="aware")
    do(world, "11:00", "mark", regime="dora", mark="classified_major")
    world.at("16:00")
    said = [(line.at, line.text) for line in lines(world, "clock")]
    assert [text.split(" (")[0].removeprefix("dora: ") for _, text in said] == ["Initial notification"] * 4
    assert said[2][0] == clock("14:00"), "a quarter of four hours is left"
    assert "due soon: 2026-09-22 15:00:00 UTC" in said[2][1]
    assert said[3][0] == clock("15:00") + 1, "at the deadline it is still in time"
    assert "is overdue since 2026-09-22 15:00:00 UTC" in said[3][1]
    told = {p.body["why"] for p in world.driven.outbox if p.action == "update"}
    assert any("due soon" in why for why in told)
    assert any("overdue" in why for why in told)
    assert one_clock(only(world), "initial").state == "overdue"


REST = """
regimes:
  nis2: {entity_type: essential, calendar: {zone: Europe/Berlin, country: DE}}
  gdpr: {entity_type: controller, calendar: {zone: Europe/Berlin, country: DE}}
  sec.8k: {enabled: true}
"""


def test_nis2_gdpr_and_sec_each_run_from_their_own_marks() -> None:
    world = outage(REST)
    assert {one.regime for one in only(world).clocks} == {"nis2", "gdpr", "sec.8k"}
    do(world, "10:10", "mark", regime="nis2", mark="aware", at=iso("10:00"))
    do(world, "10:11", "mark", regime="gdpr", mark="aware", at=iso("10:00"))
    view = do(world, "20:00", "mark", regime="sec.8k", mark="material_determined")
    assert deadline(view, "early_warning", "nis2") == ("running", "2026-09-23 10:00")
    assert deadline(view, "notification", "nis2") == ("running", "2026-09-25 10:00")
    assert deadline(view, "notification", "gdpr") == ("running", "2026-09-25 10:00")
    assert deadline(view, "report", "sec.8k") == ("running", "2026-09-28 21:30"), (
        "four business days, 17:30 in New York"
    )
    view = do(world, "21:00", "mark", regime="nis2", mark="notified")
    assert deadline(view, "final", "nis2") == ("running", "2026-10-22 21:00")
    assert [one.clock for one in view.clocks if one.due][:2] == ["early_warning", "notification"], "the soonest first"


# ------------------------------------------------------------------------------------------- corrections and endings


def test_a_mark_is_corrected_on_record_and_nothing_is_overwritten() -> None:
    world = outage()
    do(world, "10:30", "mark", regime="dora", mark="aware", at=iso("10:20"))
    view = do(world, "10:40", "mark", regime="dora", mark="aware", at=iso("10:10"), reason="the desk knew before")
    assert deadline(view, "initial")[1] == "2026-09-23 10:10"
    view = do(world, "10:50", "mark", regime="dora", mark="aware", at=iso("10:30"))
    assert deadline(view, "initial")[1] == "2026-09-23 10:10", "the first counts: no more time is gained"
    assert "still counts (first)" in lines(world, "mark")[-1].text
    view = do(world, "11:00", "withdraw_mark", regime="dora", mark="aware", reason="that was another call")
    assert deadline(view, "initial")[1] == "2026-09-23 10:20"
    pressed = mark(view, "aware").pressed
    assert [(on(one.at)[-5:], one.withdrawn_why) for one in pressed] == [
        ("10:20", ""),
        ("10:10", "that was another call"),
        ("10:30", ""),
    ]
    assert [on(one.due)[-5:] for one in one_clock(view, "initial").history] == ["10:20", "10:10"]
    do(world, "11:01", "withdraw_mark", regime="dora", mark="aware", at=iso("10:30"))
    view = do(world, "11:02", "withdraw_mark", regime="dora", mark="aware")
    assert deadline(view, "initial") == ("waiting", ""), "it is still shown"


def test_a_clock_that_no_longer_applies_stays_until_a_person_dismisses_it() -> None:
    world = outage(REST)
    do(world, "10:10", "mark", regime="gdpr", mark="aware")
    view = do(world, "11:00", "give_fact", regime="gdpr", fact="personal_data_breach", value="false")
    assert deadline(view, "notification", "gdpr")[0] == "not_applicable"
    assert "it stays until a person dismisses it" in lines(world, "clock")[-1].text
    view = do(world, "11:10", "dismiss_clock", regime="gdpr", clock="notification", reason="no personal data there")
    gone = one_clock(view, "notification", "gdpr")
    assert gone.state == "dismissed"
    assert gone.dismissed is not None
    assert (gone.dismissed.by, gone.dismissed.reason, gone.dismissed.applies) == ("ada", "no personal data there", "no")
    do(world, "11:20", "give_fact", regime="gdpr", fact="risk_unlikely", value="false")
    do(world, "11:21", "give_fact", regime="gdpr", fact="personal_data_breach", value="true")
    said = [line.text for line in lines(world, "clock")]
    assert sum("was dismissed by ada, but by the facts it applies now" in text for text in said) == 1
    view = do(world, "11:30", "dismiss_clock", regime="gdpr", clock="notification", withdraw="true", reason="wrong")
    assert deadline(view, "notification", "gdpr")[0] == "running"


def test_whoever_classified_is_asked_once_when_the_facts_come_to_say_no() -> None:
    world = outage()
    do(world, "10:10", "mark", regime="dora", mark="classified_major")
    do(world, "10:20", "give_fact", regime="dora", fact="critical_function", value="false")
    do(world, "10:21", "give_fact", regime="dora", fact="authorised_service", value="false")
    do(world, "10:22", "give_fact", regime="dora", fact="recurrences_6_months", value="1")
    view = do(world, "10:23", "give_fact", regime="dora", fact="malicious_access", value="false")
    assert regime(view).answer == "no"
    assert deadline(view, "initial") == ("running", "2026-09-22 14:10"), "a person has classified it"
    do(world, "10:30", "give_fact", regime="dora", fact="costs_eur", value="5")
    (asked,) = lines(world, "classification_asked")
    assert "withdraw that mark, or let it stand" in asked.text


def test_a_resolved_incident_keeps_its_clocks_for_a_month_and_takes_commands() -> None:
    world = outage()
    do(world, "10:10", "mark", regime="dora", mark="classified_major")
    do(world, "11:00", "mark", regime="dora", mark="initial_submitted")
    do(world, "11:30", "mark", regime="dora", mark="intermediate_submitted")
    world.at("12:00").resolve("cards", "Down")
    world.at(f"{20 * 24}:00").restart()
    assert only(world).state == "resolved"
    world.at(f"{20 * 24}:01").fire("cards", "Down", severity="critical")
    world.at(f"{20 * 24}:02").resolve("cards", "Down")
    first = world.driven.incidents()[0]
    assert len(world.driven.incidents()) == 2, "what fails weeks later is another incident"
    assert deadline(first, "final")[0] == "running"
    world.at(f"{40 * 24}:00")
    first = world.driven.incidents()[0]
    assert deadline(first, "final") == ("overdue", "2026-10-22 11:30")
    world.at(f"{40 * 24}:01").command("mark", first.id, regime="dora", mark="final_submitted")
    world.at(f"{40 * 24}:02").command("mark", first.id, regime="dora", mark="update_submitted")
    first = world.driven.incidents()[0]
    assert (deadline(first, "final")[0], one_clock(first, "final").late) == ("fulfilled", True)
    world.at(f"{50 * 24}:00")
    assert first.id not in world.core.state.incidents, "nothing is left to do"


def test_the_engines_own_downtime_moves_no_deadline() -> None:
    world = outage()
    do(world, "10:10", "mark", regime="dora", mark="classified_major")
    world.at("12:00").downtime("15:00")
    world.at("15:01")
    assert deadline(only(world), "initial") == ("overdue", "2026-09-22 14:10")


def test_a_merge_carries_the_clocks_on_with_the_earliest_marks() -> None:
    topology = chain("shop -> cart", "mail -> post")
    joined = Topology.build(
        [entity(one.id, one.kind, domain="all") for one in topology.content.entities], topology.content.dependencies
    )
    world = World(joined, rules(REST))
    world.at("10:00").fire("cart", "Slow").fire("post", "Slow")
    world.at("10:02")
    by = {view.entities[0]: view.id for view in world.driven.incidents()}
    first, second = by["cart"], by["post"]
    world.at("10:20").command("mark", first, regime="gdpr", mark="aware")
    world.at("10:30").command("mark", second, regime="gdpr", mark="aware", at=iso("10:15"))
    world.at("10:31").command("mark", second, regime="nis2", mark="aware")
    carried = {id: set(case.clocks) for id, case in world.core.state.incidents[second].regimes.items()}
    world.at("10:40").command("merge", second, into=first, reason="the same trouble")
    world.at("10:45").command("mark", second, regime="nis2", mark="warned")
    assert f"its clocks run on in {first}" in lines(world, "refused")[-1].text
    view = only(world)
    assert view.id == first
    assert deadline(view, "notification", "gdpr") == ("running", "2026-09-25 10:15")
    assert deadline(view, "early_warning", "nis2") == ("running", "2026-09-23 10:31")
    for id, clocks in carried.items():
        assert clocks <= {one.clock for one in view.clocks if one.regime == id}
    assert {one.origin for one in mark(view, "aware", "gdpr").pressed} == {"", second}


def test_other_rules_during_an_incident_are_said_and_the_version_of_the_law_stays() -> None:
    world = outage()
    do(world, "10:10", "mark", regime="dora", mark="classified_major")
    other = rules(DORA.replace("1200000", "1300000"))
    world.driven.feed(clock("10:30"), (Activation("rules", world.driven.library.add_rules(other)),))
    world.at("10:31")
    (line,) = lines(world, "regime_rules")
    assert f"is judged by rules {other.version} from now on" in line.text
    assert fact(only(world), "clients_total").value == 1_300_000
    none = rules("severity: {users_total: 10000000}\n")
    world.driven.feed(clock("10:40"), (Activation("rules", world.driven.library.add_rules(none)),))
    world.at("10:41").restart()
    assert "is no longer declared" in lines(world, "regime_rules")[-1].text
    view = do(world, "10:50", "mark", regime="dora", mark="initial_submitted")
    assert deadline(view, "initial")[0] == "fulfilled"
    assert regime(view).since == "2025-03-12"


# -------------------------------------------------------------------------------------------------------- bad commands


@pytest.mark.parametrize(
    ("action", "facts", "said"),
    [
        ("mark", {"regime": "dorra", "mark": "aware"}, ["no regime 'dorra'", "did you mean 'dora'?"]),
        (
            "mark",
            {"regime": "dora", "mark": "awarre", "at": "2099-01-01T00:00:00Z"},
            ["no mark 'awarre'", "did you mean 'aware'?", "at lies in the future"],
        ),
        ("mark", {"regime": "nis3", "mark": "aware", "at": "noon"}, ["no regime 'nis3'", "at is no RFC 3339 time"]),
        ("mark", {"regime": "dora", "mark": "aware", "at": "2026-09-22T10:00:00"}, ["at needs a time zone"]),
        ("mark", {"regime": "dora", "mark": "aware", "at": "0001-01-01T00:00:00+00:00"}, ["at lies before 2000"]),
        ("withdraw_mark", {"regime": "dora", "mark": "aware"}, ["mark aware is not set"]),
        ("give_fact", {"regime": "dora", "fact": "costs", "value": "1"}, ["no fact 'costs'", "'costs_eur'"]),
        ("give_fact", {"regime": "dora", "fact": "costs_eur", "value": "much"}, ["should be a number"]),
        ("give_fact", {"regime": "dora", "fact": "costs_eur", "value": "nan"}, ["a number from 0 on"]),
        ("give_fact", {"regime": "dora", "fact": "costs_eur", "value": "1e400"}, ["larger than any amount"]),
        ("give_fact", {"regime": "dora", "fact": "costs_eur", "value": "-1"}, ["a number from 0 on"]),
        ("give_fact", {"regime": "dora", "fact": "costs_eur", "value": "20..10"}, ["lower bound is above"]),
        ("give_fact", {"regime": "dora", "fact": "costs_eur", "value": ".."}, ["should be a number, bounds"]),
        ("give_fact", {"regime": "dora", "fact": "in_the_media", "value": "maybe"}, ["should be true, false"]),
        ("dismiss_clock", {"regime": "dora", "clock": "initail"}, ["no clock 'initail'", "'initial'"]),
        ("dismiss_clock", {"regime": "dora", "clock": "initial", "withdraw": "yes"}, ["withdraw is true, or left out"]),
    ],
)
def test_a_command_that_cannot_be_carried_out_is_refused_with_everything_that_is_wrong(
    action: str, facts: dict[str, str], said: list[str]
) -> None:
    world = outage()
    before = only(world)
    text = refusal(world, "10:30", action, **facts)
    assert [word for word in said if word not in text] == [], text
    assert only(world).clocks == before.clocks


def test_a_command_to_an_unknown_incident_is_refused() -> None:
    world = outage()
    world.at("10:30").command("mark", "INC-999", regime="dora", mark="aware")
    assert "no incident 'INC-999'" in lines(world, "refused")[-1].text
