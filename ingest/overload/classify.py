"""Which lane an input belongs to: that of the most urgent signal in it."""

from __future__ import annotations

from collections.abc import Callable

from engine.ports import Record
from engine.signals import AlertEvent, Change, Heartbeat, LogRecord, Millis, Samples, SampleTable, Signal, Span
from ingest.overload.policy import Lane

OLD: Millis = 900_000
"""Telemetry older than this is backfill."""

_LANES: dict[type, Lane] = {
    Heartbeat: Lane.URGENT,
    AlertEvent: Lane.ALERTS,
    Change: Lane.ALERTS,
    SampleTable: Lane.TELEMETRY,
    Samples: Lane.TELEMETRY,
    LogRecord: Lane.TELEMETRY,
    Span: Lane.TELEMETRY,
}

Urgent = Callable[[AlertEvent], bool]
"""Whether an alert is of tier 0, of security, or a heartbeat in the form of an alert."""


class Classifier:
    """``clock`` tells what telemetry is old: this happens before the input log and decides nothing but the queue."""

    def __init__(self, clock: Callable[[], Millis], old: Millis = OLD) -> None:
        self._clock, self._old = clock, old

    def __call__(self, record: Record) -> Lane:
        """By the kinds of its signals alone; `urgent_alerts` looks closer."""
        signals = record.decoded.signals if record.decoded is not None else ()
        if not signals:
            return Lane.ALERTS
        lane = _LANES.get(type(signals[0]), Lane.URGENT)
        if len(signals) > 1:
            lane = min([_LANES.get(kind, Lane.URGENT) for kind in set(map(type, signals))])
        if lane is Lane.TELEMETRY:
            newest = max(_newest(signals[0]), _newest(signals[-1]))
            if newest < self._clock() - self._old:
                return Lane.BACKFILL
        return lane


def urgent_alerts(record: Record, urgent: Urgent) -> bool:
    """Whether any alert in it is one that must never be missed."""
    signals = record.decoded.signals if record.decoded is not None else ()
    return any(isinstance(one, AlertEvent) and urgent(one) for one in signals)


_NOW: Millis = 1 << 62


def _newest(signal: Signal) -> Millis:
    """The time it speaks of; what has none speaks of now."""
    match signal:
        case SampleTable():
            return max(signal.times[0], signal.times[-1]) if len(signal) else _NOW
        case Samples():
            return signal.times[-1] if signal.times else _NOW
        case LogRecord():
            return _NOW if signal.at is None else signal.at
        case Span():
            return signal.end
        case _:
            return _NOW
