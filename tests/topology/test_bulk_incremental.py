"""Impact that is kept up to date equals impact reckoned anew."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import pytest

from tests.topology.graphs import seeded
from topology import bulk
from topology.bulk import healths
from topology.incremental import Standing
from topology.model import Dependency, Entity, Semantics, Topology


@pytest.mark.parametrize("pace", [0, 1, 100], ids=["position by position", "as it comes", "level by level"])
@pytest.mark.parametrize("felt", [True, False], ids=["buffers spent", "buffers full"])
@pytest.mark.parametrize("doubtful", [True, False], ids=["at worst", "at best"])
def test_raising_and_healing_failures_equals_reckoning_anew(
    pace: int, felt: bool, doubtful: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "DENSE", pace)
    monkeypatch.setattr(bulk, "SPREAD", pace)
    for seed in range(100):
        index, chance = seeded(seed, 14), random.Random(seed)
        names = index.compiled.names
        standing, own = Standing(index.compiled, felt=felt, doubtful=doubtful), dict.fromkeys(names, 1000)
        for _ in range(8):
            before = standing.healths()
            changes = {chance.choice(names): chance.choice([0, 0, 400, 999, 1000, 1000]) for _ in range(2)}
            told = standing.change(changes)
            own.update(changes)
            after = healths(index.compiled, np.array([own[name] for name in names], np.int16), felt, doubtful)
            assert (standing.healths() == after).all()
            assert told == {n: int(h) for n, h, b in zip(names, after, before, strict=True) if h != b}


@pytest.mark.parametrize("pace", [0, 4, 100], ids=["position by position", "as it comes", "level by level"])
@pytest.mark.parametrize("felt", [True, False], ids=["buffers spent", "buffers full"])
@pytest.mark.parametrize("doubtful", [True, False], ids=["at worst", "at best"])
def test_changing_dependencies_equals_the_topology_built_anew(
    pace: int, felt: bool, doubtful: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "DENSE", pace)
    monkeypatch.setattr(bulk, "SPREAD", pace)
    taken = 0
    for seed in range(120):
        index, chance = seeded(seed, 14), random.Random(seed)
        names = index.compiled.names
        standing, own = Standing(index.compiled, felt=felt, doubtful=doubtful), dict.fromkeys(names, 1000)
        edges = {(d.consumer, d.provider, d.group, d.semantics): d for d in index.content.dependencies}
        for _ in range(6):
            change = {chance.choice(names): chance.choice([0, 0, 400, 1000])}
            own |= change
            standing.change(change)
            removed = chance.sample(list(edges.values()), min(len(edges), chance.randint(0, 2)))
            added = [random_dependency(chance, names) for _ in range(chance.randint(0, 2))] if len(names) > 1 else []
            before = standing.healths()
            try:
                told = standing.rewire(added, removed)
            except ValueError:
                assert (standing.healths() == before).all()
                continue
            taken += 1
            for d in removed:
                del edges[d.consumer, d.provider, d.group, d.semantics]
            edges |= {(d.consumer, d.provider, d.group, d.semantics): d for d in added}
            built = with_dependencies(seed, tuple(edges.values()))
            after = healths(built.compiled, np.array([own[name] for name in names], np.int16), felt, doubtful)
            assert (standing.healths() == after).all()
            assert told == {n: int(h) for n, h, b in zip(names, after, before, strict=True) if h != b}
    assert taken > 200


@lru_cache(maxsize=2048)
def with_dependencies(seed: int, edges: tuple[Dependency, ...]) -> Topology:
    """The seed's topology with these alone; the seeds change alike at every pace."""
    index, kept = seeded(seed, 14), {(d.consumer, d.group) for d in edges}
    groups = [g for g in index.content.groups if (g.consumer, g.name) in kept]
    return Topology.build(index.entities.values(), edges, groups)


def random_dependency(chance: random.Random, names: Sequence[str]) -> Dependency:
    consumer, provider = chance.sample(list(names), 2)
    semantics = chance.choice(list(Semantics))
    return Dependency(
        consumer=consumer,
        provider=provider,
        semantics=semantics,
        factor=chance.choice([0, 333, 1000]),
        buffer=chance.randint(0, 1) if semantics is Semantics.ASYNC else 0,
        group=chance.choice(["", "", "g", "new"]),
        weight=chance.choice([0, 500, 1000]),
        discovered=chance.random() < 0.25,
    )


def test_a_change_of_dependencies_that_only_compiling_can_show_is_refused() -> None:
    ring = [Dependency(consumer=a, provider=b) for a, b in ("ab", "bc", "ca", "de")]
    standing = Standing(Topology.build([Entity(id=i) for i in "abcde"], ring).compiled, {"c": 0})
    with pytest.raises(ValueError, match="a and b lie on a cycle"):
        standing.rewire(removed=[ring[0]])
    with pytest.raises(ValueError, match="d is not below e"):
        standing.rewire(added=[Dependency(consumer="e", provider="d")])
    with pytest.raises(KeyError, match="nobody"):
        standing.rewire(added=[Dependency(consumer="d", provider="nobody")])
    with pytest.raises(KeyError):
        standing.rewire(removed=[Dependency(consumer="d", provider="a")])
    assert [standing.health(entity) for entity in "abcde"] == [0, 0, 0, 1000, 1000]


def test_a_cycle_does_not_hold_itself_down_when_its_cause_is_healed() -> None:
    ring = [Dependency(consumer=a, provider=b) for a, b in ("ab", "bc", "ca")]
    index = Topology.build([Entity(id=i) for i in "abcd"], [*ring, Dependency(consumer="a", provider="d")])
    standing = Standing(index.compiled, {"d": 0})
    assert standing.health("c") == 0
    assert standing.change({"d": 1000}) == {"a": 1000, "b": 1000, "c": 1000, "d": 1000}


def test_what_changes_nothing_tells_nothing() -> None:
    index = Topology.build([Entity(id=i) for i in "ab"], [Dependency(consumer="a", provider="b")])
    standing = Standing(index.compiled, {"b": 0})
    assert standing.change({"a": 0}) == {}
    assert standing.change({"b": 0}) == {}
    assert standing.change({}) == {}


def test_unknown_entities_and_impossible_healths_are_refused_and_change_nothing() -> None:
    standing = Standing(Topology.build([Entity(id="a")]).compiled)
    with pytest.raises(KeyError):
        standing.change({"a": 0, "nobody": 0})
    with pytest.raises(ValueError, match="the health of a must be within"):
        standing.change({"a": 1001})
    assert standing.health("a") == 1000
