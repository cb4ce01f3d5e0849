"""Assumptions that an incident puts at stake, and when they break."""

from __future__ import annotations

from engine.outcomes import AssumptionView
from tests.engine.laws import World
from tests.engine.severities import entity, lines, only
from tests.scenarios.world import clock
from topology.continuity import Assumption, Contract
from topology.model import Dependency, Kind, Topology

HOUR = 3600
CONTRACT = Contract(reference="C-7", rto=HOUR)


def payments(contract: Contract | None = CONTRACT, rto: int | None = None) -> World:
    """Payouts and cards both rely on the scheme; payouts say so."""
    scheme = entity("scheme", Kind.THIRD_PARTY, contract=contract, rto=rto, restore=60)
    assumed = Assumption(id="scheme-answers", on="scheme", text="the scheme is back soon", agreed_by="head of payouts")
    topology = Topology.build(
        [
            scheme,
            entity("cards"),
            entity("payouts", Kind.BUSINESS_SERVICE, assumptions=(assumed,)),
            entity("router"),
            entity("ledger", assumptions=(Assumption(id="a", on="router"),)),
        ],
        [
            Dependency(consumer="cards", provider="scheme"),
            Dependency(consumer="router", provider="scheme"),
            Dependency(consumer="payouts", provider="router"),
        ],
    )
    return World(topology)


def assumption(world: World) -> AssumptionView:
    return next(one for one in only(world).harm.assumptions if one.on == "scheme")


def test_an_assumption_is_at_stake_while_the_contract_allows_the_absence_and_breaks_when_that_is_over():
    world = payments()
    world.at("10:00").fire("scheme", "SchemeDown", severity="critical")
    world.at("10:05")
    one = assumption(world)
    assert (one.entity, one.id, one.text, one.agreed_by) == (
        "payouts",
        "scheme-answers",
        "the scheme is back soon",
        "head of payouts",
    )
    assert (one.state, one.low, one.high, one.since) == ("at_stake", 0, 0, clock("10:00"))
    assert (one.allowed, one.said_by, one.contract, one.due) == (HOUR, "contract", "C-7", clock("11:00"))
    assert (one.consumers, one.consumers_total) == (("cards", "router"), 2)
    assert not [line for line in lines(world, "assumption") if line.facts["on"] == "scheme"]
    world.at("11:00")
    assert assumption(world).state == "at_stake", "within the hour that the contract allows"
    world.at("11:00:02")
    assert assumption(world).state == "broken"
    (line,) = [line for line in lines(world, "assumption") if line.facts["on"] == "scheme"]
    assert (line.at, line.facts["entity"], line.facts["due"]) == (clock("11:00:01"), "payouts", clock("11:00"))
    assert "an assumption of payouts is broken (scheme-answers): scheme is not up" in only(world).why
    updates = [one for one in world.driven.outbox if one.action == "update" and one.created_at == clock("11:00:01")]
    assert updates, "people are told"


def test_an_assumption_that_holds_again_is_told_once_and_the_record_keeps_until_when_it_was_broken():
    world = payments()
    world.at("10:00").fire("scheme", "SchemeDown", severity="critical")
    world.at("11:30").resolve("scheme", "SchemeDown")
    world.at("11:31")
    assert (assumption(world).state, assumption(world).until) == ("broken", clock("11:30"))
    told = [line.text for line in lines(world, "assumption") if line.facts["on"] == "scheme"]
    assert told == [
        "an assumption of payouts is broken (scheme-answers): scheme is not up",
        "an assumption of payouts about scheme holds again (scheme-answers)",
    ]
    world.at("11:31:30").fire("scheme", "SchemeDown", severity="critical")
    world.at("11:32:30")
    assert assumption(world).until is None
    told = [line.text for line in lines(world, "assumption") if line.facts["on"] == "scheme"]
    assert told[2:] == ["an assumption of payouts is broken (scheme-answers): scheme is not up"], "it broke again"


def test_without_a_contract_the_objective_says_for_how_long_and_without_both_it_breaks_at_once():
    for contract, rto, said_by, due in (
        (Contract(reference="C-7"), 2 * HOUR, "rto", clock("12:00")),
        (None, None, "", None),
    ):
        world = payments(contract, rto)
        world.at("10:00").fire("scheme", "SchemeDown", severity="critical")
        world.at("10:05")
        one = assumption(world)
        assert (one.said_by, one.due) == (said_by, due)
        assert one.state == ("broken" if due is None else "at_stake")


def test_what_is_assumed_of_an_entity_that_is_pulled_down_is_broken_too():
    world = payments()
    world.at("10:00").fire("scheme", "SchemeDown", severity="critical")
    world.at("10:05")
    states = {one.on: (one.entity, one.state) for one in only(world).harm.assumptions}
    assert states == {"router": ("ledger", "broken"), "scheme": ("payouts", "at_stake")}


def test_an_outage_that_ends_in_time_breaks_nothing():
    world = payments()
    world.at("10:00").fire("scheme", "SchemeDown", severity="critical")
    world.at("10:50").resolve("scheme", "SchemeDown")
    world.at("12:30")
    assert assumption(world).state == "at_stake"
    assert not [line for line in lines(world, "assumption") if line.facts["on"] == "scheme"]


def test_a_snapshot_carries_what_is_at_stake():
    one, other = payments(), payments()
    for world in (one, other):
        world.at("10:00").fire("scheme", "SchemeDown", severity="critical")
        world.at("10:05")
    other.at("10:06").restart()
    for world in (one, other):
        world.at("11:30")
    assert one.driven.decisions == other.driven.decisions
