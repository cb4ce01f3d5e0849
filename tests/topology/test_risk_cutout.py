"""Many worlds at once agree with the production algebra, world by world."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.topology.graphs import topologies
from topology.cutout import Cutout, bools, cone, mark, reads
from topology.impact import impact
from topology.model import Dependency, Entity, Group, Topology

LATE = 10**9


def low_at_rest(index: Topology, down: list[str]) -> dict[str, int]:
    """Healths below 1000 when every buffer is spent."""
    hits = impact(index, dict.fromkeys(down, 0), LATE, dict.fromkeys(down, 0))
    return {entity: hit.low for entity, hit in hits.items() if hit.low < 1000}


def fallen(index: Topology, worlds: list[list[str]], targets: list[str] | None = None) -> list[set[str]]:
    """Per world the entities of the targets' cone that are down."""
    whole = index.compiled
    number = {name: place for place, name in enumerate(whole.names)}
    asked = sorted(number[name] for name in targets or number)
    cutout = Cutout(whole, cone(reads(whole, down=True), asked))
    failing = [(cutout.row[number[name]], world) for world, names in enumerate(worlds) for name in names]
    rows, columns = np.array([(row, world) for row, world in failing if row >= 0], dtype=np.int64).reshape(-1, 2).T
    flags = bools(cutout.settle(mark(cutout.blank(len(worlds)), rows, columns)), len(worlds))
    names = cutout.compiled.names
    return [{name for name, flag in zip(names, flags[:, world], strict=True) if flag} for world in range(len(worlds))]


@st.composite
def settings_of(draw: st.DrawFn) -> tuple[Topology, list[list[str]]]:
    index = draw(topologies())
    ids = sorted(index.entities)
    return index, draw(st.lists(st.lists(st.sampled_from(ids), unique=True, max_size=4), min_size=1, max_size=70))


@settings(max_examples=200, deadline=None)
@given(settings_of())
def test_what_is_down_in_each_world_is_what_the_algebra_says(case: tuple[Topology, list[list[str]]]) -> None:
    index, worlds = case
    for world, found in zip(worlds, fallen(index, worlds), strict=True):
        assert found == {entity for entity, low in low_at_rest(index, world).items() if low == 0}


@settings(max_examples=150, deadline=None)
@given(settings_of(), st.data())
def test_the_cone_of_a_target_is_all_that_matters_to_it(case, data: st.DataObject) -> None:
    index, worlds = case
    target = data.draw(st.sampled_from(sorted(index.entities)))
    whole, part = fallen(index, worlds), fallen(index, worlds, [target])
    assert [target in found for found in whole] == [target in found for found in part]


def test_a_ring_of_a_thousand_falls_around_and_a_crowd_of_providers_is_heard() -> None:
    ring = [f"r{place:04}" for place in range(1000)]
    crowd = [f"p{place:03}" for place in range(200)]
    index = Topology.build(
        [Entity(id=name) for name in [*ring, *crowd, "one", "two"]],
        [Dependency(consumer=a, provider=b) for a, b in zip(ring, [*ring[1:], ring[0]], strict=True)]
        + [Dependency(consumer="one", provider=name) for name in crowd]
        + [Dependency(consumer="two", provider=name, group="g") for name in crowd]
        + [Dependency(consumer=ring[0], provider="two")],
        [Group(consumer="two", name="g", need=150)],
    )
    got = fallen(index, [[crowd[0]], crowd[:50], crowd[:51], []])
    assert got[0] == {crowd[0], "one"}
    assert got[1] == {*crowd[:50], "one"}
    assert got[2] == {*crowd[:51], "one", "two", *ring}
    assert got[3] == set()


def test_an_owner_of_two_groups_alike_falls_with_either() -> None:
    index = Topology.build(
        [Entity(id=name) for name in ("top", "a", "b", "c", "d")],
        [Dependency(consumer="top", provider=name, group=group) for name, group in zip("abcd", "xxyy", strict=True)],
    )
    assert [("top" in found) for found in fallen(index, [["a", "b"], ["c", "d"], ["a", "c"]])] == [True, True, False]
