"""Several incidents at once: each is judged in the world as it is, and none claims another's harm."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from engine.lifecycle import OPEN
from engine.outcomes import Impacted, IncidentView
from tests.engine.laws import World
from tests.scenarios.world import Moment, clock
from topology.impact import Impact, impact
from topology.model import Dependency, Entity, Group, Kind, Semantics, Topology

UP = 1000


def replicas(count: int, capacity: int, extra: tuple[Dependency, ...] = ()) -> Topology:
    """A shop on a ledger, on so many replicas, of which ``capacity`` carry the load."""
    names = [f"db-{n + 1}" for n in range(count)]
    entities = [
        Entity(id="shop", kind=Kind.BUSINESS_SERVICE, users=5000, tier=1, owner="head of shop"),
        Entity(id="ledger", tier=0),
        *(Entity(id=name) for name in names),
        *(Entity(id=one.consumer) for one in extra),
    ]
    members = [Dependency(consumer="ledger", provider=name, group="replicas") for name in names]
    group = Group(consumer="ledger", name="replicas", capacity=1000 * capacity)
    return Topology.build(entities, [*members, Dependency(consumer="shop", provider="ledger"), *extra], [group])


def lose(world: World, time: str, entity: str) -> Moment:
    return world.at(time).fire(entity, "ReplicaDown", severity="critical")


def views(world: World) -> dict[str, IncidentView]:
    """The incidents by the entity in which each began."""
    return {view.entities[0]: view for view in world.driven.incidents()}


def hits(view: IncidentView) -> dict[str, Impacted]:
    return {one.entity: one for one in view.impact}


def lows(view: IncidentView) -> dict[str, int]:
    return {one.entity: one.low for one in view.impact}


def two_lost() -> World:
    world = World(replicas(3, 2))
    lose(world, "10:00", "db-1")
    lose(world, "10:15", "db-2")
    world.at("10:17")
    return world


def test_one_replica_lost_takes_the_margin_only():
    world = World(replicas(3, 2))
    lose(world, "10:00", "db-1")
    world.at("10:05")
    (view,) = world.driven.incidents()
    assert {e: (one.low, one.at_risk) for e, one in hits(view).items()} == {"db-1": (0, False), "ledger": (UP, True)}
    assert not any(one.together for one in view.impact)


def test_two_replicas_lost_one_after_the_other_are_two_incidents_that_both_say_what_they_do_together():
    found = views(two_lost())
    assert found.keys() == {"db-1", "db-2"}, "independent failures are two troubles"
    for entity, other in (("db-1", "db-2"), ("db-2", "db-1")):
        view, them = found[entity], (found[other].id,)
        assert lows(view) == {entity: 0, "ledger": 500, "shop": 500}
        assert {one.entity: one.together for one in view.impact} == {entity: (), "ledger": them, "shop": them}
        assert hits(view)["shop"].path == (entity, "ledger", "shop"), "from its own failure"
        assert view.users == (5000, 5000)
    assert found["db-1"].severity.fired == found["db-2"].severity.fired


def test_the_first_incident_gets_one_revision_for_the_second_that_names_it_and_none_follows():
    world = World(replicas(3, 2))
    lose(world, "10:00", "db-1")
    world.at("10:15")
    before = views(world)["db-1"]
    lose(world, "10:15", "db-2")
    world.at("10:20")
    found = views(world)
    after, second = found["db-1"], found["db-2"].id
    assert after.why.startswith(f"together with {second}: ledger (degraded), shop (degraded)")
    assert after.severity.level < before.severity.level
    told = [line for line in world.driven.timeline if line.incident == after.id and line.kind == "together"]
    assert [(line.facts["with"], line.facts["entities"]) for line in told] == [([second], ["ledger", "shop"])]
    revisions = {view.id: view.revision for view in found.values()}
    world.at("10:30")
    later = {view.id: view.revision for view in world.driven.incidents()}
    assert later == revisions, "nobody goes on answering the other"


def test_what_comes_back_eases_both():
    world = two_lost()
    world.at("10:30").resolve("db-1", "ReplicaDown")
    world.at("10:31")
    found = views(world)
    assert lows(found["db-2"]) == {"db-2": 0, "ledger": UP}
    assert found["db-2"].why.startswith(f"no longer hit together with {found['db-1'].id}: ledger, shop")
    assert found["db-1"].state == "recovering"
    assert lows(found["db-1"]) == {"db-1": 0, "ledger": 500, "shop": 500}, "its record tells how it was to its end"


@pytest.mark.parametrize("action", ["close", "false_alarm"])
def test_an_incident_that_a_person_ends_no_longer_counts_for_the_other(action: str):
    world = two_lost()
    found = views(world)
    world.at("10:20").command(action, found["db-1"].id, reason="handled elsewhere")
    world.at("10:21")
    assert lows(views(world)["db-2"]) == {"db-2": 0, "ledger": UP}


def test_two_that_a_person_merges_do_alone_what_they_did_together():
    world = two_lost()
    found = views(world)
    world.at("10:20").command("merge", found["db-1"].id, reason="one power line", into=found["db-2"].id)
    world.at("10:22")
    (view,) = [one for one in world.driven.incidents() if one.state != "merged"]
    assert lows(view) == {"db-1": 0, "db-2": 0, "ledger": 500, "shop": 500}
    assert not any(one.together for one in view.impact)


def test_an_incident_that_reopens_counts_again():
    world = two_lost()
    found = views(world)
    world.at("10:20").command("close", found["db-1"].id, reason="too early")
    world.at("10:21").command("reopen", found["db-1"].id, reason="it is still lost")
    world.at("10:23")
    assert lows(views(world)["db-2"]) == {"db-2": 0, "ledger": 500, "shop": 500}


def test_no_incident_claims_what_another_does_without_it():
    world = World(replicas(3, 2, (Dependency(consumer="report", provider="db-2"),)))
    lose(world, "10:00", "db-1")
    lose(world, "10:15", "db-2")
    world.at("10:17")
    found = views(world)
    assert "report" not in lows(found["db-1"])
    assert (lows(found["db-2"])["report"], hits(found["db-2"])["report"].together) == (0, ())


def test_what_each_of_two_does_alone_belongs_to_both_and_to_neither_together():
    """A page needs both of two providers that fail on their own."""
    world = World(
        Topology.build(
            [Entity(id=name) for name in ("page", "auth", "cart")],
            [Dependency(consumer="page", provider="auth"), Dependency(consumer="page", provider="cart")],
        )
    )
    lose(world, "10:00", "auth")
    lose(world, "10:15", "cart")
    world.at("10:17")
    found = views(world)
    for entity in ("auth", "cart"):
        assert lows(found[entity]) == {entity: 0, "page": 0}
        assert hits(found[entity])["page"].together == ()


def test_three_of_five_lost_name_each_other_though_one_alone_is_not_even_felt():
    world = World(replicas(5, 3))
    lose(world, "10:00", "db-1")
    world.at("10:05")
    assert lows(views(world)["db-1"]) == {"db-1": 0}
    lose(world, "10:15", "db-2")
    world.at("10:20")
    for view in views(world).values():
        assert (hits(view)["ledger"].at_risk, hits(view)["ledger"].low) == (True, UP), "at risk together"
    lose(world, "10:30", "db-3")
    world.at("10:35")
    found = views(world)
    for entity, view in found.items():
        others = {one.id for e, one in found.items() if e != entity}
        assert set(hits(view)["shop"].together) == others
        assert hits(view)["shop"].low == 667


def test_the_order_in_which_the_losses_arrive_does_not_matter():
    said = []
    for order in permutations((("db-1", "10:00"), ("db-2", "10:01"), ("db-3", "10:01:30"))):
        world = World(replicas(5, 3))
        for n, (entity, since) in enumerate(order):
            world.at(f"10:01:{31 + n}").fire(entity, "ReplicaDown", severity="critical", since=since)
        world.at("10:20")
        said.append({e: (lows(v), v.severity.level, v.harm.users) for e, v in views(world).items()})
    assert all(one == said[0] for one in said)


def test_a_restart_between_the_losses_changes_nothing():
    world = World(replicas(3, 2))
    lose(world, "10:00", "db-1")
    world.at("10:10").restart()
    lose(world, "10:15", "db-2").restart()
    world.at("10:17")
    whole = two_lost()
    assert {e: v.impact for e, v in views(world).items()} == {e: v.impact for e, v in views(whole).items()}


def test_what_two_will_do_together_when_a_buffer_is_spent_is_foreseen():
    def member(name: str) -> Dependency:
        return Dependency(consumer="ledger", provider=name, group="g", semantics=Semantics.ASYNC, buffer=1800)

    world = World(
        Topology.build([Entity(id=name) for name in ("ledger", "q-1", "q-2")], [member("q-1"), member("q-2")])
    )
    lose(world, "10:00", "q-1")
    lose(world, "10:15", "q-2")
    world.at("10:17")
    found = views(world)
    for entity, other in (("q-1", "q-2"), ("q-2", "q-1")):
        ledger = hits(found[entity])["ledger"]
        assert (ledger.low, ledger.down_at, ledger.held_until) == (UP, clock("10:45"), clock("10:45"))
        assert ledger.together == (found[other].id,)
    world.at("10:46")
    assert {e: lows(v)["ledger"] for e, v in views(world).items()} == {"q-1": 0, "q-2": 0}


@st.composite
def layered(draw: st.DrawFn) -> Topology:
    """Replicas that depend on nothing, groups of them, and what is on these: few failures explain another."""
    layers = ["abcdefg", "mnop", "xyz"]
    dependencies: list[Dependency] = []
    groups: list[Group] = []
    for n, layer in enumerate(layers[1:]):
        for consumer in layer:
            below = st.sampled_from(layers[n] + (layers[n - 1] if n else ""))
            members = draw(st.lists(below, unique=True, min_size=2, max_size=5))
            kind = draw(st.sampled_from([Semantics.HARD, Semantics.HARD, Semantics.SOFT, Semantics.ASYNC]))
            buffer = draw(st.sampled_from([60, 1200, 3600])) if kind is Semantics.ASYNC else 0
            for member in members:
                factor = 700 if kind is Semantics.SOFT else 1000
                one = Dependency(
                    consumer=consumer, provider=member, group="g", semantics=kind, buffer=buffer, factor=factor
                )
                dependencies.append(one)
            need = draw(st.integers(1, len(members)))
            capacity = draw(st.none() | st.integers(1000, 1000 * len(members)))
            groups.append(Group(consumer=consumer, name="g", need=need, capacity=capacity))
            if n and draw(st.booleans()):
                dependencies.append(Dependency(consumer=consumer, provider=draw(st.sampled_from(layers[n]))))
    unique = {(one.consumer, one.provider): one for one in reversed(dependencies)}
    return Topology.build([Entity(id=id) for id in "".join(layers)], unique.values(), groups)


@settings(max_examples=60, deadline=None)
@given(layered(), st.lists(st.sampled_from("abcdefg"), unique=True, min_size=2, max_size=5), st.data())
def test_every_incident_is_what_the_three_worlds_say_whatever_else_is_open(
    index: Topology, failed: list[str], data: st.DataObject
):
    world = World(index)
    for n, entity in enumerate(failed):
        word = data.draw(st.sampled_from(["critical", "warning"]))
        world.at(f"10:{2 * n:02}").fire(entity, "Broken", severity=word)
    world.at("10:30")
    incidents = [one for one in world.core.state.incidents.values() if one.state in OPEN]
    event(f"{len(incidents)} incidents")
    event(f"{sum(bool(hit.together) for one in incidents for hit in one.impact)} jointly")
    now = clock("10:30")
    for one in incidents:
        near = [other for other in incidents if other is not one and other.domain == one.domain]
        alone, others, all_ = (_world(index, part, now) for part in ([one], near, [one, *near]))
        expected = {}
        for entity in all_.keys() | alone.keys():
            mine, theirs, ours = (_now(found.get(entity)) for found in (alone, others, all_))
            worst = tuple(map(min, mine[:2], theirs[:2]))
            if ours[0] < worst[0] or ours[1] < worst[1]:
                expected[entity] = ours[:2]
            elif entity in alone and mine[:2] != (UP, UP):
                expected[entity] = mine[:2]
        assert {e.entity: (e.low, e.high) for e in one.impact if e.low < UP} == expected


def _world(index: Topology, incidents: list, now: int) -> Mapping[str, Impact]:
    health: dict[str, int] = {}
    since: dict[str, int] = {}
    for one in incidents:
        for entity, (left, begin, _) in one.own.items():
            health[entity] = min(health.get(entity, UP), left)
            since[entity] = min(since.get(entity, begin), begin)
    return impact(index, health, now, since)


def _now(hit: Impact | None) -> tuple[int, int, bool]:
    return (UP, UP, False) if hit is None else (hit.low, hit.high, hit.at_risk)
