"""Dependencies that spans show, and how they differ from those that are declared. Findings, never changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import msgspec

from engine.evidence.traces.network_time import UNSEEN
from engine.evidence.traces.store import Edge, Traces
from engine.signals import Millis

CALLS = 3
"""Calls from which an edge was seen, not merely glimpsed."""
LONG: Millis = 86_400_000
"""For how long both ends must have reported spans (and since the edge might have been used) before one is missed …"""
REPORTED = 1_000
"""… and how many spans each of them."""


class ObservedEdge(msgspec.Struct, frozen=True):
    """Calls from a consumer to a provider that spans show; times in milliseconds, ``per_minute`` calls on average."""

    consumer: str
    provider: str
    calls: int
    failed: int
    per_minute: float
    first: Millis
    last: Millis
    declared: bool


class UnseenEdge(msgspec.Struct, frozen=True):
    """A declared dependency that no span has shown, though both ends have reported spans since ``since``."""

    consumer: str
    provider: str
    since: Millis
    consumer_spans: int
    provider_spans: int


def observed(traces: Traces, declared: Callable[[str, str], bool]) -> Iterator[ObservedEdge]:
    """All edges seen, by consumer and provider. Another thread may add spans meanwhile."""
    for consumer in sorted(traces.edges):
        of = traces.edges.get(consumer, {})
        for provider in sorted(of):
            edge = of.get(provider)
            if edge is not None and provider != UNSEEN and edge.calls >= CALLS:
                yield _observed(consumer, provider, edge, declared(consumer, provider))


def unseen(traces: Traces, declared: Iterable[tuple[str, str]]) -> Iterator[UnseenEdge]:
    """Declared (consumer, provider) pairs that were not seen, where both ends have reported for long enough."""
    for consumer, provider in sorted(set(declared)):
        ends = traces.entities.get(consumer), traces.entities.get(provider)
        if ends[0] is None or ends[1] is None:
            continue
        seen = traces.edges.get(consumer, {}).get(provider)
        if seen is not None and seen.calls:
            continue
        since = max(ends[0].first, ends[1].first)
        until = min(ends[0].last, ends[1].last)
        spans = ends[0].spans, ends[1].spans
        if until - since >= LONG and min(spans) >= REPORTED:
            yield UnseenEdge(consumer, provider, since, *spans)


def _observed(consumer: str, provider: str, edge: Edge, declared: bool) -> ObservedEdge:
    minutes = max(1, (edge.last - edge.first) // 60_000 + 1)
    rate = round(edge.calls / minutes, 3)
    return ObservedEdge(consumer, provider, edge.calls, edge.failed, rate, edge.first, edge.last, declared)
