"""What is kept of a series: the same points for every order of arrival and every way of batching, in little memory."""

from __future__ import annotations

import random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.evidence.baselines.rings import COARSE, COARSE_SLOTS, FAR, SLOT, SLOTS
from engine.evidence.baselines.store import Store
from engine.evidence.telemetry import Series, Telemetry
from engine.signals import Millis

START = 1_700_000_000_000 // 3_600_000 * 3_600_000
SECOND = 1000
Points = list[tuple[Millis, float]]


def kept(points: Points, *, asked: random.Random | None = None) -> Series:
    """What the store has of a series after these samples; it is asked in between where ``asked`` says so."""
    seen = Telemetry()
    for at, value in points:
        seen.add("cart", "f", "cpu", (at,), (value,))
        if asked is not None and asked.random() < 0.3:
            list(seen.deviations("cart", at, at))
    (series,) = seen.series["cart"].values()
    return series


moments = st.lists(
    st.tuples(st.integers(0, 9_000).map(lambda s: START + s * SECOND), st.floats(-9, 9, width=32)),
    min_size=1,
    max_size=150,
)


@settings(max_examples=60, deadline=None)
@given(moments, st.randoms(use_true_random=False))
def test_any_order_and_any_repetition_leave_the_same_points(points: Points, chance: random.Random) -> None:
    shuffled = chance.sample(points, len(points)) + chance.choices(points, k=5)
    assert kept(shuffled) == kept(sorted(points))


@settings(max_examples=30, deadline=None)
@given(moments, st.randoms(use_true_random=False))
def test_asking_in_between_changes_nothing(points: Points, chance: random.Random) -> None:
    assert kept(points, asked=chance) == kept(points)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 900), st.floats(-9, 9, width=32)), max_size=120))
def test_a_whole_tick_is_the_same_as_one_sample_after_the_other(samples: list[tuple[int, int, float]]) -> None:
    one, other = Store(), Store()
    for number in range(6):
        one.new(str(number), "cart", "cpu")
        other.new(str(number), "cart", "cpu")
    refs = np.array([2 * series for series, _, _ in samples], np.int64)
    times = np.array([START + at * 10_000 for _, at, _ in samples], np.int64)
    values = np.array([value for _, _, value in samples], np.float64)
    one.take(refs, times, values)
    for place in range(len(samples)):
        other.take(refs[place : place + 1], times[place : place + 1], values[place : place + 1])
    everything = np.arange(0, 12, 2)
    for mine, theirs in zip(one.points(everything), other.points(everything), strict=True):
        there = np.isfinite(one.points(everything)[1])
        assert np.array_equal(mine[there], theirs[there])


def test_ten_minutes_are_kept_at_ten_seconds_and_an_hour_before_them_at_five_minutes() -> None:
    points = [(START + n * 10 * SECOND, float(n % 7)) for n in range(1000)]
    (series,) = _kept_list(points)
    assert series.times[-1] - series.times[0] == (SLOTS - 1) * SLOT
    assert {b - a for a, b in zip(series.old_times, series.old_times[1:], strict=False)} == {COARSE}
    assert len(series.old_times) == COARSE_SLOTS
    assert series.old_times[-1] < series.times[0]


def test_a_slow_series_is_kept_whole() -> None:
    points = [(START + n * COARSE, float(n % 7)) for n in range(SLOTS + COARSE_SLOTS)]
    (series,) = _kept_list(points)
    assert [*series.old_values, *series.values] == [value for _, value in points]


def test_a_series_that_was_away_for_weeks_is_begun_anew() -> None:
    points = [(START, 1.0), (START + 60_000, 2.0), (START + FAR + 120_000, 3.0)]
    (series,) = _kept_list(points)
    assert series.values == [3.0]


def test_a_sample_weeks_before_all_others_is_left_out_and_counted() -> None:
    seen = Telemetry()
    seen.add("cart", "f", "cpu", (START + 2 * FAR, START), (1.0, 2.0))
    (series,) = seen.series["cart"].values()
    assert series.values == [1.0]
    assert seen.store.tables[0].rings.too_late == 1


def test_of_two_values_of_one_moment_the_larger_holds() -> None:
    (series,) = _kept_list([(START, 1.0), (START, 3.0), (START, 2.0)])
    assert series.values == [3.0]


def _kept_list(points: Points) -> list[Series]:
    return [kept(points)]
