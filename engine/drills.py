"""The drill lane: signals that are marked go through the same code with a state of their own, and touch nothing real.

An alert, log record, change or series is marked by the label `MARK`, whose value names the drill; a command or what
flows back from a ticket by the incident it is about, whose id begins with `DRILL`. What a drill says goes only to the
sinks that the rules name for drills, and into the record.
"""

from __future__ import annotations

from engine.shards import BITS
from engine.signals import DRILL_MARK, AlertEvent, Change, Command, LogRecord, Samples, Signal, Span, TicketEvent

MARK = DRILL_MARK
REAL, DRILL = "INC", "DRILL"
"""How the ids of incidents begin in either lane."""
FIRST_ALERT = 1 << (BITS - 1)
"""Numbers of alerts in the drill lane begin here, so far behind where a shard's begin."""
_LABELLED = (AlertEvent, Samples, LogRecord, Span, Change)


def is_drill(signal: Signal) -> bool:
    """Does a signal belong to the drill lane?"""
    if isinstance(signal, _LABELLED):
        return signal.labels.drill
    if isinstance(signal, Command):
        return of_drill(signal.target)
    return isinstance(signal, TicketEvent) and of_drill(signal.incident)


def of_drill(incident: str) -> bool:
    """Is this the id of an incident of a drill?"""
    return incident.startswith(f"{DRILL}-")


def drilled(number: int) -> bool:
    """Is this the number of an alert in the drill lane?"""
    return number & ((1 << BITS) - 1) >= FIRST_ALERT
