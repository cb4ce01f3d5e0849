"""Which alerts are one trouble: laws on random graphs, and the cases that the method exists for."""

from __future__ import annotations

import random

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.correlate.graph import Horizon, Node, SymptomGraph, compatible, delay_cost
from engine.correlate.identity import assign
from engine.correlate.partition import Trouble, partition
from engine.reasons import Reason
from topology.model import Dependency, Entity, Group, Semantics, Topology

HORIZON = Horizon(300_000, 120_000, 30_000)
SECOND = 1000


def _topology(*edges: str, groups: tuple[Group, ...] = (), extra: tuple[Dependency, ...] = ()) -> Topology:
    pairs = [edge.split(" > ") for edge in edges]
    dependencies = [Dependency(consumer=a, provider=b) for a, b in pairs] + list(extra)
    names = {name for d in dependencies for name in (d.consumer, d.provider)}
    return Topology.build([Entity(id=name) for name in sorted(names)], dependencies, groups)


def _node(entity: str, start: int = 0, number: int = 0, **more: object) -> Node:
    return Node(entity, start * SECOND, None, 1.0, [number], owners={}, **more)  # type: ignore[arg-type]


def _parts(topology: Topology, nodes: list[Node]) -> set[frozenset[str]]:
    graph = SymptomGraph(nodes, topology, HORIZON)
    return {frozenset(graph.nodes[i].entity for i in trouble.nodes) for trouble in partition(graph)}


def _troubles(topology: Topology, *entities: str) -> list[Trouble]:
    return partition(SymptomGraph([_node(name, n) for n, name in enumerate(entities)], topology, HORIZON))


@st.composite
def _cases(draw: st.DrawFn) -> tuple[Topology, list[Node]]:
    """A random topology with cycles, groups and all semantics, and distinct onsets, so that no tie is left."""
    names = [f"e{n}" for n in range(draw(st.integers(2, 10)))]
    pairs = draw(st.sets(st.tuples(st.sampled_from(names), st.sampled_from(names)), max_size=20))
    kinds = st.sampled_from((Semantics.HARD, Semantics.HARD, Semantics.SOFT, Semantics.INFO))
    dependencies = [
        Dependency(consumer=a, provider=b, semantics=draw(kinds), group=draw(st.sampled_from(("", "", "g"))))
        for a, b in sorted(pairs)
        if a != b
    ]
    groups = [Group(consumer=name, name="g") for name in sorted({d.consumer for d in dependencies if d.group})]
    topology = Topology.build([Entity(id=name) for name in names], dependencies, groups)
    troubled = draw(st.lists(st.sampled_from(names), unique=True, min_size=1))
    onsets = draw(st.lists(st.integers(0, 600), unique=True, min_size=len(troubled), max_size=len(troubled)))
    nodes = [
        _node(name, onset, number, telling=draw(st.integers(0, 4)) > 0, starved=draw(st.integers(0, 4)) == 0)
        for number, (name, onset) in enumerate(zip(troubled, onsets, strict=True))
    ]
    return topology, nodes


@given(_cases())
def test_every_node_is_in_exactly_one_trouble_with_a_reason(case: tuple[Topology, list[Node]]) -> None:
    topology, nodes = case
    graph = SymptomGraph(nodes, topology, HORIZON)
    troubles = partition(graph)
    assert sorted(i for trouble in troubles for i in trouble.nodes) == list(range(len(nodes)))
    for trouble in troubles:
        assert set(trouble.roots) <= set(trouble.nodes) == set(trouble.joins)
        assert trouble.roots
        for index, join in trouble.joins.items():
            assert join.because[0] == graph.nodes[index].entity
            assert (join.reason is Reason.EXPLAINED_BY_CAUSE) == (index not in trouble.roots)


@given(_cases(), st.randoms(use_true_random=False))
@settings(max_examples=150)
def test_the_order_of_the_nodes_does_not_matter(case: tuple[Topology, list[Node]], rng: random.Random) -> None:
    topology, nodes = case
    other = nodes.copy()
    rng.shuffle(other)
    assert _parts(topology, nodes) == _parts(topology, other)


@given(_cases(), st.randoms(use_true_random=False))
@settings(max_examples=150)
def test_the_names_of_entities_do_not_matter(case: tuple[Topology, list[Node]], rng: random.Random) -> None:
    topology, nodes = case
    names = sorted(topology.entities)
    called = dict(zip(names, rng.sample(names, len(names)), strict=True))
    dependencies = [
        msgspec.structs.replace(d, consumer=called[d.consumer], provider=called[d.provider])
        for d in topology.content.dependencies
    ]
    groups = [msgspec.structs.replace(g, consumer=called[g.consumer]) for g in topology.content.groups]
    other = Topology.build(topology.content.entities, dependencies, groups)
    renamed = [msgspec.structs.replace(node, entity=called[node.entity]) for node in nodes]
    links = [
        {(link.provider, round(link.cost, 9)) for link in of_node}
        for of_node in SymptomGraph(nodes, topology, HORIZON).links
    ]
    same = [
        {(link.provider, round(link.cost, 9)) for link in of_node}
        for of_node in SymptomGraph(renamed, other, HORIZON).links
    ]
    assert links == same
    assert _parts(other, renamed) == {frozenset(called[name] for name in part) for part in _parts(topology, nodes)}


def test_of_two_ways_to_a_provider_the_cheaper_counts_whatever_the_names() -> None:
    for weak, strong in (("by-a", "by-b"), ("by-b", "by-a")):
        soft = (Dependency(consumer=weak, provider="db", semantics=Semantics.SOFT),)
        topology = _topology("shop > by-a", "shop > by-b", f"{strong} > db", extra=soft)
        (_, (link,)) = SymptomGraph([_node("shop"), _node("db")], topology, HORIZON).links
        assert link.via == (strong,)


def test_a_chain_is_one_trouble_with_its_provider_as_the_root() -> None:
    topology = _topology("shop > cart", "cart > db")
    (trouble,) = _troubles(topology, "shop", "db", "cart")
    assert trouble.roots == (1,)
    assert trouble.joins[0].because == ("shop", "cart")


def test_a_silent_entity_on_the_way_is_bridged_and_three_are_the_most() -> None:
    chain = [f"s{n} > s{n + 1}" for n in range(5)]
    assert len(_troubles(_topology(*chain[:4]), "s0", "s4")) == 1
    spread = _topology(*chain, *(f"other{n} > s5" for n in range(3)))
    graph = SymptomGraph([_node("s0", 5), _node("s5")], spread, HORIZON)
    assert graph.links[0] == []
    assert _parts(spread, graph.nodes) == {frozenset(("s0", "s5"))}, "the impact of s5 reaches s0 nevertheless"


def test_trouble_that_comes_long_before_its_provider_is_not_explained_by_it() -> None:
    topology = _topology("shop > db")
    assert len(_parts(topology, [_node("shop", 0), _node("db", 301)])) == 2
    assert len(_parts(topology, [_node("shop", 0), _node("db", 60)])) == 1


def test_times_that_fit() -> None:
    early = Node("a", 0, 60_000, 1.0, [1])
    assert compatible(_node("b", 170), early, HORIZON)
    assert not compatible(_node("b", 190), early, HORIZON)
    assert delay_cost(0) == 0 < delay_cost(-1) < delay_cost(-75_000) == 1.5


def test_a_cycle_of_mutual_explanation_is_one_trouble_that_began_with_its_first() -> None:
    (trouble,) = _troubles(_topology("a > b", "b > c", "c > a"), "b", "c", "a")
    assert trouble.roots == (0,)
    assert len(trouble.nodes) == 3


def test_a_redundancy_group_hides_the_loss_of_one_member() -> None:
    members = tuple(Dependency(consumer="shop", provider=f"db{n}", group="dbs") for n in (1, 2))
    topology = _topology(groups=(Group(consumer="shop", name="dbs"),), extra=members)
    assert len(_troubles(topology, "db1", "shop")) == 2
    troubles = _troubles(topology, "db1", "db2", "shop")
    assert max(len(trouble.nodes) for trouble in troubles) == 2
    (join,) = (trouble.joins[2] for trouble in troubles if 2 in trouble.joins)
    assert join.reason is Reason.EXPLAINED_BY_CAUSE


def test_a_required_capacity_is_felt_as_soon_as_it_is_short() -> None:
    members = tuple(Dependency(consumer="shop", provider=f"db{n}", group="dbs") for n in (1, 2, 3))
    group = Group(consumer="shop", name="dbs", need=1, capacity=2500)
    assert len(_troubles(_topology(groups=(group,), extra=members), "db1", "shop")) == 1


def test_a_silent_provider_is_inferred_for_three_of_four_consumers() -> None:
    (trouble,) = _troubles(_topology("a > db", "b > db", "c > db", "d > db"), "a", "b", "c")
    assert trouble.silent == "db"
    assert {join.reason for join in trouble.joins.values()} == {Reason.SHARED_SILENT_PROVIDER}
    assert trouble.joins[0].because == ("a", "db")


def test_no_silent_provider_is_inferred_for_two_of_twenty_consumers() -> None:
    topology = _topology(*(f"c{n} > db" for n in range(20)))
    assert [trouble.silent for trouble in _troubles(topology, "c0", "c1")] == ["", ""]


def test_an_entity_that_gets_too_little_to_do_is_explained_by_its_consumer() -> None:
    topology = _topology("shop > cart")
    nodes = [_node("cart", 10, starved=True), _node("shop", 0)]
    (trouble,) = partition(SymptomGraph(nodes, topology, HORIZON))
    assert trouble.roots == (0,)
    (other,) = partition(SymptomGraph([_node("cart", 10), _node("shop", 0)], topology, HORIZON))
    assert other.roots == (1,)


def test_noise_explains_nothing_but_may_be_explained() -> None:
    topology = _topology("shop > db")
    assert len(_parts(topology, [_node("shop", 5), _node("db", 0, telling=False)])) == 2
    assert len(_parts(topology, [_node("shop", 5, telling=False), _node("db", 0)])) == 1


def test_an_informational_dependency_carries_nothing() -> None:
    info = Dependency(consumer="shop", provider="stats", semantics=Semantics.INFO)
    assert len(_troubles(_topology(extra=(info,)), "stats", "shop")) == 2


def test_an_incident_goes_on_where_most_of_its_alerts_are() -> None:
    found = assign([{"a": 1}, {"a": 3}], {"a": (0, 1, "a")})
    assert (found.incident, found.split_from, found.merged) == ([None, "a"], ["a", ""], {})


def test_of_incidents_that_become_one_the_told_then_the_oldest_goes_on() -> None:
    age = {"new": (1, 1, "new"), "told": (0, 9, "told"), "old": (0, 5, "old")}
    found = assign([{"new": 5, "told": 1, "old": 1}], age)
    assert (found.incident, found.merged) == (["old"], {"told": 0, "new": 0})


@given(
    st.lists(st.dictionaries(st.sampled_from("abcd"), st.integers(1, 5), max_size=4), max_size=5),
    st.sets(st.sampled_from("abcd")),
)
def test_every_known_incident_goes_on_once_or_is_merged(troubles: list[dict[str, int]], known: set[str]) -> None:
    found = assign(troubles, {name: (0, 0, name) for name in known})
    on = [name for name in found.incident if name is not None]
    held = {name for owners in troubles for name in owners} & known
    assert sorted([*on, *found.merged]) == sorted(held)
    for place, name in enumerate(found.incident):
        assert name is None or name in troubles[place]
        assert not (found.split_from[place] and name)
