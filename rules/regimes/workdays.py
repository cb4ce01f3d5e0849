"""Arithmetic on the working days and clocks of a place. Pure: the holidays stand in the calendar as dates."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta

from rules.regimes.model import Calendar, Millis, Regime
from rules.zones import zone

DAY_MINUTES = 24 * 60
ONE_DAY = timedelta(days=1)


def day_of(calendar: Calendar, at: Millis) -> date:
    """The calendar's day in which a moment lies."""
    return datetime.fromtimestamp(at // 1000, UTC).astimezone(zone(calendar.zone)).date()


def moment(calendar: Calendar, day: date, minute: int = 0) -> Millis:
    """The moment at which the calendar's clock shows a minute of a day; 1440 is the end of the day.

    Where the clocks go back the earlier of two moments counts; one that the clocks skip counts as that much later.
    """
    if minute >= DAY_MINUTES:
        day, minute = day + ONE_DAY, minute - DAY_MINUTES
    local = datetime(day.year, day.month, day.day, *divmod(minute, 60), tzinfo=zone(calendar.zone))
    return int(local.timestamp()) * 1000


def works(calendar: Calendar, day: date) -> bool:
    """Whether it is a working day: neither weekend nor holiday."""
    return day.weekday() not in calendar.weekend and day not in calendar.holidays


def next_working_day(calendar: Calendar, day: date) -> date:
    """The first working day after a day."""
    day += ONE_DAY
    while not works(calendar, day):
        day += ONE_DAY
    return day


def add_days(calendar: Calendar, at: Millis, days: int) -> Millis:
    """As far into the day that comes ``days`` later as ``at`` is into its own, and at most to that day's end."""
    day = day_of(calendar, at)
    return _as_far(calendar, at, day, day + timedelta(days=days))


def add_months(calendar: Calendar, at: Millis, months: int) -> Millis:
    """The same day of a later month, as far into it as ``at`` is into its own; where that month has no such day, the
    end of its last day (Regulation (EEC, Euratom) 1182/71, Article 3(2)(c))."""
    day = day_of(calendar, at)
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = monthrange(year, month + 1)[1]
    if day.day > last:
        return moment(calendar, date(year, month + 1, last), DAY_MINUTES)
    return _as_far(calendar, at, day, date(year, month + 1, day.day))


def add_business_days(calendar: Calendar, at: Millis, days: int, close: int) -> Millis:
    """Minute ``close`` of the last of ``days`` working days, the first being the one after that of ``at``."""
    day = day_of(calendar, at)
    for _ in range(days):
        day = next_working_day(calendar, day)
    return moment(calendar, day, close)


def after_year_end(calendar: Calendar, at: Millis, days: int) -> Millis:
    """The end of the last of ``days`` days after the calendar year of ``at``."""
    return moment(calendar, date(day_of(calendar, at).year, 12, 31) + timedelta(days=days), DAY_MINUTES)


def _as_far(calendar: Calendar, at: Millis, day: date, target: date) -> Millis:
    """Elapsed time since midnight, not the clock's reading: a later moment never gives an earlier result."""
    elapsed = at - moment(calendar, day)
    return min(moment(calendar, target) + elapsed, moment(calendar, target, DAY_MINUTES))


def in_force(regime: Regime, at: Millis) -> bool:
    """Whether a regime holds on the day of a moment, in its own zone."""
    day = day_of(regime.calendar, at)
    return regime.since <= day and (regime.until is None or day < regime.until)
