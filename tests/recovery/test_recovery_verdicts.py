"""What is said of an indicator after a restoration, and what stands in the way of saying it."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from engine.evidence.kinds import Kind
from engine.recovery.comparison import Settling
from engine.recovery.indicator import Indicator, Margin, Measure, Worse
from engine.recovery.judgement import judge
from engine.recovery.window import WEEK, Occasion
from engine.recovery.words import Recovery, Why
from tests.recovery.made import (
    AT_ONCE,
    ERRORS,
    HOUR,
    LATENCY,
    MINUTE,
    RESTORED,
    after,
    judged,
    level,
    past,
    seen,
    usual_weeks,
    verdict,
    window,
)

THROUGHPUT = Indicator(entity="cart", name="requests", kind=Kind.TRAFFIC)


# ------------------------------------------------------------------------------------------------------- verdicts


def test_back_to_what_was_usual_is_restored_with_its_numbers():
    one = judged(LATENCY, usual_weeks(), after(level(40, 1)))
    assert (one.verdict, one.why) == (Recovery.RESTORED, (Why.WITHIN_MARGIN,))
    assert one.most is not None
    assert one.most < one.comparison.margin == pytest.approx(10, rel=0.02)
    assert one.comparison.difference is not None
    assert one.comparison.difference.usual == pytest.approx(100, rel=0.02)


def test_still_half_again_as_slow_is_residual_degradation():
    one = judged(LATENCY, usual_weeks(), after(1.5 * level(40, 1)))
    assert one.verdict is Recovery.RESIDUAL_DEGRADATION
    assert one.least is not None
    assert one.least > 40


def test_worse_but_within_the_margin_is_restored():
    assert verdict(LATENCY, usual_weeks(), after(1.05 * level(60, 1)))[0] == "restored"


def test_surely_faster_by_more_than_the_margin_is_improved():
    assert verdict(LATENCY, usual_weeks(), after(0.7 * level(40, 1))) == ("improved", ["better"])


@pytest.mark.parametrize(("factor", "said"), [(0.7, "residual_degradation"), (1.0, "restored"), (1.3, "improved")])
def test_of_throughput_less_is_worse(factor, said):
    assert verdict(THROUGHPUT, usual_weeks(), after(factor * level(40, 1)))[0] == said


@pytest.mark.parametrize("factor", [0.7, 1.3])
def test_of_what_nobody_knows_any_change_is_harm(factor):
    other = Indicator(entity="cart", name="thing", kind=Kind.OTHER)
    assert verdict(other, usual_weeks(), after(factor * level(40, 1)))[0] == "residual_degradation"


def test_too_much_scatter_for_the_margin_is_inconclusive_and_says_how_long_it_takes():
    one = judged(LATENCY, usual_weeks(spread=0.4), after(level(12, 5, spread=0.4)))
    assert (one.verdict, one.why) == (Recovery.INCONCLUSIVE, (Why.UNCERTAIN,))
    assert one.minutes is not None
    assert 12 < one.minutes < 600


def test_the_minutes_that_are_asked_for_are_enough():
    weeks = past([level(600, seed, spread=0.3) for seed in (21, 22, 23, 24)])
    one = judged(LATENCY, weeks, after(level(20, 4, spread=0.3)))
    assert one.minutes is not None
    later = judged(LATENCY, weeks, after(level(20 + one.minutes, 4, spread=0.3)))
    assert later.verdict is Recovery.RESTORED


def test_a_declared_margin_decides():
    strict = msgspec.structs.replace(LATENCY, margin=Margin(3.0))
    later = after(level(60, 1) + 6)
    assert verdict(LATENCY, usual_weeks(), later)[0] == "restored"
    assert verdict(strict, usual_weeks(), later)[0] == "residual_degradation"


# ------------------------------------------------------------------------------------------------------ stability


def test_scatter_that_grows_is_unstable():
    assert verdict(LATENCY, usual_weeks(), after(level(40, 1, spread=0.3))) == ("unstable", ["spread"])
    assert verdict(LATENCY, usual_weeks(), after(level(40, 1, spread=0.07)))[0] == "restored"
    grown = after(3 * level(40, 1, spread=0.08))
    assert verdict(LATENCY, usual_weeks(), grown)[0] == "residual_degradation", "a higher level scatters more"


def test_scatter_that_does_not_matter_beside_the_margin_is_steady():
    weeks = usual_weeks(spread=0.001)
    assert verdict(LATENCY, weeks, after(level(40, 1, spread=0.006)))[0] == "restored"


def test_a_level_that_comes_and_goes_is_unstable():
    levels = np.repeat([1.0, 1.4, 1.0, 1.4], 15)
    said, why = verdict(LATENCY, usual_weeks(), after(levels * level(60, 1)))
    assert said == "unstable"
    assert "change_points" in why


def test_a_series_that_flaps_is_unstable():
    flaps = np.where(np.arange(60) % 10 < 2, 3.0, 1.0)
    said, why = verdict(LATENCY, usual_weeks(), after(flaps * level(60, 1)))
    assert said == "unstable"
    assert "flapping" in why


def test_what_flapped_as_much_before_is_steady():
    def bursts(seed):
        return np.where(np.arange(60) % 10 < 1, 3.0, 1.0) * level(60, seed)

    said, why = verdict(LATENCY, past([bursts(seed) for seed in (11, 12, 13, 14)]), after(bursts(1)))
    assert (said, why) == ("restored", ["within_margin"])


def test_a_way_back_that_takes_longer_than_the_settle_time_is_left_out():
    values = np.concatenate([1.5 * level(15, 2), level(45, 1)])
    one = judged(LATENCY, usual_weeks(), after(values))
    assert one.verdict is Recovery.RESTORED
    assert one.comparison.since == RESTORED + 16 * MINUTE
    assert one.comparison.count == 45


def test_the_first_minutes_do_not_count():
    values = np.concatenate([5 * level(5, 2), level(40, 1)])
    assert verdict(LATENCY, usual_weeks(), after(values), Settling())[0] == "restored"
    assert verdict(LATENCY, usual_weeks(), after(5 * level(4, 2)), Settling()) == ("inconclusive", ["settling"])
    assert Settling(restart=10 * MINUTE).time == 30 * MINUTE


# ----------------------------------------------------------------------------------------------- counts and shares


def test_a_share_of_errors_is_judged_by_the_events_behind_it():
    totals = np.full(60, 1000.0)
    random = np.random.default_rng(4)
    ratio = msgspec.structs.replace(ERRORS, measure=Measure.RATIO)
    weeks = past([random.binomial(1000, 0.002, 60).astype(float) for _ in range(4)], totals)
    same, worse = (random.binomial(1000, share, 40).astype(float) for share in (0.002, 0.006))
    assert verdict(ratio, weeks, after(same, totals[:40]))[0] == "restored"
    assert verdict(ratio, weeks, after(worse, totals[:40]))[0] == "residual_degradation"
    few = after([0.0] * 20, [1.0] * 20)
    assert verdict(ratio, weeks, few) == ("inconclusive", ["too_few_events"])
    hundred = after([0.0] * 20, [20.0] * 20)
    assert verdict(ratio, weeks, hundred)[0] == "inconclusive", "400 requests do not show less than 0.1 % more errors"


def test_half_of_the_error_budget_is_tolerated():
    promised = msgspec.structs.replace(ERRORS, measure=Measure.RATIO, objective=0.99)
    assert promised.tolerated.size == pytest.approx(0.005)


def test_errors_in_bunches_are_worth_fewer():
    ratio = msgspec.structs.replace(ERRORS, measure=Measure.RATIO)
    totals = np.full(60, 1000.0)
    spread_out, bunched = np.full(60, 2.0), np.where(np.arange(60) % 20 == 0, 40.0, 0.0)
    worth = []
    for bad in (spread_out, bunched):
        found = seen(ratio, past([bad] * 4, totals), after(bad, totals)).difference
        assert found is not None
        worth.append(found.worth_after)
    assert worth[1] < worth[0] / 10


def test_counts_of_events_have_a_test_of_their_own():
    random = np.random.default_rng(5)
    jobs = Indicator(entity="queue", name="jobs", kind=Kind.TRAFFIC, measure=Measure.COUNT)
    weeks = past([random.poisson(80, 60).astype(float) for _ in range(4)])
    assert verdict(jobs, weeks, after(random.poisson(80, 60).astype(float)))[0] == "restored"
    assert verdict(jobs, weeks, after(random.poisson(60, 60).astype(float)))[0] == "residual_degradation"


def test_no_errors_before_and_none_for_half_an_hour_is_restored():
    calm = past([np.zeros(60)] * 4)
    assert verdict(ERRORS, calm, after(np.zeros(30))) == ("restored", ["at_its_best"])
    assert verdict(ERRORS, calm, after(np.zeros(20)))[0] == "inconclusive"
    assert verdict(ERRORS, calm, after(np.full(30, 0.05)))[0] == "residual_degradation"
    assert verdict(ERRORS, calm, after(np.where(np.arange(40) % 4, 0.0, 0.05)))[0] == "unstable"


def test_all_requests_answered_is_the_best_of_success():
    success = Indicator(entity="cart", name="success", kind=Kind.SUCCESS, unit="percent")
    assert success.direction is Worse.LOWER
    calm = past([np.full(60, 100.0)] * 4)
    assert verdict(success, calm, after(np.full(30, 100.0)))[0] == "restored"
    assert verdict(success, calm, after(np.full(30, 90.0)))[0] == "residual_degradation"


# ------------------------------------------------------------------------------------------------------ bad input


def test_a_restart_of_a_counter_is_no_change_of_its_rate():
    served = Indicator(entity="cart", name="served_total", kind=Kind.TRAFFIC, measure=Measure.COUNTER)
    weeks = past([np.cumsum(level(60, seed)) for seed in (11, 12, 13, 14)])
    steady = np.cumsum(level(60, 1))
    once = np.where(np.arange(60) < 30, steady, steady - steady[29])
    assert verdict(served, weeks, after(once))[0] == "restored"
    often = np.concatenate([np.cumsum(level(15, seed)) for seed in (1, 2, 3, 4)])
    assert verdict(served, weeks, after(often)) == ("unstable", ["restarts"])


@pytest.mark.parametrize("factor", [1000.0, 1024.0, 0.001])
def test_another_unit_is_no_degradation(factor):
    assert verdict(LATENCY, usual_weeks(), after(factor * level(40, 1))) == ("inconclusive", ["unit_changed"])


def test_a_series_that_stands_still_shows_nothing():
    assert verdict(LATENCY, usual_weeks(), after(np.full(40, 100.0))) == ("inconclusive", ["frozen"])
    still = past([np.full(60, 100.0)] * 4)
    assert verdict(LATENCY, still, after(level(40, 1))) == ("no_baseline", ["constant"])


@pytest.mark.parametrize("count", [1, 7])
def test_a_few_samples_are_not_enough(count):
    one = judged(LATENCY, usual_weeks(), after(level(count, 1)))
    assert (one.verdict, one.why) == (Recovery.INCONCLUSIVE, (Why.TOO_FEW,))
    assert one.minutes == 8 - count


@pytest.mark.parametrize("values", [np.empty(0), np.full(40, np.nan)], ids=["none", "not_a_number"])
def test_without_samples_nothing_passes(values):
    assert verdict(LATENCY, usual_weeks(), after(values)) == ("inconclusive", ["no_data"])


def test_a_hole_in_the_samples_is_no_sign_of_health():
    values = level(60, 1)
    values[30:36] = np.nan
    assert verdict(LATENCY, usual_weeks(), after(values)) == ("inconclusive", ["gaps"])
    ended = level(60, 1)
    ended[50:] = np.nan
    assert verdict(LATENCY, usual_weeks(), after(ended)) == ("inconclusive", ["gaps"])
    values[45:52] = np.nan
    assert verdict(LATENCY, usual_weeks(), after(values)) == ("unstable", ["gaps"])


def test_the_order_of_samples_and_repeated_ones_change_nothing():
    plain = after(level(40, 1))
    order = np.random.default_rng(2).permutation(80)
    twice = msgspec.structs.replace(plain, times=np.tile(plain.times, 2)[order], values=np.tile(plain.values, 2)[order])
    assert seen(LATENCY, usual_weeks(), twice).difference == seen(LATENCY, usual_weeks(), plain).difference


# ------------------------------------------------------------------------------------------------------- baselines


def test_without_windows_there_is_no_baseline():
    assert verdict(LATENCY, [], after(level(40, 1))) == ("no_baseline", ["no_windows"])


def test_one_week_is_too_few_but_not_together_with_the_hour_before():
    later, week = after(level(40, 1)), usual_weeks()[:1]
    before = window(Occasion.BEFORE_ONSET, RESTORED - 2 * HOUR, level(60, 3))
    assert verdict(LATENCY, week, later) == ("no_baseline", ["few_weeks"])
    assert verdict(LATENCY, [*week, before], later)[0] == "restored"
    assert verdict(LATENCY, [before], later)[0] == "restored"
    long_ago = window(Occasion.BEFORE_ONSET, RESTORED - 9 * HOUR, level(60, 3))
    assert verdict(LATENCY, [long_ago], later) == ("no_baseline", ["other_hour"])


def test_weeks_with_holes_and_known_incidents_are_not_used():
    later = after(level(40, 1))
    holed = level(60, 5)
    holed[:20] = np.nan
    tainted = msgspec.structs.replace(usual_weeks()[0], tainted="maintenance")
    found = seen(LATENCY, [*past([holed]), tainted, *usual_weeks()[1:]], later)
    assert sorted(one.why.value for one in found.unused) == ["incomplete", "tainted"]
    assert found.weeks == 3


def test_a_past_week_with_an_incident_in_it_is_found_by_its_unlikeness():
    weeks = usual_weeks()
    weeks[2] = past([level(60, 1)] * 2 + [3 * level(60, 13)])[2]
    found = seen(LATENCY, weeks, after(2 * level(40, 1)))
    assert [one.why for one in found.unused] == [Why.CONTAINS_INCIDENT]
    assert judge([found])[0].verdict is Recovery.RESIDUAL_DEGRADATION
    assert verdict(LATENCY, weeks[2:], after(level(40, 1))) == ("no_baseline", ["windows_disagree"])


def test_a_lone_window_with_an_incident_in_it_is_no_baseline():
    values = level(60, 3)
    values[30:45] *= 4
    before = window(Occasion.BEFORE_ONSET, RESTORED - 2 * HOUR, values)
    assert verdict(LATENCY, [before], after(2 * level(40, 1))) == ("no_baseline", ["contains_incident"])


def test_weeks_are_compared_by_the_clock_on_the_wall():
    summer = [msgspec.structs.replace(one, offset_start=2 * HOUR, offset_end=2 * HOUR) for one in usual_weeks()]
    hours = [msgspec.structs.replace(one, start=one.start - 8 * HOUR, end=one.end - 8 * HOUR) for one in summer]
    moved = [msgspec.structs.replace(one, times=one.times - 8 * HOUR) for one in hours]
    assert verdict(LATENCY, summer, after(level(40, 1)))[0] == "restored"
    assert verdict(LATENCY, moved, after(level(40, 1))) == ("no_baseline", ["other_hour"])
    changes = [msgspec.structs.replace(one, offset_end=HOUR) for one in usual_weeks()]
    assert verdict(LATENCY, changes, after(level(40, 1))) == ("no_baseline", ["daylight_saving"])


def test_weeks_that_differ_from_each_other_widen_the_interval():
    alike = seen(LATENCY, usual_weeks(), after(level(40, 1))).difference
    weeks = past([level(60, seed) * factor for seed, factor in ((11, 0.94), (12, 1.0), (13, 1.06), (14, 1.0))])
    unlike = seen(LATENCY, weeks, after(level(40, 1))).difference
    assert alike is not None
    assert unlike is not None
    assert unlike.high - unlike.low > 2 * (alike.high - alike.low)


def test_a_window_may_start_a_week_and_a_minute_ago():
    near = [msgspec.structs.replace(one, start=one.start - WEEK) for one in usual_weeks()]
    assert seen(LATENCY, near, after(level(40, 1)), AT_ONCE).why is Why.INCOMPLETE, "two weeks with an hour in them"
