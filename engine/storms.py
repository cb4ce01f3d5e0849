"""Alert storms: when one begins, what it changes, when it is over.

It begins when the new alerts of a minute are more than is usual at this hour of the week (`engine.arrivals`), and ends
after three calm minutes. Everything is stored and correlated as ever. What changes is who is told of what: alerts of
unknown entities share one incident, and an incident of one lone alert waits (`engine.incidents`) until the storm is
over; those that still fire then are told together, one incident a domain. SEV1 and tier 0 do not wait.
"""

from __future__ import annotations

from engine.arrivals import MINUTE, Lines
from engine.context import Context
from engine.incidents import SETTLED
from engine.lifecycle import State
from engine.settle import touch
from engine.signals import Millis
from engine.state import Incident
from topology.model import UNMAPPED

CALM = 3
"""Calm minutes after which a storm is over."""
MARKS_KEPT = 100


def note_new(context: Context, now: Millis) -> None:
    """Count a new alert."""
    state = context.state
    arrivals, floor = state.arrivals, context.rules.correlation.storm_threshold
    arrivals.add(now)
    if state.storm:
        state.storms.alerts += 1
        state.storms.most = max(state.storms.most, arrivals.count)
    elif arrivals.count > floor and arrivals.count > (lines := arrivals.lines(now, floor)).enter:
        _begin(context, lines, now)


def storm_due(context: Context, _: str, due: Millis) -> None:
    """Timer ``storm``, at the end of each minute: was it calm?"""
    state = context.state
    minute = (due - 1) // MINUTE * MINUTE
    lines = state.arrivals.lines(minute, context.rules.correlation.storm_threshold)
    state.storms.calm = state.storms.calm + 1 if state.arrivals.in_minute(minute) <= lines.leave else 0
    if state.storms.calm >= CALM:
        _end(context, due)
    else:
        context.timers.set(due + MINUTE, "storm", "")


def _begin(context: Context, lines: Lines, now: Millis) -> None:
    state = context.state
    storm = state.storms
    state.storm = True
    storm.name, storm.since, storm.calm = f"storm-{state.position}", now, 0
    storm.alerts = storm.most = state.arrivals.count
    storm.parent, storm.waiting = "", set()
    storm.mark = state.next_mark
    state.next_mark += 1
    storm.marks = [*storm.marks, storm.mark][-MARKS_KEPT:]
    context.timers.set(now // MINUTE * MINUTE + MINUTE, "storm", "")
    known = f"of this hour over {lines.weeks} weeks" if lines.weeks > 1 else "of the rules: too little history"
    text = f"An alert storm: {storm.alerts} new alerts within a minute, above the line {known} ({lines.enter})"
    facts = {"alerts": storm.alerts, "line": lines.enter, "weeks": lines.weeks}
    context.tell(storm.name, UNMAPPED, now, "storm_began", text, facts=facts)


def _end(context: Context, now: Millis) -> None:
    state = context.state
    storm = state.storms
    state.storm = False
    left, gathered = _gather(context, now), len(storm.waiting)
    seconds = (now - storm.since) // 1000
    text = f"The storm is over after {seconds} s: {storm.alerts} new alerts, {storm.most} of them in a minute"
    if gathered:
        text += f"; of {gathered} lone alerts that waited, {left} still fire and are told now"
    facts = {
        "alerts": storm.alerts,
        "most": storm.most,
        "waited": gathered,
        "told": left,
        "seconds": seconds,
    }
    context.tell(storm.name, UNMAPPED, now, "storm_ended", text, facts=facts)
    storm.waiting = set()


def _gather(context: Context, now: Millis) -> int:
    """Tell what waited and still fires, together where it is of one domain; how many these are."""
    state = context.state
    by_domain: dict[str, list[Incident]] = {}
    for name in sorted(state.storms.waiting):
        incident = state.incidents.get(name)
        if incident is not None and incident.state is State.SUSPECTED and incident.firing:
            by_domain.setdefault(incident.domain, []).append(incident)
    for name, incidents in sorted(by_domain.items()):
        domain = context.domain(name)
        parent = state.storms.parent in domain.open
        if parent or len(incidents) > 1:
            mark = state.storms.mark if parent else state.next_mark
            state.next_mark += not parent
            state.storms.marks = list(dict.fromkeys([*state.storms.marks, mark]))[-MARKS_KEPT:]
            for incident in incidents:
                for number in sorted(incident.alerts):
                    if number not in domain.pins:
                        domain.glue.setdefault(number, mark)
            touch(context, name, now, urgent=True)
        for incident in incidents:
            context.timers.set(now + SETTLED, "declare", incident.id)
    return sum(map(len, by_domain.values()))
