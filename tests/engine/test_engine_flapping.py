"""Flapping: the published numbers of Nagios and Icinga, and what the engine makes of an alert that flaps."""

from __future__ import annotations

from itertools import combinations

import pytest

from engine.flapping import TRANSITIONS, WEIGHTS, share
from engine.outcomes import IncidentView
from rules.flapping import Flapping, Method
from rules.parse import parse_rules
from rules.ruleset import Content, RuleSet
from tests.engine.laws import World
from tests.scenarios.world import chain, incident

SHOP = chain("shop -> cart -> db")


def _fewest_and_most(method: Method, begins: float) -> tuple[int, int]:
    """With how many changes the share is reached: the newest ones weigh most, the oldest least."""

    def needed(order: range) -> int:
        for count in range(1, TRANSITIONS + 1):
            changes = [False] * TRANSITIONS
            for place in order[:count]:
                changes[place] = True
            percent = share(changes, method)
            if percent > begins if method == "icinga" else percent >= begins:
                return count
        raise AssertionError("never")

    return needed(range(TRANSITIONS - 1, -1, -1)), needed(range(TRANSITIONS))


def test_nagios_weighs_twenty_changes_of_twenty_one_states_from_three_quarters_to_five_quarters() -> None:
    assert WEIGHTS["nagios"][0] == 0.75
    assert WEIGHTS["nagios"][-1] == 1.25
    assert sum(WEIGHTS["nagios"]) == pytest.approx(20)
    steps = {round(b - a, 12) for a, b in zip(WEIGHTS["nagios"], WEIGHTS["nagios"][1:], strict=False)}
    assert steps == {round(0.5 / 19, 12)}


def test_icinga_weighs_a_ring_of_twenty_bits_and_never_reaches_a_hundred() -> None:
    assert list(WEIGHTS["icinga"][::19]) == pytest.approx([0.8, 1.18])
    assert sum(WEIGHTS["icinga"]) == pytest.approx(19.8)
    assert share([True] * 20, "icinga") == 99.0


@pytest.mark.parametrize(
    ("method", "percent", "changes"),
    [("nagios", 20.0, (4, 5)), ("nagios", 30.0, (6, 8)), ("icinga", 30.0, (6, 7))],
)
def test_the_published_numbers_of_changes_come_out(method: Method, percent: float, changes: tuple[int, int]) -> None:
    assert _fewest_and_most(method, percent) == changes


def test_no_choice_of_five_changes_flaps_at_thirty_percent() -> None:
    for method in ("nagios", "icinga"):
        shares = (share([n in chosen for n in range(20)], method) for chosen in combinations(range(20), 5))
        assert max(shares) < 30


def _toggle(world: World, first: int, last: int, severity: str = "critical") -> None:
    for minute in range(first, last, 2):
        world.at(f"10:{minute:02}").fire("cart", "Down", severity=severity)
        world.at(f"10:{minute + 1:02}").resolve("cart", "Down")


def test_the_first_critical_of_a_flapping_alert_is_never_hidden() -> None:
    world = World(SHOP)
    world.at("10:00").fire("cart", "Down", severity="critical")
    world.at("10:00:40").expect(incident(cause="cart", state="declared"))
    world.at("10:01").resolve("cart", "Down")
    _toggle(world, 2, 40)
    assert next(p.action for p in world.driven.outbox if p.audience == "engineers") == "open"
    assert len(world.driven.told()) == 1


def _since_flapping(world: World) -> list[str]:
    """What was told after the message that the alert is back, which stands for all the ups and downs that follow."""
    begun = next(line.at for line in world.driven.timeline if line.kind == "flapping")
    return [p.action for p in world.driven.outbox if p.audience == "engineers" and p.created_at > begun + 1000]


def test_while_it_flaps_people_are_told_nothing_new() -> None:
    world = World(SHOP)
    _toggle(world, 0, 58)
    assert world.at("10:58").alert("cart", "Down").state == "flapping"
    assert _since_flapping(world) == []


def test_a_worse_severity_is_told_although_it_flaps() -> None:
    world = World(SHOP)
    _toggle(world, 0, 20, "warning")
    _toggle(world, 20, 40, "critical")
    views: list[IncidentView] = world.driven.told()
    assert len(views) == 1
    assert _since_flapping(world) == ["update"]


def test_beginning_and_end_are_in_the_timeline_and_the_view() -> None:
    world = World(SHOP)
    _toggle(world, 0, 20)
    view = world.at("10:20").alert("cart", "Down")
    assert view.state == "flapping"
    assert view.flapping_since is not None
    world.at("11:20")
    lines = [line for line in world.driven.timeline if line.kind == "flapping"]
    assert [line.facts["flapping"] for line in lines] == [True, False]
    assert lines[0].at == view.flapping_since
    assert lines[0].facts["percent"] >= 30
    assert lines[1].facts["percent"] <= 20
    assert world.core.gauges()["flapping"] == 0
    assert world.at("11:20").alert("cart", "Down").flapping_since is None


def test_what_is_resent_and_expires_again_and_again_flaps_too() -> None:
    world = World(SHOP)
    for minute in range(0, 40, 2):
        world.at(f"10:{minute:02}").fire("cart", "Down", severity="critical", ends=f"10:{minute + 1:02}")
    assert world.at("10:40").alert("cart", "Down").state == "flapping"
    assert len(world.driven.told()) == 1


def test_the_rules_say_when_it_begins() -> None:
    world = World(SHOP, RuleSet(Content(flapping=Flapping(method="icinga", low=25, high=60))))
    _toggle(world, 0, 8)
    assert world.at("10:08").alert("cart", "Down").state != "flapping"
    _toggle(world, 8, 30)
    assert world.at("10:30").alert("cart", "Down").state == "flapping"


def test_a_longer_tick_sees_slower_flapping() -> None:
    found, problems = parse_rules({"a.yaml": "flapping: {tick: 5m}"})
    assert found is not None, problems
    said = []
    for rules in (RuleSet.default(), found):
        world = World(SHOP, rules)
        for step in range(14):
            moment = world.at(f"{10 + step * 5 // 60}:{step * 5 % 60:02}")
            moment = moment.resolve("cart", "Down") if step % 2 else moment.fire("cart", "Down")
        said.append(world.at("11:06").alert("cart", "Down").state)
    assert said == ["resolved", "flapping"]
