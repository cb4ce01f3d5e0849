"""What is new of a clock, in words for the timeline and for those who are told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from engine.clock_views import COUNTED_CLOCKS, ClockView
from engine.signals import Millis

ANSWERS = {"yes": "yes", "no": "no", "cannot_exclude": "cannot be excluded"}
NONE_LEFT = "no mark is left that it runs from"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def news_of(old: ClockView | None, view: ClockView) -> Iterator[str]:
    """What people want to hear of a clock, in words."""
    name = f"{view.regime}: {view.name} ({view.article})" if view.article else f"{view.regime}: {view.name}"
    was = old.state if old else ""
    if view.state == "not_applicable" and was and was != view.state:
        yield f"{name} no longer applies as far as the facts say: it stays until a person dismisses it"
    if was == "not_applicable" and view.state in COUNTED_CLOCKS:
        yield f"{name} applies again: {ANSWERS[view.applies]}"
    if view.state == "dismissed" and view.applies == "yes" and old is not None and old.applies != "yes":
        by = view.dismissed.by if view.dismissed else ""
        yield f"{name} was dismissed by {by}, but by the facts it applies now"
    if view.state == "fulfilled" and was != view.state:
        late = ", late" if view.late else ""
        yield f"{name} fulfilled: {view.stops} set by {view.fulfilled_by}{late}"
    if view.state in COUNTED_CLOCKS:
        yield from _running_news(name, old, view)


def _running_news(name: str, old: ClockView | None, view: ClockView) -> Iterator[str]:
    if_ = "would be " if view.provisional else ""
    if view.due is None:
        if old is not None and old.due is not None:
            yield f"{name} has no deadline any more: {NONE_LEFT}"
        return
    if old is None or old.due is None:
        yield f"{name} {if_}due {when(view.due)} ({'; '.join(view.reasons)})"
    elif old.due != view.due:
        yield f"{name} {if_}due {when(view.due)}, {when(old.due)} before ({'; '.join(view.reasons)})"
    elif old.provisional and not view.provisional:
        yield f"{name} is due {when(view.due)}: the duty has arisen"
    if view.state == "overdue" and (old is None or old.state != "overdue"):
        yield f"{name} is overdue since {when(view.due)}"
    elif view.passed and (old is None or not old.passed):
        yield f"{name} would have been due {when(view.due)}; it waits for {', '.join(view.waits_for)}"
    elif view.soon and not view.passed and (old is None or not old.soon):
        yield f"{name} {if_}due soon: {when(view.due)}"


def when(at: Millis) -> str:
    """A moment for people, in UTC."""
    return (EPOCH + timedelta(milliseconds=at)).strftime("%Y-%m-%d %H:%M:%S UTC")
