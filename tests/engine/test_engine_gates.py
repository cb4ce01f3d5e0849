"""Gates in the core: what is held or suppressed, and what brings it forward again."""

from __future__ import annotations

from engine.reasons import Disposition, Reason
from rules.gates import Inhibition, Threshold
from rules.matchers import Matcher
from rules.ruleset import Content, RuleSet
from tests.engine.laws import World
from tests.scenarios.world import chain, clock, incident

SHOP = chain("shop -> cart -> db-1")
SLOW, DOWN = (Matcher("alertname", "=", name) for name in ("Slow", "Down"))
WAITS = RuleSet(Content(thresholds=(Threshold("one-minute", (SLOW,), wait=60_000),)))
INHIBITS = RuleSet(Content(inhibitions=(Inhibition("down-mutes-slow", (DOWN,), (SLOW,), ("zone",)),)))
HELD = (Disposition.HELD, Reason.BELOW_THRESHOLD)
INHIBITED = (Disposition.SUPPRESSED, Reason.INHIBITED)


def test_an_alert_below_its_threshold_is_held_and_opened_at_the_deadline() -> None:
    world = World(SHOP, WAITS)
    world.at("10:00").fire("cart", "Slow", severity="critical").expect_event("cart", "Slow", *HELD)
    moment = world.at("10:00:59").expect_event("cart", "Slow", *HELD).expect()
    assert moment.alert("cart", "Slow").held_until == clock("10:01")
    world.at("10:01").expect_event("cart", "Slow", Disposition.OPENED, Reason.NEW_TROUBLE)
    world.at("10:02").expect(incident(cause="cart"))


def test_an_alert_that_ends_before_its_threshold_is_suppressed_at_the_deadline() -> None:
    world = World(SHOP, WAITS)
    world.at("10:00").fire("cart", "Slow")
    world.at("10:00:30").resolve("cart", "Slow").expect_event("cart", "Slow", *HELD, nth=0)
    world.at("10:01").expect_event("cart", "Slow", Disposition.SUPPRESSED, Reason.NEVER_REACHED_THRESHOLD, nth=0)
    world.at("11:00").expect()
    assert not world.driven.incidents()
