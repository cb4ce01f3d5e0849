"""Next failures against trying every single and double failure with the production algebra."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.topology.doubtful import doubtful, down_at_rest
from topology.continuity import Continuity, SharedFate
from topology.cuts import NextFailures, next_failures
from topology.failures import basic_failures
from topology.model import Dependency, Entity, Group, Kind, Topology

Names = set[frozenset[tuple[str, bool]]]


def cuts(index: Topology, *targets: str, **asked) -> NextFailures:
    return next_failures(index, targets or sorted(index.entities), **asked)


def brute(index: Topology, down: list[str], target: str) -> tuple[Names, Names]:
    """Order 1 and order 2, by trying."""
    still = [f for f in basic_failures(index) if not set(f.entities) <= down_at_rest(index, down)]
    single = {f for f in still if target in down_at_rest(index, [*down, *f.entities])}
    double = {
        frozenset({(a.name, a.fate), (b.name, b.fate)})
        for a, b in combinations([f for f in still if f not in single], 2)
        if target in down_at_rest(index, [*down, *a.entities, *b.entities])
    }
    return {frozenset({(f.name, f.fate)}) for f in single}, double


@settings(max_examples=150, deadline=None)
@given(doubtful(), st.data())
def test_single_and_double_failures_are_those_that_trying_all_finds(index: Topology, data: st.DataObject):
    down = data.draw(st.lists(st.sampled_from(sorted(index.entities)), max_size=2))
    found = cuts(index, down=down)
    assert found.complete
    assert {each.entity for each in found.cut_sets} == set(index.entities) - down_at_rest(index, down)
    for each in found.cut_sets:
        single = {frozenset({(f.name, f.fate)}) for f in each.single}
        double = {frozenset({(a.name, a.fate), (b.name, b.fate)}) for a, b in each.double}
        assert (single, double) == brute(index, down, each.entity)


def cluster(size: int, need: int) -> Topology:
    """A shop on so many replicas, of which each two share a rack."""
    names = [f"r{place:03}" for place in range(size)]
    return Topology.build(
        [Entity(id="shop", kind=Kind.BUSINESS_SERVICE)]
        + [Entity(id=n, continuity=Continuity(fates=(f"rack{place // 2}",))) for place, n in enumerate(names)],
        [Dependency(consumer="shop", provider=n, group="g") for n in names],
        [Group(consumer="shop", name="g", need=need)],
        [SharedFate(name=f"rack{place}") for place in range(size // 2)],
    )


def test_two_losses_of_four_are_listed_and_a_rack_that_suffices_is_not_repeated_in_pairs():
    found = cuts(cluster(4, 3), "shop").cut_sets[0]
    assert [f.name for f in found.single] == ["rack0", "rack1"]
    assert {(a.name, b.name) for a, b in found.double} == {(a, b) for a, b in combinations(
        ["r000", "r001", "r002", "r003"], 2)}  # fmt: skip


def test_what_is_down_already_counts():
    index = cluster(4, 2)
    assert cuts(index, "shop").cut_sets[0].single == ()
    left = cuts(index, "shop", down=["r000"]).cut_sets[0]
    assert [f.name for f in left.single] == ["rack1"]
    assert {(a.name, b.name) for a, b in left.double} >= {("r001", "r002"), ("r002", "rack0")}
    assert cuts(index, "shop", down=["r000", "r001", "r002"]).cut_sets == ()


def test_a_cap_on_pairs_is_told_and_single_failures_are_complete_all_the_same():
    found = cuts(cluster(100, 99), "shop", most=500)
    assert (found.complete, found.examined) == (False, 500)
    assert len(found.cut_sets[0].single) == 50
    assert 0 < len(found.cut_sets[0].double) <= 500
    assert cuts(cluster(100, 99), "shop").complete


def test_an_unknown_entity_is_an_error():
    with pytest.raises(KeyError):
        cuts(cluster(2, 1), "nobody")
