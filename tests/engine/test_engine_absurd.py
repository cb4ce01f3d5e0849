"""What no catalogue names, and what no sender should send."""

from __future__ import annotations

import pytest

from engine.reasons import Disposition, Reason
from engine.signals import AlertEvent, Labels
from rules.gates import Weekly, Window
from rules.matchers import Matcher
from rules.ruleset import Content, RuleSet
from tests.engine.laws import World
from tests.scenarios.drive import Driven
from tests.scenarios.world import MIDNIGHT, chain, clock, incident

SHOP = chain("shop -> cart -> db-1", "voice -> gate")
WORK = Window("nights", (Matcher("zone", "=", "lab"),), every=(Weekly(tuple(range(7)), 0, 120, "America/New_York"),))
LABELS = Labels.of({"alertname": "Down", "service": "cart", "zone": "lab"})


def test_alerts_of_one_unknown_name_are_one_incident_and_of_two_are_two() -> None:
    world = World(SHOP)
    world.at("10:00").fire("ghost", "Down", severity="critical").fire("ghost", "Slow", severity="critical")
    world.at("10:00").fire("spectre", "Down", severity="critical")
    world.at("10:02").expect(incident(entities={"ghost"}, alerts=2), incident(entities={"spectre"}, alerts=1))
    assert world.core.gauges()["unmapped"] == 3
    world.at("10:03").resolve("spectre", "Down")
    assert world.core.gauges()["unmapped"] == 2


def test_an_alert_without_any_name_is_known_by_what_it_is_called() -> None:
    world = World(SHOP)
    world.driven.feed(clock("10:00"), (AlertEvent(Labels.of({"alertname": "Down"})), AlertEvent(Labels.of({}))))
    world.at("10:02").expect(incident(entities={"Down"}), incident(entities={"unnamed"}))


def test_alerts_of_different_domains_never_join() -> None:
    world = World(SHOP)
    for entity in ("db-1", "cart", "gate", "voice"):
        world.at("10:00").fire(entity, "Down", severity="critical")
    world.at("10:02").expect(incident(cause="db-1", alerts=2), incident(cause="gate", alerts=2))
    assert len({view.domain for view in world.driven.told()}) == 2


@pytest.mark.parametrize("start", [None, 0, -1, -(10**15), 1, 600_000_000_000, MIDNIGHT + 10**9, 10**17])
@pytest.mark.parametrize("ends", [None, -5, 0, MIDNIGHT, 10**15])
def test_a_start_or_end_at_any_time_is_taken(start: int | None, ends: int | None) -> None:
    world = World(SHOP, RuleSet(Content(maintenance=(WORK,))))
    now = clock("10:00")
    for firing in (True, False, True):
        world.driven.feed(now, (AlertEvent(LABELS, firing, start, ends, resent=True),))
    world.at("12:00").restart()
    world.at("12:30")
    assert world.core.counts["received"] == 3
    for alert in world.core.state.alerts.values():
        assert alert.spell.start <= now


def test_a_start_in_the_future_is_the_arrival() -> None:
    world = World(SHOP)
    world.at("10:00").fire("cart", "Down", severity="critical", since="23:00")
    assert world.at("10:00").alert("cart", "Down").starts_at == clock("10:00")
    world.at("10:02").expect(incident(cause="cart"))


def test_an_end_before_the_beginning_ends_the_alert_at_its_beginning() -> None:
    world = World(SHOP)
    world.at("10:00").fire("cart", "Down", severity="critical")
    ended = AlertEvent(
        Labels.of({"alertname": "Down", "service": "cart"}), False, starts_at=clock("10:00"), ends_at=clock("09:00")
    )
    world.at("10:05")
    world.driven.feed(clock("10:05"), (ended,))
    moment = world.at("10:05:30")
    assert (moment.alert("cart", "Down").state, moment.alert("cart", "Down").ends_at) == ("resolved", clock("10:00"))


def test_ten_thousand_notifications_of_one_alert_are_one_alert() -> None:
    driven = Driven(SHOP, start=clock("10:00"))
    event = AlertEvent(LABELS, starts_at=clock("10:00"), resent=True)
    for _ in range(10):
        driven.feed(driven.now + 1000, (event,) * 1000)
    driven.feed(driven.now + 60_000, (AlertEvent(LABELS, False, ends_at=driven.now + 60_000),))
    driven.pass_time(driven.now + 60_000)
    assert driven.core.counts["received"] == 10_001
    assert (driven.core.counts["duplicate"], driven.core.counts["resolved"]) == (9_999, 1)
    assert len(driven.core.state.alerts) == len(driven.told()) == 1
    assert driven.told()[0].events == 10_001


def test_an_event_may_come_twice_in_one_record_and_with_its_own_end() -> None:
    world = World(SHOP)
    now = clock("10:00")
    fire, end = AlertEvent(LABELS, starts_at=now), AlertEvent(LABELS, False, starts_at=now, ends_at=now)
    world.driven.feed(now, (end, fire, fire, end))
    assert [world.driven.ledger[f"2-{n}"].disposition for n in (0, 2, 3)] == ["resolved", "duplicate", "resolved"]
    world.at("11:00").expect()


def test_an_empty_record_decides_nothing() -> None:
    driven = Driven(SHOP, start=MIDNIGHT)
    assert not driven.core.handle(2, (), MIDNIGHT)


def test_annotations_may_be_empty_or_hold_markup() -> None:
    world = World(SHOP)
    now = clock("10:00")
    for notes in (b"{}", b'{"summary":"<script>","severity":"<b>"}'):
        world.driven.feed(now, (AlertEvent(LABELS, starts_at=now, annotations=notes),))
    assert world.driven.alerts[1].severity == "warning"
    assert world.driven.ledger["3-0"].reason is Reason.CONTENT_CHANGED


def test_a_repeat_of_a_suppressed_alert_stays_suppressed() -> None:
    window = Window("work", entities=("cart",), starts_at=clock("09:00"), ends_at=clock("12:00"))
    world = World(SHOP, RuleSet(Content(maintenance=(window,))))
    world.at("10:00").fire("cart", "Down").fire("cart", "Down", since="10:00")
    world.at("10:01").expect_event("cart", "Down", Disposition.DUPLICATE, Reason.REPEAT)
    world.at("10:01").expect_event("cart", "Down", Disposition.SUPPRESSED, Reason.MAINTENANCE, nth=0)


def test_an_id_is_not_given_twice_in_a_long_quiet_time() -> None:
    world = World(SHOP)
    world.at("10:00").heartbeat("prom", every=1200).fire("cart", "Down", severity="critical", resent=True)
    world.at("11:30")
    told = world.driven.told()
    assert {view.entities[0] for view in told} == {"cart", "prom"}
    assert len({view.id for view in told}) == 2
    world.at("11:31").fire("shop", "Down", severity="critical")
    world.at("13:00")
    assert len(world.core.state.incidents) <= 2, "what is over is forgotten after the next input"
