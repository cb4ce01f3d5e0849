"""Dependencies that were discovered: how every form of a catalogue says so, and what they do not say."""

from __future__ import annotations

import pytest

from topology.catalogue import load_catalogue
from topology.diff import diff
from topology.impact import Interval, impact
from topology.impacts import impacts
from topology.loading import load
from topology.model import Dependency, Entity, Group, Topology

GRAPHML = b"""<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
  <key id="d" for="edge" attr.name="discovered" attr.type="boolean"/>
  <graph edgedefault="directed">
    <node id="shop"/><node id="db"/>
    <edge source="shop" target="db"><data key="d">true</data></edge>
  </graph>
</graphml>"""
FORMS = {
    "yaml": {"a.yaml": b"entities: [{id: shop, depends_on: [{on: db, discovered: true}]}, {id: db}]"},
    "csv": {"nodes.csv": b"id\nshop\ndb\n", "edges.csv": b"source,target,discovered\nshop,db,true\n"},
    "graphml": {"g.graphml": GRAPHML},
}


def found(needs: str) -> Topology:
    topology, problems = load_catalogue([("a.yaml", f"entities: [{{id: a, depends_on: [{needs}]}}, {{id: b}}]")])
    assert topology is not None, problems
    return topology


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_catalogue_says_what_was_discovered(form: str) -> None:
    topology, problems = load(FORMS[form])
    assert topology is not None, problems
    assert topology.providers("shop") == (Dependency(consumer="shop", provider="db", discovered=True),)
    again = Topology.decode(topology.encode())
    assert (again.version, again.providers("shop")) == (topology.version, topology.providers("shop"))


def test_a_version_without_it_is_the_version_it_was() -> None:
    assert found("b").version == found("{on: b, discovered: false}").version == "c41a4497d21fee76"
    assert found("{on: b, discovered: true}").version != found("b").version


def test_declaring_what_was_discovered_is_a_change() -> None:
    assert diff(found("{on: b, discovered: true}"), found("b")).words() == ["~ a depends on b: discovered True → False"]
    none = Topology.build([Entity(id="a"), Entity(id="b")])
    assert diff(none, found("{on: b, discovered: true}")).words()[0] == "+ a depends on b (hard, discovered)"


def test_a_member_of_a_group_is_declared_and_what_is_not_felt_needs_no_doubt() -> None:
    text = (
        "entities:\n- id: a\n  groups: {g: {}}\n  depends_on:\n"
        "  - {on: b, group: g, discovered: true}\n  - {on: c, semantics: info, discovered: true}\n"
        "- {id: b}\n- {id: c}\n"
    )
    topology, problems = load_catalogue([("a.yaml", text)])
    assert topology is None
    assert [str(problem) for problem in problems] == [
        "a.yaml:5: the dependency of 'a' on 'b' is discovered, and cannot be a member of the group 'g'",
        "a.yaml:6: discovered of the dependency on 'c' has no effect",
    ]
    rows = {
        "nodes.csv": b"id\na\nb\nc\n",
        "edges.csv": b"source,target,kind,group,discovered\na,b,,g,true\na,c,info,,true\nb,c,,,maybe\n",
    }
    topology, problems = load(rows)
    assert topology is None
    assert [str(problem) for problem in problems] == [
        "edges.csv:2: the dependency of 'a' on 'b' is discovered, and cannot be a member of the group 'g'",
        "edges.csv:3: discovered of the dependency on 'c' has no effect",
        "edges.csv:4: discovered: 'maybe' is neither true nor false",
    ]


def test_cycles_are_the_same_in_the_best_case_so_that_it_is_never_the_worse_one() -> None:
    """The way back from b to a was only discovered. Were a's share of b not counted by state in the best case, 500 of b
    would leave a less than in the worst."""
    topology = Topology.build(
        [Entity(id=i) for i in "abc"],
        [
            Dependency(consumer="a", provider="b", group="g"),
            Dependency(consumer="a", provider="c", group="g"),
            Dependency(consumer="b", provider="a", discovered=True),
        ],
        [Group(consumer="a", name="g", need=1, capacity=2000)],
    )
    few = impact(topology, {"b": 500})
    many = impacts(topology.compiled, {"b": Interval(500, 500)}, {"b": 0}, 0, lambda _: {})
    assert {e: (i.low, i.high) for e, i in few.items()} == {e: (i.low, i.high) for e, i in many.items()}
    assert [entity for entity, hit in few.items() if hit.low < 1000] == ["b"]


def test_without_discovered_dependencies_one_world_is_reckoned() -> None:
    topology = found("b")
    assert not topology.doubtful
    assert topology.compiled.doubtful is None
