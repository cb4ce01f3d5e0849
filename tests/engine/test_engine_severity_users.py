"""How many are hit: bounds and never sums, unions where there are sketches, and an open end where nobody says."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.users import Amount, everybody, together, users_of
from rules.parse import parse_rules
from rules.ruleset import RuleSet
from tests.engine.laws import World
from tests.engine.severities import because, entity, only, sketch
from tests.scenarios.world import chain
from topology.model import Entity, Kind, Topology

SERVICE, PROCESS = Kind.BUSINESS_SERVICE, Kind.BUSINESS_PROCESS


def outage(topology: Topology, rules: RuleSet | None = None) -> World:
    """The database is down."""
    world = World(topology, rules)
    world.at("10:00").fire("db", "Down", severity="critical")
    world.at("10:01")
    return world


def test_users_of_two_services_lie_between_the_larger_and_their_sum() -> None:
    topology = chain(
        "shop -> db", "app -> db", entities=[entity("shop", SERVICE, users=100), entity("app", SERVICE, users=80)]
    )
    view = only(outage(topology))
    assert view.users == (100, 180)
    assert (view.harm.users.low, view.harm.users.high, view.harm.users.estimated) == (100, 180, False)
    assert view.harm.users.method == "bounds of counts"
    assert view.harm.users.missing == ()


def test_there_are_never_more_users_than_there_are_in_all() -> None:
    topology = chain(
        "shop -> db", "app -> db", entities=[entity("shop", SERVICE, users=100), entity("app", SERVICE, users=80)]
    )
    rules, problems = parse_rules({"r.yaml": "severity: {users_total: 150}\n"})
    assert rules is not None, problems
    view = only(outage(topology, rules))
    assert view.users == (100, 150)
    assert view.harm.share == (666, 1000)
    assert because(view, "matrix-most") is not None


def test_who_does_not_say_leaves_the_upper_bound_open_and_is_named() -> None:
    topology = chain("shop -> db", "app -> db", entities=[entity("shop", SERVICE, users=100), entity("app", SERVICE)])
    view = only(outage(topology))
    assert view.users == (100, None)
    assert view.harm.users.missing == ("app",)
    assert {"id": "matrix-most", "level": "SEV1", "missing": {"users": [100, None], "tier": [-1_000_000, 0]}} in list(
        view.severity.open
    )


def test_what_others_need_need_not_say_whose_users_it_has() -> None:
    topology = chain("shop -> cart -> db", entities=[entity("shop", SERVICE, users=100)])
    view = only(outage(topology))
    assert view.users == (100, 100), "the users of db and cart are those of the shop"
    alone = chain("shop -> cart", entities=[entity("shop", SERVICE, users=100), Entity(id="db")])
    assert only(outage(alone)).harm.users.missing == ("db",), "nobody says who uses a database that nothing needs"


@pytest.mark.parametrize("kind", [Kind.SITE, Kind.HOST, Kind.NETWORK_DEVICE])
def test_infrastructure_faces_no_users_even_where_nothing_depends_on_it(kind: Kind) -> None:
    world = World(Topology.build([entity("hall-3", kind), entity("shop", Kind.BUSINESS_SERVICE, users=10)]))
    world.at("10:00").fire("hall-3", "PowerLost", severity="critical")
    world.at("10:01")
    assert (only(world).harm.users.missing, only(world).users) == ((), (0, 0))


def test_an_entity_of_no_catalogue_leaves_everything_open() -> None:
    world = World(chain("shop -> cart"))
    world.at("10:00").fire("db", "Down", severity="critical")
    world.at("10:01")
    view = only(world)
    assert view.harm.unmapped == ("db",)
    assert view.users == (0, None)
    answers = (view.severity.user_impact, view.severity.data_loss, view.severity.regulatory)
    assert answers == ("cannot_exclude",) * 3


def test_sketches_give_the_union_and_count_nobody_twice() -> None:
    shop, app = range(1000), range(600, 1400)
    topology = chain(
        "shop -> db",
        "app -> db",
        entities=[entity("shop", SERVICE, sketch=sketch(shop)), entity("app", SERVICE, sketch=sketch(app))],
    )
    users = only(outage(topology)).harm.users
    assert (users.low, users.high, users.estimate, users.estimated, users.method) == (1400, 1400, 1400, False, "sketch")


def test_a_large_union_is_an_estimate_and_says_so() -> None:
    topology = chain(
        "shop -> db",
        "app -> db",
        entities=[
            entity("shop", SERVICE, sketch=sketch(range(60_000))),
            entity("app", SERVICE, sketch=sketch(range(40_000, 100_000))),
        ],
    )
    users = only(outage(topology)).harm.users
    assert users.estimated
    assert users.high is not None
    assert users.low <= 100_000 <= users.high
    assert users.high - users.low < 10_000
    assert users.estimate is not None
    assert users.low <= users.estimate <= users.high


def test_a_count_and_a_sketch_together_are_bounds_again() -> None:
    said = [Amount("shop", None, sketch=sketch(range(1000))), Amount("app", 300)]
    found = together(said)
    assert (found.low, found.high, found.method) == (1000, 1300, "bounds of counts and sketches")


def test_a_sketch_that_cannot_be_read_says_nothing() -> None:
    found = together([Amount("shop", None, sketch="bm8gc2tldGNo"), Amount("app", 300)])
    assert (found.low, found.high, found.missing) == (300, None, ("shop",))


def test_all_users_there_are_is_the_union_of_the_business_services() -> None:
    shop, app = entity("shop", SERVICE, users=100), entity("app", SERVICE, users=80)
    assert everybody(Topology.build([shop, app, entity("db", users=5000)])) == (100, 180)
    assert everybody(Topology.build([shop, entity("app", SERVICE)])) == (100, None)
    assert everybody(Topology.build([entity("db", users=5000)])) is None


def test_geography_and_criticality_are_carried_along() -> None:
    topology = chain(
        "pay -> db",
        "shop -> db",
        "settle -> pay",
        entities=[
            entity("pay", SERVICE, users=10, regions=("DE", "FR"), critical=True, transactions=900, value=50_000),
            entity("shop", SERVICE, users=10, regions=("US",), critical=False, transactions=300, value=9_000),
            entity("settle", PROCESS, users=0, critical=None),
        ],
    )
    harm = only(outage(topology)).harm
    assert harm.regions == ("DE", "FR", "US")
    assert (harm.member_states, harm.regions_missing) == (2, ("settle",))
    assert (harm.critical, harm.critical_missing) == (("pay",), ("settle",))
    assert harm.business_services == ("pay", "shop")
    assert harm.business_processes == ("settle",)
    assert (harm.transactions.low, harm.transactions.high, harm.transactions.missing) == (900, None, ("settle",))
    assert (harm.value.low, harm.value.missing) == (50_000, ("settle",))


groups = st.lists(st.frozensets(st.integers(0, 60), max_size=40), min_size=1, max_size=6)


@given(sets=groups, sketched=st.lists(st.booleans(), min_size=6, max_size=6), hidden=st.integers(0, 6))
@settings(max_examples=150, deadline=None)
def test_the_truth_is_always_within_the_bounds(sets: list[frozenset[int]], sketched: list[bool], hidden: int) -> None:
    """Whatever is counted, sketched or not said: the real union lies between the bounds, in any order."""
    said = [
        Amount(f"s{n}", None, sketch=sketch(ids)) if sketched[n] else Amount(f"s{n}", len(ids))
        for n, ids in enumerate(sets)
        if n != hidden
    ]
    missing = [f"s{hidden}"] if hidden < len(sets) else []
    truth = len(frozenset().union(*sets))
    everyone = len(frozenset(range(61)))
    found = together(said, missing, everyone)
    assert found.low <= truth
    assert truth <= everyone if found.high is None else truth <= found.high
    assert together(said[::-1], missing, everyone) == found
    fewer = together(said[1:], missing, everyone)
    assert fewer.low <= found.low


@given(counts=st.lists(st.integers(0, 1000), min_size=1, max_size=8), total=st.none() | st.integers(0, 4000))
def test_of_counts_alone_the_bounds_are_the_largest_and_the_sum_within_the_total(
    counts: list[int], total: int | None
) -> None:
    entities = [(Entity(id=f"e{n}", users=count), True) for n, count in enumerate(counts)]
    found = users_of(entities, (), total)
    assert found.low == max(counts)
    most = sum(counts) if total is None else total
    assert found.high == max([*counts, min(sum(counts), most)])


@given(st.integers(0, 3), st.integers(0, 3))
def test_what_may_not_be_hit_raises_only_the_upper_bound(sure: int, maybe: int) -> None:
    found = together([Amount("a", sure), Amount("b", maybe, certain=False)])
    assert (found.low, found.high) == (sure, sure + maybe)
