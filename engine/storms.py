"""Alert storms: more new alerts in a minute than the rules' threshold; over after a minute below it."""

from __future__ import annotations

from engine.context import Context
from engine.signals import Millis

MINUTE: Millis = 60_000


def note_new(context: Context, now: Millis) -> None:
    """Count a new alert."""
    state = context.state
    if now >= state.minute + MINUTE:
        state.minute, state.new_alerts = now // MINUTE * MINUTE, 0
    state.new_alerts += 1
    if state.new_alerts > context.rules.correlation.storm_threshold and not state.storm:
        state.storm = True
        context.timers.set(state.minute + 2 * MINUTE, "storm", "")


def storm_due(context: Context, _: str, due: Millis) -> None:
    """Timer ``storm``: has the last whole minute been calm?"""
    state = context.state
    latest = state.minute > due - 2 * MINUTE and state.new_alerts > context.rules.correlation.storm_threshold
    state.storm = latest
    if latest:
        context.timers.set(state.minute + 2 * MINUTE, "storm", "")
