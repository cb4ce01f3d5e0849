"""The restoration order of outages that people know: what before what, what needs a hand, how long it takes."""

from __future__ import annotations

import time

from topology.continuity import Continuity, Contract
from topology.deadlock import Bypass
from topology.model import Dependency, Entity, Group, Kind, Semantics, Topology
from topology.restoration import Plan, Task, Way, restoration


def entity(id: str, restore: int | None = None) -> Entity:
    return Entity(id=id, continuity=Continuity(restore=restore))


def needs(consumer: str, *providers: str, group: str = "", semantics: Semantics = Semantics.HARD) -> list[Dependency]:
    return [Dependency(consumer=consumer, provider=p, group=group, semantics=semantics) for p in providers]


def task(found: Plan, id: str) -> Task:
    return next(one for one in found.tasks if one.entity == id)


def test_a_chain_comes_back_one_after_the_other() -> None:
    index = Topology.build(
        [entity("shop", 60), entity("api", 120), entity("db", 600), entity("cdn", 30)],
        needs("shop", "api", "cdn") + needs("api", "db"),
    )
    found = restoration(index, {"db": 0, "cdn": 0})
    assert found.critical == ("db", "api", "shop")
    assert (found.takes, found.takes_latest, found.missing) == (780, 780, ())
    assert found.waves == (("cdn", "db"), ("api",), ("shop",))
    assert [(t.entity, t.start, t.finish, t.slack, t.way) for t in found.tasks] == [
        ("cdn", 0, 30, 690, Way.REPAIR),
        ("db", 0, 600, 0, Way.REPAIR),
        ("api", 600, 720, 0, Way.ITSELF),
        ("shop", 720, 780, 0, Way.ITSELF),
    ]


def test_a_group_waits_for_the_soonest_of_its_members_only() -> None:
    index = Topology.build(
        [entity("app", 10), entity("r1", 100), entity("r2", 300), entity("r3", 900)],
        needs("app", "r1", "r2", "r3", group="replicas"),
        [Group(consumer="app", name="replicas", need=2)],
    )
    found = restoration(index, {"r1": 0, "r2": 0, "r3": 0})
    assert (task(found, "app").start, task(found, "app").finish, task(found, "app").after) == (300, 310, "r2")
    assert task(found, "r1").slack == 790, "the others would do, as r3 takes longest anyway"
    assert found.takes == 900


def test_a_group_that_must_carry_the_load_runs_before_it_is_in_service() -> None:
    index = Topology.build(
        [entity("app", 10), entity("r1", 100), entity("r2", 300)],
        needs("app", "r1", "r2", group="replicas"),
        [Group(consumer="app", name="replicas", need=1, capacity=2000)],
    )
    app = task(restoration(index, {"r1": 0, "r2": 0}), "app")
    assert (app.start, app.ready, app.finish, app.after) == (100, 110, 300, "r2")


def test_soft_and_info_hold_up_nothing_and_a_queue_only_the_end() -> None:
    index = Topology.build(
        [entity("app", 10), entity("search", 500), entity("wiki", 900), entity("bus", 60), entity("db", 20)],
        [
            *needs("app", "search", semantics=Semantics.SOFT),
            *needs("app", "wiki", semantics=Semantics.INFO),
            *needs("app", "bus", semantics=Semantics.ASYNC),
            *needs("app", "db"),
        ],
    )
    app = task(restoration(index, {"search": 0, "wiki": 0, "bus": 0, "db": 0}), "app")
    assert (app.start, app.ready, app.finish, app.after) == (20, 30, 60, "bus")


def test_two_services_that_need_each_other_do_not_come_up_by_themselves() -> None:
    index = Topology.build(
        [entity("auth", 60), entity("config", 30), entity("disk", 300), entity("portal", 5)],
        needs("auth", "config", "disk") + needs("config", "auth") + needs("portal", "auth"),
    )
    found = restoration(index, {"disk": 0})
    assert found.bypasses == (Bypass("auth", ("config",)),), "auth is wanted by two, config by one"
    assert (task(found, "auth").way, task(found, "auth").start) == (Way.MANUAL, 300)
    assert [one.entity for one in found.tasks if one.stays_down] == ["auth", "config", "portal"]
    assert task(found, "config").way is Way.ITSELF, "it follows the manual start"
    assert (task(found, "config").finish, found.takes) == (390, 390)


def test_three_replicas_in_a_ring_are_started_by_one() -> None:
    ring = [*needs("a", "b"), *needs("b", "c"), *needs("c", "a")]
    found = restoration(Topology.build([entity("a", 1), entity("b", 2), entity("c", 4)], ring), {"b": 0})
    assert found.bypasses == (Bypass("a", ("b",)),)
    assert [(t.entity, t.ready) for t in found.tasks] == [("a", 1), ("c", 5), ("b", 7)]
    assert {t.finish for t in found.tasks} == {7}, "a runs, but is in service only when what it needs is"


def test_a_circle_that_is_only_degraded_needs_no_hand() -> None:
    ring = [*needs("a", "b"), *needs("b", "a")]
    found = restoration(Topology.build([entity("a", 40), entity("b", 9)], ring), {"a": 500})
    assert found.bypasses == ()
    assert [(t.entity, t.way, t.wave, t.finish) for t in found.tasks] == [
        ("a", Way.REPAIR, 1, 40),
        ("b", Way.ITSELF, 0, 40),
    ]


def test_what_the_catalogue_does_not_declare_is_bounded_and_named() -> None:
    index = Topology.build(
        [entity("shop", 60), entity("api"), entity("db", 600), entity("mail", 5)], needs("shop", "api", "db")
    )
    found = restoration(index, {"api": 0, "db": 0, "mail": 0})
    assert found.missing == ("api",)
    shop = task(found, "shop")
    assert (shop.start, shop.start_latest, shop.finish, shop.finish_latest) == (600, None, 660, None)
    assert (task(found, "mail").finish_latest, found.takes, found.takes_latest) == (5, 660, None)
    assert task(found, "api").takes is None


def test_a_third_party_is_back_at_the_latest_when_its_contract_says() -> None:
    scheme = Entity(id="scheme", kind=Kind.THIRD_PARTY, continuity=Continuity(contract=Contract(rto=5400)))
    index = Topology.build([scheme, entity("router", 60)], needs("router", "scheme"))
    found = restoration(index, {"scheme": 0})
    router = task(found, "router")
    assert (router.finish, router.finish_latest) == (60, 5460), "it may be back at once"
    assert (found.missing, found.takes_latest) == ((), 5460)
    assert task(found, "scheme").takes is None, "no duration is declared"
    own_word = Continuity(contract=Contract(rto=5400), restore=600)
    declared = Topology.build([Entity(id="scheme", continuity=own_word)])
    assert restoration(declared, {"scheme": 0}).takes_latest == 600, "what the catalogue declares itself counts"


def test_one_of_two_with_a_declared_duration_bounds_a_group_that_needs_one() -> None:
    index = Topology.build(
        [entity("app", 10), entity("r1"), entity("r2", 300)],
        needs("app", "r1", "r2", group="g"),
        [Group(consumer="app", name="g", need=1)],
    )
    app = task(restoration(index, {"r1": 0, "r2": 0}), "app")
    assert (app.finish, app.finish_latest) == (10, 310)


def test_a_buffer_that_outlasts_the_repair_is_never_felt() -> None:
    index = Topology.build(
        [entity("portal", 5), entity("web", 10), entity("bus", 300)],
        [
            *needs("portal", "web"),
            Dependency(consumer="portal", provider="bus", semantics=Semantics.ASYNC, buffer=400),
        ],
    )
    own = {"web": 0, "bus": 0}
    assert task(restoration(index, own, 0, {"web": 0, "bus": 0}), "portal").finish == 15
    late = restoration(index, own, 120_000, {"web": 0, "bus": 0})
    assert task(late, "portal").finish == 300, "by then 120 of its 400 seconds are spent"


def test_an_entity_that_no_catalogue_knows_has_no_declared_duration() -> None:
    found = restoration(Topology.build([entity("a", 1)]), {"stranger": 0})
    assert (found.missing, found.takes, found.takes_latest) == (("stranger",), 0, None)


def test_nothing_failed_nothing_to_do() -> None:
    assert restoration(Topology.build([entity("a", 1)]), {}) == Plan()


def test_a_clique_and_a_thousand_rings_are_opened_in_bounded_time() -> None:
    clique = [f"n{i:03}" for i in range(150)]
    edges = [Dependency(consumer=a, provider=b) for a in clique for b in clique if a != b]
    for i in range(1000):
        edges += needs(f"r{i}", f"s{i}") + needs(f"s{i}", f"r{i}")
    ids = {d.consumer for d in edges}
    index = Topology.build([entity(id, 1) for id in ids], edges)
    before = time.process_time()
    found = restoration(index, dict.fromkeys(ids, 0))
    assert time.process_time() - before < 20
    assert len({one.entity for one in found.bypasses}) == 149 + 1000
    assert all(one.stays_down for one in found.tasks)
