"""Sources that give signs of life: late, dead, back again; and the engine's own absence."""

from __future__ import annotations

import pytest

from engine.reasons import Disposition, Reason
from engine.signals import AlertEvent, Labels
from rules.gates import Window
from rules.ruleset import Content, RuleSet
from tests.engine.laws import World
from tests.scenarios.world import chain, clock, incident
from topology.model import Entity

SHOP = chain("shop -> cart -> db-1", entities=[Entity(id="prom")])


def _gauge(world: World, name: str) -> float:
    return world.core.gauges()[name]


def test_a_source_is_late_then_dead_then_back() -> None:
    world = World(SHOP)
    world.at("10:00").heartbeat("prom", every=60)
    world.at("10:01:29").expect()
    assert _gauge(world, "sources_late") == 0
    world.at("10:01:31").expect()
    assert (_gauge(world, "sources_late"), _gauge(world, "sources_dead")) == (1, 0)
    world.at("10:03:01")
    assert (_gauge(world, "sources_late"), _gauge(world, "sources_dead")) == (0, 1)
    world.at("10:04").expect(incident(entities={"prom"}, state="declared"))
    world.at("10:05").heartbeat("prom", every=60)
    assert _gauge(world, "sources_dead") == 0
    for minute in range(6, 30):
        world.at(f"10:{minute:02}").heartbeat("prom", every=60)
    world.at("10:29:30").expect(incident(entities={"prom"}, state="resolved"))


def test_a_source_that_dies_again_later_is_a_new_incident() -> None:
    world = World(SHOP)
    for minute in (0, *range(10, 40)):
        world.at(f"10:{minute:02}").heartbeat("prom", every=60)
    world.at("10:50").expect(incident(state="resolved"), incident(state="declared"))


def test_a_lost_heartbeat_has_a_severity_by_policy_and_no_ledger_entry() -> None:
    world = World(SHOP)
    world.at("10:00").heartbeat("prom", every=60)
    view = world.at("10:05").incidents()[0]
    assert "lost-heartbeat" in {rule["id"] for rule in view.severity.fired}
    assert view.severity.level == "SEV3"
    assert world.core.counts["received"] == 0


def test_a_lost_heartbeat_is_never_suppressed() -> None:
    window = Window("work", entities=("prom",), starts_at=clock("00:00"), ends_at=clock("23:00"))
    world = World(SHOP, RuleSet(Content(maintenance=(window,))))
    world.at("09:59").command("silence", "all", reason="r", until="2026-09-22T12:00:00Z", matchers="alertname=~.+")
    world.at("10:00").heartbeat("prom", every=60)
    world.at("10:05").expect(incident(entities={"prom"}))


def test_a_watchdog_is_a_heartbeat_and_its_silence_the_alarm() -> None:
    world = World(SHOP)
    for minute in range(0, 10, 2):
        world.at(f"10:{minute:02}").fire("prom", "Watchdog", since="09:00", resent=True)
    world.at("10:12").expect_event("prom", "Watchdog", Disposition.DUPLICATE, Reason.HEARTBEAT).expect()
    world.at("10:24:10")
    assert len(world.driven.told()) == 1, world.story()


@pytest.mark.parametrize("first", ["fire", "resolve"])
def test_a_watchdog_is_one_however_it_was_first_seen(first: str) -> None:
    world = World(SHOP)
    if first == "resolve":
        world.at("10:00").resolve("prom", "Watchdog", ended="09:00")
    world.at("10:01").fire("prom", "Watchdog", severity="critical")
    world.at("10:03").expect_event("prom", "Watchdog", Disposition.SUPPRESSED, Reason.HEARTBEAT).expect()


def test_a_watchdog_that_says_it_is_resolved_gives_no_sign_of_life() -> None:
    world = World(SHOP)
    world.at("10:00").fire("prom", "Watchdog")
    world.at("10:10").resolve("prom", "Watchdog").expect_event(
        "prom", "Watchdog", Disposition.RESOLVED, Reason.HEARTBEAT
    )
    world.at("10:16")
    assert len(world.driven.told()) == 1, world.story()


def test_own_downtime_shifts_heartbeats_and_recovery() -> None:
    world = World(SHOP)
    world.at("10:00").heartbeat("prom", every=60).fire("cart", "Down", severity="critical")
    world.at("10:01").resolve("cart", "Down")
    world.at("10:01:20").expect(incident(state="recovering")).downtime(until="10:31:20")
    world.at("10:32").expect(incident(state="recovering"))
    world.at("10:32:30").heartbeat("prom", every=60)
    world.at("10:36:30").heartbeat("prom", every=600).expect(incident(state="resolved"), incident())
    assert {view.entities[0] for view in world.driven.told()} == {"cart", "prom"}


def test_own_downtime_does_not_make_later_alerts_expire_late() -> None:
    world = World(SHOP)
    world.at("10:00").fire("cart", "Down", severity="critical", ends="10:40")
    world.at("10:10").downtime(until="10:30")
    moment = world.at("10:31").fire("shop", "Down", severity="critical", ends="10:40")
    assert moment.alert("shop", "Down").state == "firing"
    moment = world.at("10:40:01")
    assert (moment.alert("shop", "Down").state, moment.alert("cart", "Down").state) == ("resolved", "firing")
    assert world.at("11:00:01").alert("cart", "Down").state == "resolved"


def test_an_alert_that_keeps_changing_waits_once_for_its_end() -> None:
    world = World(SHOP)
    labels = Labels.of({"alertname": "Down", "service": "cart"})
    for step in range(600):
        now = clock("10:00") + 20_000 * step
        note = b'{"value":"%d"}' % step
        event = AlertEvent(labels, starts_at=clock("10:00"), annotations=note, ends_at=now + 240_000, resent=True)
        world.driven.pass_time(now)
        world.driven.feed(now, (event,))
    assert sum(len(waiting) for waiting in world.core.state.expiring.values()) < 100
