"""Duty rosters as iCalendar files (RFC 5545): every event is a shift of who its summary or attendee names.

Recurring events are spelled out when the file is read (`MOST` occurrences at most), in the event's own time zone, so
that decisions do not depend on a calendar library's version. Events without a time zone are UTC.
https://www.rfc-editor.org/rfc/rfc5545
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from dateutil.rrule import rrulestr
from icalendar import Calendar, Event

from rules.duty.model import Shift
from rules.errors import Problem

ID = "bad-roster"
MOST = 1000
_UNTIL = re.compile(r"UNTIL=(\d{8}T\d{6}Z)", re.ASCII)
LONGEST = timedelta(days=31)


def read_shifts(file: str, text: str) -> tuple[tuple[Shift, ...], list[Problem]]:
    """The shifts in a calendar, by start, and everything that is wrong with it. Never raises."""
    try:
        events = [one for one in Calendar.from_ical(text).walk("VEVENT") if isinstance(one, Event)]
    except (ValueError, IndexError, KeyError) as error:
        return (), [Problem(file, 1, f"no iCalendar file: {error}", "export it as .ics (RFC 5545)", ID)]
    shifts: list[Shift] = []
    problems: list[Problem] = []
    for event, line in zip(events, _lines(text), strict=False):
        person = _person(event)
        if str(event.get("STATUS", "")).upper() == "CANCELLED":
            continue
        if not person:
            problems.append(Problem(file, line, "an event without a summary or an attendee is nobody's shift", "", ID))
            continue
        try:
            shifts += [Shift(person, begin, end) for begin, end in _spans(event)]
        except (ValueError, TypeError, KeyError, ArithmeticError) as error:
            problems.append(Problem(file, line, f"the shift of {person[:100]} has no usable time: {error}", "", ID))
    if not events and not problems:
        problems.append(Problem(file, 1, "the calendar has no events: nobody is ever on duty", "", ID, warning=True))
    return tuple(sorted(set(shifts), key=lambda one: (one.starts_at, one.ends_at, one.person))), problems


def _lines(text: str) -> list[int]:
    found = [number for number, line in enumerate(text.splitlines(), 1) if line.strip().upper() == "BEGIN:VEVENT"]
    return found or [1]


def _person(event: Event) -> str:
    summary = str(event.get("SUMMARY", "")).strip()
    attendee = event.get("ATTENDEE")
    if isinstance(attendee, list):
        attendee = attendee[0] if attendee else None
    named = "" if attendee is None else str(attendee.params.get("CN", "") or attendee)
    return (summary or named.removeprefix("mailto:").removeprefix("MAILTO:"))[:200]


def _spans(event: Event) -> Iterator[tuple[int, int]]:
    begin, end = _moment(event.start), _moment(event.end)
    if not timedelta(0) < end - begin <= LONGEST:
        raise ValueError("it lasts less than nothing, or more than a month")
    rule = event.get("RRULE")
    if rule is None:
        yield _millis(begin), _millis(end)
        return
    local = begin.replace(tzinfo=None)
    left_out = {_moment(one.dt).replace(tzinfo=None) for one in _dates(event.get("EXDATE"))}
    text = _until(rule.to_ical().decode(), begin)
    for number, at in enumerate(rrulestr(text, dtstart=local)):
        if number >= MOST:
            return
        if at not in left_out:
            begins = at.replace(tzinfo=begin.tzinfo)
            yield _millis(begins), _millis((at + (end - begin)).replace(tzinfo=begin.tzinfo))


def _until(rule: str, begin: datetime) -> str:
    """The rule with its end in the event's own time zone, as its occurrences are."""
    found = _UNTIL.search(rule)
    if found is None:
        return rule
    end = datetime.strptime(found[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).astimezone(begin.tzinfo)
    return rule.replace(found[0], f"UNTIL={end:%Y%m%dT%H%M%S}")


def _dates(found: object) -> list:  # type: ignore[type-arg] # icalendar gives one, or several
    listed = found if isinstance(found, list) else [] if found is None else [found]
    return [one for group in listed for one in getattr(group, "dts", ())]


def _moment(value: date) -> datetime:
    """A date is its midnight; what has no zone is UTC."""
    at = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _millis(at: datetime) -> int:
    return round(at.timestamp() * 1000)
