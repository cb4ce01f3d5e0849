"""When it began: the first minute in which the spans of an entity deviate from the minutes before."""

from __future__ import annotations

from engine.evidence.traces.cell import MINUTE
from engine.evidence.traces.store import Traces
from engine.evidence.traces.terms import spans_deviate
from engine.signals import Millis

EARLIER: Millis = 900_000
"""How long before an alert its trouble may have begun."""


def onset(traces: Traces, entity: str, around: Millis) -> Millis | None:
    """The beginning of the first deviating minute in the quarter of an hour until ``around``; None when there is none.

    Self time, errors and the network on the way in count: what an entity only waits for did not begin with it. One
    minute is small, so a trouble must be clear in it.
    """
    for minute in range((around - EARLIER) // MINUTE, around // MINUTE + 1):
        if spans_deviate(traces, entity, minute * MINUTE, minute * MINUTE):
            return minute * MINUTE
    return None
