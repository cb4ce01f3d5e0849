"""The shifts of many series at once are those of each, to the last bit; so are the profiles made of them."""

from __future__ import annotations

from bisect import bisect_left

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.evidence.kinds import Kind, counts_calls, kind_of
from engine.evidence.profile import LEAD, RECENT, STEPS, Profiles
from engine.evidence.shift import Shift, shift
from engine.evidence.shifts import Split, shifts
from engine.evidence.telemetry import Telemetry

METRICS = ("latency_seconds_mean", "availability", "requests_total", "errors", "cpu_usage", "requests", "odd")
SECOND = 1000
value = st.one_of(st.integers(0, 5).map(float), st.floats(-1e9, 1e9), st.sampled_from([0.0, 99.9, 100.0]))


@given(st.lists(st.tuples(st.sampled_from(list(Kind)), st.lists(value, max_size=30), st.lists(value, max_size=6))))
def test_a_matrix_of_series_has_the_shifts_of_each(series: list[tuple[Kind, list[float], list[float]]]) -> None:
    history, window = np.full((len(series), 36), np.nan), np.full((len(series), 36), np.nan)
    for row, (_, past, now) in enumerate(series):
        history[row, : len(past) // 2] = past[: len(past) // 2]
        history[row, 30 - len(past) + len(past) // 2 : 30] = past[len(past) // 2 :]  # a gap in between
        window[row, 30 : 30 + len(now)] = now
    kinds = [kind for kind, _, _ in series]
    found = shifts(["m"] * len(series), kinds, Split(history, window, np.zeros(len(series), np.int64)))
    assert found == [shift("m", kind, past, now) for kind, past, now in series]


def one_by_one(seen: Telemetry, entity: str, start: int, until: int) -> tuple[list[Shift], float | None, int]:
    """(shifts, calls per sample, sampling interval) from the points of each series."""
    found, total, count, step = [], 0.0, 0, 0
    for series in seen.series[entity].values():
        few = series.times[-RECENT:]
        every = (few[-1] - few[0]) // (len(few) - 1) if len(few) > 1 else 0
        step = max(step, every)
        since = start - max(LEAD, int(STEPS * every))
        low, high = bisect_left(series.times, since), bisect_left(series.times, until + 1)
        past = series.before(since)
        if counts_calls(series.metric):
            total, count = total + sum(past), count + len(past)
        moved = shift(series.metric, kind_of(series.metric), past, series.values[low:high])
        found += [moved] if moved is not None else []
    return found, total / count if count else None, step


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 2),
            st.sampled_from(METRICS),
            st.sampled_from([15, 60, 300]),
            st.lists(value, min_size=1, max_size=90),
        ),
        min_size=1,
        max_size=8,
    ),
    st.integers(0, 40),
    st.integers(0, 20),
)
def test_profiles_made_together_are_those_made_of_each_series(
    series: list[tuple[int, str, int, list[float]]], before: int, after: int
) -> None:
    seen = Telemetry()
    end = 100 * 300 * SECOND
    for number, (whose, metric, every, values) in enumerate(series):
        times = tuple(end - every * SECOND * n for n in range(len(values), 0, -1))
        seen.add(f"e{whose}", f"f{number}", metric, times, tuple(values))
    start = end - before * 60 * SECOND
    until = start + after * 60 * SECOND
    profiles = Profiles(seen, end)
    profiles.fetch([f"e{n}" for n in range(4)], start, until)
    for entity in seen.series:
        made = profiles.around(entity, start, until)
        found, calls, step = one_by_one(seen, entity, start, min(until, end))
        assert (list(made.all), made.calls, made.step) == (found, calls, step)
        assert made == Profiles(seen, end).around(entity, start, until)
