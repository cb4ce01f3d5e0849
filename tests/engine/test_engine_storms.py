"""Storms: when one begins and ends, who is told of what meanwhile, and what is no storm."""

from __future__ import annotations

import random

import pytest
from scipy.stats import nbinom

from engine.arrivals import HOUR, LEAVE, MINUTE, WEEK_HOURS, Arrivals, quantile
from engine.reasons import Disposition, Reason
from tests.engine.laws import World
from tests.scenarios.drive import Driven
from tests.scenarios.storms import storm
from tests.scenarios.world import MIDNIGHT, chain, clock, incident
from topology.model import Entity

SHOP = chain("shop -> cart -> db", entities=[Entity(id=f"host-{n}") for n in range(60)])
WEEK = WEEK_HOURS * HOUR


def _busy(arrivals: Arrivals, start: int, rate: float, rng: random.Random, minutes: int = 60) -> None:
    """New alerts of some minutes, at random around a rate."""
    for minute in range(minutes):
        for _ in range(min(999, round(rng.gauss(rate, rate**0.5)))):
            arrivals.add(start + minute * MINUTE + rng.randrange(MINUTE) // MINUTE)


@pytest.mark.parametrize(
    ("mean", "variance"), [(4.0, 4.1), (4, 20), (60, 100), (300, 5000), (0.05, 0.06), (2000, 9000)]
)
@pytest.mark.parametrize("share", [0.999, LEAVE])
def test_the_line_is_the_quantile_of_a_negative_binomial(mean: float, variance: float, share: float) -> None:
    size = mean * mean / (variance - mean)
    assert quantile(mean, variance, share) == nbinom.ppf(share, size, size / (size + mean))


def test_without_two_weeks_of_the_hour_the_rules_decide() -> None:
    arrivals, rng = Arrivals(), random.Random(1)
    for week in range(2):
        start = MIDNIGHT + week * WEEK
        assert (arrivals.lines(start, 20).enter, arrivals.lines(start, 20).weeks) == (20, week)
        _busy(arrivals, start, 60, rng)
    assert arrivals.lines(MIDNIGHT + 2 * WEEK, 20).enter > 60


def test_a_busy_hour_of_every_week_is_usual_and_one_storm_does_not_make_the_next_usual() -> None:
    arrivals, rng = Arrivals(), random.Random(2)
    for week in range(4):
        _busy(arrivals, MIDNIGHT + week * WEEK, 60, rng)
        _busy(arrivals, MIDNIGHT + week * WEEK + HOUR, 900 if week == 2 else 2, rng)
    monday = arrivals.lines(MIDNIGHT + 4 * WEEK, 20)
    after = arrivals.lines(MIDNIGHT + 4 * WEEK + HOUR, 20)
    assert (monday.weeks, 80 < monday.enter < 110, monday.leave < monday.enter) == (4, True, True)
    assert (after.weeks, after.enter) == (4, 20)


def test_the_history_is_bounded() -> None:
    arrivals = Arrivals()
    for hour in range(12 * WEEK_HOURS):
        arrivals.add(MIDNIGHT + hour * HOUR)
    assert len(arrivals.hours) == WEEK_HOURS
    assert max(map(len, arrivals.hours.values())) <= 5


def test_minutes_without_alerts_count_and_own_downtime_does_not() -> None:
    seen, slept = Arrivals(), Arrivals()
    for arrivals in (seen, slept):
        arrivals.add(MIDNIGHT)
    slept.sleep(MIDNIGHT + MINUTE, MIDNIGHT + HOUR)
    for arrivals in (seen, slept):
        arrivals.add(MIDNIGHT + HOUR)
    place = MIDNIGHT // HOUR % WEEK_HOURS
    assert [arrivals.hours[place][0].minutes for arrivals in (seen, slept)] == [60, 1]


def _flood(world: World, time: str, alerts: int) -> None:
    moment = world.at(time)
    for number in range(alerts):
        moment.fire(f"host-{number}", "Down", severity="critical")


def test_it_begins_above_the_line_says_so_and_ends_after_three_calm_minutes() -> None:
    world = World(SHOP)
    _flood(world, "10:00:10", 20)
    assert world.core.gauges()["storm"] == 0
    world.at("10:00:20").fire("host-20", "Down")
    assert world.core.gauges()["storm"] == 1
    world.at("10:03:59")
    assert world.core.gauges()["storm"] == 1
    world.at("10:04")
    assert world.core.gauges()["storm"] == 0
    lines = [line for line in world.driven.timeline if line.incident.startswith("storm-")]
    assert [line.kind for line in lines] == ["storm_began", "storm_ended"]
    assert lines[0].facts == {"alerts": 21, "line": 20, "weeks": 0}
    assert lines[1].facts["alerts"] == 21


def test_lone_alerts_wait_and_what_ended_meanwhile_is_told_to_nobody() -> None:
    world = World(SHOP)
    _flood(world, "10:00", 30)
    assert world.at("10:02").incidents() == []
    assert world.core.gauges()["storm_waiting"] == 30
    moment = world.at("10:02:30")
    for number in range(25):
        moment.resolve(f"host-{number}", "Down")
    world.at("10:10")
    assert {view.cause for view in world.driven.told()} == {f"host-{n}" for n in range(25, 30)}
    ended = next(line for line in world.driven.timeline if line.kind == "storm_ended")
    assert (ended.facts["waited"], ended.facts["told"]) == (30, 5)


def test_lone_alerts_of_one_domain_are_told_as_one_in_the_end() -> None:
    racks = chain(entities=[Entity(id=f"host-{n}", domain="dc-1") for n in range(30)])
    world = World(racks)
    _flood(world, "10:00", 30)
    world.at("10:02").expect()
    world.at("10:04:20")
    assert [view.alerts for view in world.driven.told()] == [30]
    moment = world.at("10:04:20")
    joined = {moment.entry(f"host-{n}", "Down").reason for n in range(30)}
    assert joined <= {Reason.NEW_TROUBLE, Reason.STORM, Reason.MERGED}


def test_an_alert_that_turns_out_to_have_company_waits_no_longer() -> None:
    world = World(SHOP)
    _flood(world, "10:00", 30)
    world.at("10:00:20").fire("db", "Down", severity="critical")
    world.at("10:01:30").expect().fire("cart", "Slow", severity="critical")
    world.at("10:01:40").expect(incident(cause="db", alerts=2))
    assert world.core.gauges()["storm"] == 1


def test_tier_0_does_not_wait_for_the_storm() -> None:
    world = World(chain("pay -> core", entities=[Entity(id="pay", tier=0), *SHOP.entities.values()]))
    _flood(world, "10:00", 30)
    world.at("10:00:05").fire("pay", "Down", severity="critical")
    world.at("10:00:10").expect(incident(entities={"pay"}))


def test_alerts_of_unknown_entities_share_one_incident_and_one_ticket() -> None:
    world = World(SHOP)
    moment = world.at("10:00")
    for number in range(500):
        moment.fire(f"stranger-{number}", "Down", severity="critical")
    moment.expect_event("stranger-499", "Down", Disposition.ATTACHED, Reason.STORM)
    world.at("10:10")
    opened = [p for p in world.driven.outbox if p.audience == "tickets" and p.action == "open"]
    assert len(opened) == 1
    assert world.driven.told()[0].alerts == 500
    assert world.core.counts["received"] == 500


def test_ten_thousand_alerts_are_two_troubles_and_two_tickets() -> None:
    drawn = storm()
    driven = Driven(drawn.topology)
    for at, event, _ in drawn.events:
        driven.pass_time(at)
        driven.feed(at, (event,))
    assert driven.core.gauges()["storm"] == 1
    driven.pass_time(driven.now + 60_000)
    assert {view.cause for view in driven.told()} == {drawn.provider, drawn.hidden}
    assert sum(p.action == "open" for p in driven.outbox if p.audience == "tickets") == 2
    driven.pass_time(driven.now + 300_000)
    assert driven.core.gauges()["storm"] == 0


def _week(world: World, minutes: int, each: int, step: float = 0.0) -> list[str]:
    """New alerts from 08:00 for some minutes, ``each`` a minute, growing; returns what was said of storms."""
    number, now = 0, clock("08:00")
    for minute in range(minutes):
        for _ in range(round(each + step * minute)):
            moment = world.at(f"{8 + minute // 60:02}:{minute % 60:02}")
            moment.fire("db", f"Check{number}")
            number += 1
    assert world.driven.now >= now
    return [line.kind for line in world.driven.timeline if line.kind.startswith("storm_")]


def test_a_busy_monday_morning_that_is_usual_is_no_storm() -> None:
    rng = random.Random(3)
    cold, warm = World(SHOP), World(SHOP)
    for week in range(-3, 0):
        _busy(warm.core.state.arrivals, clock("08:00") + week * WEEK, 40, rng)
    assert _week(cold, 5, 40) == ["storm_began"]
    assert _week(warm, 5, 40) == []
    assert _week_more(warm) == ["storm_began"]


def _week_more(world: World) -> list[str]:
    moment = world.at("08:10")
    for number in range(200):
        moment.fire("db", f"More{number}")
    return [line.kind for line in world.driven.timeline if line.kind.startswith("storm_")]


def test_a_slow_leak_is_no_storm() -> None:
    world = World(SHOP)
    assert _week(world, 60, 1, 0.25) == []


def test_a_storm_survives_a_restart_and_own_downtime_proves_no_calm() -> None:
    world = World(SHOP)
    _flood(world, "10:00", 30)
    world.at("10:01:30").restart().downtime(until="10:31:30")
    assert world.core.gauges()["storm"] == 1
    world.at("10:36")
    assert world.core.gauges()["storm"] == 0
