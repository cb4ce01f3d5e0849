"""Dependencies that were only discovered: who may be hit is not said to be hit."""

from __future__ import annotations

import pytest

from engine.bridges import bridges
from engine.outcomes import Impacted
from tests.engine.laws import World
from tests.engine.severities import entity, only
from topology.model import Dependency, Entity, Kind, Semantics, Topology

SERVICE = Kind.BUSINESS_SERVICE


def seen(*pairs: str, declared: tuple[str, ...] = (), entities: tuple[Entity, ...] = ()) -> Topology:
    """Pairs "consumer -> provider" that were discovered, and some that were declared."""
    said = {one.id: one for one in entities}
    dependencies = []
    for pair in (*pairs, *declared):
        consumer, provider = pair.split(" -> ")
        dependencies.append(Dependency(consumer=consumer, provider=provider, discovered=pair not in declared))
        for name in (consumer, provider):
            said.setdefault(name, Entity(id=name))
    return Topology.build(said.values(), dependencies)


def hit(world: World) -> dict[str, Impacted]:
    return {one.entity: one for one in only(world).impact}


def test_a_caller_without_evidence_of_its_own_is_perhaps_hit() -> None:
    world = World(seen("shop -> api", "api -> db"))
    world.at("10:00").fire("db", "Down", severity="critical")
    world.at("10:01")
    assert {name: (one.low, one.high) for name, one in hit(world).items()} == {
        "db": (0, 0),
        "api": (0, 1000),
        "shop": (0, 1000),
    }
    assert hit(world)["shop"].path == ("db", "api", "shop")


def test_a_declared_dependency_on_who_is_perhaps_hit_is_no_more_certain() -> None:
    world = World(seen("api -> db", declared=("shop -> api",)))
    world.at("10:00").fire("db", "Down", severity="critical")
    world.at("10:01")
    assert (hit(world)["shop"].low, hit(world)["shop"].high) == (0, 1000)


def test_a_caller_that_alerts_is_hit_for_certain() -> None:
    world = World(seen("shop -> api", "api -> db"))
    world.at("10:00").fire("db", "Down", severity="critical")
    world.at("10:01").fire("api", "Errors", severity="error")
    world.at("10:02")
    assert (hit(world)["api"].high, hit(world)["shop"].high) == (250, 1000)


def test_a_silent_entity_between_two_in_trouble_is_hit_for_certain_but_was_not_observed() -> None:
    world = World(seen("shop -> api", "api -> db", "other -> api"))
    world.at("10:00").fire("db", "Down", severity="critical")
    world.at("10:01").fire("shop", "Errors", severity="critical")
    world.at("10:02")
    assert (hit(world)["api"].low, hit(world)["api"].high, hit(world)["api"].observed) == (0, 750, False)
    assert hit(world)["api"].path == ("db", "api")
    assert hit(world)["other"].high == 1000


@pytest.mark.parametrize(
    ("ways", "between"),
    [
        (["a -> s", "s -> b"], ["s"]),
        (["a -> s", "s -> t", "t -> b"], ["s", "t"]),
        (["a -> s", "s -> b", "a -> t", "t -> b"], []),
        (["a -> s", "s -> t", "s -> u", "t -> b", "u -> b"], ["s"]),
        (["a -> s", "s -> b", "a -> b"], []),
        (["a -> s", "b -> s"], []),
        (["a -> s", "s -> a", "s -> b"], ["s"]),
    ],
    ids=["one", "two in a row", "one of two, unknown which", "the first for certain", "none on the direct way",
         "none above a shared provider", "around a cycle"],
)  # fmt: skip
def test_a_bridge_lies_on_every_shortest_way(ways: list[str], between: list[str]) -> None:
    assert bridges(seen(*ways), {"a", "b"}) == between


def test_only_what_passes_trouble_on_is_a_bridge_and_only_where_something_is_not_declared() -> None:
    assert bridges(seen(declared=("a -> s", "s -> b")), {"a", "b"}) == []
    info = [
        Dependency(consumer="a", provider="s", semantics=Semantics.INFO),
        Dependency(consumer="s", provider="b", discovered=True),
    ]
    assert bridges(Topology.build([Entity(id=i) for i in "abs"], info), {"a", "b"}) == []


def test_whose_users_are_hit_is_then_a_matter_of_bounds() -> None:
    shop = entity("shop", SERVICE, users=1000, tier=0, obligations=("gdpr",))
    app = entity("app", SERVICE, users=10, tier=2)
    world = World(seen("shop -> db", declared=("app -> db",), entities=(shop, app)))
    world.at("10:00").fire("db", "Down", severity="critical")
    world.at("10:01")
    view = only(world)
    assert view.users == (10, 1010)
    assert (view.harm.tier, view.harm.tier_possible) == (2, 0)
    assert view.obligations == ()
    assert view.harm.uncertain == 1
    assert view.harm.business_services == ("app",)
