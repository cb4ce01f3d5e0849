"""Dependencies that spans show, beside those that are declared."""

from __future__ import annotations

import msgspec

from engine.evidence.traces.observed import CALLS, LONG, REPORTED, ObservedEdge, observed, unseen
from engine.evidence.traces.store import FORGOTTEN, Traces
from tests.evidence.spans import MINUTE, T0, seen, span


def calls(count: int, every: int = MINUTE, provider: str = "cart") -> list:
    return [
        one
        for n in range(count)
        for one in (
            span("b", provider, "a", trace=f"{provider}{n}", at=n * every, lasts=5, failed=n % 2 == 1),
            span("a", "shop", trace=f"{provider}{n}", at=n * every, lasts=10),
        )
    ]


def edges(traces: Traces, *declared: tuple[str, str]) -> list[ObservedEdge]:
    return list(observed(traces, lambda consumer, provider: (consumer, provider) in declared))


def test_an_edge_has_its_calls_a_minute_its_failures_and_when_it_was_seen():
    (edge,) = edges(seen(*calls(10)))
    assert edge == ObservedEdge("shop", "cart", 10, 5, 1.0, T0, T0 + 9 * MINUTE, declared=False)
    (edge,) = edges(seen(*calls(10)), ("shop", "cart"))
    assert edge.declared


def test_a_single_call_is_a_glimpse_and_no_finding():
    assert edges(seen(*calls(CALLS - 1))) == []


def test_a_declared_edge_is_missed_only_when_both_ends_reported_for_long():
    every = LONG // REPORTED + 1
    busy = seen(*calls(REPORTED + 2, every), *calls(REPORTED + 2, every, "mail"))
    pairs = [("cart", "mail"), ("shop", "cart"), ("shop", "tax"), ("tax", "mail")]
    (missed,) = unseen(busy, pairs)
    assert (missed.consumer, missed.provider, missed.since) == ("cart", "mail", T0 + 5)
    assert list(unseen(seen(*calls(REPORTED + 2), *calls(REPORTED + 2, MINUTE, "mail")), pairs)) == []  # half a day
    few = seen(*calls(20, LONG // 10), *calls(20, LONG // 10, "mail"))
    assert list(unseen(few, pairs)) == []


def test_an_edge_that_is_no_longer_seen_is_forgotten_after_a_month_and_comes_back():
    traces = seen(*calls(10))
    later = (FORGOTTEN + 200) * MINUTE
    traces.add(*span("x", "other", trace="later", at=later), T0 * 2)
    assert edges(traces) == []
    for n, (entity, one) in enumerate(calls(3)):
        shift = later + n
        moved = msgspec.structs.replace(
            one, start=one.start + shift, end=one.end + shift, start_us=(one.start_us or 0) + shift * 1000
        )
        traces.add(entity, moved, T0 * 2)
    assert [edge.calls for edge in edges(traces)] == [3]
