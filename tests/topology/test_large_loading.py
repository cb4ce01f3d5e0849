"""Large CSV files: read in blocks, with the same result and the same mistakes as row by row, in bounded time."""

from __future__ import annotations

import csv
import gc
import io
import time
import tracemalloc
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from topology import csvfile, model, texts
from topology.continuity import NOTHING_SAID, Continuity
from topology.loading import load
from topology.model import Content, Dependency, Entity, Group, Kind, Semantics, Topology

CELLS = [
    "a",
    "b",
    "c",
    "é",
    "a name of more than sixteen bytes",
    "",
    " a",
    "b ",
    "n" * 201,
    "zz",
    '"a"',
    '"x, y"',
    '"\n"',
]
NODE_COLUMNS = {
    "kind": ["", "host", "database", "hots"],
    "tier": ["", "0", "1", "x"],
    "part_of": ["", "", "a", "b", "zz"],
    "aliases": ["", "", "p;q", "a", "r"],
    "fact.rack": ["", "r1", " r1 "],
    "fates": ["", "f1", "f1;f2"],
    "site": ["", "s"],
}  # fmt: skip
EDGE_COLUMNS = {
    "kind": ["", "hard", "soft", "async", "info", "hrad"],
    "group": ["", "g", "h"],
    "need": ["", "1", "2", "0"],
    "capacity": ["", "0.5", "9", "0"],
    "weight": ["", "1", "0.5", "-1"],
    "buffer": ["", "0", "5m"],
    "factor": ["", "0.25", "2"],
    "timeout": ["", "250ms", "1s"],
    "discovered": ["", "true", "no", "maybe"],
}  # fmt: skip


@st.composite
def dirty_files(draw: st.DrawFn) -> dict[str, bytes]:
    """Files with good and bad rows, columns in any order."""
    files = {}
    for file, keys, columns in (("nodes.csv", ["id"], NODE_COLUMNS), ("edges.csv", ["source", "target"], EDGE_COLUMNS)):
        chosen = draw(st.lists(st.sampled_from(sorted(columns)), unique=True, max_size=4))
        header = draw(st.permutations([*keys, *chosen]))
        most = draw(st.sampled_from([5, len(CELLS)]))  # with good names only, or with all
        lines = [",".join(header)]
        for _ in range(draw(st.integers(0, 12))):
            row = [draw(st.sampled_from(columns[name] if name in columns else CELLS[:most])) for name in header]
            lines.append(",".join(row if draw(st.integers(0, 30)) else row[1:]))
        files[file] = draw(st.sampled_from(["\n", "\n", "\r\n"])).join(lines).encode()
    return files


@given(dirty_files(), st.sampled_from([1, 40, 200, 1 << 20]))
@settings(deadline=None, max_examples=150)
def test_blocks_say_what_rows_say(files: dict[str, bytes], block: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csvfile, "BLOCK", block)
        topology, problems = load(files)
        patch.setattr(texts, "LONGEST_CELL", -1)  # nothing is plain
        exact, told = load(files)
    assert problems == told
    assert (topology and topology.content) == (exact and exact.content)


IDS = [*(f"n{i}" for i in range(40)), "é", "x,y", 'say "so"', "n" * 200, "a name of more than sixteen bytes"]


def good_catalogue(random: Random) -> Content:
    """All that rows can say."""
    ids = random.sample(IDS, random.randint(2, len(IDS)))
    entities = []
    for place, id in enumerate(ids):
        said = random.choice([NOTHING_SAID, Continuity(restore=60, unit="u", regions=("DE", "FR"), critical=False)])
        entities.append(
            Entity(
                id=id,
                kind=random.choice(list(Kind)),
                owner=random.choice(["", "ops"]),
                tier=random.choice([None, 0, 3]),
                rto=random.choice([None, 300]),
                scope=random.random() < 0.8,
                aliases=(f"{id[:50]}-alias",) if random.random() < 0.3 else (),
                facts={"rack": "r1", "site": "s"} if random.random() < 0.3 else {},
                part_of=random.choice(ids[:place]) if place and random.random() < 0.3 else "",
                continuity=said,
            )
        )
    dependencies, groups = [], []
    for consumer in ids:
        chosen = random.sample([id for id in ids if id != consumer], random.randint(0, min(4, len(ids) - 1)))
        members = chosen[:2] if random.random() < 0.5 else []
        for provider in chosen[len(members) :]:
            semantics = random.choice(list(Semantics))
            factor = random.choice([0, 250, 1000]) if semantics is Semantics.SOFT else 500
            buffer = random.choice([0, 90]) if semantics is Semantics.ASYNC else 0
            timeout = random.choice([0, 250]) if semantics is not Semantics.INFO else 0
            dependencies.append(
                Dependency(consumer=consumer, provider=provider, semantics=semantics, factor=factor, buffer=buffer,
                           timeout=timeout)
            )  # fmt: skip
        dependencies += [Dependency(consumer=consumer, provider=m, group="g", weight=500) for m in members]
        if members:
            groups.append(Group(consumer=consumer, name="g", need=len(members), capacity=random.choice([None, 250])))
    return Content(tuple(entities), tuple(dependencies), tuple(groups))


def as_rows(content: Content, random: Random) -> dict[str, bytes]:
    """The same as CSV, rows and columns in any order, with blanks and empty lines."""
    groups = {(g.consumer, g.name): g for g in content.groups}
    nodes: list[dict[str, object]] = [
        {
            "id": e.id, "kind": e.kind, "owner": e.owner, "tier": e.tier, "rto": e.rto, "scope": e.scope,
            "aliases": ";".join(e.aliases), "site": e.facts.get("site"), "fact.rack": e.facts.get("rack"),
            "part_of": e.part_of, "restore": e.continuity.restore, "unit": e.continuity.unit,
            "regions": " ; ".join(e.continuity.regions[::-1]), "critical": e.continuity.critical,
        }
        for e in content.entities
    ]  # fmt: skip
    edges: list[dict[str, object]] = []
    for d in content.dependencies:
        group = groups.get((d.consumer, d.group))
        edges.append(
            {
                "source": d.consumer, "target": d.provider, "kind": d.semantics, "group": d.group,
                "factor": d.factor / 1000 if d.semantics is Semantics.SOFT else "", "buffer": f"{d.buffer}s",
                "timeout": f"{d.timeout}ms" if d.timeout else "", "weight": d.weight / 1000 if group else "",
                "need": group and group.need, "capacity": group.capacity / 1000 if group and group.capacity else "",
            }
        )  # fmt: skip
    return {"nodes.csv": _csv(nodes, random), "edges.csv": _csv(edges, random) or b"source,target\n"}


def _csv(rows: list[dict[str, object]], random: Random) -> bytes:
    text = io.StringIO()
    for place, row in enumerate(random.sample(rows, len(rows))):
        if not place:
            header = random.sample(list(row), len(row))
            csv.writer(text).writerow(header)
        csv.writer(text, lineterminator=random.choice(["\n", "\n", "\n\n"])).writerow(row[name] for name in header)
    return text.getvalue().encode()


def loaded(files: dict[str, bytes]) -> Topology:
    topology, problems = load(files)
    assert problems == []
    assert topology is not None
    return topology


@pytest.mark.parametrize("seed", range(30))
def test_rows_in_any_order_make_the_version_that_is_built(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    random = Random(seed)
    content = good_catalogue(random)
    built = Topology.build(content.entities, content.dependencies, content.groups)
    monkeypatch.setattr(csvfile, "BLOCK", random.choice([100, 1 << 20]))
    found = loaded(as_rows(content, random))
    assert found.content == built.content
    assert found.version == built.version


def test_mistakes_far_down_are_told_with_their_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each alone in its block of good rows."""
    monkeypatch.setattr(csvfile, "BLOCK", 5_000)
    nodes = ["id,kind,tier", *(f"n{i},host,3" for i in range(30_000))]
    edges = ["source,target,kind,group,need,weight", *(f"n{i},n{i // 2},hard,,," for i in range(1, 20_000))]
    nodes[5_000], nodes[15_000], nodes[25_000] = "n4999,hots,3", 'n14999,host,"x"', "n17,host,3"
    edges[4_000], edges[8_000], edges[12_000] = "n7,n8,hard,g,2,", "n1,nobody,hard,,,", "n5,n2,hard,,,-1"
    edges[19_000] = "n6,n6,hard,,,"
    lines = [str(problem) for problem in load({"nodes.csv": text(nodes), "edges.csv": text(edges)})[1]]
    assert lines == [
        "edges.csv:4001: the group 'g' of 'n7' needs 2 of 1 members",
        "edges.csv:8001: a dependency names 'nobody', which is no entity",
        "edges.csv:12001: 'n5' depends on 'n2' twice; first at edges.csv:6",
        "edges.csv:12001: weight: '-1' is not a number from 0 to 1000000",
        "edges.csv:19001: 'n6' depends on itself",
        "nodes.csv:5001: kind: unknown kind 'hots'; did you mean 'host'?",
        "nodes.csv:15001: tier: 'x' is not a whole number from 0 to 10000000000",
        "nodes.csv:25001: the entity 'n17' is declared twice; first at nodes.csv:19",
    ]


def text(lines: list[str]) -> bytes:
    return ("\n".join(lines) + "\n").encode()


def test_a_file_that_breaks_off_is_told_where_it_does() -> None:
    edges = text(["source,target", *(f"n{i},n{i // 2}" for i in range(1, 60_000)), 'n7,"n'])
    nodes = text(["id", *(f"n{i}" for i in range(60_000))])
    problems = load({"nodes.csv": nodes, "edges.csv": edges})[1]
    assert str(problems[0]) == "edges.csv:60001: not CSV: unexpected end of data"
    broken = nodes[:-7] + b"\xff" + nodes[-7:]
    assert str(load({"nodes.csv": broken})[1][0]) == "nodes.csv:60001: not UTF-8"


def test_mistakes_in_every_row_are_counted_in_bounded_time() -> None:
    nodes = text(["id,kind", *(f"n{i},hst" for i in range(10_000))])
    edges = text(["source,target", *(f"n{i},m{i}" for i in range(40_000))])
    start = time.process_time()
    problems = load({"nodes.csv": nodes, "edges.csv": edges})[1]
    assert time.process_time() - start < 10
    assert len(problems) == 1_001
    assert problems[-1].message == f"and {10_000 + 40_000 + 30_000 - 1_000} more mistakes"


def test_a_clique_loads_and_compiles_in_bounded_time_and_memory() -> None:
    """All to all; a thousand entities make a million dependencies, a third of them is enough here."""
    size = 350
    names = [f"n{i:03}" for i in range(size)]
    nodes, edges = text(["id", *names]), text(["source,target", *(f"{a},{b}" for a in names for b in names if a != b)])
    start = time.process_time()
    topology = loaded({"nodes.csv": nodes, "edges.csv": edges})
    found = topology.compiled
    assert time.process_time() - start < 5
    assert len(topology.dependencies) == size * (size - 1)
    assert {topology.component(name) for name in names} == {topology.domain("n000")} == {"n000"}
    assert found.cyclic.all()
    assert found.level.max() == 0


def test_a_thousand_cycles_are_a_thousand_components() -> None:
    rings = [[f"r{ring:04}-{place}" for place in range(30)] for ring in range(1_000)]
    nodes = text(["id", *(name for ring in rings for name in ring)])
    pairs = [(ring[place - 1], ring[place]) for ring in rings for place in range(30)]
    pairs += [(one[7], other[9]) for one, other in pairwise(rings)]
    topology = loaded({"nodes.csv": nodes, "edges.csv": text(["source,target", *map(",".join, pairs)])})
    assert [topology.component(ring[11]) for ring in rings] == [ring[0] for ring in rings]
    assert {topology.domain(ring[3]) for ring in rings} == {"r0000-0"}
    assert topology.compiled.level.max() == 999


def test_a_chain_as_deep_as_it_is_long_compiles_in_bounded_time() -> None:
    size = 50_000
    nodes = text(["id", *(f"n{i}" for i in range(size))])
    edges = text(["source,target", *(f"n{i},n{i + 1}" for i in range(size - 1))])
    topology = loaded({"nodes.csv": nodes, "edges.csv": edges})
    start = time.process_time()
    level = topology.compiled.level
    assert time.process_time() - start < 5
    assert sorted(level.tolist()) == list(range(size))


def test_an_edge_costs_less_than_sixty_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loaded and compiled, both directions, with groups; entities and their names counted too."""
    monkeypatch.setattr(model, "ORDINARY", -1)  # as if it were large
    size, each = 20_000, 10
    random = Random(1)
    pairs = sorted({(i, random.randrange(size)) for i in range(size) for _ in range(each)})
    rows = [f"service-{i},service-{j},{'soft,,' if j % 3 else 'hard,g,1'}" for i, j in pairs if i != j]
    files = {
        "nodes.csv": text(["id,kind,tier", *(f"service-{i},service,{i % 5}" for i in range(size))]),
        "edges.csv": text(["source,target,kind,group,need", *rows]),
    }
    loaded({"nodes.csv": b"id\na\nb\n", "edges.csv": b"source,target\na,b\n"}).compiled.level.max()  # imports
    tracemalloc.start()
    try:
        topology = loaded(files)
        found = topology.compiled
        gc.collect()
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert len(found.consumer) == len(rows)
    assert held / len(rows) < 60
    assert len(topology.encode()) / len(rows) < 12


def test_yaml_just_over_fifty_megabytes_is_refused_before_it_is_read() -> None:
    start = time.process_time()
    content = b"entities:\n" + b"- {id: a}\n" * 5_000_000
    problems = load({"big.yaml": content})[1]
    assert [(str(p), p.hint) for p in problems] == [
        ("big.yaml:1: the file is larger than 50 MB", "give large topologies as nodes.csv and edges.csv")
    ]
    assert time.process_time() - start < 2


def test_cells_that_share_a_hash_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "_hashes", lambda cells: np.zeros(len(cells), dtype=np.uint64))
    nodes = text(["id,kind", *(f"n{i},{'host' if i % 2 else 'queue'}" for i in range(100))])
    topology = loaded({"nodes.csv": nodes})
    assert [topology.entities[f"n{i}"].kind for i in (0, 1, 98, 99)] == [Kind.QUEUE, Kind.HOST] * 2
