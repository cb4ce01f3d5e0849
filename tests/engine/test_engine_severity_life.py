"""Severity and escalation over the life of an incident: they follow time and facts, say why, and heed people."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest

from engine.outcomes import IncidentView
from rules.parse import parse_rules
from rules.ruleset import RuleSet
from tests.engine.laws import World
from tests.engine.severities import because, entity, lines, only, plain, sample
from tests.scenarios.world import chain, clock, shown
from topology.model import Dependency, Kind, Semantics, Topology

SERVICE = Kind.BUSINESS_SERVICE
PAY = chain(
    "pay -> cards -> ledger",
    "shop -> cards",
    entities=[
        entity("pay", SERVICE, users=900, critical=True, owner="payments", regions=("DE", "FR"), tier=2, rto=7200),
        entity("shop", SERVICE, users=50, critical=False, owner="retail", regions=("DE",), tier=3),
        entity("cards", owner="team-cards", restore=1800),
        entity("ledger", Kind.DATABASE, owner="team-data", restore=1200, rpo=60, replication=5),
    ],
)


def rules(text: str) -> RuleSet:
    made, problems = parse_rules({"r.yaml": text})
    assert made is not None, problems
    return made


QUIET = rules("severity: {users_total: 10000000, without: [rto-breach]}\nescalation: {without: [critical-function]}\n")


def reached(view: IncidentView) -> dict[str, tuple[str, ...]]:
    return {one.role: one.names for one in view.escalation.reach}


# ------------------------------------------------------------------------------------------------------------ time


def test_a_critical_function_down_for_two_hours_becomes_worse_by_mere_lapse_of_time() -> None:
    world = World(PAY, QUIET)
    world.at("10:00").fire("cards", "Down", severity="critical")
    world.at("11:59:59")
    assert only(world).severity.level == "SEV2"
    world.at("12:00:01")
    view = only(world)
    assert view.severity.level == "SEV1"
    two_hours = {"since": clock("10:00"), "at_least": 7_200_000}
    assert because(view, "critical-function-down") == {"critical_down_for": two_hours}
    assert view.why.startswith("severity SEV2 → SEV1: critical-function-down fired (critical_down_for reached 2 h)")
    (line,) = [one for one in lines(world, "severity") if one.facts.get("after") == "SEV1"]
    assert line.at == clock("12:00")


def test_what_has_ended_lasts_no_longer() -> None:
    world = World(PAY, QUIET)
    world.at("10:00").fire("cards", "Down", severity="critical")
    world.at("11:58").resolve("cards", "Down")
    world.at("13:00")
    view = only(world)
    assert (view.state, view.severity.level) == ("resolved", "SEV2")


def test_an_rto_that_can_no_longer_be_kept_is_told_before_it_is_broken() -> None:
    world = World(PAY, rules("severity: {users_total: 10000000}\n"))
    world.at("10:00").fire("ledger", "Down", severity="critical")
    world.at("10:01")
    assert because(only(world), "rto-breach") is None
    assert only(world).harm.rto_missed is None, "nobody says how long pay itself takes"
    world.at("11:09:59")
    assert because(only(world), "rto-breach") is None
    world.at("11:10:02")
    assert because(only(world), "rto-breach") == {"rto_breach": True}, "two hours without 50 minutes of restoration"
    assert "rto-breach fired (rto_breach cannot be excluded → yes)" in only(world).why
    world.at("11:20").resolve("ledger", "Down")
    world.at("12:30")
    assert only(world).harm.rto_missed is False, "it was back in time after all"


def test_what_a_queue_still_holds_up_is_foreseen_and_then_counted_when_its_buffer_is_spent() -> None:
    topology = Topology.build(
        [
            entity("mail", SERVICE, users=10, owner="post"),
            entity("jobs", Kind.QUEUE, durable=True),
            entity("idle", users=0),
        ],
        [
            Dependency(consumer="mail", provider="jobs", semantics=Semantics.ASYNC, buffer=600),
            Dependency(consumer="idle", provider="mail"),
        ],
    )
    world = World(topology, rules("severity: {users_total: 10000000}\n"))
    world.at("10:00").fire("jobs", "Down", severity="critical")
    world.at("10:05")
    view = only(world)
    assert view.harm.later_down == (("idle", clock("10:10")), ("mail", clock("10:10")))
    assert (view.harm.business_services, view.users) == ((), (0, 0))
    assert because(view, "down-or-falling") == {"going_down": 3}
    world.at("10:10")
    view = only(world)
    assert (view.harm.business_services, view.harm.later_down, view.users) == (("mail",), (), (10, 10))
    assert "severity SEV3 → SEV2: business-down fired (business 0 → 1" in view.why


# ------------------------------------------------------------------------------------------------- growing, shrinking


def test_every_change_is_a_revision_that_names_the_rule_and_its_numbers() -> None:
    world = World(PAY, QUIET)
    world.at("10:00").fire("cards", "Slow")
    world.at("10:02")
    assert only(world).severity.level == "SEV3"
    world.at("10:05").fire("cards", "Down", severity="critical")
    world.at("10:06")
    view = only(world)
    assert view.severity.level == "SEV2"
    assert "business-down fired (down 0 → 3)" in view.why
    line = lines(world, "severity")[-1]
    assert line.facts["changed"]["down"] == [0, 3]
    assert (line.facts["before"], line.facts["after"]) == ("SEV3", "SEV2")
    world.at("10:10").resolve("cards", "Down")
    world.at("10:11")
    view = only(world)
    assert view.severity.level == "SEV3"
    assert "business-down no longer holds (down 3 → 0)" in view.why


def test_an_escalation_is_raised_and_never_lowered_without_a_reason() -> None:
    world = World(PAY, QUIET)
    world.at("10:00").fire("cards", "Slow")
    world.at("10:02")
    view = only(world)
    assert (view.severity.level, view.escalation.level) == ("SEV3", "team")
    assert reached(view) == {"owners_of_business": ("payments", "retail"), "owners_of_cause": ("team-cards",)}
    world.at("10:05").fire("cards", "Down", severity="critical")
    world.at("10:06")
    view = only(world)
    assert view.escalation.level == "management"
    assert reached(view)["duty_manager"] == (), "nobody is named yet, and that is shown"
    assert reached(view)["owners_of_business"] == ("payments", "retail")
    raised = lines(world, "escalation")[-1]
    assert raised.text.startswith("Escalation team → management: "), raised.text
    assert "severity SEV2" in raised.text
    world.at("10:10").resolve("cards", "Down")
    world.at("10:11")
    lowered = lines(world, "escalation")[-1]
    assert lowered.text.startswith("Escalation management → team: "), lowered.text
    assert "major no longer holds" in lowered.text


def test_those_to_be_reached_keep_the_time_by_which_they_were_first_asked_for() -> None:
    named = rules(
        "severity: {users_total: 10000000, without: [rto-breach]}\n"
        "escalation:\n  roles: {duty_manager: [Ada Byron], crisis_lead: [Grace Murray]}\n"
    )
    world = World(PAY, named)
    world.at("10:00").fire("cards", "Down", severity="critical")
    world.at("10:01")
    first = {one.role: one for one in only(world).escalation.reach}
    assert first["duty_manager"].names == ("Ada Byron",)
    asked = only(world).escalation.since
    assert asked is not None
    assert first["duty_manager"].due == asked + 30 * 60_000
    assert only(world).escalation.due == min(one.due for one in first.values())
    world.at("12:00:01")
    view = only(world)
    later = {one.role: one for one in view.escalation.reach}
    assert view.escalation.level == "crisis"
    assert later["duty_manager"].due == first["duty_manager"].due
    assert (later["crisis_lead"].names, shown(later["crisis_lead"].due)) == (("Grace Murray",), "12:15:00")
    told = {row.body["why"] for row in world.driven.outbox}
    assert told, "people hear of it"


# ----------------------------------------------------------------------------------------------------------- by hand


def started() -> tuple[World, str]:
    world = World(PAY, QUIET)
    world.at("10:00").fire("cards", "Slow")
    world.at("10:02")
    return world, only(world).id


def test_a_level_set_by_hand_is_shown_beside_the_computed_one_with_who_when_and_why() -> None:
    world, name = started()
    world.at("10:03").command("override_severity", name, reason="a rehearsal", level="SEV5")
    view = only(world)
    assert (view.severity.level, view.severity.computed) == ("SEV5", "SEV3")
    override = view.severity.override
    assert override is not None
    assert (override.by, override.why, shown(override.at), override.level) == ("ada", "a rehearsal", "10:03:00", "SEV5")
    assert view.severity.fired, "what was computed is not lost"
    assert view.why.startswith("severity set to SEV5 by ada: a rehearsal")
    lowered = lines(world, "escalation")[-1]
    assert "severity SEV5, set by ada: a rehearsal" in lowered.text


def test_a_level_set_by_hand_holds_while_the_incident_grows_and_is_asked_again_when_that_is_worse() -> None:
    world, name = started()
    world.at("10:03").command("override_severity", name, reason="known", level="SEV4")
    world.at("10:05").fire("cards", "Down", severity="critical")
    world.at("10:06")
    view = only(world)
    assert (view.severity.level, view.severity.computed) == ("SEV4", "SEV2")
    (asked,) = lines(world, "override_asked")
    assert asked.text == "The computed severity is SEV2 now, ada has set SEV4: set it again or withdraw it"
    world.at("11:30")
    assert len(lines(world, "override_asked")) == 1, "asked once per level"
    world.at("12:30")
    assert [line.facts["computed"] for line in lines(world, "override_asked")] == ["SEV2", "SEV1"]
    assert only(world).severity.level == "SEV4"


def test_a_level_set_by_hand_is_not_asked_again_for_what_the_person_knew() -> None:
    world, name = started()
    world.at("10:05").fire("cards", "Down", severity="critical")
    world.at("10:06").command("override_severity", name, reason="known", level="SEV4")
    world.at("11:00")
    assert lines(world, "override_asked") == []


def test_a_level_set_by_hand_is_withdrawn_with_a_reason() -> None:
    world, name = started()
    world.at("10:03").command("override_severity", name, reason="a rehearsal", level="SEV1")
    assert only(world).escalation.level == "crisis"
    world.at("10:04").command("withdraw_override", name, actor="grace")
    assert world.driven.timeline[-1].text == "withdraw_override needs reason"
    world.at("10:04").command("withdraw_override", name, actor="grace", reason="it is over")
    view = only(world)
    assert (view.severity.level, view.severity.override, view.escalation.level) == ("SEV3", None, "team")
    assert view.why.startswith("severity SEV1 withdrawn by grace: it is over")
    (line,) = lines(world, "override_withdrawn")
    assert (line.actor, line.facts) == ("grace", {"before": "SEV1", "after": "SEV3"})
    world.at("10:05").command("withdraw_override", name, reason="again")
    assert "nobody has set the severity" in world.driven.timeline[-1].text


def test_a_level_of_sev1_set_by_hand_declares_without_waiting() -> None:
    world = World(PAY, rules("severity: {users_total: 10000000}\n"))
    world.at("10:00").fire("shop", "Slow")
    world.at("10:00:05")
    view = only(world)
    assert view.state == "suspected"
    world.at("10:00:06").command("override_severity", view.id, reason="the board calls", level="SEV1")
    assert only(world).state == "declared"


@pytest.mark.parametrize(
    ("mine", "other", "held"), [("SEV1", "", "SEV1"), ("", "SEV1", "SEV1"), ("SEV4", "SEV2", "SEV2")]
)
def test_a_merge_keeps_what_was_set_by_hand_and_of_two_the_worse(mine: str, other: str, held: str) -> None:
    topology = chain("shop -> cart", "mail -> post")
    joined = Topology.build(
        [entity(e.id, e.kind, domain="all") for e in topology.content.entities], topology.content.dependencies
    )
    world = World(joined)
    world.at("10:00").fire("cart", "Slow").fire("post", "Slow")
    world.at("10:02")
    by = {view.entities[0]: view.id for view in world.driven.incidents()}
    for entity_, level in (("cart", mine), ("post", other)):
        if level:
            world.at("10:03").command("override_severity", by[entity_], reason="known", level=level)
    world.at("10:04").command("merge", by["cart"], reason="the same", into=by["post"])
    world.at("10:06")
    view = only(world)
    assert (view.alerts, view.severity.level) == (2, held), world.story()
    assert view.severity.override is not None
    assert view.severity.override.by == "ada"


# ------------------------------------------------------------------------------------------------------------- laws

NAMES = ("pay", "shop", "cards", "ledger")


def play(seed: int, step: int = 0, restarts: frozenset[int] = frozenset()) -> World:
    """Alerts, samples, levels set and withdrawn, at random; timers looked at every ``step`` milliseconds."""
    rng = Random(seed)
    world = World(PAY)
    now = clock("08:00")
    for number in range(40):
        now += rng.choice((1_000, 5_000, 60_000, 1_500_000))
        world.driven.pass_time(now, (lambda: step) if step else None)
        at = shown(now)
        what = rng.random()
        name = rng.choice(NAMES)
        if what < 0.45:
            world.at(at).fire(name, "Down", severity=rng.choice(("critical", "warning", "error")), ends="")
        elif what < 0.7 and (name, "Down") in world.events:
            world.at(at).resolve(name, "Down")
        elif what < 0.85:
            sample(world, at, "pg_replication_lag_seconds", "ledger", rng.choice((1, 59, 61, 900)))
        elif world.driven.incidents():
            target = world.driven.incidents()[-1].id
            if rng.random() < 0.6:
                level = f"SEV{rng.randint(1, 5)}"
                world.at(at).command("override_severity", target, reason="known", level=level)
            else:
                world.at(at).command("withdraw_override", target, reason="over")
        if number in restarts:
            world.driven.restart()
    world.driven.pass_time(now + 4 * 3_600_000, (lambda: step) if step else None)
    return world


def decided(world: World) -> list[bytes]:
    return [decision.payload for decision in world.driven.decisions]


@pytest.mark.parametrize("seed", range(6))
def test_the_same_inputs_are_decided_alike_however_often_time_is_looked_at_and_after_restarts(seed: int) -> None:
    plain_run = decided(play(seed))
    assert decided(play(seed, step=700_000)) == plain_run
    assert decided(play(seed, restarts=frozenset(Random(seed).sample(range(40), 10)))) == plain_run


@pytest.mark.parametrize("seed", range(12))
def test_no_level_ever_changes_in_silence(seed: int) -> None:
    world = play(seed)
    said = {(line.incident, line.at, line.kind) for line in world.driven.timeline}
    for name, revisions in world.driven.revisions.items():
        for before, after in pairwise(revisions):
            at = after.updated_at
            if before.severity.computed != after.severity.computed:
                assert (name, at, "severity") in said, (before.why, after.why)
                assert f"{before.severity.computed} → {after.severity.computed}" in after.why
            if before.escalation.level != after.escalation.level:
                assert (name, at, "escalation") in said
                assert "scalation" in after.why
            if before.severity.override != after.severity.override:
                kinds = {"severity", "override_withdrawn", "override_asked"}
                assert any((name, at, kind) in said for kind in kinds)


@pytest.mark.parametrize("seed", range(6))
def test_what_is_shown_agrees_with_itself(seed: int) -> None:
    for revisions in play(seed).driven.revisions.values():
        for view in revisions:
            severity = view.severity
            assert severity.computed == min((rule["level"] for rule in severity.fired), default="SEV5")
            assert severity.level == (severity.override.level if severity.override else severity.computed)
            assert all(rule["level"] < severity.computed for rule in severity.open)
            assert {fact for rule in severity.open for fact in rule["missing"]} == set(severity.missing)
            users = view.harm.users
            assert users.high is None or users.low <= users.high
            due = [one.due for one in view.escalation.reach]
            assert due == sorted(due)
            assert plain(view)["escalation"]["due"] == min(due, default=None)
