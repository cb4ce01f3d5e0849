"""Files of every form become one topology; bad ones are told, whatever their form."""

from __future__ import annotations

import time

import pytest

from topology.loading import load
from topology.model import Dependency, Entity, Group, Kind, Semantics

NODES = b"id,kind,tier,site\nshop,service,0,\ndb-1,database,1,north\ndb-2,database,1,south\n"
EDGES = (
    b"source,target,kind,group,need,weight,buffer,factor\n"
    b"shop,db-1,hard,dbs,1,0.5,,\nshop,db-2,hard,dbs,1,,,\ndb-1,db-2,async,,,,90s,\ndb-2,db-1,soft,,,,,0.25\n"
)


def told(files: dict[str, bytes]) -> list[str]:
    topology, problems = load(files)
    assert (topology is None) == bool(problems)
    return [f"{problem} [{problem.hint}]" if problem.hint else str(problem) for problem in problems]


def test_rows_become_entities_dependencies_and_groups() -> None:
    topology, problems = load({"x/nodes.csv": NODES, "x/edges.csv": EDGES})
    assert problems == []
    assert topology is not None
    assert topology.entities["db-1"] == Entity(id="db-1", kind=Kind.DATABASE, tier=1, facts={"site": "north"})
    assert topology.groups["shop", "dbs"] == Group(consumer="shop", name="dbs", need=1)
    assert topology.content.dependencies == (
        Dependency(consumer="db-1", provider="db-2", semantics=Semantics.ASYNC, buffer=90),
        Dependency(consumer="db-2", provider="db-1", semantics=Semantics.SOFT, factor=250),
        Dependency(consumer="shop", provider="db-1", group="dbs", weight=500),
        Dependency(consumer="shop", provider="db-2", group="dbs"),
    )


def test_forms_may_be_mixed_and_add_to_each_other() -> None:
    topology, problems = load(
        {"nodes.csv": NODES, "edges.csv": EDGES, "own.yaml": b"entities: [{id: shop, owner: web}]"}
    )
    assert problems == []
    assert topology is not None
    assert (topology.entities["shop"].owner, topology.entities["shop"].tier) == ("web", 0)


def test_bad_rows_are_told_all_at_once() -> None:
    assert told(
        {
            "nodes.csv": b"id,kind,tier\na,sevice,1\n,host,2\nb,host,x\nb,host,1\nc,host\n\xef\xbb\xbfd,host,1\n",
            "edges.csv": b"source,target,kind,group,need,weight,buffer,factor\na,a,,,,,,\na,z,,,,,,\na,b,maybe,,,,,2\n"
            b"a,b,,g,0,-1,,\na,b,hard,,2,,5m,\n",
        }
    ) == [
        "edges.csv:2: 'a' depends on itself",
        "edges.csv:3: a dependency names 'z', which is no entity",
        "edges.csv:4: factor: '2' is not a number from 0 to 1",
        "edges.csv:4: semantics: unknown semantics 'maybe'; one of hard, soft, async, info",
        "edges.csv:5: need: a group needs at least 1 member",
        "edges.csv:5: weight: '-1' is not a number from 0 to 1000000",
        "edges.csv:6: 'a' depends on 'b' twice; first at edges.csv:4",
        "edges.csv:6: buffer of the dependency on 'b' has no effect [it needs async]",
        "edges.csv:6: need of the dependency on 'b' has no effect [it needs a group]",
        "nodes.csv:2: kind: unknown kind 'sevice'; did you mean 'service'?",
        "nodes.csv:3: id: '' is not a name: it must be one line without blanks around it",
        "nodes.csv:4: tier: 'x' is not a whole number from 0 to 10000000000",
        "nodes.csv:5: the entity 'b' is declared twice; first at nodes.csv:4",
        "nodes.csv:6: 2 cells under 3 columns",
    ]


@pytest.mark.parametrize(
    ("files", "lines"),
    [
        ({"nodes.csv": b"id,knid\na,b\n"}, ["nodes.csv:1: unknown column 'knid' [did you mean 'kind'?]"]),
        (
            {"nodes.csv": b"kind,kind\n"},
            ["nodes.csv:1: the column 'id' is missing", "nodes.csv:1: the column 'kind' is repeated"],
        ),
        ({"nodes.csv": b""}, ["nodes.csv:1: the header is missing: id, …"]),
        ({"nodes.csv": b'id\n"a\n'}, ["nodes.csv:2: not CSV: unexpected end of data"]),
        ({"nodes.csv": b"id\nok\nb\xff\n"}, ["nodes.csv:3: not UTF-8"]),
        ({"a.yaml": b"entities: []\n\xff"}, ["a.yaml:2: not UTF-8"]),
        (
            {"a.txt": b""},
            ["a.txt:1: a file of unknown kind [known are *.yaml, *.yml, *.graphml, nodes*.csv and edges*.csv]"],
        ),
    ],
)  # fmt: skip
def test_files_that_cannot_be_read_are_told(files: dict[str, bytes], lines: list[str]) -> None:
    assert told(files) == lines


def test_yaml_over_fifty_megabytes_is_refused_with_advice() -> None:
    lines = told({"big.yaml": b"#" * 50_000_001})
    assert lines == ["big.yaml:1: the file is larger than 50 MB [give large topologies as nodes.csv and edges.csv]"]


def test_needs_of_one_group_must_agree() -> None:
    edges = b"source,target,group,need\na,b,g,1\na,c,g,2\n"
    assert told({"nodes.csv": b"id\na\nb\nc\n", "edges.csv": edges}) == [
        "edges.csv:3: the group 'g' of 'a' is said to have need 2, but 1 at edges.csv:2"
    ]


def test_a_hundred_thousand_rows_load_in_bounded_time() -> None:
    size = 100_000
    nodes = "id,kind,tier\n" + "".join(f"n{i},host,3\n" for i in range(size))
    edges = "source,target,kind\n" + "".join(f"n{i},n{i // 2},hard\n" for i in range(1, size))
    start = time.process_time()
    topology, problems = load({"nodes.csv": nodes.encode(), "edges.csv": edges.encode()})
    assert problems == []
    assert topology is not None
    assert len(topology.content.dependencies) == size - 1
    assert time.process_time() - start < 20


def test_a_hundred_thousand_bad_rows_are_told_in_bounded_time() -> None:
    edges = "source,target,kind\n" + "".join(f"n{i},m{i},hrad\n" for i in range(100_000))
    start = time.process_time()
    problems = load({"nodes.csv": b"id\nn0\n", "edges.csv": edges.encode()})[1]
    assert len(problems) == 1001
    assert problems[-1].message == "and 298999 more mistakes"
    assert time.process_time() - start < 20
