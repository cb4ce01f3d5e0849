"""Publications: who is told what, when, and how often."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

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


def test_updates_keep_the_group_interval_however_many_there_are() -> None:
    world = World(chain(*(f"user-{n} -> cart" for n in range(20))))
    world.at("10:00").fire("cart", "Slow", severity="critical")
    for number in range(20):
        world.at(f"10:02:{3 * number:02}").fire(f"user-{number}", "Slow", severity="critical")
    for number in range(6):
        world.at(f"10:0{3 + number}").command("override_severity", _told(world)[0].incident, reason="r", level="SEV4")
        world.at(f"10:0{3 + number}:30").command(
            "override_severity", _told(world)[0].incident, reason="r", level="SEV2"
        )
    world.at("10:30")
    opened, updates = _told(world, "open")[0], _told(world, "update")
    slots = sorted({p.not_before for p in updates})
    assert len(updates) >= 10
    assert slots[0] == opened.not_before + 300_000
    assert all(later - earlier >= 300_000 for earlier, later in pairwise(slots))
    assert all(p.not_before - p.created_at <= 300_000 for p in updates)


def test_a_severity_set_by_hand_is_told() -> None:
    world = World(SHOP)
    world.at("10:00").fire("cart", "Slow", severity="error")
    told = world.at("10:02").incidents()[0]
    world.at("10:20").command("override_severity", told.id, reason="the boss is watching", level="SEV1")
    world.at("10:21")
    latest = _told(world, "update")[-1]
    assert latest.body["incident"]["severity"]["level"] == "SEV1"


def test_a_blip_that_ends_in_a_busy_domain_is_not_told_because_settling_is_behind() -> None:
    world = World(SHOP)
    world.at("10:00").fire("cart", "Slow", severity="error")
    for second in range(2, 29, 2):
        world.at(f"10:00:{second:02}").fire("db-1", f"Note{second}", severity="info")
    world.at("10:00:29").resolve("cart", "Slow")
    world.at("10:00:31").expect()
    world.at("12:00").expect()


def test_a_merge_is_told_once_for_the_incident_that_ends() -> None:
    world = World(SHOP)
    world.at("10:00").fire("db-1", "Down", severity="critical").fire("mq-1", "Down", severity="critical")
    one, other = world.at("10:02").incidents()
    world.at("10:03").command("merge", other.id, reason="same", into=one.id)
    world.at("10:04")
    merged = [p for p in world.driven.outbox if p.action == "merge"]
    assert [(p.incident, p.audience) for p in merged] == [(other.id, audience) for audience in AUDIENCES]
    assert merged[0].body["why"] == f"merged into {one.id}"


def test_a_sev1_is_told_at_once() -> None:
    world = World(chain("shop -> cart", entities=[Entity(id="shop", tier=1, users=500_000)]))
    world.at("10:00").fire("cart", "Down", severity="critical")
    world.at("10:00:02").expect(incident(cause="cart", severity="SEV1", state="declared"))
    assert [p.created_at < clock("10:00:02") for p in _told(world, "open")] == [True]
