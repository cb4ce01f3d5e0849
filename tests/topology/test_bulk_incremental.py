"""Impact that is kept up to date equals impact reckoned anew."""

from __future__ import annotations

import random

import numpy as np
import pytest

from tests.topology.graphs import seeded
from topology import bulk
from topology.bulk import healths
from topology.incremental import Standing
from topology.model import Dependency, Entity, Topology


@pytest.mark.parametrize("pace", [0, 1, 100], ids=["position by position", "as it comes", "level by level"])
@pytest.mark.parametrize("felt", [True, False], ids=["buffers spent", "buffers full"])
def test_raising_and_healing_failures_equals_reckoning_anew(
    pace: int, felt: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "DENSE", pace)
    monkeypatch.setattr(bulk, "SPREAD", pace)
    for seed in range(100):
        index, chance = seeded(seed, 14), random.Random(seed)
        names = index.compiled.names
        standing, own = Standing(index.compiled, felt=felt), dict.fromkeys(names, 1000)
        for _ in range(8):
            before = standing.healths()
            changes = {chance.choice(names): chance.choice([0, 0, 400, 999, 1000, 1000]) for _ in range(2)}
            told = standing.change(changes)
            own.update(changes)
            after = healths(index.compiled, np.array([own[name] for name in names], np.int16), felt)
            assert (standing.healths() == after).all()
            assert told == {n: int(h) for n, h, b in zip(names, after, before, strict=True) if h != b}


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
