"""Publications: who is told what, when, and how often."""

from __future__ import annotations

from collections import Counter

from engine.outcomes import Publication
from rules.routing import AUDIENCES
from tests.engine.laws import World
from tests.scenarios.world import chain, clock, incident
from topology.model import Entity

SHOP = chain("shop -> cart -> db-1", "cart -> mq-1", entities=[Entity(id="vault", tier=0)])


def _told(world: World, action: str = "") -> list[Publication]:
    """What engineers were told."""
    return [p for p in world.driven.outbox if p.audience == "engineers" and action in ("", p.action)]


def test_an_incident_is_opened_once_per_audience_after_the_group_wait() -> None:
    world = World(SHOP)
    world.at("10:00").fire("cart", "Slow", severity="error")
    assert not world.at("10:00:29").world.driven.outbox
    world.at("10:03").fire("cart", "Slow", severity="error", since="10:00").fire("cart", "Down", severity="error")
    world.at("10:20")
    opened = [p for p in world.driven.outbox if p.action == "open"]
    assert Counter(p.audience for p in opened) == dict.fromkeys(AUDIENCES, 1)
    assert {p.key for p in opened} == {f"{opened[0].incident}.1.open.{opened[0].revision}.{a}" for a in AUDIENCES}
    assert clock("10:00:30") <= opened[0].not_before <= clock("10:00:36")


def test_the_same_inputs_give_the_same_keys() -> None:
    keys = []
    for _ in range(2):
        world = World(SHOP)
        world.at("10:00").fire("cart", "Slow", severity="error")
        world.at("10:10").resolve("cart", "Slow")
        world.at("11:00")
        keys.append([p.key for p in world.driven.outbox])
    assert keys[0] == keys[1]
    assert len(set(keys[0])) == len(keys[0]) >= 2 * len(AUDIENCES)


def test_a_tier_0_entity_in_trouble_is_told_at_once() -> None:
    world = World(SHOP)
    world.at("10:00").fire("vault", "Slow")
    world.at("10:00:02")
    assert [p.action for p in _told(world)] == ["open"]


def test_informational_alerts_alone_are_never_told() -> None:
    world = World(SHOP)
    world.at("10:00").fire("cart", "Note", severity="info").fire("shop", "Note", severity="none")
    world.at("12:00").expect()
    assert not world.driven.outbox
    assert world.driven.incidents()


def test_a_short_blip_is_not_told() -> None:
    world = World(SHOP)
    world.at("10:00").fire("cart", "Slow", severity="error")
    world.at("10:00:25").resolve("cart", "Slow")
    world.at("12:00").expect()
    assert not world.driven.outbox


def test_trouble_that_returns_after_a_blip_that_nobody_heard_of_is_told() -> None:
    world = World(SHOP)
    world.at("10:00").fire("cart", "Slow", severity="critical")
    world.at("10:00:10").resolve("cart", "Slow")
    world.at("10:06").expect().fire("cart", "Slow", severity="critical")
    world.at("10:06:10").expect()
    world.at("10:07").expect(incident(cause="cart", state="declared"))


def test_trouble_that_returns_after_it_was_told_reopens_under_a_new_generation() -> None:
    world = World(SHOP)
    world.at("10:00").fire("cart", "Slow", severity="critical")
    world.at("10:02").resolve("cart", "Slow")
    world.at("10:10").expect(incident(state="resolved")).fire("cart", "Slow", severity="critical")
    world.at("10:12").expect(incident(state="restoring"))
    assert [p.action for p in _told(world) if p.action != "update"] == ["open", "resolve", "reopen"]
    assert [p.generation for p in _told(world) if p.action != "update"] == [1, 1, 2]
