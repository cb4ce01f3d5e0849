"""What shows around an alert is found around its own beginning, stays found, and is looked at anew when it returns."""

from __future__ import annotations

from engine.outcomes import AlertView
from engine.reasons import Disposition, Reason, Verdict
from rules.ruleset import RuleSet
from tests.engine.laws import World
from tests.engine.test_engine_onset import live, samples
from tests.scenarios.world import chain

ENFORCE = RuleSet.default().with_mode("enforce")


def busy(until: str, bad: str = "10:02") -> World:
    """The cart's latency and processor are worse from ``bad`` on, and one of them alerts."""
    world = World(chain("shop -> cart -> db"), ENFORCE)
    live(world, *(samples("cart", metric, "09:00", "10:05", 100, bad, 300) for metric in ("latency", "cpu_load")))
    world.at("10:05:10").fire("cart", "latency high", metric="latency", severity="critical")
    live(world, *(samples("cart", metric, "10:06", until, 300) for metric in ("latency", "cpu_load")))
    return world


def kinds(alert: AlertView) -> set[str]:
    return {term["kind"] for term in alert.terms if term["log_odds"] > 0}


def test_what_confirmed_an_alert_still_does_when_its_points_are_kept_no_longer() -> None:
    alert = busy("11:30").at("11:30").alert("cart", "latency high")
    assert alert.verdict is Verdict.CONFIRMED
    assert {"claim_is_news", "series_deviates"} <= kinds(alert)


def test_a_new_alert_is_judged_by_what_shows_now_though_an_older_one_of_its_entity_still_fires() -> None:
    world = World(chain("shop -> cart -> db"), ENFORCE)
    usual = [samples("cart", metric, "08:30", "09:10", 100) for metric in ("latency", "cpu_load")]
    live(world, *usual)
    world.at("09:10:10").fire("cart", "odd", severity="critical")
    live(world, *(samples("cart", metric, "09:11", "10:10", 100, "10:02", 300) for metric in ("latency", "cpu_load")))
    world.at("10:10:10").fire("cart", "latency high", metric="latency", severity="critical")
    now = world.at("10:12")
    assert now.alert("cart", "latency high").verdict is Verdict.CONFIRMED
    assert "series_deviates" not in kinds(now.alert("cart", "odd"))


def test_an_alert_that_returns_after_its_incident_leaves_what_was_suppressed_as_it_was() -> None:
    world = World(chain("shop -> cart -> db"), ENFORCE)
    live(world, *(samples("cart", metric, "09:00", "10:05", 100) for metric in ("latency", "cpu_load")))
    world.at("10:05:10").fire("cart", "latency high", metric="latency")
    world.at("10:05:40").resolve("cart", "latency high", metric="latency")
    live(world, *(samples("cart", metric, "10:06", "10:15", 100) for metric in ("latency", "cpu_load")))
    before = world.at("10:15:10").entry("cart", "latency high", 0)
    world.at("10:15:20").fire("cart", "latency high", metric="latency")
    assert before.disposition is Disposition.SUPPRESSED
    assert world.at("10:15:30").entry("cart", "latency high", 0) == before
    again = world.at("10:15:40").entry("cart", "latency high", -1)
    assert (again.disposition, again.reason) == (Disposition.HELD, Reason.AWAITING_EVIDENCE)


def test_no_cause_is_named_of_what_nothing_confirms_and_no_door_feels() -> None:
    world = World(chain("shop -> cart -> db"), ENFORCE)
    every = [samples(one, "latency", "09:00", "10:20", 100) for one in ("shop", "db")]
    live(world, *every, samples("cart", "latency", "09:00", "10:20", 100, "10:18", 300))
    world.at("10:20:10").fire("cart", "latency high", metric="latency", severity="critical")
    live(world, samples("cart", "latency", "10:21", "10:24", 300))
    (view,) = world.at("10:24:10").world.driven.incidents()
    assert view.cause is None
    assert "no door" in view.abstained
