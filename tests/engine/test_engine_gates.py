"""Gates in the core: what is held or suppressed, and what brings it forward again."""

from __future__ import annotations

import pytest

from engine.reasons import Disposition, Reason
from engine.signals import AlertEvent, Labels
from rules.gates import Exclusion, Inhibition, Threshold, Window
from rules.matchers import Matcher
from rules.ruleset import Content, RuleSet
from tests.engine.laws import World
from tests.scenarios.world import chain, clock, incident
from topology.model import Entity

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


def test_a_late_alert_that_outlasted_its_threshold_before_it_came_is_opened() -> None:
    world = World(SHOP, WAITS)
    world.at("10:05").resolve("cart", "Slow", ended="10:03")
    world.at("10:05:10").fire("cart", "Slow", since="10:00")
    world.at("10:06").expect_event("cart", "Slow", Disposition.OPENED, Reason.NEW_TROUBLE)


def test_an_end_that_comes_before_its_beginning_is_judged_by_the_same_threshold() -> None:
    world = World(SHOP, WAITS)
    world.at("10:01").resolve("cart", "Slow", ended="10:00:50")
    world.at("10:01:10").fire("cart", "Slow", since="10:00:40")
    world.at("10:02").expect_event("cart", "Slow", Disposition.SUPPRESSED, Reason.NEVER_REACHED_THRESHOLD)


def test_a_held_alert_is_not_forgotten_before_its_deadline() -> None:
    world = World(SHOP, RuleSet(Content(thresholds=(Threshold("an-hour", (SLOW,), wait=3_600_000),))))
    world.at("10:00").fire("cart", "Slow")
    world.at("10:01").resolve("cart", "Slow")
    world.at("10:59").expect_event("cart", "Slow", *HELD, nth=0)
    world.at("11:01").expect_event("cart", "Slow", Disposition.SUPPRESSED, Reason.NEVER_REACHED_THRESHOLD, nth=0)
    assert world.core.counts["held"] == 0


def test_a_held_alert_that_a_new_spell_replaces_never_reached_its_threshold() -> None:
    world = World(SHOP, RuleSet(Content(thresholds=(Threshold("an-hour", (SLOW,), wait=3_600_000),))))
    world.at("10:00").fire("cart", "Slow")
    world.at("10:01").resolve("cart", "Slow")
    moment = world.at("10:30").fire("cart", "Slow")
    moment.expect_event("cart", "Slow", Disposition.SUPPRESSED, Reason.NEVER_REACHED_THRESHOLD, nth=0)
    moment.expect_event("cart", "Slow", *HELD)
    assert world.core.counts["held"] == 1


def test_an_alert_that_has_counted_counts_until_its_value_is_clear_for_long_enough() -> None:
    gate = Threshold("cpu", (SLOW,), above=90, clear_below=70, clear_for=300_000)
    world = World(SHOP, RuleSet(Content(thresholds=(gate,))))

    def value(time: str, number: float) -> None:
        labels = Labels.of({"alertname": "Slow", "service": "cart"})
        world.at(time)
        world.driven.feed(clock(time), (AlertEvent(labels, starts_at=clock("10:00"), value=number),))

    def now() -> tuple[str, str]:
        return world.driven.alerts[1].disposition, world.driven.alerts[1].reason

    value("10:00", 95)
    value("10:05", 80)
    assert now() == ("opened", "new_trouble")
    value("10:10", 60)
    world.at("10:14")
    assert now() == ("opened", "new_trouble")
    world.at("10:16")
    assert now() == ("suppressed", "below_threshold")
    value("10:20", 80)
    assert now() == ("suppressed", "below_threshold")
    value("10:21", 95)
    assert now() == ("opened", "new_trouble")


def test_an_inhibited_alert_comes_forward_when_its_source_ends_and_goes_back_when_it_returns() -> None:
    world = World(SHOP, INHIBITS)
    world.at("10:00").fire("db-1", "Down", severity="critical")
    world.at("10:01").fire("cart", "Slow").expect_event("cart", "Slow", *INHIBITED)
    world.at("10:02").resolve("db-1", "Down")
    world.at("10:02:10").expect_event("cart", "Slow", Disposition.ATTACHED, Reason.EXPLAINED_BY_CAUSE)
    world.at("10:03").fire("db-1", "Down", severity="critical").expect_event("cart", "Slow", *INHIBITED)
    assert world.driven.alerts[2].incident == ""


def test_a_source_that_comes_shortly_after_its_target_mutes_it_and_a_later_one_does_not() -> None:
    world = World(SHOP, INHIBITS)
    world.at("10:00").fire("cart", "Slow", zone="eu").fire("shop", "Slow", zone="us")
    world.at("10:00:20").fire("db-1", "Down", severity="critical", zone="eu")
    world.at("10:00:40").fire("cart", "Down", severity="critical", zone="us")
    moment = world.at("10:05").expect_event("cart", "Slow", *INHIBITED)
    assert moment.entry("shop", "Slow").reason is not Reason.INHIBITED


def test_the_expiry_of_a_source_brings_its_target_forward() -> None:
    world = World(SHOP, INHIBITS)
    world.at("10:00").fire("db-1", "Down", severity="critical", ends="10:04")
    world.at("10:01").fire("cart", "Slow").expect_event("cart", "Slow", *INHIBITED)
    assert world.at("10:05").entry("cart", "Slow").disposition is Disposition.ATTACHED


def test_an_end_that_came_first_mutes_alike_before_and_after_a_restart() -> None:
    said = []
    for restart in (False, True):
        world = World(SHOP, INHIBITS)
        world.at("10:10").resolve("db-1", "Down", ended="10:09:30")
        if restart:
            world.at("10:10").restart()
        world.at("10:10").fire("cart", "Slow", since="10:09:20", ends="10:09:25")
        said.append([(line.kind, line.text) for line in world.at("10:30").world.driven.timeline])
    assert said[0] == said[1]


def test_what_is_out_of_scope_is_suppressed_and_visible() -> None:
    out = (Disposition.SUPPRESSED, Reason.OUT_OF_SCOPE)
    lab = chain("shop -> cart", entities=[Entity(id="toy", scope=False)])
    world = World(lab, RuleSet(Content(scope=(Exclusion("lab", (Matcher("zone", "=", "lab"),)),))))
    world.at("10:00").fire("toy", "Down", severity="critical").fire("cart", "Down", severity="critical", zone="lab")
    moment = world.at("10:05").expect_event("toy", "Down", *out).expect_event("cart", "Down", *out).expect()
    assert [moment.alert(e, "Down").rule for e in ("toy", "cart")] == ["catalogue-scope", "lab"]
    assert world.core.counts["suppressed"] == 2


def test_a_rule_in_shadow_lets_pass_and_records_what_it_would_have_done() -> None:
    window = Window("work", entities=("cart",), starts_at=clock("09:00"), ends_at=clock("12:00"))
    world = World(SHOP, RuleSet(Content(maintenance=(window,), modes=(("work", "shadow"),))))
    world.at("10:00").fire("cart", "Down", severity="critical")
    entry = world.at("10:02").expect(incident(cause="cart")).entry("cart", "Down")
    assert (entry.disposition, entry.enforced) == (Disposition.OPENED, Disposition.SUPPRESSED)


def test_a_rule_is_promoted_and_demoted_by_a_person() -> None:
    window = Window("work", entities=("cart",), starts_at=clock("09:00"), ends_at=clock("12:00"))
    world = World(SHOP, RuleSet(Content(maintenance=(window,), modes=(("work", "shadow"),))))
    world.at("10:00").fire("cart", "Down", severity="critical")
    world.at("10:05").command("promote_rule", "work", reason="it was right", mode="enforce")
    world.at("10:06").expect_event("cart", "Down", Disposition.SUPPRESSED, Reason.MAINTENANCE)
    world.at("10:06").expect(incident(state="resolved"))
    world.at("10:10").command("promote_rule", "work", reason="it was wrong", mode="shadow")
    world.at("10:12").expect(incident(state="resolved"), incident(state="declared", cause="cart"))


def test_a_silence_mutes_what_comes_and_what_fires_and_ends_by_itself() -> None:
    silenced = (Disposition.SUPPRESSED, Reason.SILENCED)
    world = World(SHOP)
    world.at("10:00").fire("cart", "Down", severity="critical")
    world.at("10:05").command("silence", "quiet", reason="r", until="2026-09-22T11:00:00Z", entities="cart")
    world.at("10:06").expect_event("cart", "Down", *silenced).expect(incident(state="resolved"))
    world.at("10:07").fire("cart", "Slow").expect_event("cart", "Slow", *silenced)
    world.at("11:01").expect(incident(state="resolved"), incident(state="declared", alerts=2))


def test_a_silence_that_begins_later_mutes_what_fires_by_then() -> None:
    world = World(SHOP)
    world.at("10:00").command(
        "silence", "quiet", reason="r", matchers='alertname=~"Do.*"', until="2026-09-22T12:00:00Z",
        **{"from": "2026-09-22T11:00:00Z"},
    )  # fmt: skip
    world.at("10:10").fire("cart", "Down", severity="critical")
    world.at("10:59").expect(incident(state="declared"))
    world.at("11:01").expect_event("cart", "Down", Disposition.SUPPRESSED, Reason.SILENCED)
    world.at("12:01").expect(incident(state="resolved"), incident(state="declared"))


def test_a_silence_is_lifted_by_a_person() -> None:
    world = World(SHOP)
    world.at("10:00").command("silence", "quiet", reason="r", until="2026-09-22T12:00:00Z", entities="cart")
    world.at("10:01").fire("cart", "Down", severity="critical")
    world.at("10:05").expect().command("unsilence", "quiet", reason="r")
    world.at("10:06").expect(incident(cause="cart")).command("unsilence", "quiet", reason="r")
    assert world.driven.timeline[-1].text == "no silence 'quiet' is in force"


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"until": "2026-09-22T12:00:00Z"}, "would mute everything"),
        ({"until": "2026-09-22T09:00:00Z", "entities": "cart"}, "in the future"),
        ({"until": "2026-09-22T12:00:00", "entities": "cart"}, "time zone"),
        ({"until": "soon", "entities": "cart"}, "RFC 3339"),
        ({"until": "2026-09-22T12:00:00Z", "matchers": "alertname=~(("}, "regular expression"),
        ({"until": "2026-09-22T12:00:00Z", "matchers": "=x"}, "not a matcher"),
    ],
)
def test_a_silence_that_cannot_be_is_refused(facts: dict[str, str], why: str) -> None:
    world = World(SHOP)
    world.at("10:00").command("silence", "quiet", reason="r", **facts)
    assert why in world.driven.timeline[-1].text
    world.at("10:01").fire("cart", "Down", severity="critical")
    world.at("10:05").expect(incident(cause="cart"))
