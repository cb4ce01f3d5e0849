"""A window of spans beside what was before, and beside peers."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.evidence.traces.deviation import AT_LEAST, HISTORY, error_deviation, strata, time_deviation, usual_time
from engine.evidence.traces.onset import onset
from engine.evidence.traces.store import Traces
from engine.evidence.traces.tally import Tally, bin_of, upper
from engine.evidence.traces.terms import FLOW_LOG_ODDS, spans_deviate, trace_terms
from engine.evidence.traces.view import Look, TraceEvidence
from engine.evidence.verdict import verdict
from engine.reasons import Verdict
from tests.evidence.spans import MINUTE, T0, seen, span

BEGINS = 20
"""Minute in which the trouble begins in these scenarios."""
NOISE = (0.8, 0.9, 1.0, 1.0, 1.1, 1.3)


def minutes(
    *,
    own: float = 1.0,
    way: float = 1.0,
    some: float = 1.0,
    failing: float = 0.0,
    until: int = 25,
    since: int = 0,
    calls: int = 24,
) -> Traces:
    """The shop calls the cart, ``calls`` times a minute. From `BEGINS` on, the cart's own time (of a share ``some`` of
    the calls) and the way to it last so many times longer, and a share of its spans fails."""
    spans = []
    for minute in range(since, until):
        bad = minute >= BEGINS
        for call in range(calls):
            trace, at = f"{minute}-{call}", minute * MINUTE + call * (MINUTE // calls)
            hit = bad and call < some * calls
            cart = 20 * NOISE[call % 6] * (own if hit else 1.0)
            network = 4 * NOISE[(call + 3) % 6] * (way if hit else 1.0)
            client = cart + network
            spans += [
                span("c", "cart", "b", trace=trace, at=at, lasts=cart, failed=bad and call < failing * calls),
                span("b", "shop", "a", trace=trace, at=at, lasts=client, kind="client", operation="call"),
                span("a", "shop", trace=trace, at=at, lasts=client + 10 * NOISE[call % 6]),
            ]
    return seen(*spans)


def evidence(traces: Traces, entity: str, since: int = BEGINS) -> TraceEvidence:
    return Look(traces, T0 + since * MINUTE, T0 + 24 * MINUTE).of(entity)


def terms(traces: Traces, entity: str) -> dict[str, float]:
    found = trace_terms(traces, entity, T0 + BEGINS * MINUTE, T0 + 24 * MINUTE)
    return {term.kind: term.log_odds for term in found}


def test_a_busy_processor_shows_as_own_time_and_only_there():
    traces = minutes(own=5, some=0.4)
    cart, shop = evidence(traces, "cart"), evidence(traces, "shop")
    assert cart.self_time is not None
    assert cart.self_time.score > 5
    assert cart.self_time.ratio == pytest.approx(2.6, rel=0.15)  # 0.6 · 1 + 0.4 · 5
    assert cart.own > 3 * shop.own
    assert terms(traces, "cart") == {"self_time_up": 1.9}
    assert terms(traces, "shop").keys() == {"spans_flow"}


def test_a_slow_network_shows_on_the_edge_and_the_caller_only_waits():
    traces = minutes(way=30)
    cart, shop = evidence(traces, "cart"), evidence(traces, "shop")
    assert cart.own > 0.6
    assert shop.own < 0.1
    assert shop.waits > 0.6
    (edge,) = shop.network_out
    assert (edge.subject, edge.kind) == ("shop → cart", "network_time")
    assert edge.ratio == pytest.approx(30, rel=0.1)
    assert terms(traces, "cart") == {"network_time_up": 1.5}
    assert spans_deviate(traces, "cart", T0 + BEGINS * MINUTE, T0 + 24 * MINUTE)
    assert not spans_deviate(traces, "shop", T0 + BEGINS * MINUTE, T0 + 24 * MINUTE)


def test_failures_that_begin_here_show_here():
    traces = minutes(failing=0.5)
    found = evidence(traces, "cart").errors
    assert found is not None
    assert found.seen == pytest.approx(0.5)
    assert found.score > 5
    assert "errors_up" in terms(traces, "cart")
    assert "errors_up" not in terms(traces, "shop")


def test_normal_flow_is_weak_evidence_against_and_never_decides_alone():
    traces = minutes()
    assert terms(traces, "cart") == {"spans_flow": FLOW_LOG_ODDS}
    assert verdict(trace_terms(traces, "cart", T0 + BEGINS * MINUTE, T0 + 24 * MINUTE))[0] is Verdict.UNVERIFIABLE


def test_too_few_spans_say_nothing_for_or_against():
    assert terms(minutes(own=50, since=BEGINS), "cart") == {}  # no history
    assert terms(minutes(calls=1, until=BEGINS + 1), "cart") == {}  # one span
    assert terms(minutes(since=18), "cart") == {}  # two minutes of history do not show what is normal
    assert terms(Traces(), "cart") == {}


def test_faster_than_usual_has_a_negative_score():
    found = evidence(minutes(own=0.2), "cart").self_time
    assert found is not None
    assert found.score < -5
    assert found.ratio < 0.3


def test_a_change_in_the_mix_of_operations_is_no_deviation():
    quick = [span("a", "shop", trace=f"q{n}", at=n * 1000, lasts=1 + n % 3, operation="quick") for n in range(1200)]
    slow = [span("a", "shop", trace=f"s{n}", at=n * 20_000, lasts=90 + n % 30, operation="slow") for n in range(60)]
    window = [
        span("a", "shop", trace=f"w{n}", at=BEGINS * MINUTE + n * 100, lasts=90 + n % 30, operation="slow")
        for n in range(600)
    ]
    found = evidence(seen(*quick, *slow, *window), "shop").self_time
    assert found is not None
    assert abs(found.score) < 3
    assert found.ratio == pytest.approx(1, abs=0.1)


def test_minutes_that_always_differ_are_usual():
    def wild(amount: int) -> Traces:
        return seen(
            *(
                span("a", "shop", trace=f"{m}-{n}", at=m * MINUTE + n * 500, lasts=(5 + n % 4) * (20 if m % 4 else 1))
                for m in range(amount)
                for n in range(60)
            )
        )

    found = evidence(wild(24), "shop", since=21).self_time
    assert found is not None
    assert found.score < 5


def test_one_huge_time_is_one_exceedance():
    traces = minutes()
    entity, one = span("z", "cart", trace="z", at=(BEGINS + 1) * MINUTE, lasts=3_600_000 - MINUTE)
    traces.add(entity, one, T0 + (BEGINS + 1) * MINUTE)
    found = evidence(traces, "cart").self_time
    assert found is not None
    assert found.score < 3


def test_the_onset_is_the_first_minute_that_deviates():
    traces = minutes(own=8)
    assert onset(traces, "cart", T0 + 24 * MINUTE) == T0 + BEGINS * MINUTE
    assert onset(traces, "shop", T0 + 24 * MINUTE) is None
    assert onset(minutes(), "cart", T0 + 24 * MINUTE) is None
    assert onset(traces, "nobody", T0 + 24 * MINUTE) is None


def test_without_history_one_that_differs_from_all_peers_is_told_and_less_believed():
    spans = []
    for entity in range(8):
        for n in range(30):
            spans.append(span("a", f"e{entity}", trace=f"{entity}-{n}", at=n * 1000, lasts=500 if entity == 3 else 5))
    look = Look(seen(*spans), T0, T0 + MINUTE)
    own = {f"e{n}": look.of(f"e{n}") for n in range(8)}
    found = own["e3"].self_time
    assert found is not None
    assert (found.basis, found.history) == ("peers", 8)
    assert own["e3"].own > 0.4
    assert max(one.own for name, one in own.items() if name != "e3") < 0.01
    assert not spans_deviate(look.traces, "e3", T0, T0 + MINUTE)


def test_bins_are_half_octaves_and_hold_what_they_say():
    edges = [upper(place) for place in range(2, 80)]
    assert edges == sorted(set(edges))
    for time in (2, 3, 7, 100, 999_999, 10**9):
        assert time < upper(bin_of(time)) <= 1.5 * time + 1


@given(st.lists(st.tuples(st.integers(0, 10**7), st.booleans()), max_size=40))
@settings(max_examples=100, deadline=None)
def test_what_is_taken_back_leaves_nothing(times: list[tuple[int, bool]]):
    tally = Tally()
    for time, _ in times:
        tally.measure(time, 1)
    for time, _ in reversed(times):
        tally.measure(time, -1)
    assert (tally.total, tally.bins) == (0, {})


@given(st.lists(st.tuples(st.integers(0, 24), st.integers(0, 500)), max_size=60))
@settings(max_examples=60, deadline=None)
def test_any_history_gives_a_finite_score_and_honest_counts(times: list[tuple[int, int]]):
    traces = seen(*(span("a", "shop", trace=str(n), at=m * MINUTE, lasts=ms) for n, (m, ms) in enumerate(times)))
    found = strata(traces.of("shop").items(), T0 // MINUTE + BEGINS, T0 // MINUTE + 24)
    for one in (time_deviation(found), error_deviation(found)):
        if one is not None:
            assert -99 <= one.score <= 99
            assert one.spans >= AT_LEAST
            assert one.history >= HISTORY
            assert one.ratio > 0
    assert all(usual_time(stratum) >= 0 for stratum in found)
