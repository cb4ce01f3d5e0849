"""Where nodes go: providers left of consumers, nothing on top of anything else, cycles too, always the same."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.console.layout import HIGH, WIDE, layout

NODES = st.integers(1, 40)


@given(NODES, st.data())
def test_no_two_nodes_share_a_place_whatever_the_graph(count: int, data: st.DataObject):
    nodes = [f"n{n}" for n in range(count)]
    pair = st.tuples(st.sampled_from(nodes), st.sampled_from(nodes))
    edges = data.draw(st.lists(pair, max_size=80))
    found = layout(nodes, edges)
    assert set(found) == set(nodes)
    taken = sorted(found.values())
    for place, (x, y) in enumerate(taken):
        for other_x, other_y in taken[place + 1 :]:
            assert abs(x - other_x) >= WIDE or abs(y - other_y) >= HIGH
    random.shuffle(nodes)
    assert layout(nodes, edges[::-1]) == found


@given(NODES, st.data())
def test_without_cycles_trouble_runs_from_left_to_right(count: int, data: st.DataObject):
    nodes = [f"n{n:02}" for n in range(count)]
    pair = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)).filter(lambda one: one[0] < one[1])
    edges = [(nodes[a], nodes[b]) for a, b in data.draw(st.lists(pair, max_size=80))] if count > 1 else []
    found = layout(nodes, edges)
    assert all(found[a][0] < found[b][0] for a, b in edges)


@pytest.mark.parametrize("count", [0, 1, 2000])
def test_of_any_size(count: int):
    nodes = [f"n{n}" for n in range(count)]
    found = layout(nodes, [(nodes[0], one) for one in nodes[1:]])
    assert len(set(found.values())) == count
    high = max((y for _, y in found.values()), default=0)
    wide = max((x for x, _ in found.values()), default=0)
    assert high < 100 * HIGH
    assert wide < 50 * WIDE
