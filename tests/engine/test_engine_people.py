"""People: where messages go, who is called, what stakeholders are promised, what is formally declared."""

from __future__ import annotations

from tests.engine.laws import World
from tests.engine.people import SHOP, declared, lines, news, outage, ruled, told
from tests.scenarios.world import clock, incident

ROUTES = """
routes:
  - {id: worst, match: [severity=~"SEV1|SEV2"], audiences: [engineers], sinks: [chat, pager]}
  - {id: data, match: {owner: team-data}, audiences: [tickets], sinks: [desk]}
"""
TICKETS = """
tickets:
  rules:
    - {id: data, match: {owner: team-data}, queue: Databases}
    - {id: far, sinks: [far-desk], priority: {SEV2: Urgent}, fields: {site: north}}
    - {id: rest, queue: Outages, priority: {SEV1: "1", SEV2: "2"}, assignee: owner_of_cause, fields: {service: it}}
"""


def test_publications_go_where_the_routes_say_and_else_to_all_that_serve_the_audience() -> None:
    world, _ = outage(ROUTES, severity="critical")
    sinks = {p.audience: p.sinks for p in told(world, action="open")}
    assert sinks == {"engineers": ("chat", "pager", "log"), "stakeholders": None, "tickets": None}
    other = World(SHOP, ruled(ROUTES))
    other.at("10:00").fire("db", "Slow")
    other.at("10:02")
    assert {p.audience: p.sinks for p in told(other, action="open")}["tickets"] == ("desk", "log")


def test_the_rules_say_what_the_ticket_holds_for_all_sinks_and_for_one() -> None:
    world, _ = outage(TICKETS, severity="critical")
    opened = told(world, "tickets", "open")[0]
    usual = {"queue": "Outages", "priority": "2", "assignee": "team-cart", "fields": {"service": "it"}}
    assert opened.ticket("desk") == usual
    assert opened.ticket("far-desk") == {**usual, "priority": "Urgent", "fields": {"service": "it", "site": "north"}}
    assert all(p.body.get("ticket") is None for p in told(world, "engineers"))


def test_a_message_says_what_is_new_for_its_audience_and_nothing_twice() -> None:
    world, id = outage(severity="critical")
    world.at("10:20").command("override_severity", id, reason="it is only the test shop", level="SEV4")
    world.at("10:40").resolve("cart", "Slow")
    world.at("11:00")
    assert news(world) == [
        "open: Declared: the group wait is over and it still fires",
        "open: Severity SEV2: tier1-down (tier 1, down 2); business-down (business checkout, down 2)",
        "open: Escalation: management",
        "open: Cause: cart (it explains 1 of 1 symptoms)",
        "open: Checkout is down",
        "open: 2 entities hit; 1 alert fires",
        "update: Severity SEV4, SEV2 before: set by ada: it is only the test shop",
        "update: Escalation: team, management before",
        "update: All its alerts have ended; watching whether it stays so",
        "resolve: It stayed quiet for the recovery time; that service is back is not proven: nothing of it is measured",
        "resolve: It lasted 40 min, from 2026-09-22 10:00:00 UTC to 2026-09-22 10:40:00 UTC; its cause was cart; "
        "1 alert in all",
    ]
    assert "update: Severity SEV4, SEV2 before" in news(world, "stakeholders")
    assert not [line for line in news(world, "stakeholders") if "Escalation" in line or "alerts fire" in line]


def test_what_changes_and_changes_back_before_it_is_told_says_so_and_ends_there() -> None:
    world, id = outage()
    world.at("10:10").command("override_severity", id, reason="r", level="SEV2")
    world.at("10:11").command("override_severity", id, reason="r", level="SEV3")
    world.at("10:12").command("override_severity", id, reason="s", level="SEV2")
    waiting = [p for p in told(world, "tickets", "update") if p.not_before > clock("10:12")]
    assert len({p.not_before for p in waiting}) == 1
    assert waiting[-1].body["news"] == ["Nothing is new since the last message: what had changed has changed back"]
    world.at("10:30")
    assert len(told(world, "tickets", "update")) == len(waiting) + 1


def test_the_first_roles_are_called_at_once_and_the_next_while_nobody_acknowledges() -> None:
    world, _ = outage(severity="critical")
    called = told(world, action="escalate")
    assert [p.audience for p in called] == ["engineers"]
    assert called[0].body["reach"]["level"] == "management"
    assert {"role": "owners_of_cause", "names": ["team-cart"]} in called[0].body["reach"]["roles"]
    world.at("10:30")
    assert len(told(world, action="escalate")) == 1
    world.at("12:00")
    again = told(world, action="escalate")[1:]
    assert [(p.body["reach"], p.sinks) for p in again] == [
        ({"level": "crisis", "roles": [{"role": "crisis_lead", "names": ["Ada"]}]}, ("pager", "log"))
    ]
    assert lines(world, "unacknowledged")[-1] == "Nobody has acknowledged, and nobody is left to be called"
    assert world.core.gauges()["unacknowledged"] == 1


def test_an_acknowledgement_ends_the_steps_up_and_is_told_to_those_who_work_on_it() -> None:
    world, id = outage(severity="critical")
    world.at("10:20").command("acknowledge", id)
    world.at("12:00").restart()
    assert len(told(world, action="escalate")) == 1
    latest = world.at("12:00").incidents()[0]
    assert (latest.acknowledged_by, latest.acknowledged_at) == ("ada", clock("10:20"))
    assert [p.audience for p in told(world, action="update")] == ["engineers", "tickets"]
    assert news(world)[-1] == "update: Acknowledged by ada"


def test_a_return_of_the_trouble_is_unacknowledged_and_calls_again() -> None:
    world, id = outage(severity="critical")
    world.at("10:03").command("acknowledge", id)
    world.at("10:05").resolve("cart", "Slow")
    world.at("10:15").expect(incident(state="resolved")).fire("cart", "Slow", severity="critical")
    world.at("10:17").expect(incident(state="restoring"))
    assert world.driven.incidents()[0].acknowledged_at is None
    assert [p.generation for p in told(world, action="escalate")] == [1, 2]


def test_own_downtime_moves_the_steps_up_because_nobody_could_acknowledge() -> None:
    world, _ = outage(severity="critical")
    world.at("10:10").downtime(until="11:10")
    world.at("11:20")
    assert len(told(world, action="escalate")) == 1
    world.at("11:40")
    assert len(told(world, action="escalate")) == 2


def test_a_promised_update_that_is_not_given_is_an_alarm_and_a_persons_words_end_it() -> None:
    world, id = outage(severity="critical")
    promised = world.at("10:59").incidents()[0].next_update_at
    assert promised == told(world, "stakeholders", "open")[0].not_before + 3_600_000
    world.at("11:05")
    assert [(p.audience, p.created_at) for p in told(world, action="overdue")] == [("engineers", promised)]
    assert world.core.gauges()["updates_overdue"] == 1
    assert lines(world, "overdue") == [
        "Stakeholders were to hear of it by 2026-09-22 11:00:30 UTC, and nobody has written"
    ]
    world.at("11:06").command("update", id, text="A disk is being replaced")
    assert world.core.gauges()["updates_overdue"] == 0
    given = told(world, "stakeholders", "update")[-1]
    assert given.body["news"] == ["Status from ada: A disk is being replaced"]
    assert given.body["incident"]["next_update_at"] == clock("12:06")
    assert given.body["incident"]["status"] == {"text": "A disk is being replaced", "by": "ada", "at": clock("11:06")}
    assert [p.audience for p in told(world, action="update")] == ["stakeholders", "tickets"]
    world.at("12:05").command("note", id, text="half done")
    world.at("12:30")
    assert len(told(world, action="overdue")) == 1
    world.at("13:06")
    assert len(told(world, action="overdue")) == 2


def test_the_cadence_follows_the_severity_and_ends_with_the_incident() -> None:
    world, id = outage("updates: {SEV3: 2h, SEV2: never}", severity="critical")
    assert world.at("10:03").incidents()[0].next_update_at is None
    world.at("10:20").command("override_severity", id, reason="r", level="SEV3")
    assert world.at("10:21").incidents()[0].next_update_at == clock("12:20")
    world.at("10:30").resolve("cart", "Slow")
    world.at("10:36").expect(incident(state="resolved")).command("update", id, text="all well")
    world.at("14:00")
    assert world.driven.incidents()[0].next_update_at is None
    assert told(world, action="overdue") == []
    assert lines(world, "refused") == [f"{id} is resolved, and nobody waits for an update"]


def test_a_formal_declaration_activates_the_crisis_team_once_and_is_kept() -> None:
    world, id = outage(severity="critical")
    assert declared(world).team == ()
    world.at("10:20").command("override_severity", id, actor="grace", reason="customers call", level="SEV1")
    world.at("10:40")
    messages = told(world, action="declare")
    assert [p.audience for p in messages] == ["engineers", "stakeholders", "tickets"]
    kept = declared(world)
    assert (kept.severity, kept.by, kept.team_at) == ("SEV2", "", clock("10:20"))
    assert [(one.role, one.names) for one in kept.team] == [
        ("crisis_lead", ("Ada",)), ("duty_manager", ("Dana",)), ("owners_of_cause", ("team-cart",)),
    ]  # fmt: skip
    assert messages[0].body["declaration"]["team"][0]["role"] == "crisis_lead"
    assert lines(world, "crisis_team") == [
        "Crisis team for SEV1 activated: crisis lead (Ada), duty manager (Dana), owners of cause (team-cart)"
    ]


def test_a_person_declares_formally() -> None:
    world = World(SHOP, ruled("escalation: {roles: {duty_manager: [Dana]}, teams: {SEV2: [duty_manager]}}"))
    world.at("10:00").fire("cart", "Slow", severity="critical")
    world.at("10:00:10").command("declare", world.driven.incidents()[0].id, actor="grace", reason="I saw it")
    kept = declared(world)
    assert (kept.by, kept.why, kept.severity, kept.at) == ("grace", "I saw it", "SEV2", clock("10:00:10"))
    assert "declare: Formally declared SEV2 by grace: I saw it" in news(world)
    roles = [role["role"] for p in told(world, action="escalate") for role in p.body["reach"]["roles"]]
    assert "duty_manager" not in roles, "the team was called already"
    line = next(line for line in world.driven.timeline if line.kind == "crisis_team")
    assert (line.actor, line.facts["declared_by"], line.facts["severity"]) == ("grace", "grace", "SEV2")
