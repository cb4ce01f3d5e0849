"""The spell of an alert, as a law over orders; flapping by Nagios' numbers."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.flapping import TRANSITIONS, USUAL, is_flapping, percent_change
from engine.reasons import Disposition, Reason
from engine.signals import AlertEvent, Labels
from engine.spell import NEVER, Spell, Step
from tests.engine.laws import World
from tests.scenarios.drive import Driven
from tests.scenarios.world import MIDNIGHT, chain, clock, incident

SHOP = chain("shop -> cart")
SECOND = 1000
TICK, LOW, HIGH = USUAL.tick, USUAL.low, USUAL.high


@st.composite
def _lives(draw: st.DrawFn) -> tuple[list[AlertEvent], list[AlertEvent]]:
    """Events of one alert that begins and ends a few times, and the same events in another order."""
    labels = Labels.of({"alertname": "Down", "service": "cart"})
    events, at = [], MIDNIGHT
    for _ in range(draw(st.integers(1, 4))):
        at += draw(st.integers(1, 20)) * SECOND
        expires = draw(st.none() | st.just(MIDNIGHT + 600 * SECOND))
        firing = AlertEvent(labels, starts_at=at, ends_at=expires, resent=expires is not None)
        events += [firing] * draw(st.integers(1, 2))
        if draw(st.booleans()):
            begin = draw(st.sampled_from((None, at)))
            at += draw(st.integers(1, 10)) * SECOND
            events.append(AlertEvent(labels, firing=False, starts_at=begin, ends_at=at))
    return events, draw(st.permutations(events))


@given(_lives())
def test_the_order_of_arrival_does_not_change_a_spell(life: tuple[list[AlertEvent], list[AlertEvent]]) -> None:
    said = []
    for events in life:
        driven = Driven(SHOP, start=MIDNIGHT + 100 * SECOND)
        for event in events:
            driven.feed(driven.now + 1, (event,))
        (alert,) = driven.core.state.alerts.values()
        spell = alert.spell
        said.append((spell.start, spell.last_fire, spell.last_end, spell.expires, spell.firing(driven.now)))
    assert said[0] == said[1]


def test_steps_say_what_an_event_did() -> None:
    spell = Spell(100, 100, 0, NEVER)
    assert spell.firing(10**15)
    assert spell.fire(100, NEVER, 110) is Step.REPEAT
    assert spell.resolve(100, 120, 121) is Step.ENDED
    assert (spell.firing(121), spell.end(121)) == (False, 120)
    assert spell.fire(110, NEVER, 130) is Step.LATE
    assert spell.resolve(None, 115, 131) is Step.LATE
    assert spell.end(131) == 120
    assert spell.fire(140, NEVER, 141) is Step.REFIRED
    assert spell.resolve(None, 130, 142) is Step.LATE
    assert spell.firing(142)


def test_a_spell_expires_at_its_latest_announcement() -> None:
    spell = Spell(100, 100, 0, 200)
    assert (spell.firing(199), spell.firing(200)) == (True, False)
    assert spell.end(250) == 200
    assert spell.fire(100, 300, 150) is Step.REPEAT
    assert spell.fire(100, 220, 160) is Step.REPEAT
    assert (spell.firing(299), spell.firing(300)) == (True, False)


def test_an_end_that_nobody_knows_the_beginning_of_is_kept_and_told_to_nobody() -> None:
    world = World(SHOP)
    world.at("10:00").resolve("cart", "Down")
    world.at("10:00:10").expect_event("cart", "Down", Disposition.RESOLVED, Reason.UNKNOWN_ALERT).expect()
    assert not world.driven.incidents()


def test_a_gap_longer_than_the_linger_time_begins_a_new_spell() -> None:
    world = World(SHOP)
    world.at("10:00").fire("cart", "Down")
    first = world.at("10:01").resolve("cart", "Down").alert("cart", "Down").no
    world.at("10:16").fire("cart", "Down")
    assert world.at("10:16").alert("cart", "Down").no == first
    world.at("10:17").resolve("cart", "Down")
    world.at("10:32:01").fire("cart", "Down").expect_event("cart", "Down", Disposition.OPENED, Reason.NEW_TROUBLE)
    assert world.at("10:33").alert("cart", "Down").no != first


def test_a_redelivered_notification_is_told_from_a_repeat() -> None:
    world = World(SHOP)
    labels = Labels.of({"alertname": "Down", "service": "cart"})
    said = []
    for key in ("n1", "n1", "n2"):
        world.driven.feed(clock("10:00"), (AlertEvent(labels, starts_at=clock("10:00"), key=key),))
        said.append(world.driven.ledger[f"{world.driven.position}-0"].reason)
    assert said == [Reason.NEW_TROUBLE, Reason.REDELIVERED, Reason.REPEAT]


def _alternating(count: int, every: int) -> tuple[tuple[int, bool], ...]:
    return tuple((number * every, number % 2 == 0) for number in range(1, count + 1))


def test_weights_run_from_three_quarters_to_five_quarters() -> None:
    now = TRANSITIONS * TICK
    assert percent_change([(TICK // 2, True)], now) == pytest.approx(100 * 0.75 / 20)
    assert percent_change([(now, True)], now) == pytest.approx(100 * 1.25 / 20)
    assert percent_change(_alternating(20, TICK), now) == pytest.approx(100)
    assert percent_change([(0, True)], now) == 0
    assert (LOW, HIGH) == (20.0, 30.0)


def test_six_changes_in_six_minutes_are_flapping_and_five_are_not() -> None:
    assert HIGH > percent_change(_alternating(5, TICK), 5 * TICK) > 29.9
    assert not is_flapping(_alternating(5, TICK), 5 * TICK, was=False)
    assert is_flapping(_alternating(6, TICK), 6 * TICK, was=False)


def test_flapping_ends_lower_than_it_begins() -> None:
    flips = _alternating(6, TICK)
    between = next(m for m in range(6, 40) if LOW < percent_change(flips, m * TICK) < HIGH)
    assert is_flapping(flips, between * TICK, was=True)
    assert not is_flapping(flips, between * TICK, was=False)
    calm = next(m for m in range(6, 40) if percent_change(flips, m * TICK) <= LOW)
    assert not is_flapping(flips, calm * TICK, was=True)


def test_a_flapping_alert_keeps_one_incident_and_one_line_each_way() -> None:
    world = World(SHOP)
    for minute in range(0, 30, 2):
        world.at(f"10:{minute:02}").fire("cart", "Down", severity="critical")
        world.at(f"10:{minute + 1:02}").resolve("cart", "Down")
    moment = world.at("10:29:30").expect(incident(cause="cart", alerts=1, state="declared"))
    assert moment.alert("cart", "Down").state == "flapping"
    world.at("11:30").expect(incident(cause="cart", alerts=1, state="resolved"))
    lines = [line.facts["flapping"] for line in world.driven.timeline if line.kind == "flapping"]
    assert lines == [True, False]
    assert [p.action for p in world.driven.outbox if p.audience == "tickets" and p.action != "update"] == [
        "open",
        "resolve",
    ]


@given(st.lists(st.integers(0, 40), max_size=30), st.randoms(use_true_random=False))
def test_the_share_of_changes_is_a_percentage_and_more_changes_never_lower_it(
    minutes: list[int], rng: random.Random
) -> None:
    flips = sorted((minute * TICK, True) for minute in minutes)
    fewer = sorted(rng.sample(flips, len(flips) // 2))
    now = 40 * TICK
    assert 0 <= percent_change(fewer, now) <= percent_change(flips, now) <= 100
