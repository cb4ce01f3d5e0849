"""Sources that give signs of life: late, dead, back again; and the engine's own absence."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from engine.heartbeats import MOST_SOURCES
from engine.reasons import Disposition, Reason
from engine.signals import AlertEvent, Heartbeat, Labels
from ingest.decoders import decode
from rules.gates import Window
from rules.heartbeats import HeartbeatRule
from rules.matchers import Matcher
from rules.ruleset import Content, RuleSet
from tests.engine.laws import World
from tests.scenarios.world import chain, clock, incident
from topology.model import Entity

SHOP = chain("shop -> cart -> db-1", entities=[Entity(id="prom")])
CAPTURE = Path(__file__).parents[1] / "data" / "captures" / "prometheus" / "020-POST-am_api_v2_alerts.body"


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


def _captured() -> AlertEvent:
    """The Watchdog of a real Prometheus (tests/data/captures), as the engine receives it."""
    (event,) = decode("alertmanager-v2", CAPTURE.read_bytes()).signals
    assert isinstance(event, AlertEvent)
    return event


def _sent_again(event: AlertEvent, now: int, begun: str) -> AlertEvent:
    """The same alert, sent at another time: Prometheus announces its end four resends ahead."""
    return msgspec.structs.replace(event, starts_at=clock(begun), ends_at=now + 240_000)


def _beats(world: World, first: str, last: str, *others: AlertEvent) -> None:
    """The recorded Watchdog, sent again every minute, with other alerts of that Prometheus."""
    for now in range(clock(first), clock(last) + 1, 60_000):
        world.driven.pass_time(now)
        world.driven.feed(now, tuple(_sent_again(event, now, "09:00") for event in (_captured(), *others)))


def test_the_watchdog_of_a_real_prometheus_is_learned_and_missed_within_minutes() -> None:
    world = World(SHOP)
    _beats(world, "10:00", "10:20")
    (pulse,) = world.core.state.pulses.values()
    assert (pulse.source, pulse.every, pulse.state) == ("itest/monitoring/k8s", 60_000, "live")
    world.at("10:21:29")
    assert world.core.gauges()["sources_late"] == 0
    world.at("10:21:31")
    assert world.core.gauges()["sources_late"] == 1
    world.at("10:22:59").expect()
    assert _gauge(world, "sources_dead") == 0
    world.at("10:24").expect(incident(entities={"itest/monitoring/k8s"}, state="declared"))
    assert _gauge(world, "sources_dead") == 1


def test_a_source_that_is_silent_ends_no_alert_by_its_silence() -> None:
    labels = {**_captured().labels.as_dict(), "alertname": "DbDown", "service": "db-1", "severity": "critical"}
    down = AlertEvent(Labels.of(labels), starts_at=clock("10:00"), resent=True)
    silent, resolved = World(SHOP), World(SHOP)
    for world in (silent, resolved):
        _beats(world, "10:00", "10:10", down)
    _beats(resolved, "10:11", "10:40")
    assert [view.state for view in resolved.driven.told()] == ["resolved"]
    silent.at("10:40")
    by_cause = {view.cause: view.state for view in silent.driven.told()}
    assert by_cause["db-1"] == "declared", silent.story()
    lines = [line for line in silent.driven.timeline if line.kind == "source_silent"]
    assert [line.facts["source"] for line in lines] == ["itest/monitoring/k8s"]
    _beats(silent, "10:41", "11:10")
    assert {view.cause: view.state for view in silent.driven.told()}["db-1"] == "resolved"


def test_alerts_of_another_source_end_as_ever() -> None:
    labels = Labels.of({"alertname": "DbDown", "service": "db-1", "severity": "critical", "prometheus": "other"})
    down = AlertEvent(labels, starts_at=clock("10:00"), resent=True)
    world = World(SHOP)
    _beats(world, "10:00", "10:10", down)
    world.at("10:40")
    assert {view.cause: view.state for view in world.driven.told()}["db-1"] == "resolved"


def test_a_cadence_is_learned_from_gaps_and_not_from_replicas_or_an_outage() -> None:
    world = World(SHOP)
    for minute in range(0, 60, 10):
        for second in (0, 0):
            world.at(f"10:{minute:02}:{second:02}").fire("prom", "Watchdog", since="09:00")
    (pulse,) = world.core.state.pulses.values()
    assert (pulse.every, len(pulse.gaps)) == (600_000, 5)
    world.at("11:15")
    assert _gauge(world, "sources_dead") == 0
    world.at("11:21")
    assert _gauge(world, "sources_dead") == 1
    world.at("14:00").fire("prom", "Watchdog", since="09:00")
    assert world.core.state.pulses[pulse.source].every == 600_000


def test_a_declared_cadence_is_not_learned() -> None:
    rule = HeartbeatRule("mine", (Matcher("alertname", "=", "Watchdog"),), every=60_000)
    world = World(SHOP, RuleSet(Content(heartbeats=(rule,))))
    for minute in range(0, 30, 2):
        world.at(f"10:{minute:02}").fire("prom", "Watchdog", since="09:00")
    world.at("10:31:01")
    assert _gauge(world, "sources_dead") == 1


def test_the_sources_that_are_watched_are_bounded() -> None:
    world = World(SHOP)
    for number in range(MOST_SOURCES + 5):
        world.driven.core.handle(number + 3, (Heartbeat(f"s{number}", 3_600_000),), clock("10:00"))
    assert (len(world.core.state.pulses), world.core.state.pulses_ignored) == (MOST_SOURCES, 5)
