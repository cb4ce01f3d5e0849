"""Versions of the topology and the rules come into force while things are on fire."""

from __future__ import annotations

import pytest

from engine.errors import UnknownVersion
from engine.reasons import Disposition, Reason
from engine.signals import Activation
from rules.gates import Window
from rules.ruleset import Content, RuleSet
from tests.engine.laws import World
from tests.scenarios.world import Moment, chain, clock, incident
from topology.model import Entity, Topology

APART = chain("shop -> cart -> db-1", "voice -> gate -> net-1")
JOINED = chain("shop -> cart -> db-1 -> net-1", "voice -> gate -> net-1")


def _adopt(world: World, time: str, topology: Topology) -> Moment:
    moment = world.at(time)
    version = world.driven.library.add_topology(topology)
    world.driven.feed(moment.now, (Activation("topology", version),))
    return moment


def _rules(world: World, time: str, rules: RuleSet) -> Moment:
    moment = world.at(time)
    world.driven.feed(moment.now, (Activation("rules", world.driven.library.add_rules(rules)),))
    return moment


def test_a_dependency_that_was_missing_makes_two_incidents_one() -> None:
    world = World(APART)
    world.at("10:00").fire("net-1", "Down", severity="critical").fire("db-1", "Down", severity="critical")
    first = world.at("10:01").expect(incident(cause="net-1"), incident(cause="db-1")).incidents()[0]
    _adopt(world, "10:02", JOINED)
    told = world.at("10:03").expect(incident(cause="net-1", alerts=2, impacted={"shop", "voice"})).incidents()
    assert told[0].id == first.id
    assert told[0].versions["topology"] == JOINED.version


def test_a_dependency_that_goes_makes_one_incident_two_and_the_first_keeps_its_id() -> None:
    world = World(JOINED)
    world.at("10:00").fire("net-1", "Down", severity="critical").fire("db-1", "Down", severity="critical")
    first = world.at("10:01").expect(incident(cause="net-1", alerts=2)).incidents()[0]
    _adopt(world, "10:02", APART)
    told = world.at("10:03").expect(incident(cause="net-1", alerts=1), incident(cause="db-1", alerts=1)).incidents()
    assert first.id in {view.id for view in told}
    assert {view.domain for view in told} == {"cart", "gate"}


def test_an_entity_that_is_removed_leaves_its_alert_unmapped_and_told() -> None:
    world = World(APART)
    world.at("10:00").fire("cart", "Down", severity="critical")
    first = world.at("10:01").incidents()[0]
    _adopt(world, "10:02", chain("voice -> gate -> net-1"))
    moment = world.at("10:03").expect(incident(entities={"cart"}, state="declared"))
    assert not moment.alert("cart", "Down").mapped
    assert moment.incidents()[0].id == first.id
    world.at("10:04").resolve("cart", "Down")
    world.at("11:00").expect(incident(state="resolved"))


def test_an_entity_that_is_renamed_takes_its_incident_along() -> None:
    world = World(APART)
    world.at("10:00").fire("cart", "Down", severity="critical")
    first = world.at("10:01").incidents()[0]
    _adopt(world, "10:02", chain("shop -> basket -> db-1", entities=[Entity(id="basket", aliases=("cart",))]))
    moment = world.at("10:03").expect(incident(cause="basket", impacted={"shop"}, spared={"cart"}))
    assert moment.incidents()[0].id == first.id
    moment.fire("cart", "Down", severity="critical", since="10:00")
    moment.expect_event("cart", "Down", Disposition.DUPLICATE, Reason.REPEAT)
    assert world.at("10:04").alert("cart", "Down").entity == "basket"


def test_what_a_person_joined_and_split_outlives_a_renamed_domain() -> None:
    world = World(chain("shop -> cart -> db-1", "shop -> pay"))
    for entity in ("db-1", "cart", "pay"):
        world.at("10:00").fire(entity, "Down", severity="critical")
    moment = world.at("10:02").expect(incident(alerts=2), incident(alerts=1))
    db, pay = (next(v for v in moment.incidents() if e in v.entities) for e in ("db-1", "pay"))
    moment.command("merge", pay.id, reason="r", into=db.id)
    moment = world.at("10:03").expect(incident(alerts=3))
    moment.command("split", db.id, reason="r", alerts=str(moment.alert("cart", "Down").no))
    wanted = incident(entities={"db-1", "pay"}, alerts=2), incident(entities={"cart"}, alerts=1)
    world.at("10:04").expect(*wanted)
    _adopt(world, "10:05", chain("shop -> cart -> db-1", "shop -> pay", "a-first -> shop"))
    assert world.at("10:10").expect(*wanted).incidents()[0].domain == "a-first"


def test_an_incident_that_returns_after_its_domain_was_renamed_is_the_same() -> None:
    world = World(APART)
    world.at("10:00").fire("cart", "Down", severity="critical")
    world.at("10:02").resolve("cart", "Down")
    first = world.at("10:10").expect(incident(state="resolved")).incidents()[0]
    _adopt(world, "10:11", chain("shop -> cart -> db-1", "a-first -> shop"))
    world.at("10:12").fire("cart", "Down", severity="critical")
    moment = world.at("10:14").expect(incident(state="restoring", alerts=1))
    assert (moment.incidents()[0].id, moment.incidents()[0].domain) == (first.id, "a-first")


def test_a_window_that_is_added_covers_what_fires_already_and_lets_it_out_again() -> None:
    window = Window("work", entities=("cart",), starts_at=clock("10:00"), ends_at=clock("11:00"))
    world = World(APART)
    world.at("10:00").fire("cart", "Down", severity="critical").fire("shop", "Slow")
    world.at("10:01").expect(incident(cause="cart", alerts=2))
    _rules(world, "10:02", RuleSet(Content(maintenance=(window,))))
    world.at("10:03").expect_event("cart", "Down", Disposition.SUPPRESSED, Reason.MAINTENANCE)
    world.at("10:10").expect(incident(entities={"shop"}, alerts=1))
    world.at("11:01").expect(incident(cause="cart", alerts=2))


def test_a_window_that_is_withdrawn_brings_its_alerts_forward() -> None:
    window = Window("work", entities=("cart",), starts_at=clock("09:00"), ends_at=clock("12:00"))
    world = World(APART, RuleSet(Content(maintenance=(window,))))
    world.at("10:00").fire("cart", "Down", severity="critical").expect()
    _rules(world, "10:30", RuleSet.default())
    world.at("10:32").expect(incident(cause="cart"))


def test_a_new_topology_reopens_nothing_that_a_person_closed() -> None:
    world = World(APART)
    world.at("10:00").fire("cart", "Down", severity="critical")
    name = world.at("10:01").incidents()[0].id
    world.at("10:02").command("close", name, reason="known")
    _adopt(world, "10:03", JOINED)
    world.at("10:10").expect(incident(state="resolved"))


def test_an_alert_of_what_has_become_a_security_entity_counts_as_one() -> None:
    guarded = chain("shop -> cart", entities=[Entity(id="cart", security=True)])
    world = World(APART)
    world.at("10:00").fire("cart", "Down", severity="critical")
    _adopt(world, "10:01", guarded)
    assert world.core.state.alerts[1].security


@pytest.mark.parametrize("kind", ["topology", "rules"])
def test_a_version_that_nobody_provided_is_an_error_and_changes_nothing(kind: str) -> None:
    world = World(APART)
    before = world.core.state.topology, world.core.state.rules
    with pytest.raises(UnknownVersion, match="abc"):
        world.core.handle(99, (Activation(kind, "abc"),), clock("10:00"))
    assert (world.core.state.topology, world.core.state.rules) == before
