"""A topology kept in columns is the topology that was built: the same parts, the same answers, one version."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from hashlib import blake2b
from random import Random
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.topology.drawn import IDS, contents
from topology import compiled, components, model, views
from topology.model import Content, Dependency, Entity, Group, Semantics, Topology


def canonical(content: Content) -> Content:
    return Content(
        tuple(sorted(content.entities, key=lambda e: e.id)),
        tuple(sorted(content.dependencies, key=lambda d: (d.consumer, d.provider, d.group))),
        tuple(sorted(content.groups, key=lambda g: (g.consumer, g.name))),
        tuple(sorted(content.fates, key=lambda f: f.name)),
    )


def topology_of(content: Content) -> Topology:
    return Topology.build(content.entities, content.dependencies, content.groups, content.fates)


@pytest.fixture
def large() -> Iterator[None]:
    """Every topology is treated as a large one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model, "ORDINARY", -1)
        patch.setattr(model, "MOST_KEPT", 3)
        patch.setattr(views, "MOST_KEPT", 2)
        patch.setattr(components, "LARGE", 0)
        yield


@given(contents())
@settings(deadline=None, max_examples=50)
def test_what_was_built_is_what_is_found(content: Content) -> None:
    check(topology_of(content), canonical(content))


@given(contents())
@settings(deadline=None, max_examples=50)
def test_structs_made_on_demand_are_the_same(content: Content) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model, "ORDINARY", -1)
        patch.setattr(model, "MOST_KEPT", 3)
        patch.setattr(views, "MOST_KEPT", 2)
        topology = topology_of(content)
        assert isinstance(topology.entities, views.Entities)
        check(topology, canonical(content))
        check(topology, canonical(content))  # once more, from what was kept


def check(topology: Topology, expected: Content) -> None:
    assert topology.content == expected
    assert list(topology.dependencies) == list(expected.dependencies)
    assert len(topology.dependencies) == len(expected.dependencies)
    assert dict(topology.entities) == {e.id: e for e in expected.entities}
    assert list(topology.entities.values()) == list(expected.entities)
    assert list(topology.entities.items()) == [(e.id, e) for e in expected.entities]
    assert dict(topology.groups) == {(g.consumer, g.name): g for g in expected.groups}
    assert list(topology.groups.items()) == [((g.consumer, g.name), g) for g in expected.groups]
    assert dict(topology.fates) == {f.name: f for f in expected.fates}
    for id in [*IDS, "", "zz", "nobody"]:
        assert topology.providers(id) == tuple(d for d in expected.dependencies if d.consumer == id)
        assert topology.consumers(id) == tuple(d for d in expected.dependencies if d.provider == id)
        assert (id in topology.entities, topology.entities.get(id)) == (
            id in {e.id for e in expected.entities},
            next((e for e in expected.entities if e.id == id), None),
        )
        named = [g for g in expected.groups if (g.consumer, g.name) == (id, "g")]
        assert topology.groups.get((id, "g")) == (named[0] if named else None)
    for alias in ("p1", "p2", "p3", "nobody"):
        assert topology.resolve(alias) == next((e.id for e in expected.entities if alias in e.aliases), None)


@given(contents(), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=50)
def test_a_version_is_of_the_content_alone(content: Content, random: Random) -> None:
    topology = topology_of(content)
    fresh = msgspec.json.decode(msgspec.json.encode(content), type=Content)
    parts: list[list[Any]] = [list(part) for part in (fresh.entities, fresh.dependencies, fresh.groups, fresh.fates)]
    for part in parts:
        random.shuffle(part)
    again = Topology.build(*parts)
    assert (again.version, again.encode()) == (topology.version, topology.encode())
    stored = Topology.decode(topology.encode())
    assert (stored.version, stored.content, stored.encode()) == (topology.version, topology.content, topology.encode())
    assert Topology(topology.content).version == topology.version


@given(contents(), contents())
@settings(deadline=None, max_examples=50)
def test_two_contents_have_two_versions(one: Content, other: Content) -> None:
    assert (topology_of(one).version == topology_of(other).version) == (canonical(one) == canonical(other))


def test_values_that_equal_defaults_are_defaults() -> None:
    thousand = int("1000")
    said = Dependency(consumer="a", provider="b", weight=thousand, factor=thousand // 2)
    ends = [Entity(id="a"), Entity(id="b")]
    plain = Dependency(consumer="a", provider="b")
    assert Topology.build(ends, [said]).version == Topology.build(ends, [plain]).version


def test_versions_stored_as_json_keep_their_names() -> None:
    stored = b'{"entities":[{"id":"a"},{"id":"b"}],"dependencies":[{"consumer":"a","provider":"b"}]}'
    topology = Topology.decode(stored)
    assert topology.version == blake2b(stored, digest_size=8).hexdigest()
    assert topology.providers("a") == (Dependency(consumer="a", provider="b"),)


def test_a_format_of_tomorrow_is_refused() -> None:
    fields = msgspec.msgpack.decode(Topology.build().encode())
    with pytest.raises(ValueError, match="format 2; this release reads format 1"):
        Topology.decode(msgspec.msgpack.encode([2, *fields[1:]]))


def test_a_dependency_of_nobody_is_refused() -> None:
    with pytest.raises(KeyError):
        Topology.build([Entity(id="a")], [Dependency(consumer="a", provider="b")])


@given(contents())
@settings(deadline=None, max_examples=50)
def test_large_graphs_have_the_components_of_small_ones(content: Content) -> None:
    small = topology_of(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(components, "LARGE", 0)
        big = topology_of(content)
        for id in IDS:
            found = (big.domain(id), big.component(id), big.compounding(id))
            assert found == (small.domain(id), small.component(id), small.compounding(id))


@given(contents())
@settings(deadline=None, max_examples=50)
def test_the_compiled_form_says_what_the_parts_say(content: Content) -> None:
    topology, expected = topology_of(content), canonical(content)
    found = topology.compiled
    assert topology.compiled is found
    names, edges = list(found.names), expected.dependencies
    assert names == [e.id for e in expected.entities]
    ends = zip(found.consumer.tolist(), found.provider.tolist(), found.semantics.tolist(), strict=True)
    assert [(names[c], names[p], compiled.SEMANTICS[s]) for c, p, s in ends] == [
        (d.consumer, d.provider, d.semantics) for d in edges
    ]
    limits = [(d.factor, min(d.buffer, 2**31 - 1), d.weight, min(d.timeout, 2**31 - 1)) for d in edges]
    columns = (found.factor, found.buffer, found.weight, found.timeout)
    assert list(zip(*(c.tolist() for c in columns), strict=True)) == limits
    doubtful = [d.discovered and not d.group for d in edges]
    assert (found.doubtful.tolist() if found.doubtful is not None else [False] * len(edges)) == doubtful
    assert topology.doubtful == any(doubtful)
    groups = sorted({(d.consumer, d.group) for d in edges if d.group} | {(g.consumer, g.name) for g in expected.groups})
    owners = [names[number] for number in found.group_consumer]
    assert list(zip(owners, found.group_names, strict=True)) == groups
    declared = [topology.groups.get(key) or Group(consumer=key[0], name=key[1]) for key in groups]
    assert found.need.tolist() == [g.need for g in declared]
    assert found.capacity.tolist() == [-1 if g.capacity is None else g.capacity for g in declared]
    of_edges = [groups[number] if number >= 0 else None for number in found.group]
    assert of_edges == [(d.consumer, d.group) if d.group else None for d in edges]
    for number, name in enumerate(names):
        mine = edges[found.out_start[number] : found.out_start[number + 1]]
        theirs = tuple(edges[e] for e in found.in_edge[found.in_start[number] : found.in_start[number + 1]])
        assert (mine, theirs) == (topology.providers(name), topology.consumers(name))
    check_levels(topology)


def check_levels(topology: Topology) -> None:
    found = topology.compiled
    ring = {name: topology.component(name) or name for name in found.names}
    needs: dict[str, set[str]] = {root: set() for root in ring.values()}
    for d in topology.dependencies:
        if d.semantics is not Semantics.INFO and ring[d.consumer] != ring[d.provider]:
            needs[ring[d.consumer]].add(ring[d.provider])

    def level(root: str) -> int:
        return 1 + max(map(level, needs[root]), default=-1)

    for number, name in enumerate(found.names):
        assert found.level[number] == level(ring[name])
        assert found.cyclic[number] == bool(topology.component(name))
        assert {found.names[n] for n in np.flatnonzero(found.component == found.component[number]).tolist()} == {
            other for other in ring if ring[other] == ring[name]
        }


@given(contents())
@settings(deadline=None, max_examples=50)
def test_levels_of_deep_graphs_are_the_same(content: Content) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, "DEEP", 1)
        check_levels(topology_of(content))


@pytest.mark.usefixtures("large")
def test_what_is_kept_is_bounded() -> None:
    ids = [f"n{i}" for i in range(50)]
    edges = [Dependency(consumer=c, provider=p) for c in ids for p in ids if c < p]
    topology = Topology.build([Entity(id=id, domain=id) for id in ids], edges)
    for id in ids:
        assert topology.entities[id].id == topology.domain(id) == id
        assert [d.provider for d in topology.providers(id)] == [p for p in sorted(ids) if p > id]
        assert [d.consumer for d in topology.consumers(id)] == [c for c in sorted(ids) if c < id]
    assert isinstance(topology.entities, views.Entities)
    for kept in (topology._providers, topology._consumers, topology._domains, topology.entities._kept):
        assert len(kept) <= 3


def test_a_topology_costs_no_library_that_only_large_ones_need() -> None:
    probe = (
        "import sys; from topology.loading import load\n"
        "topology, _ = load({'nodes.csv': b'id\\na\\nb\\n', 'edges.csv': b'source,target\\na,b\\n'})\n"
        "assert topology.domain('b') == 'a' and topology.component('a') == ''\n"
        "print([m for m in ('pandas', 'scipy', 'networkx') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
