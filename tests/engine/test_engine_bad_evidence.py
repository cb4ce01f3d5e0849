"""Bad telemetry, logs and spans through the whole core: no crash, bounded memory, and a verdict that says what it could
not use and gives it no weight."""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Sequence

import pytest

from engine.evidence.logs.store import GROUPS_PER_ENTITY
from engine.evidence.verdict import Term, verdict
from engine.outcomes import AlertView
from engine.reasons import Verdict
from engine.signals import Downtime, Labels, LogRecord, Millis, Samples, Signal, Span
from tests.engine.laws import World
from tests.engine.test_engine_onset import WOBBLE, live, samples
from tests.scenarios.world import chain, clock

MINUTE: Millis = 60_000
SHOP = chain("shop -> cart -> db")
START, ALERT, END = "09:00", "10:05", "10:12"
Rows = list[tuple[Millis, Signal]]


def minutes(since: str, until: str) -> range:
    return range(clock(since), clock(until), MINUTE)


def values(metric: str, at: Sequence[Millis], of: Sequence[float], *, late: Sequence[Millis] | None = None) -> Rows:
    """Points of the cart's series, each in a signal of its own; ``late``: when they arrive."""
    labels = Labels.of({"service": "cart", "__name__": metric})
    points = zip(at, of, late or at, strict=True)
    return [(arrives, Samples(labels, (when,), (value,))) for when, value, arrives in points]


def judged(*inputs: Rows, name: str = "ErrorsHigh") -> tuple[World, AlertView]:
    """The cart alerts in the midst of all this."""
    world = World(SHOP)
    rows = [row for one in inputs for row in one]
    live(world, [row for row in rows if row[0] < clock(ALERT)])
    world.at(ALERT).fire("cart", name, severity="critical")
    live(world, [row for row in rows if row[0] >= clock(ALERT)])
    world.at("10:20")
    alert = next(one for one in world.driven.alerts.values() if one.name == name)
    return world, alert


def unused(alert: AlertView) -> dict[str, dict[str, object]]:
    """Kind (and reason) of what could not be used -> its facts; it never weighs anything."""
    found = {}
    for term in alert.terms:
        if term["group"] == "unusable":
            assert term["log_odds"] == 0
            found[f"{term['kind']} {term['facts'].get('reason', '')}".strip()] = term["facts"]
    return found


def weighed(alert: AlertView) -> set[str]:
    return {term["kind"] for term in alert.terms if term["log_odds"]}


HEALTHY = samples("cart", "latency", START, END, 100)


def test_series_of_nothing_but_nan_and_infinities_are_named_and_not_used() -> None:
    at = list(minutes(START, END))
    bad = [(math.nan, math.inf, -math.inf)[n % 3] for n in range(len(at))]
    world, alert = judged(HEALTHY, values("errors_rate", at, bad))
    assert unused(alert)["series_unusable no_samples"]["metrics"] == ["errors_rate"]
    assert world.core.gauges()["samples_ignored"] == len(at)
    assert all(math.isfinite(term["log_odds"]) for term in alert.terms)


def test_single_nans_and_gaps_change_no_verdict() -> None:
    at = list(minutes(START, END))
    level = [(300.0 if when >= clock("10:02") else 100.0) + WOBBLE[n % 6] for n, when in enumerate(at)]
    whole = judged(values("latency", at, level))[1]
    holes = [math.nan if n % 5 == 2 else value for n, value in enumerate(level)]
    dropped = [(when, value) for n, (when, value) in enumerate(zip(at, level, strict=True)) if n % 7 != 3]
    for rows in (values("latency", at, holes), values("latency", [w for w, _ in dropped], [v for _, v in dropped])):
        alert = judged(rows)[1]
        assert (alert.verdict, weighed(alert)) == (whole.verdict, weighed(whole))


def test_a_series_that_stops_before_the_alert_says_nothing_of_it() -> None:
    _, alert = judged(HEALTHY, samples("cart", "error_rate", START, "09:40", 1))
    assert unused(alert)["series_unusable no_samples"]["metrics"] == ["error_rate"]


def test_a_series_that_its_sender_ended_is_named_as_ended() -> None:
    labels = Labels.of({"service": "cart", "__name__": "error_rate"})
    stale: Rows = [(clock("09:41"), Samples(labels, (clock("09:41"),), (math.nan,), True))]
    _, alert = judged(HEALTHY, samples("cart", "error_rate", START, "09:40", 1), stale)
    assert unused(alert)["series_unusable ended"]["metrics"] == ["error_rate"]


def test_counters_that_restart_are_no_evidence() -> None:
    at = list(minutes(START, END))
    counts = [float(60 * n if when < clock("10:03") else 60 * (n - 63)) for n, when in enumerate(at)]
    _, alert = judged(HEALTHY, values("failures_total", at, counts))
    assert "series_deviates" not in weighed(alert)


def test_constant_series_are_no_evidence_and_no_division_by_nothing() -> None:
    at = list(minutes(START, END))
    for level in (0.0, 7.0, -3.0, 1e300, 5e-324):
        _, alert = judged(values("error_rate", at, [level] * len(at)), values("cpu", at, [level] * len(at)))
        assert "series_deviates" not in weighed(alert)
        assert alert.verdict is not Verdict.CONFIRMED


def test_a_unit_that_changes_is_named_and_is_no_deviation() -> None:
    at = list(minutes(START, "10:20"))
    level = [(1000.0 if when >= clock("10:04") else 1.0) * (5 + WOBBLE[n % 6] / 20) for n, when in enumerate(at)]
    _, alert = judged(samples("cart", "cpu", START, "10:20", 30), values("latency_seconds", at, level))
    assert unused(alert)["series_unusable unit_change"]["metrics"] == ["latency_seconds"]
    assert "series_deviates" not in weighed(alert)
    assert alert.verdict is not Verdict.CONFIRMED
    worse = [level[n] * (1.7 if when >= clock("10:04") else 1.0) for n, when in enumerate(at)]
    _, alert = judged(samples("cart", "cpu", START, "10:20", 30), values("latency_seconds", at, worse))
    assert "series_deviates" in weighed(alert)


def test_clocks_that_are_ahead_push_nothing_out_and_clocks_that_lag_are_no_news() -> None:
    at = list(minutes(START, END))
    ahead = values("cpu_load", [when + 86_400_000 for when in at], [9.0] * len(at), late=at)
    behind = values("mem_load", [when - 7_200_000 for when in at], [9.0] * len(at), late=at)
    plain = judged(HEALTHY)[1]
    world, alert = judged(HEALTHY, ahead, behind)
    assert (alert.verdict, weighed(alert)) == (plain.verdict, weighed(plain))
    assert "mem_load" in unused(alert)["series_unusable no_samples"]["metrics"]  # type: ignore[operator]
    assert world.core.gauges()["samples_ignored"] >= len(at)


@pytest.mark.parametrize("seed", range(5))
def test_shuffled_samples_within_the_lateness_give_the_same_verdict(seed: int) -> None:
    rng = random.Random(f"shuffled {seed}")
    at = list(minutes(START, END))
    turn = clock("10:02")
    slow = [(300.0 if when >= turn else 100.0) + WOBBLE[n % 6] for n, when in enumerate(at)]
    busy = [(90.0 if when >= turn else 20.0) + WOBBLE[n % 6] for n, when in enumerate(at)]
    late = [when + rng.randrange(115_000) for when in at]
    plain = judged(values("latency", at, slow), values("cpu", at, busy), name="LatencyHigh")[1]
    other = judged(values("latency", at, slow, late=late), values("cpu", at, busy, late=late), name="LatencyHigh")[1]
    assert (other.verdict, other.terms) == (plain.verdict, plain.terms)


def log_rows(since: str, until: str, every: int, level: str, message: str) -> Rows:
    labels = Labels.of({"service": "cart"})
    return [
        (at, LogRecord(labels, at, level, message.replace("#", str(at))))
        for at in range(clock(since), clock(until), every)
    ]


SPOILED = {
    "a megabyte": "x" * 1_000_000,
    "a megabyte of words": "word " * 200_000,
    "binary": bytes(range(256)).decode("latin-1") * 16,
    "terminal": "\x1b[31;1mERROR\x1b[0m \x1b]0;title\x07 pool \x1b[2Jexhausted",
    "surrogates": "\ud800\udfff broken \udcff text",
    "brackets": "{" * 5000 + '"a":' * 500,
    "nothing": "",
}


@pytest.mark.parametrize("kind", SPOILED)
def test_spoiled_log_lines_are_cut_and_cleaned_and_harm_nobody(kind: str) -> None:
    spoiled = log_rows("10:00", "10:05", 20_000, "info", SPOILED[kind])
    world, alert = judged(log_rows(START, END, 10_000, "info", "served"), spoiled, name="Down")
    assert alert.verdict is not Verdict.CONFIRMED
    kept = world.core.state.logs.entities["cart"]
    assert all(len(group.text) <= 4096 and "\x1b" not in group.text for group in kept.groups.values())
    world.core.snapshot()


def test_ever_new_kinds_of_failures_are_bounded_and_the_verdict_says_that_it_cannot_tell_new_ones() -> None:
    """Scaled down from a million templates: what is kept does not grow with them."""
    rng = random.Random("templates")
    labels = Labels.of({"service": "cart"})

    def failure() -> str:
        return " ".join("".join(rng.choices("abcdefghijklmnop", k=7)) for _ in range(6))

    world = World(SHOP)
    for minute in minutes("09:30", "10:08"):
        world.driven.pass_time(minute)
        if minute == clock(ALERT):
            world.at(ALERT).fire("cart", "ErrorsHigh", severity="critical")
        world.driven.feed(minute, tuple(LogRecord(labels, minute, "error", failure()) for _ in range(100)))
    world.at("10:20")
    (alert,) = world.driven.alerts.values()
    logs = world.core.state.logs
    assert len(logs.entities["cart"].groups) <= GROUPS_PER_ENTITY
    assert logs.given_up > 1000
    assert "log_groups_given_up" in unused(alert)
    assert "new_failure" not in weighed(alert)
    before = len(world.core.snapshot())
    for number in range(3000):
        logs.add("cart", clock("10:20") + number, "error", failure())
    assert len(world.core.snapshot()) < 1.2 * before


def test_logs_that_fall_silent_are_named_and_prove_nothing() -> None:
    _, alert = judged(log_rows(START, "09:50", 10_000, "info", "served"))
    assert unused(alert)["logs_silent"]["last_line"] == clock("09:49")
    assert alert.verdict is Verdict.UNVERIFIABLE


def test_logs_that_have_just_begun_cannot_be_compared() -> None:
    _, alert = judged(log_rows("10:04", END, 10_000, "error", "no connection"))
    assert "logs_too_young" in unused(alert)
    assert alert.verdict is Verdict.UNVERIFIABLE


def test_own_downtime_in_the_window_is_named() -> None:
    world = World(SHOP)
    live(world, samples("cart", "latency", START, "09:58", 100))
    world.driven.feed(clock("10:04:30"), (Downtime(clock("09:58"), clock("10:04:30")),))
    world.at(ALERT).fire("cart", "ErrorsHigh", severity="critical")
    live(world, samples("cart", "latency", "10:06", END, 100))
    world.at("10:20")
    (alert,) = world.driven.alerts.values()
    assert unused(alert)["own_downtime"] == {"since": clock("09:58"), "until": clock("10:04")}


def span(trace: str, operation: str, at: Millis, lasts: int = 20_000) -> Span:
    labels = Labels.of({"service": "cart"})
    return Span(labels, trace, "a", "", operation, at, at + lasts // 1000, False, "server", at * 1000, lasts)


def test_too_few_spans_are_named_and_not_used() -> None:
    rows: Rows = [(at + MINUTE, span(str(at), "GET /", at)) for at in (clock("09:50"), clock("10:04"))]
    _, alert = judged(rows)
    assert "spans_too_few" in unused(alert)


def test_ever_new_operations_are_bounded_and_counted() -> None:
    """Scaled down from a million operations."""
    rng = random.Random("operations")
    world = World(SHOP)
    for minute in minutes("09:50", "10:05"):
        names = ["".join(rng.choices("abcdefghijklmnop", k=9)) for _ in range(400)]
        batch = tuple(span(f"{minute}-{n}", f"GET /{name}", minute - MINUTE) for n, name in enumerate(names))
        world.driven.pass_time(minute)
        world.driven.feed(minute, batch)
    world.at(ALERT).fire("cart", "Slow", severity="critical")
    world.at("10:12")
    assert len(world.core.state.traces.of("cart")) <= 49
    assert len(world.core.snapshot()) < 6_000_000


@pytest.mark.parametrize("lasts", [0, -5_000, sys.maxsize // 10**6])
def test_spans_of_impossible_lengths_crash_nothing(lasts: int) -> None:
    rows: Rows = [
        (at + 1000, span(f"{at}", "GET /", at, lasts if at > clock("10:00") else 20_000))
        for at in range(clock("09:40"), clock("10:08"), 3_000)
    ]
    world, alert = judged(rows)
    assert all(math.isfinite(term["log_odds"]) for term in alert.terms)
    world.core.snapshot()


def test_what_could_not_be_used_never_decides() -> None:
    """Neutral in every company: neither by weight nor as evidence from elsewhere."""
    nothing = Term(kind="logs_silent", group="unusable", log_odds=0.0, facts={}, claim=True)
    claims = [
        Term(kind="claim_harmless", group="claim", log_odds=-1.5, facts={}, claim=True),
        Term(kind="brief", group="course", log_odds=-1.0, facts={}, claim=True),
    ]
    assert verdict([*claims, nothing]) == verdict(claims)
    assert verdict(claims)[0] is Verdict.UNVERIFIABLE
