"""The adjusted Rand index against its definition and known values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.scenarios.rand_index import adjusted_rand_index


def test_equal_partitions_give_one_whatever_the_groups_are_called() -> None:
    assert adjusted_rand_index([0, 0, 1, 1, 2], ["b", "b", "a", "a", "c"]) == 1.0


def test_a_hand_worked_example() -> None:
    """Of six pairs, truth {01}{23} has two together, found {01}{2}{3} one, both one; chance expects 2 * 1 / 6."""
    assert adjusted_rand_index([0, 0, 1, 1], [0, 0, 1, 2]) == pytest.approx((1 - 1 / 3) / (1.5 - 1 / 3))


def test_a_partition_that_crosses_the_other_is_worse_than_chance() -> None:
    assert adjusted_rand_index([0, 0, 1, 1], [0, 1, 0, 1]) == pytest.approx(-0.5)


def test_one_lump_of_two_groups_gives_zero() -> None:
    assert adjusted_rand_index([0, 0, 0, 1, 1, 1], [7] * 6) == 0.0


def test_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="2 labels against 1"):
        adjusted_rand_index([0, 0], [0])


partition = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30)


@given(partition)
def test_it_is_symmetric_and_at_most_one(pairs: list[tuple[int, int]]) -> None:
    truth, found = [a for a, _ in pairs], [b for _, b in pairs]
    value = adjusted_rand_index(truth, found)
    assert value == pytest.approx(adjusted_rand_index(found, truth))
    assert value <= 1.0
