"""GraphML: read through networkx, but only what is safe and says who needs whom."""

from __future__ import annotations

import networkx as nx
import pytest

from topology.continuity import Continuity
from topology.loading import load
from topology.model import Dependency, Entity, Group, Kind, Semantics


def document(body: str, edgedefault: str = "directed", prolog: str = "") -> bytes:
    keys = "".join(
        f'<key id="{name}" for="{of}" attr.name="{name}" attr.type="{kind}"/>\n'
        for name, of, kind in (
            ("kind", "node", "string"), ("label", "node", "string"), ("tier", "node", "int"),
            ("scope", "node", "boolean"), ("x", "node", "double"),
            ("semantics", "edge", "string"), ("factor", "edge", "double"),
            ("buffer", "edge", "string"), ("group", "edge", "string"), ("need", "edge", "int"),
            ("orientation", "graph", "string"),
        )
    )  # fmt: skip
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n{prolog}<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n'
    return f'{head}{keys}<graph edgedefault="{edgedefault}">\n{body}</graph>\n</graphml>\n'.encode()


def told(content: bytes) -> list[str]:
    topology, problems = load({"g.graphml": content})
    assert (topology is None) == bool(problems)
    return [str(problem) for problem in problems]


def pairs(content: bytes) -> list[tuple[str, str]]:
    topology, problems = load({"g.graphml": content})
    assert problems == []
    assert topology is not None
    return [(d.consumer, d.provider) for d in topology.content.dependencies]


def test_attributes_become_fields_and_the_rest_facts() -> None:
    topology, problems = load(
        {
            "g.graphml": document(
                '<node id="shop"><data key="label">Shop</data><data key="tier">1</data>'
                '<data key="scope">false</data></node>\n'
                '<node id="db"><data key="kind">database</data><data key="x">1.5</data></node>\n'
                '<edge source="shop" target="db"><data key="semantics">soft</data><data key="factor">0.25</data>'
                '<data key="group">g</data><data key="need">1</data></edge>\n'
            )
        }
    )
    assert problems == []
    assert topology is not None
    assert topology.content.entities == (
        Entity(id="db", kind=Kind.DATABASE, facts={"x": "1.5"}),
        Entity(id="shop", name="Shop", tier=1, scope=False),
    )
    assert topology.content.dependencies == (
        Dependency(consumer="shop", provider="db", semantics=Semantics.SOFT, factor=250, group="g"),
    )
    assert topology.content.groups == (Group(consumer="shop", name="g"),)


def test_facts_of_continuity_and_timeouts_are_attributes() -> None:
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_node("db", restore="40m", failure=0.000002, durable=False, fates="rack-12; feed-b", regions="DE;FR")
    graph.add_node("shop", priority=1, unit="retail", value=1000.0)
    graph.add_edge("shop", "db", timeout="500ms")
    topology, problems = load({"g.graphml": "\n".join(nx.generate_graphml(graph)).encode()})
    assert problems == []
    assert topology is not None
    assert topology.entities["db"].continuity == Continuity(
        restore=2400, failure=2, durable=False, fates=("feed-b", "rack-12"), regions=("DE", "FR")
    )
    assert topology.entities["shop"].continuity == Continuity(priority=1, unit="retail", value=1000)
    assert [fate.name for fate in topology.content.fates] == ["feed-b", "rack-12"]
    assert topology.providers("shop")[0].timeout == 500


def test_what_networkx_writes_is_read() -> None:
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_edge("b", "a", buffer="5m", semantics="async")
    assert pairs("\n".join(nx.generate_graphml(graph)).encode()) == [("b", "a")]


NODES = '<node id="b"/><node id="a"/>\n'
EDGE = '<edge source="a" target="b"/>\n'


def test_an_undirected_graph_must_say_who_needs_whom() -> None:
    assert told(document(NODES + EDGE, "undirected")) == [
        "g.graphml:14: the graph is undirected, so who needs whom is unknown"
    ]
    for orientation, expected in (("consumer-provider", ("a", "b")), ("provider-consumer", ("b", "a"))):
        declared = f'<data key="orientation">{orientation}</data>\n'
        assert pairs(document(declared + NODES + EDGE, "undirected")) == [expected]
        assert pairs(document(declared + NODES + EDGE)) == [expected]


def test_mistakes_are_told_with_their_lines() -> None:
    body = (
        '<node id="a"><data key="kind">hsot</data></node>\n<node id="a"/>\n<node id="b"/>\n'
        '<edge source="a" target="a"/>\n<edge source="a" target="b"><data key="factor">7</data></edge>\n'
    )
    assert told(document(body)) == [
        "g.graphml:15: kind: unknown kind 'hsot'; did you mean 'host'?",
        "g.graphml:16: the node 'a' is declared twice; first in line 15",
        "g.graphml:18: 'a' depends on itself",
        "g.graphml:19: factor: '7' is not a number from 0 to 1",
    ]


REFUSED = "g.graphml:2: documents with a DOCTYPE are refused"
BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>\n'


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (document(NODES, prolog=BOMB), REFUSED),
        (document(NODES, prolog='<!DOCTYPE x SYSTEM "file:///etc/hostname">\n'), REFUSED),
        (document(NODES, prolog=BOMB).decode().replace("UTF-8", "UTF-16").encode("utf-16"), REFUSED),
        (b"<graphml><graph>", "g.graphml:1: not XML: no element found"),
        (b"", "g.graphml:1: not XML: no element found"),
        (b"<a>" * 100_000, "g.graphml:1: nested more than 100 levels deep"),
        (b"<html/>", "g.graphml:1: not usable GraphML: file not successfully read as graphml"),
        (
            document('<hyperedge><endpoint node="a"/></hyperedge>'),
            "g.graphml:1: not usable GraphML: GraphML reader doesn't support hyperedges",
        ),
        (
            document('<data key="orientation">sideways</data>' + NODES),
            "g.graphml:14: unknown orientation 'sideways'; one of consumer-provider, provider-consumer",
        ),
    ],
    ids=["bomb", "external", "utf-16 bomb", "truncated", "empty", "deep", "other", "hyperedge", "orientation"],
)  # fmt: skip
def test_what_is_unsafe_or_no_graphml_is_refused(content: bytes, line: str) -> None:
    assert told(content) == [line]
