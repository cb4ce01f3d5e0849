"""When it began: the first minute in which the spans of an entity deviate from the minutes before."""

from __future__ import annotations

from engine.evidence.traces.cell import MINUTE
from engine.evidence.traces.store import Traces
from engine.evidence.traces.terms import deviates, spans_deviate
from engine.evidence.traces.view import Finding, Look
from engine.signals import Millis

EARLIER: Millis = 900_000
"""How long before an alert its trouble may have begun."""
SHORTLY: Millis = 180_000
"""Minutes in which a trouble that has just begun is clear."""


def onset(traces: Traces, entity: str, around: Millis) -> Millis | None:
    """The beginning of the first deviating minute in the quarter of an hour until ``around``; None when there is none.

    Self time, errors and the network on the way in count: what an entity only waits for did not begin with it. One
    minute is small, so a trouble must be clear in it.
    """
    for minute in range((around - EARLIER) // MINUTE, around // MINUTE + 1):
        if spans_deviate(traces, entity, minute * MINUTE, minute * MINUTE):
            return minute * MINUTE
    return None


def leading(traces: Traces, entity: str, around: Millis) -> tuple[Millis, Finding] | None:
    """The beginning of the first deviating minute from which on all until ``around`` deviates, taken together, and the
    strongest signal in it. A minute that deviates alone and leads to nothing is no beginning."""
    if entity not in traces.entities or not any(
        spans_deviate(traces, entity, around - back, around) for back in (SHORTLY, EARLIER)
    ):
        return None
    for minute in range((around - EARLIER) // MINUTE, around // MINUTE + 1):
        at = minute * MINUTE
        if spans_deviate(traces, entity, at, at) and (found := _strongest(traces, entity, at, around)) is not None:
            return at, found
    return None


def _strongest(traces: Traces, entity: str, since: Millis, until: Millis) -> Finding | None:
    look = Look(traces, since, until)
    edges = [(consumer, entity) for consumer in traces.consumers(entity)]
    own = (look.self_time(entity), look.errors(entity), look.network(edges, entity))
    found = [one for one in own if one is not None and deviates(one)]
    return max(found, key=lambda one: (one.strength, one.kind), default=None)
