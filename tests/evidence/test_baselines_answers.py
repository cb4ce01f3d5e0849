"""What series say of a window, and what they cannot say: bad input of every kind."""

from __future__ import annotations

import math

import pytest

from engine.evidence.telemetry import Deviation, Telemetry
from engine.signals import Millis

MINUTE: Millis = 60_000
HOUR: Millis = 60 * MINUTE
START: Millis = 1_699_833_600_000  # a Monday, 00:00 UTC
WAVE = (10.0, 11.0, 12.0, 11.0)


def seen_of(values: list[float], metric: str = "latency", *, step: Millis = MINUTE, begin: Millis = START) -> Telemetry:
    found = Telemetry()
    times = tuple(begin + step * n for n in range(len(values)))
    found.add("cart", "f", metric, times, tuple(values))
    return found


def deviation(found: Telemetry, first: int, last: int, *, step: Millis = MINUTE) -> Deviation | None:
    return next(found.deviations("cart", START + first * step, START + last * step), None)


def reasons(found: Telemetry, first: int, last: int) -> list[str]:
    return [one.reason for one in found.unusable("cart", START + first * MINUTE, START + last * MINUTE)]


def test_deviations_have_a_direction() -> None:
    up = deviation(seen_of([*WAVE * 8, 50.0, 51.0]), 32, 33)
    down = deviation(seen_of([*WAVE * 8, 1.0, 1.0]), 32, 33)
    assert up is not None
    assert down is not None
    assert (up.direction, down.direction) == ("up", "down")
    assert up.score > 5 < down.score


def test_a_counter_is_read_as_its_rate_and_its_reset_is_no_deviation() -> None:
    total = [1e9 + 600.0 * n for n in range(40)]
    restarted = [*total[:35], *[600.0 * n for n in range(1, 6)]]
    steady = deviation(seen_of(total, "requests_total"), 36, 39)
    reset = deviation(seen_of(restarted, "requests_total"), 36, 39)
    burst = deviation(seen_of([*total, total[-1] + 6000.0], "requests_total"), 40, 40)
    assert steady is not None
    assert reset is not None
    assert burst is not None
    assert (steady.usual, steady.score, reset.score) == (10.0, 0.0, 0.0)
    assert burst.score > 50


def test_a_counter_of_another_name_shows_in_its_history() -> None:
    found = deviation(seen_of([50.0 + 10 * n for n in range(90)], "processed"), 86, 89)
    assert found is not None
    assert found.score == pytest.approx(0)


def test_a_gauge_that_climbs_for_a_while_is_no_counter() -> None:
    found = deviation(seen_of([*WAVE * 7, *[10.0 + 9 * n for n in range(6)]]), 30, 33)
    assert found is not None
    assert found.score > 5


def test_constant_series_do_not_explode_with_noise_and_show_a_change() -> None:
    still = deviation(seen_of([100.0] * 30 + [100.4]), 30, 30)
    gone = deviation(seen_of([1.0] * 30 + [0.0]), 30, 30)
    assert still is not None
    assert gone is not None
    assert still.score < 1
    assert gone.score > 50


def test_a_series_of_whole_numbers_is_known_no_better_than_to_one() -> None:
    found = deviation(seen_of([0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0] * 3 + [3.0]), 30, 30)
    assert found is not None
    assert found.score == pytest.approx(3.0)


def test_a_unit_that_changes_is_flagged_and_is_no_deviation() -> None:
    found = seen_of([*WAVE * 8, *[value * 1000 for value in WAVE * 3]])
    assert deviation(found, 32, 43) is None
    assert reasons(found, 32, 43) == ["unit_change"]


def test_a_fault_of_a_thousand_times_that_does_not_keep_its_shape_is_a_deviation() -> None:
    found = seen_of([*WAVE * 8, *[9000.0, 14000.0, 12000.0, 30000.0] * 3])
    assert deviation(found, 32, 43) is not None


def test_tenfold_is_a_deviation_and_no_unit() -> None:
    assert deviation(seen_of([*WAVE * 8, *[value * 10 for value in WAVE * 3]]), 32, 43) is not None


@pytest.mark.parametrize(("values", "reason"), [([1.0] * 5, "warming"), ([1.0] * 20, "no_samples")])
def test_what_cannot_be_used_is_said(values: list[float], reason: str) -> None:
    window = (4, 4) if reason == "warming" else (30, 40)
    found = seen_of(values)
    assert deviation(found, *window) is None
    assert reasons(found, *window) == [reason]


def test_a_series_that_has_ended_proves_nothing_by_its_absence() -> None:
    found = seen_of([1.0] * 20)
    found.stale("cart", "f", START + 20 * MINUTE)
    assert reasons(found, 30, 40) == ["ended"]


def test_not_a_number_and_infinity_are_left_out_and_counted() -> None:
    clean = seen_of([*WAVE * 8, 50.0])
    dirty = Telemetry()
    values = [*WAVE * 8, 50.0]
    for n, value in enumerate(values):
        dirty.add("cart", "f", "latency", (START + n * MINUTE,) * 3, (math.nan, value, math.inf))
    assert dirty.ignored == 2 * len(values)
    assert deviation(dirty, 32, 32) == deviation(clean, 32, 32)


def test_gaps_leave_the_rest_usable() -> None:
    found = Telemetry()
    values = [*WAVE * 10, 50.0]
    kept = [(START + n * MINUTE, value) for n, value in enumerate(values) if not 10 <= n < 25]
    found.add("cart", "f", "latency", tuple(at for at, _ in kept), tuple(value for _, value in kept))
    told = deviation(found, 40, 40)
    assert told is not None
    assert told.score > 5


def test_what_happens_every_working_day_at_this_hour_is_usual() -> None:
    found = Telemetry()
    nine, two = START + 10 * 24 * HOUR + 9 * HOUR, START + 10 * 24 * HOUR + 14 * HOUR
    for at in range(START, two, 5 * MINUTE):
        busy = at % (24 * HOUR) // HOUR == 9
        found.add("cart", "f", "latency", (at,), ((100.0 if busy else 10.0) + at // MINUTE % 3,))
        if at == nine + 20 * MINUTE:
            (usual,) = found.deviations("cart", nine, at)
            assert usual.baseline == "seasonal"
            assert usual.usual == pytest.approx(101, abs=1)
            assert usual.score < 5
    found.add("cart", "f", "latency", (two, two + 5 * MINUTE), (100.0, 102.0))
    (unusual,) = found.deviations("cart", two, two + 5 * MINUTE)
    assert unusual.score > 5


def test_the_onset_is_the_first_point_of_the_run_that_leads_into_the_deviation() -> None:
    found = seen_of([*WAVE * 8, 18.0, 20.0, 25.0, 40.0, 60.0, 60.0])
    assert found.onset("cart", START + 37 * MINUTE) == START + 32 * MINUTE
    assert found.onset("cart", START + 31 * MINUTE) is None
    assert found.onset("shop", START) is None
    assert seen_of([1.0] * 5).onset("cart", START + 5 * MINUTE) is None


def test_series_of_entities_in_incidents_and_lively_ones_stay_when_there_is_no_room() -> None:
    found = Telemetry(most=3)
    for number, entity in enumerate(("idle", "ill", "lively")):
        found.add(entity, f"f{number}", "cpu", (START,), (1.0,))
    found.add("lively", "f2", "cpu", (START + 2 * HOUR,), (1.0,))
    later = START + 2 * HOUR
    found.add("new", "f9", "cpu", (later,), (5.0,), lambda entity: entity == "ill")
    assert (sorted(found.series), found.store.evicted, found.ignored) == (["ill", "lively", "new"], 1, 0)
    found.add("newer", "f10", "cpu", (later,), (5.0,), lambda entity: entity == "ill")
    assert (sorted(found.series), found.ignored) == (["ill", "lively", "new"], 1)
    (series,) = found.series["new"].values()
    assert (series.metric, series.values) == ("cpu", [5.0])


def test_a_restored_store_goes_on_exactly_as_the_one_that_was_kept() -> None:
    found = seen_of([*WAVE * 30], "latency")
    for n in range(400):
        found.add("shop", "g", "hits_total", (START + n * 5 * MINUTE,), (3.0 * n,))
    again = Telemetry.unpacked(found.packed())
    assert again.packed() == found.packed()
    for one in (found, again):
        one.add("cart", "f", "latency", (START + 125 * MINUTE,), (90.0,))
        one.add("shop", "h", "cpu", (START,), (1.0,))
    assert again.packed() == found.packed()
    assert list(again.deviations("cart", START + 124 * MINUTE, START + 125 * MINUTE)) == list(
        found.deviations("cart", START + 124 * MINUTE, START + 125 * MINUTE)
    )


def test_a_hundred_thousand_series_take_no_more_than_half_a_kilobyte_each() -> None:
    found = Telemetry(most=2_000, most_watched=0)
    for day in range(3):
        for hour in range(24):
            for number in range(200):
                at = START + (day * 24 + hour) * HOUR
                found.add("cart", f"f{number}", "cpu", (at, at + 20 * MINUTE), (1.0, 2.0))
    found.store.flush()
    assert found.store.seasons.count == 200
    assert found.store.bytes_held() / found.count <= 512
