"""Anomalies of a series as it comes in: found causally, the same for every order, silent where there is no news."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api import bootstrap
from api.replay import Replay
from engine.evidence.baselines.detector import HOUR, LONGEST, WARM, Detector, Watched
from engine.evidence.telemetry import Telemetry
from engine.signals import Millis

MINUTE: Millis = 60_000
STEP: Millis = 5 * MINUTE
START: Millis = 1_699_833_600_000
NOISE = (10.0, 11.0, 10.5, 12.0, 11.5, 10.2)


def found_in(values: list[float], step: Millis = STEP) -> list[tuple[int, int, str]]:
    """(first, last, direction) of the anomalies, in points."""
    detector = Detector()
    for n, value in enumerate(values):
        detector.add(START + n * step, value)
    return [((a.start - START) // step, (a.end - START) // step, a.direction) for a in detector.found]


def test_a_level_never_seen_before_is_found_at_its_first_point_with_its_end() -> None:
    quiet = list(NOISE * 10)
    assert found_in([*quiet, 60.0, 62.0, 61.0, *NOISE * 3]) == [(60, 62, "up")]
    assert found_in([*quiet, 0.1, *NOISE * 3]) == [(60, 60, "down")]


def test_what_happens_every_few_hours_is_found_once() -> None:
    cycle = [*NOISE * 4, 60.0]
    assert len(found_in(cycle * 8)) == 1


def test_what_happens_every_day_is_found_the_first_day_only() -> None:
    day = [*[10.0 + n % 3 for n in range(276)], *[80.0 + n % 3 for n in range(12)]]
    assert [first for first, _, _ in found_in(day * 5)] == [276]


def test_noise_constants_and_steps_of_the_resolution_are_quiet() -> None:
    rng = random.Random(3)
    assert found_in([rng.gauss(100, 10) for _ in range(3000)]) == []
    assert found_in([5.0] * 500) == []
    assert found_in([float(n % 17 == 0) for n in range(500)]) == []
    assert found_in([*[0.0, 0.0, 1.0, 0.0] * 30, 4.0, 3.0]) == []


def test_below_its_warm_up_a_series_says_so_and_nothing_else() -> None:
    watched = Watched()
    for n in range(WARM):
        assert watched.detector.warming
        watched.add(START + n * STEP, 1e6 if n == WARM - 1 else 1.0, 0)
    assert watched.anomalies() == ([], 0)
    assert not watched.detector.warming


def test_a_new_level_is_the_usual_after_a_day() -> None:
    values = [*NOISE * 10, *[value + 50 for value in NOISE * 100]]
    ((_, last, _),) = found_in(values)
    assert abs(last - 60 - LONGEST // STEP) <= 1


def test_what_may_still_be_revised_is_provisional() -> None:
    telemetry = Telemetry()
    for n in range(40):
        telemetry.add("cart", "f", "cpu", (START + n * MINUTE,), (NOISE[n % 6],))
    telemetry.add("cart", "f", "cpu", (START + 40 * MINUTE,), (90.0,))
    assert [(a.direction, a.final) for a in telemetry.anomalies()] == [("up", False)]
    for n in range(41, 60):
        telemetry.add("cart", "f", "cpu", (START + n * MINUTE,), (NOISE[n % 6],))
    assert [(a.start, a.final) for a in telemetry.anomalies()] == [(START + 40 * MINUTE, True)]


def test_a_counter_that_starts_again_is_no_anomaly_and_one_that_races_is() -> None:
    telemetry = Telemetry()
    totals = [100.0 * n for n in range(60)]
    totals += [100.0 * n for n in range(1, 40)]
    totals += [totals[-1] + 5000.0 * n for n in range(1, 4)]
    for n, value in enumerate(totals):
        telemetry.add("cart", "f", "requests_total", (START + n * MINUTE,), (value,))
    assert [(a.start - START) // MINUTE for a in telemetry.anomalies()] == [99]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0, 100, width=32), min_size=30, max_size=90), st.randoms(use_true_random=False))
def test_late_and_repeated_samples_within_the_lateness_lead_to_the_same(
    values: list[float], chance: random.Random
) -> None:
    points = [(START + n * MINUTE, value) for n, value in enumerate(values)]
    late = sorted(points, key=lambda point: point[0] + chance.choice((0, 61_000, 119_000)))
    one, other = Telemetry(), Telemetry()
    for at, value in points:
        one.add("cart", "f", "cpu", (at,), (value,))
    for at, value in [point for point in late for _ in range(chance.choice((1, 2)))]:
        other.add("cart", "f", "cpu", (at,), (value,))
    assert one.anomalies() == other.anomalies()


def test_the_memory_of_a_day_is_an_hour_longer_than_a_day() -> None:
    spike = [10.0 + n % 3 for n in range(24)]
    spike[5] = 90.0
    assert [first for first, _, _ in found_in([10.0, 11.0, 12.0] * 10 + spike * 4, HOUR)] == [35]


@pytest.mark.parametrize("batch", [1, 7, 256])
def test_a_replay_tells_when_a_series_was_not_as_usual(batch: int) -> None:
    values = [*NOISE * 10, 60.0, 62.0, *NOISE * 3]
    begin = START / 1000
    lines = [
        json.dumps(
            {"t": begin + 300 * n, "kind": "metric", "service": "cart", "metric": "cpu", "value": value}
        ).encode()
        for n, value in enumerate(values)
    ]
    replay = Replay(bootstrap.in_memory, bootstrap.decode, batch=batch)
    result = replay.run("s", lines, lambda line, reason: pytest.fail(f"{line}: {reason}"))
    assert result.anomalies == [(begin + 300 * 60, begin + 300 * 61)]
