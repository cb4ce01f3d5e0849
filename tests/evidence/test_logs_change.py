"""What changes in log records say, and when they say nothing."""

from __future__ import annotations

import random
from math import exp, factorial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.evidence.logs import flow as flows
from engine.evidence.logs import tails
from engine.evidence.logs.change import onset, rise
from engine.evidence.logs.counts import MINUTE
from engine.evidence.logs.discoveries import discoveries
from engine.evidence.logs.store import Logs
from engine.evidence.logs.terms import claims_errors, log_terms
from engine.evidence.logs.usual import Span, compared, dispersion
from engine.evidence.verdict import Term, verdict
from engine.reasons import Verdict

ONSET = 100
SINCE, UNTIL = (ONSET - 1) * MINUTE, (ONSET + 5) * MINUTE


class Story:
    """Records of one entity, minute by minute."""

    def __init__(self) -> None:
        self.logs = Logs()

    def say(self, minutes: range, count: int, message: str, level: str = "info", entity: str = "cart") -> Story:
        """So many records in each of the minutes."""
        for minute in minutes:
            for number in range(count):
                self.logs.add(entity, minute * MINUTE + number, level, message)
        return self

    def terms(self, *, claims: bool = False) -> dict[str, Term]:
        """The terms by kind."""
        return {t.kind: t for t in log_terms(self.logs, "cart", SINCE, UNTIL, claims=claims)}


def _usual() -> Story:
    return Story().say(range(30, 106), 10, "handled request")


def test_a_rise_of_errors_confirms_and_shows_its_evidence() -> None:
    story = _usual().say(range(40, 90, 10), 1, "cannot reach db 17", "error").say(range(100, 104), 5, "boom", "error")
    terms = story.terms()
    facts = terms["errors_rise"].facts
    assert (facts["seen"], facts["template"], facts["minutes"]) == (20, "boom", 7)
    assert facts["p"] < 1e-3
    assert facts["usual"] < 2
    assert terms["new_failure"].facts["template"] == "boom"
    assert verdict(terms.values())[0] is Verdict.CONFIRMED


def test_words_of_failure_without_a_level_weigh_less_and_do_not_confirm_alone() -> None:
    story = (
        _usual().say(range(60, 90), 1, "dial tcp: i/o timeout", "").say(range(100, 104), 9, "dial tcp: i/o timeout", "")
    )
    terms = story.terms()
    assert terms["failure_words_rise"].log_odds < 1.5
    assert verdict([terms["failure_words_rise"]])[0] is Verdict.UNVERIFIABLE


def test_errors_in_usual_number_are_no_evidence() -> None:
    story = _usual().say(range(30, 106), 2, "boom", "error")
    assert rise(story.logs, "cart", SINCE, UNTIL) is None
    assert not story.terms()


def test_ten_times_the_traffic_with_ten_times_the_errors_is_no_rise_of_errors() -> None:
    story = _usual().say(range(30, 100), 1, "boom", "error")
    story.say(range(99, 106), 90, "handled request").say(range(100, 106), 9, "boom", "error")
    assert rise(story.logs, "cart", SINCE, UNTIL) is None


def test_bursts_that_are_usual_are_no_rise_where_the_same_number_is_one_in_a_steady_history() -> None:
    bursts, steady = _usual(), _usual()
    for minute in range(32, 94, 6):
        bursts.say(range(minute, minute + 1), 18, "boom", "error")
        steady.say(range(minute, minute + 6), 3, "boom", "error")
    for story in (bursts, steady):
        story.say(range(101, 103), 22, "boom", "error")
    assert rise(bursts.logs, "cart", SINCE, UNTIL) is None
    assert rise(steady.logs, "cart", SINCE, UNTIL) is not None


def test_without_a_history_nothing_is_said() -> None:
    story = Story().say(range(100, 104), 50, "boom", "error")
    assert not story.terms(claims=True)
    assert onset(story.logs, "cart", 102 * MINUTE) is None
    assert rise(Logs(), "cart", 0, UNTIL) is None


def test_a_short_history_needs_more() -> None:
    little, much = Story().say(range(97, 99), 1, "ok"), Story().say(range(97, 99), 1, "ok")
    little.say(range(100, 102), 3, "boom", "error")
    much.say(range(100, 102), 40, "boom", "error")
    assert rise(little.logs, "cart", SINCE, UNTIL) is None
    assert rise(much.logs, "cart", SINCE, UNTIL) is not None


def test_own_downtime_is_neither_usual_nor_unusual() -> None:
    story = Story().say(range(30, 50), 10, "ok").say(range(95, 106), 10, "ok")
    story.logs.slept(50 * MINUTE, 95 * MINUTE - 1)
    assert flows.flow(story.logs, story.logs.entities["cart"]) == flows.ALIVE
    story.say(range(30, 50), 5, "boom", "error").say(range(96, 106), 5, "boom", "error")
    assert rise(story.logs, "cart", SINCE, UNTIL) is None  # it would be one if the downtime counted as without errors
    story.say(range(96, 106), 20, "boom", "error").logs.slept(99 * MINUTE, 110 * MINUTE)
    assert "errors_rise" in story.terms()  # what was sent later is known; only absence is not


def test_a_window_of_own_downtime_from_which_nothing_came_is_unknown() -> None:
    story = Story().say(range(30, 99), 10, "ok").say(range(106, 120), 10, "ok")
    assert "log_flow_drops" not in story.terms(claims=True)
    story.logs.slept(99 * MINUTE, 106 * MINUTE - 1)
    assert not story.terms(claims=True)


def test_a_source_that_stops_is_silent_and_speaks_neither_for_nor_against() -> None:
    story = Story().say(range(30, 100), 10, "ok").say(range(30, 110), 10, "ok", entity="shop")
    assert flows.flow(story.logs, story.logs.entities["cart"]) == flows.SILENT
    assert not story.terms(claims=True)


def test_a_flow_that_drops_without_stopping_speaks_for_the_alert_a_little() -> None:
    story = Story().say(range(30, 99), 20, "ok").say(range(99, 107), 2, "ok")
    assert set(story.terms(claims=True)) == {"log_flow_drops"}


def test_ordinary_logs_speak_against_an_alert_that_claims_errors_and_against_no_other() -> None:
    story = _usual()
    assert story.terms(claims=True)["logs_usual"].log_odds == -0.4
    assert not story.terms(claims=False)
    story.say(range(40, 90, 10), 1, "boom", "error")
    assert story.terms(claims=True)["logs_usual"].log_odds == -0.8
    assert verdict(story.terms(claims=True).values())[0] is Verdict.UNVERIFIABLE
    assert claims_errors("http_5xx_ratio")
    assert not claims_errors("latency")


@pytest.mark.parametrize("cut", [103, 104])
def test_ordinary_logs_say_nothing_before_the_window_is_over_or_where_they_end_in_it(cut: int) -> None:
    story = Story().say(range(30, cut), 10, "ok")
    assert "logs_usual" not in story.terms(claims=True)
    story.say(range(30, 120), 10, "ok", entity="shop")
    assert "logs_usual" not in story.terms(claims=True)


def test_a_failure_that_may_have_been_forgotten_is_not_new() -> None:
    story = _usual().say(range(101, 104), 4, "boom", "error")
    assert "new_failure" in story.terms()
    story.logs.entities["cart"].lost = 80
    assert "new_failure" not in story.terms()


def test_a_template_that_rises_is_found_among_many_that_do_not() -> None:
    rng = np.random.default_rng(5)
    story = Story()
    for number in range(26):
        for minute in range(30, 106):
            count = int(rng.poisson(3)) + (9 if number == 7 and minute >= 100 else 0)
            story.say(range(minute, minute + 1), count, f"step {chr(97 + number)} done", "warning")
    rising = [t for t in log_terms(story.logs, "cart", SINCE, UNTIL) if t.kind == "log_template_rises"]
    assert [t.facts["template"] for t in rising] == ["step h done"]


def test_the_onset_is_the_first_minute_of_the_rise_and_not_an_older_one() -> None:
    story = _usual().say(range(75, 77), 9, "boom", "error").say(range(92, 104), 6, "boom", "error")
    assert onset(story.logs, "cart", ONSET * MINUTE) == 92 * MINUTE
    assert onset(_usual().logs, "cart", ONSET * MINUTE) is None
    assert onset(story.logs, "shop", ONSET * MINUTE) is None


@given(st.integers(0, 40), st.floats(0.01, 30))
def test_tails_without_overdispersion_are_those_of_poisson(seen: int, mean: float) -> None:
    below = sum(exp(-mean) * mean**k / factorial(k) for k in range(seen))
    if seen > mean and 1 - below < tails.ENOUGH:
        assert tails.upper(seen, mean, mean) == pytest.approx(1 - below, abs=1e-9)
    at_most = below + exp(-mean) * mean**seen / factorial(seen)
    if seen < mean and at_most < tails.ENOUGH:
        assert tails.lower(seen, mean, mean) == pytest.approx(at_most, abs=1e-9)


def test_tails_are_those_of_a_simulated_negative_binomial() -> None:
    draws = np.random.default_rng(1).negative_binomial(2.0, 2.0 / 12.0, 400_000)
    assert tails.upper(35, 10.0, 60.0) == pytest.approx(np.mean(draws >= 35), rel=0.05)
    assert tails.lower(1, 10.0, 60.0) == pytest.approx(np.mean(draws <= 1), rel=0.05)


@pytest.mark.parametrize(("expected", "needs"), [(5, 15), (50, 75)])
def test_as_many_are_needed_as_an_exact_test_of_an_hour_against_five_minutes_needs(expected: int, needs: int) -> None:
    logs = Story().say(range(60), expected // 5, "boom", "error").logs

    def p(seen: int) -> float:
        logs.entities["cart"].classes["failed"].add(60)
        counts = logs.entities["cart"].of("failed")
        counts.counts[-1] = seen
        found = compared(counts, Span(60, 64, 5), Span(0, 59, 60))
        assert found is not None
        return found.above

    assert p(needs) < 1e-3 <= p(needs - 1)


@pytest.mark.parametrize(("size", "most"), [(None, 0.003), (5.0, 0.005), (1.0, 0.01)])
def test_bursts_do_not_alarm_where_the_test_of_poisson_would(size: float | None, most: float) -> None:
    """Nominal 1e-3; a Poisson tail fires in 1.5 % (k = 5) to 7.9 % (k = 1) of the windows."""
    rng = np.random.default_rng(3)
    logs = Logs()
    logs.add("cart", 0, "error", "boom")
    counts, fired, poisson = logs.entities["cart"].of("failed"), 0, 0
    for _ in range(1500):
        drawn = rng.poisson(10, 66) if size is None else rng.negative_binomial(size, size / (size + 10), 66)
        counts.minutes = type(counts.minutes)("I", range(66))
        counts.counts = type(counts.counts)("I", drawn.tolist())
        found = compared(counts, Span(60, 65, 6), Span(0, 54, 55))
        assert found is not None
        fired += found.above < 1e-3
        poisson += tails.upper(found.seen, found.usual, found.usual) < 1e-3
    assert fired / 1500 <= most
    assert size is None or poisson > 5 * fired


def test_dispersion_is_that_of_poisson_for_steady_counts_and_the_prior_without_any() -> None:
    assert dispersion([], 60) == 2.0
    assert dispersion([5] * 60, 60) == 1.0
    assert dispersion([60], 60) > 20


def test_few_of_many_null_tests_are_discoveries() -> None:
    rng = random.Random(2)
    false = sum(bool(discoveries([rng.random() for _ in range(50)])) for _ in range(400))
    assert false / 400 < 0.09
    assert discoveries([]) == []


@given(st.randoms(use_true_random=False), st.integers(0, 2**31))
def test_late_repeated_and_reordered_records_lead_to_the_same_terms(rng: random.Random, seed: int) -> None:
    maker = random.Random(seed)
    rows = [(maker.randrange(60, 100), "info", "handled request") for _ in range(60)]
    rows += [
        (maker.randrange(95, 106), maker.choice(["error", ""]), f"boom {maker.randrange(9)} failed") for _ in range(20)
    ]
    found = []
    for order in (rows, rng.sample(rows, len(rows))):
        logs = Logs()
        for minute, level, message in order:
            logs.add("cart", minute * MINUTE, level, message)
        found.append((list(log_terms(logs, "cart", SINCE, UNTIL, claims=True)), onset(logs, "cart", ONSET * MINUTE)))
    assert found[0] == found[1]
