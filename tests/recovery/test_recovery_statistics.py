"""How often the judgement is wrong, on simulated series with memory. Fewer series than `bench/recovery.py` has."""

from __future__ import annotations

import numpy as np
import pytest

from engine.recovery.autocorrelation import inflation, memory
from engine.recovery.judgement import judge
from engine.recovery.shift import shift
from engine.recovery.words import BACK
from tests.recovery.made import LATENCY, ar1, past, seen
from tests.recovery.made import after as window_after

SERIES = 300
SPREAD = 0.2


def share_doubt(share: float) -> float:
    """Three standard deviations of a share that was counted in `SERIES` series."""
    return 3 * float(np.sqrt(share * (1 - share) / SERIES))


def series(phi: float, *, heavy: bool = False) -> list[tuple[list[np.ndarray], np.ndarray]]:
    random = np.random.default_rng([3, round(10 * phi), heavy])
    parts = [ar1(random, SERIES, 60, phi, heavy=heavy) for _ in range(5)]
    return [([part[row] for part in parts[:4]], parts[4][row]) for row in range(SERIES)]


@pytest.mark.parametrize("heavy", [False, True], ids=["normal", "heavy"])
@pytest.mark.parametrize("phi", [0.0, 0.3, 0.6, 0.9])
def test_memory_does_not_make_an_unchanged_series_look_shifted(phi, heavy):
    flagged = plain = 0
    for before, later in series(phi, heavy=heavy):
        found = shift(before, later)
        flagged += 2 * min(found.p_higher, found.p_lower) < 0.05
        m, n = 240, 60
        plain += abs(found.effect) / 2 > 1.96 * np.sqrt((m + n + 1) / (12 * m * n))
    assert flagged / SERIES <= 0.06 + share_doubt(0.05)
    if phi >= 0.6:
        assert plain / SERIES > 0.2, "the textbook test is misled by what this one withstands"


@pytest.mark.parametrize("phi", [0.0, 0.6, 0.9])
def test_a_series_that_stays_worse_is_hardly_ever_called_restored(phi):
    called = dict.fromkeys((0.1, 0.2), 0)
    for before, later in series(phi)[:150]:
        weeks = past([100 * (1 + SPREAD * one) for one in before])
        for change in called:
            worse = window_after(100 * (1 + SPREAD * later + change))
            called[change] += judge([seen(LATENCY, weeks, worse)])[0].verdict in BACK
    assert called[0.1] / 150 <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 150)
    assert called[0.2] / 150 <= 0.01 + 3 * np.sqrt(0.01 * 0.99 / 150)


def test_an_hour_of_independent_samples_is_enough_to_call_a_service_restored():
    called = 0
    for before, later in series(0.0)[:150]:
        weeks = past([100 * (1 + SPREAD * one) for one in before])
        called += judge([seen(LATENCY, weeks, window_after(100 * (1 + SPREAD * later)))])[0].verdict in BACK
    assert called / 150 >= 0.94 - 3 * np.sqrt(0.94 * 0.06 / 150)


def test_the_interval_holds_the_true_shift_as_often_as_it_says():
    missed_low = missed_high = 0
    for before, later in series(0.6):
        found = shift(before, later + 0.5)
        missed_low += found.low > 0.5
        missed_high += found.high < 0.5
    assert missed_low / SERIES <= 0.05 + share_doubt(0.05)
    assert missed_high / SERIES <= 0.05 + share_doubt(0.05)


@pytest.mark.parametrize("phi", [0.3, 0.6, 0.9])
def test_memory_is_found_whatever_the_distribution(phi):
    for heavy in (False, True):
        found = [memory([before, [later]]) for before, later in series(phi, heavy=heavy)[:60]]
        assert np.median(found) == pytest.approx(phi, abs=0.06)


def test_the_mean_score_varies_as_the_inflation_says():
    scores = ar1(np.random.default_rng(8), 4000, 30, 0.6)
    assert 30 * scores.mean(axis=1).var() == pytest.approx(inflation(0.6, 30), rel=0.08)


def test_tails_so_heavy_that_means_say_nothing_do_not_hide_a_shift():
    random = np.random.default_rng(5)
    seen = sum(shift([random.standard_cauchy(200)], random.standard_cauchy(60) + 2).p_higher < 0.05 for _ in range(50))
    assert seen >= 45
