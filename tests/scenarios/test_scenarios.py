"""What happens, and what people are told: the engine's promises as stories."""

from __future__ import annotations

from engine.reasons import Disposition, Reason
from rules.gates import Window
from rules.ruleset import Content, RuleSet
from tests.scenarios.world import World, chain, clock, incident
from topology.model import Entity, Kind

NETWORK = chain(
    "voice -> agg-1 -> core-1",
    "iptv -> agg-2 -> core-1",
    "shop -> cart -> db-1",
    "cart -> agg-2",
    entities=[Entity(id="core-1", kind=Kind.NETWORK_DEVICE), Entity(id="db-1", kind=Kind.DATABASE)],
)


def test_a_core_router_that_goes_down_is_one_incident() -> None:
    world = World(NETWORK)
    world.at("10:00:00").fire("core-1", "LinkDown", severity="critical")
    world.at("10:00:20").fire("agg-1", "Unreachable").fire("agg-2", "Unreachable")
    world.at("10:00:40").fire("iptv", "NoStream", severity="critical")
    world.at("10:05").expect(incident(cause="core-1", impacted={"voice", "iptv", "shop"}, spared={"db-1"}, alerts=4))


def test_symptoms_that_arrive_before_their_cause_end_in_the_same_incident() -> None:
    world = World(NETWORK)
    world.at("10:00:00").fire("iptv", "NoStream", severity="critical").fire("agg-1", "Unreachable")
    world.at("10:00:10").fire("agg-2", "Unreachable").fire("core-1", "LinkDown", severity="critical")
    world.at("10:05").expect(incident(cause="core-1", impacted={"voice", "iptv"}, alerts=4))


def test_a_resolved_alert_lets_its_incident_recover_and_then_resolve() -> None:
    world = World(NETWORK)
    world.at("10:00").fire("db-1", "DbDown", severity="critical")
    world.at("10:02").expect(incident(cause="db-1", impacted={"shop", "cart"}))
    world.at("10:10").resolve("db-1", "DbDown").expect_event("db-1", "DbDown", Disposition.RESOLVED, Reason.ENDED)
    world.at("10:10:30").expect(incident(cause="db-1", state="recovering"))
    world.at("11:00").expect(incident(cause="db-1", state="resolved"))


def test_an_alert_whose_announced_end_passes_unrenewed_has_ended() -> None:
    world = World(NETWORK)
    world.at("10:00").fire("db-1", "DbDown", severity="critical", ends="10:04")
    world.at("10:03").fire("db-1", "DbDown", severity="critical", since="10:00", ends="10:07")
    assert world.at("10:05").alert("db-1", "DbDown").state == "firing"
    assert world.at("10:07:01").alert("db-1", "DbDown").state == "resolved"
    world.at("11:00").expect(incident(cause="db-1", state="resolved"))


def test_an_alert_without_an_announced_end_ends_with_the_resolve_timeout() -> None:
    world = World(NETWORK)
    world.at("10:00").fire("db-1", "DbDown", severity="critical", resent=True)
    assert world.at("10:04:59").alert("db-1", "DbDown").state == "firing"
    assert world.at("10:05:01").alert("db-1", "DbDown").state == "resolved"


def test_a_repeat_is_a_duplicate_and_changes_nothing() -> None:
    world = World(NETWORK)
    world.at("10:00").fire("db-1", "DbDown", severity="critical")
    world.at("10:02").expect(incident(cause="db-1", alerts=1))
    world.at("10:03").fire("db-1", "DbDown", severity="critical", since="10:00")
    world.at("10:03:30").expect_event("db-1", "DbDown", Disposition.DUPLICATE, Reason.REPEAT)
    world.at("10:04").expect(incident(cause="db-1", alerts=1))
    counts = world.driven.core.counts
    assert (counts["received"], counts["duplicate"]) == (2, 1)


def test_two_independent_troubles_in_one_connected_topology_are_two_incidents() -> None:
    world = World(NETWORK)
    world.at("10:00").fire("db-1", "DbDown", severity="critical").fire("agg-1", "Unreachable", severity="critical")
    world.at("10:00:20").fire("cart", "HighErrorRate").fire("voice", "CallsDropped")
    world.at("10:05").expect(
        incident(cause="db-1", entities={"db-1", "cart"}, spared={"voice"}, alerts=2),
        incident(cause="agg-1", entities={"agg-1", "voice"}, spared={"cart"}, alerts=2),
    )


def test_own_downtime_shifts_the_expiry_of_alerts() -> None:
    world = World(NETWORK)
    world.at("10:00").fire("db-1", "DbDown", severity="critical", resent=True)
    world.at("10:01").downtime(until="10:11")
    assert world.at("10:11").alert("db-1", "DbDown").state == "firing", world.story()
    assert world.at("10:14:59").alert("db-1", "DbDown").state == "firing", world.story()
    assert world.at("10:15:01").alert("db-1", "DbDown").state == "resolved", world.story()


def test_a_source_that_falls_silent_opens_an_incident() -> None:
    world = World(NETWORK)
    for minute in range(3):
        world.at(f"10:{minute:02}").heartbeat("prometheus/eu", every=60)
    world.at("10:02:30").expect()
    world.at("10:30")
    told = world.driven.told()
    assert len(told) == 1, world.story()
    assert "prometheus/eu" in told[0].title, world.story()


def test_a_source_that_speaks_while_we_are_down_is_not_called_lost() -> None:
    world = World(NETWORK)
    world.at("10:00").heartbeat("prometheus/eu", every=60)
    world.at("10:00:30").downtime(until="10:20")
    world.at("10:20:20").heartbeat("prometheus/eu", every=60).expect()
    world.at("10:20:50").expect()


def test_maintenance_on_a_provider_does_not_hide_its_consumers() -> None:
    window = Window("db-work", entities=("db-1",), starts_at=clock("09:00"), ends_at=clock("12:00"))
    world = World(NETWORK, RuleSet(Content(maintenance=(window,))))
    world.at("10:00").fire("db-1", "DbDown", severity="critical")
    world.at("10:01").expect_event("db-1", "DbDown", Disposition.SUPPRESSED, Reason.MAINTENANCE).expect()
    world.at("10:02").fire("cart", "HighErrorRate", severity="critical")
    world.at("10:07").expect(incident(entities={"cart"}, impacted={"shop"}))


def test_an_alert_that_outlives_its_maintenance_window_is_told() -> None:
    window = Window("db-work", entities=("db-1",), starts_at=clock("09:00"), ends_at=clock("11:00"))
    world = World(NETWORK, RuleSet(Content(maintenance=(window,))))
    world.at("10:30").fire("db-1", "DbDown", severity="critical")
    world.at("10:59").expect()
    world.at("11:05").expect(incident(cause="db-1"))


def test_a_flapping_alert_stays_one_incident() -> None:
    world = World(NETWORK)
    for minute in range(0, 40, 2):
        world.at(f"10:{minute:02}:00").fire("db-1", "DbDown", severity="critical")
        world.at(f"10:{minute + 1:02}:00").resolve("db-1", "DbDown")
    world.at("10:45").expect(incident(cause="db-1", alerts=1))
    assert any(entry.kind == "flapping" for entry in world.driven.timeline), world.story()


def test_an_unmapped_alert_is_kept_as_its_own_incident_and_counted() -> None:
    world = World(NETWORK)
    world.at("10:00").fire("nobody-knows-me", "Weird", severity="critical").fire("db-1", "DbDown", severity="critical")
    moment = world.at("10:05")
    assert len(moment.incidents()) == 2, world.story()
    assert moment.entry("nobody-knows-me", "Weird").incident != moment.entry("db-1", "DbDown").incident
    assert not moment.alert("nobody-knows-me", "Weird").mapped
    assert world.driven.core.gauges()["unmapped"] == 1


def test_a_deploy_shortly_before_is_a_term_of_the_cause() -> None:
    world = World(NETWORK)
    world.at("09:58").change("cart", "deploy", "cart 4.2.0")
    world.at("10:00").fire("cart", "HighErrorRate", severity="critical")
    world.at("10:00:20").fire("shop", "HighErrorRate", severity="critical")
    world.at("10:05").expect(incident(cause="cart"))
    best = world.driven.told()[0].candidates[0]
    assert best.entity == "cart"
    assert best.terms["change"] > 0, best.terms


def test_the_engine_carries_on_from_a_snapshot_in_the_middle_of_an_incident() -> None:
    world = World(NETWORK)
    world.at("10:00").fire("core-1", "LinkDown", severity="critical")
    world.at("10:00:10").restart().fire("agg-1", "Unreachable")
    world.at("10:05").restart().expect(incident(cause="core-1", alerts=2))
    world.at("10:06").restart().resolve("core-1", "LinkDown").resolve("agg-1", "Unreachable")
    world.at("11:00").expect(incident(cause="core-1", state="resolved"))


def test_a_storm_is_seen_and_passes() -> None:
    world = World(NETWORK)
    moment = world.at("10:00")
    for number in range(201):
        moment.fire("db-1", f"Alert{number}")
    assert world.driven.core.gauges()["storm"] == 1
    world.at("10:03:59")
    assert world.driven.core.gauges()["storm"] == 1
    world.at("10:04:00")
    assert world.driven.core.gauges()["storm"] == 0


def test_one_alert_opens_an_incident_and_all_others_are_attached() -> None:
    world = World(NETWORK)
    moment = world.at("10:00")
    for number in range(30):
        moment.fire("cart", f"Alert{number}").fire("db-1", f"Alert{number}")
    world.at("10:05").expect(incident(cause="db-1", alerts=60))
    counts = world.driven.core.counts
    assert (counts["opened"], counts["attached"]) == (1, 59), world.story()
