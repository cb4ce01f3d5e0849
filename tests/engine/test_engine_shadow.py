"""A rule in shadow hides neither an enforced one nor what it would have done; nothing sent from the future counts."""

from __future__ import annotations

from engine.flapping import is_flapping
from engine.reasons import Disposition, Reason
from engine.signals import Labels, LogRecord, Samples
from engine.spell import Spell
from rules.gates import Window
from rules.ruleset import Content, RuleSet
from tests.scenarios.world import World, chain, clock

TOPOLOGY = chain("shop", "cart", "db-1")


def test_an_enforced_rule_behind_one_in_shadow_is_carried_out() -> None:
    windows = tuple(Window(name, entities=("cart",), starts_at=clock("09:00"), ends_at=clock("12:00")) for name in "ab")
    world = World(TOPOLOGY, RuleSet(Content(maintenance=windows, modes=(("a", "shadow"),))))
    world.at("10:00").fire("cart", "Slow").expect_event("cart", "Slow", Disposition.SUPPRESSED, Reason.MAINTENANCE)
    assert world.at("10:01").alert("cart", "Slow").rule == "b"


def test_an_alert_that_changes_every_ten_seconds_is_flapping() -> None:
    spell = Spell(0, 0, 0, 10**12)
    for change in range(1, 121):
        if change % 2:
            spell.resolve(0, change * 10_000, change * 10_000)
        else:
            spell.fire(change * 10_000, 10**12, change * 10_000)
    assert len(spell.flips) == len({at // 60_000 for at, _ in spell.flips}) == 21
    assert is_flapping(spell.flips, 1_200_000, was=False)


def test_what_is_dated_ahead_does_not_push_out_the_present() -> None:
    world = World(TOPOLOGY)
    now = clock("10:00")
    ahead, labels = now + 10**9, Labels.of({"__name__": "load", "service": "cart"})
    world.driven.feed(now, (Samples(labels, (now, ahead), (1.0, 2.0)), LogRecord(labels, ahead, "error", "x")))
    state = world.driven.core.state
    assert [list(s.times) for s in state.telemetry.series["cart"].values()] == [[now]]
    assert list(state.logs.entities["cart"].lines.minutes) == [(now + 60_000) // 60_000]
